"""The real `dapbridge serve`, and the way an editor takes to a fixture program in it.

    async with running("spin") as target, serving() as client:
        await attach(client, target, "spin.c", "work")
        stopped = await client.event("stopped")
"""

import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from support.dap_client import DapClient
from support.marks import mark
from support.targets import Target

WORKSPACE = "/home/me/project"
RULES = [{"from": WORKSPACE, "to": "/build/src"}]


@asynccontextmanager
async def serving(*arguments: str, env: Mapping[str, str] | None = None) -> AsyncIterator[DapClient]:
    """Run `dapbridge serve` for one client over stdio; after it the log must hold no error."""
    with TemporaryDirectory(prefix="dapbridge-test-") as folder:
        log = Path(folder) / "log"
        command = (sys.executable, "-m", "dapbridge", "serve", "--log-file", str(log), *arguments)
        async with await DapClient.spawn(*command, env=env) as client:
            yield client
        assert_no_errors(log, client)


async def attach(
    client: DapClient, target: Target, program: str, *marks: str, **arguments: Any
) -> list[dict[str, Any]]:
    """Attach to `target` with breakpoints at the marks of its source; return these as the client sees them.

    The client has the source in WORKSPACE. arguments: more of the attach configuration, e.g. process=7.
    """
    path = client_path(program)
    configuration = {"target": target.uri, "substitutePath": RULES, **arguments}
    placed = await client.attach(configuration, {path: [mark(program, each) for each in marks]} if marks else None)
    return placed.get(path, [])


def client_path(program: str) -> str:
    """Return where the client has the source of a fixture program."""
    return f"{WORKSPACE}/{program}"


def assert_no_errors(log: Path, client: DapClient | None = None) -> None:
    """Assert that the server has logged no error and written none to stderr."""
    text = log.read_text() if log.exists() else ""
    stderr = client.stderr if client else ""
    bad = [line for line in text.splitlines() if " ERROR " in line or " CRITICAL " in line]
    assert not bad, f"errors in the server's log:\n{text}"
    assert "Traceback" not in stderr, stderr
