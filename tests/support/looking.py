"""What an editor asks at a stop, in short."""

from typing import Any

from support.dap_client import DapClient, JsonObject


async def frames(client: DapClient, thread_id: int, levels: int = 0) -> list[JsonObject]:
    """Return a thread's frames, all for `levels` 0."""
    body = await client.request("stackTrace", {"threadId": thread_id, "startFrame": 0, "levels": levels})
    found: list[JsonObject] = body["stackFrames"]
    return found


async def place(client: DapClient, thread_id: int) -> tuple[str, int]:
    """Return the function and line where a thread stands."""
    (frame,) = await frames(client, thread_id, levels=1)
    return frame["name"], frame["line"]


async def references(client: DapClient, frame_id: int) -> dict[str, int]:
    """Return the variablesReference of a frame's scopes by name."""
    scopes = (await client.request("scopes", {"frameId": frame_id}))["scopes"]
    return {scope["name"]: scope["variablesReference"] for scope in scopes}


async def opened(client: DapClient, reference: int, **page: Any) -> dict[str, JsonObject]:
    """Return the variables behind a variablesReference by name."""
    body = await client.request("variables", {"variablesReference": reference, **page})
    return {variable["name"]: variable for variable in body["variables"]}


async def values(client: DapClient, reference: int, **page: Any) -> dict[str, str]:
    """Return the values of the variables behind a variablesReference by name."""
    return {name: variable["value"] for name, variable in (await opened(client, reference, **page)).items()}
