"""A dlv that runs headless already, anywhere: relayed like our own, but neither it nor its target is ours to end.

Such a dlv leaves breakpoints in place when a client goes, and the target as it stands. So whatever ends the session,
the agent that holds the connection says a farewell on it: breakpoints out, go on.
"""

import itertools
import re
import time
from collections.abc import Mapping
from contextlib import suppress

from dapbridge.agent.client import Agent, Channel
from dapbridge.config import AttachConfig
from dapbridge.dap.connection import DapConnection
from dapbridge.dap.messages import Event, JsonObject, Request, Response
from dapbridge.engines import delve
from dapbridge.engines.relay.dialect import Ask, M
from dapbridge.errors import ProtocolError, UserError
from dapbridge.transport import Transport

_FIRST_FAREWELL = 1 << 30
"""Numbers the farewell's requests, above those of any session."""

_SINGLE_USE = (
    "This dlv was started without --accept-multiclient: it ends by itself when this session does, and with it the"
    " program that it has started"
)
_INSTRUCTIONS = (
    "no instruction breakpoints in a dlv that runs elsewhere: it could not take them out while the target runs"
)


class RunningDelve:
    """See `relay.dialect.Dialect`."""

    name = "dlv"
    refused: Mapping[str, str] = {"setInstructionBreakpoints": _INSTRUCTIONS}
    hidden = frozenset(("supportsInstructionBreakpoints",))

    def __init__(self, address: str, agent: Agent) -> None:
        self.stands_since: float | None = None
        self._address = address
        self._agent = agent
        self._words = delve.Words()
        self._channel: Channel | None = None
        self._serves_more = False
        # What has to be taken out at the end: the requests that do it, by what they are for.
        self._clearing: dict[str, tuple[str, JsonObject]] = {}

    async def start(self, config: AttachConfig) -> Transport:
        """See Dialect."""
        try:
            self._channel = await self._agent.open_connection(None, self._address)
        except UserError as error:
            raise UserError(f'{error}: "delve.address" is where `dlv --headless --listen=…` listens') from None
        return self._channel

    def attach_arguments(self, given: JsonObject, stop_on_entry: bool) -> JsonObject:
        """See Dialect."""
        return {**delve.own_settings(given), "mode": "remote", "stopOnEntry": stop_on_entry}

    def on_sent(self, command: str, arguments: JsonObject) -> None:
        """Have the farewell take out again what is put in now."""
        if command == "setBreakpoints":
            source = arguments.get("source")
            self._clearing[f"{command} {source}"] = (command, {"source": source, "breakpoints": []})
        elif command == "setFunctionBreakpoints":
            self._clearing[command] = (command, {"breakpoints": []})
        elif command != "attach":
            return
        if self._channel is None:
            return
        numbers = itertools.count(_FIRST_FAREWELL)
        connection = DapConnection()
        requests = [*self._clearing.values(), ("continue", {"threadId": 1})]
        farewell = b"".join(connection.send(Request(next(numbers), name, body)) for name, body in requests)
        with suppress(ProtocolError):  # the agent is gone, and has said the last one
            self._agent.set_farewell(self._channel, farewell)

    def explain(self, error: str) -> str:
        """See Dialect."""
        return delve.explain(error)

    def changes_target(self, request: Request) -> bool:
        """See Dialect."""
        return delve.changes_target(request)

    def to_client(self, message: M) -> M:
        """See Dialect."""
        if isinstance(message, Event) and message.event == "capabilities":
            # It offers to leave the target to itself, so it lives on, or has attached to it as we would.
            self._serves_more = True
        return self._words.to_client(message)

    def note_on(self, message: Response | Event) -> str | None:
        """See Dialect."""
        if isinstance(message, Response) and message.command == "configurationDone":
            return None if self._serves_more else _SINGLE_USE
        return delve.note_on(message)

    async def find_sources(self, file_name: str, ask: Ask) -> list[str]:
        """Ask dlv, which holds the target for that until the client has finished configuring."""
        if self.stands_since is None:
            arguments = self.attach_arguments({}, stop_on_entry=False)
            self.on_sent("attach", arguments)
            self.stands_since = time.monotonic()
            await ask("attach", arguments)
        wanted = f"dlv sources (^|/){re.escape(file_name)}$"
        answer = await ask("evaluate", {"expression": wanted, "context": "repl"})
        return str(answer.get("result", "")).splitlines()

    async def wait_target_end(self) -> None:
        """See Dialect; nobody knows more than dlv."""

    async def wait_end(self) -> str | None:
        """See Dialect."""
        return None if self._agent.end_reason is not None else f"the connection to {self._address} was closed"

    async def let_go(self) -> None:
        """See Dialect: the agent says farewell at its end, which follows."""
