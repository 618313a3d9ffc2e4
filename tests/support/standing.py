"""A client whose target stands at a mark: what it sees of the frame there, in short.

async with standing(client, "values", "values.cpp", "core") as here:
    locals_ = await here.locals()
    dog = await here.open(locals_["dog"])
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from support.dap_client import DapClient, JsonObject
from support.looking import frames, opened, references
from support.serving import attach
from support.targets import DockerTarget, running


class Standing:
    """One frame of a target that stands."""

    def __init__(self, client: DapClient, target: DockerTarget, thread_id: int, frame_id: int) -> None:
        self.client = client
        self.target = target
        self.thread_id = thread_id
        self.frame_id = frame_id

    async def locals(self, **arguments: Any) -> dict[str, JsonObject]:
        """Return the frame's locals by name; arguments: more of `variables`."""
        return await self.variables((await references(self.client, self.frame_id))["Locals"], **arguments)

    async def variables(self, reference: int, **arguments: Any) -> dict[str, JsonObject]:
        """Return the variables behind a reference by name."""
        return await opened(self.client, reference, **arguments)

    async def open(self, variable: JsonObject, **arguments: Any) -> dict[str, JsonObject]:
        """Return what is in a variable by name; it must be one that can be opened."""
        assert variable["variablesReference"], variable
        return await self.variables(variable["variablesReference"], **arguments)

    async def shown(self, variable: JsonObject, **arguments: Any) -> dict[str, str]:
        """Return the values of what is in a variable by name."""
        return {name: each["value"] for name, each in (await self.open(variable, **arguments)).items()}

    async def evaluate(self, expression: str, context: str = "watch", **arguments: Any) -> JsonObject:
        """Return what an expression gives in the frame."""
        wanted = {"expression": expression, "context": context, "frameId": self.frame_id, **arguments}
        return await self.client.request("evaluate", wanted)

    async def refuses(self, expression: str, context: str = "watch") -> str:
        """Return the error that an expression gives in the frame."""
        wanted = {"expression": expression, "context": context, "frameId": self.frame_id}
        return str(await self.client.refused("evaluate", wanted))


@asynccontextmanager
async def standing(
    client: DapClient, fixture: str, source: str, mark: str, level: int = 0, **arguments: Any
) -> AsyncIterator[Standing]:
    """Let a fixture program stand at a mark, seen from the frame `level`; at the end it must have been let go."""
    async with running(fixture) as target:
        await attach(client, target, source, mark, **arguments)
        thread_id = (await client.event("stopped", reason="breakpoint"))["threadId"]
        frame = (await frames(client, thread_id, levels=level + 1))[level]
        yield Standing(client, target, thread_id, frame["id"])
        await client.disconnect()
        await target.assert_let_go()
        await target.assert_runs_on()
