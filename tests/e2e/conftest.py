"""What the end-to-end tests share: `client`, an editor's end of a real `dapbridge serve` over stdio.

`support.serving` has the rest: `serving` for a server of one's own, `attach` to go to a fixture program.
"""

from collections.abc import AsyncIterator, Iterator

import pytest
from support import engines
from support.dap_client import DapClient
from support.dap_features import unproven
from support.serving import serving


@pytest.fixture(autouse=True)
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """The engine that the test runs with: `support.serving` attaches with it."""
    name: str = getattr(request, "param", "gdb")
    before = engines.current.set(name)
    before_sidecar = engines.sidecar.set(request.config.getoption("--sidecar"))
    yield name
    engines.sidecar.reset(before_sidecar)
    engines.current.reset(before)


@pytest.fixture
async def client(engine: str) -> AsyncIterator[DapClient]:
    """A client of a server of its own; at the end it has left, and the server's log must hold no error."""
    async with serving() as connected:
        yield connected


@pytest.fixture(autouse=True)
def claims(request: pytest.FixtureRequest) -> Iterator[None]:
    """See that a test has shown the features of DAP that its mark `shows` claims."""
    DapClient.made.clear()
    yield
    claimed = [name for mark in request.node.iter_markers("shows") for name in mark.args]
    missing = unproven(claimed, (client.transcript for client in DapClient.made))
    assert not missing, f"claimed by the mark `shows` but not seen in this test: {', '.join(sorted(missing))}"
