# `make demo` and `make test` need nothing before them on Debian or Ubuntu with Python 3.11 or newer, as root or with sudo.

SETUP := @.ci/setup
# More arguments for pytest or the benchmark: make test ARGS="-k breakpoints", make bench ARGS="--runs 3"
ARGS :=

# The extension for VS Code, with the Node.js of the virtual environment.
NPM := PATH="$(CURDIR)/.venv/bin:$$PATH" npm --prefix vscode-extension

# As an installed dapbridge is, also where Python is told to write no bytecode.
COMPILE = .venv/bin/python -m compileall -q dapbridge

.PHONY: help demo test bench bench-stacks bench-go bench-lldb check format docs vsix lock clean

help:
	@echo "make demo    attach to a small program and show what an editor would show; needs no container engine"
	@echo "make test    set up everything, a Docker engine included, then check and run all tests"
	@echo "make bench   measure attach and steps beside gdb's own DAP server and raw gdb/MI"
	@echo "make bench-stacks  measure for how long a target stands for its stacks, beside gdb and eu-stack"
	@echo "make bench-go  measure the relay to Delve beside a client of Delve itself"
	@echo "make bench-lldb  measure LLDB beside lldb-dap, and compare what both show of stacks"
	@echo "make check   format, lint, types and layers, as 'make test' runs them first"
	@echo "make format  format the code and fix what the linter can fix"
	@echo "make docs    write the table of docs/dap.md and the schemas in docs/ anew from the code and the tests"
	@echo "make vsix    package the extension for VS Code as vscode-extension/dist/dapbridge.vsix"
	@echo "make lock    pin the dependencies anew in requirements.lock"
	@echo "make clean   remove what was made here, but no image and no engine"

demo:
	$(SETUP) demo
	@.ci/as-root .venv/bin/python fixtures/demo.py

test:
	$(SETUP) test
	@$(MAKE) --no-print-directory check
	$(NPM) test
	@.ci/as-root .venv/bin/pytest $(ARGS)

bench-go:
	$(SETUP) test
	@$(COMPILE)
	@.ci/as-root env PYTHONPATH=.:tests:bench .venv/bin/python bench/delve.py $(ARGS)

bench-lldb:
	$(SETUP) test
	@$(COMPILE)
	@.ci/as-root env PYTHONPATH=.:tests .venv/bin/python bench/lldb_dap.py $(ARGS)

bench:
	$(SETUP) test
	@$(COMPILE)
	@.ci/as-root env PYTHONPATH=.:tests .venv/bin/python bench/attach.py $(ARGS)

bench-stacks:
	$(SETUP) test
	@$(COMPILE)
	@.ci/as-root env PYTHONPATH=.:tests .venv/bin/python bench/stacks.py $(ARGS)

check:
	$(SETUP) venv
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(NPM) run --silent check

format:
	$(SETUP) venv
	.venv/bin/ruff format
	.venv/bin/ruff check --fix
	$(NPM) run --silent format

docs:
	$(SETUP) venv
	PYTHONPATH=.:tests .venv/bin/python -m support.dap_features
	.venv/bin/python -m dapbridge.headless.schemas

vsix:
	$(SETUP) venv
	$(NPM) run --silent package

# uv resolves for every platform and Python version at once; it is needed here only and lives in a throw-away place.
lock:
	@place=$$(mktemp -d) && trap 'rm -rf "$$place"' EXIT \
	  && python3 -m venv "$$place" && "$$place/bin/pip" --quiet install uv \
	  && "$$place/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --extra dev \
	       --no-header --upgrade pyproject.toml -o requirements.lock

clean:
	@.ci/as-root rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist build test-artifacts \
	  vscode-extension/node_modules vscode-extension/dist tests/editors/vscode/node_modules
	@.ci/as-root find . -name __pycache__ -type d -prune -exec rm -rf {} +
