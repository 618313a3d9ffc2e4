"""What the end-to-end tests share: `client`, an editor's end of a real `dapbridge serve` over stdio.

`support.serving` has the rest: `serving` for a server of one's own, `attach` to go to a fixture program.
"""

from collections.abc import AsyncIterator

import pytest
from support.dap_client import DapClient
from support.serving import serving


@pytest.fixture
async def client() -> AsyncIterator[DapClient]:
    """A client of a server of its own; at the end it has left, and the server's log must hold no error."""
    async with serving() as connected:
        yield connected
