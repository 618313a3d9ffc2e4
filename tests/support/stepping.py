"""Steps as an editor makes them: a request, its `stopped`, and the place where the thread stands then."""

from typing import Any

from support.dap_client import DapClient, JsonObject
from support.looking import frames, place


async def step(client: DapClient, command: str, thread_id: int, **arguments: Any) -> tuple[str, int]:
    """Step; return the function and line where that ends. Raises AssertionError unless it ends as a step."""
    stopped = await stop_of(client, command, thread_id, **arguments)
    assert (stopped["reason"], stopped["threadId"]) == ("step", thread_id), stopped
    return await place(client, thread_id)


async def stop_of(client: DapClient, command: str, thread_id: int, **arguments: Any) -> JsonObject:
    """Send a request that lets the target go on; return the body of the stop that follows."""
    await client.request(command, {"threadId": thread_id, **arguments})
    return await client.event("stopped")


async def address(client: DapClient, thread_id: int) -> str:
    """Return where the thread stands."""
    (top,) = await frames(client, thread_id, levels=1)
    found: str = top["instructionPointerReference"]
    return found
