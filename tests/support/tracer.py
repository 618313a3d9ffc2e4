"""A process of this host that traces another one, as a debugger that somebody else has started does."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from support.dap_client import LIMIT_S

_TRACER = """
import sys
from dapbridge.agent.remote import kernel
kernel.ptrace(kernel.PTRACE_SEIZE, int(sys.argv[1]))
print("traces it", flush=True)
sys.stdin.read()
"""


@asynccontextmanager
async def tracer_of(pid: int) -> AsyncIterator[Process]:
    """Trace a process from this host's PID namespace for the block; gives the tracer."""
    tracer = await asyncio.create_subprocess_exec(sys.executable, "-c", _TRACER, str(pid), stdin=PIPE, stdout=PIPE)
    assert tracer.stdin
    assert tracer.stdout
    async with asyncio.timeout(LIMIT_S):
        assert await tracer.stdout.readline() == b"traces it\n"
    try:
        yield tracer
    finally:
        tracer.stdin.close()
        await tracer.wait()
