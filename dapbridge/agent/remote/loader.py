"""The first module that runs in the sidecar: makes the modules importable, and starts the agent's main."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType
    from typing import Any


class BundleFinder:
    """Finds and loads modules from a dict of sources by full names; packages around them that aren't in it are empty.

    As `__loader__` of its modules it also gives linecache their sources, so tracebacks show their lines.
    """

    def __init__(self, sources: dict[str, str]) -> None:
        self._sources = sources
        self._packages: set[str] = set()
        for name in sources:
            while name := name.rpartition(".")[0]:
                self._packages.add(name)
        self.compile: Callable[[str], CodeType] = self._compile
        """Returns the code of a module; another function may take its place."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name not in self._sources and name not in self._packages:
            return None
        spec_class: Any = type(sys.__spec__)  # importlib.machinery's, without the time to import that
        spec: ModuleSpec = spec_class(name, self, origin=f"<bundle>/{name}", is_package=name in self._packages)
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(self.compile(module.__name__), module.__dict__)

    def get_source(self, name: str) -> str | None:
        return self._sources.get(name)

    def names(self) -> list[str]:
        """Return the modules' full names, in the order that they came in."""
        return list(self._sources)

    def _compile(self, name: str) -> CodeType:
        return compile(self._sources.get(name, ""), f"<bundle>/{name}", "exec", dont_inherit=True)


def start(bundle: dict[str, Any]) -> None:
    """Run the agent that came as `bundle` (dapbridge.agent.bundle)."""
    sys.meta_path.insert(0, BundleFinder(bundle["sources"]))
    from dapbridge.agent.remote.main import main

    main(bundle["scope"], bundle["silence_s"], bundle["early_argv"])
