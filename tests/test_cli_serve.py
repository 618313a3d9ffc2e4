import subprocess
import sys

from click.testing import CliRunner
from support.fake_command import ENVIRONMENT, SERVE

from dapbridge import __version__
from dapbridge.cli import main


def test_version() -> None:
    result = CliRunner().invoke(main, ["--version"])
    assert result.output == f"dapbridge, version {__version__}\n"


def test_help_of_serve_names_its_options() -> None:
    result = CliRunner().invoke(main, ["serve", "--help"])
    assert result.exit_code == 0
    for option in ("--listen", "--log-file", "--verbose", "HOST:PORT", "unix:PATH"):
        assert option in result.output


def test_help_imports_nothing_heavy() -> None:
    heavy = "{'docker', 'asyncio', 'msgspec', 'elftools'}"
    check = f"import sys, dapbridge.cli; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_initialize_is_answered_before_anything_heavy_is_imported() -> None:
    heavy = "{'docker', 'requests', 'elftools', 'pygdbmi', 'importlib.resources'}"
    told = f"atexit.register(lambda: print(sorted({heavy} & set(sys.modules)), file=sys.stderr))"
    code = f"import atexit, sys; {told}; from dapbridge.cli import main; main(['serve'])"
    body = b'{"seq": 1, "type": "request", "command": "initialize", "arguments": {"adapterID": "dapbridge"}}'
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=b"Content-Length: %d\r\n\r\n%b" % (len(body), body),
        capture_output=True,
        check=True,
    )
    assert b'"command":"initialize","success":true' in done.stdout
    assert done.stderr == b"[]\n"


def test_a_log_file_that_cannot_be_written_is_said() -> None:
    done = subprocess.run(
        [*SERVE, "--log-file", "/nonexistent/log"],
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "can't write the log to /nonexistent/log: No such file or directory" in done.stderr
