"""A dlv that runs headless already, anywhere: relayed like our own, but neither it nor its target is ours to end.

Such a dlv leaves breakpoints in place when a client goes, and the target as it stands. So whatever ends the session,
the agent that holds the connection says a farewell on it: breakpoints out, go on.
"""

import re
import time

from dapbridge.agent.client import Agent
from dapbridge.config import AttachConfig
from dapbridge.dap.messages import Event, JsonObject, Request, Response
from dapbridge.engines import delve
from dapbridge.engines.relay.dialect import Ask, M
from dapbridge.errors import UserError
from dapbridge.transport import Transport

_SINGLE_USE = (
    "This dlv was started without --accept-multiclient: it ends by itself when this session does, and with it the"
    " program that it has started"
)
_CALLS = "no calls in a dlv that runs elsewhere: one that is interrupted would leave the target standing"
_INSTRUCTIONS = (
    "no instruction breakpoints in a dlv that runs elsewhere: it could not take them out while the target runs"
)


class RunningDelve:
    """See `relay.dialect.Dialect`."""

    name = "dlv"
    hidden = frozenset(("supportsInstructionBreakpoints",))

    def __init__(self, address: str, agent: Agent) -> None:
        self.stands_since: float | None = None
        self._address = address
        self._agent = agent
        self._words = delve.Words()
        self._farewell = delve.Farewell(agent)
        self._is_attached = False
        self._serves_more = False

    async def start(self, config: AttachConfig) -> Transport:
        """See Dialect."""
        try:
            channel = await self._agent.open_connection(None, self._address)
        except UserError as error:
            raise UserError(f'{error}: "delve.address" is where `dlv --headless --listen=…` listens') from None
        self._farewell.open(channel)
        return channel

    def attach_arguments(self, given: JsonObject, stop_on_entry: bool) -> JsonObject:
        """See Dialect."""
        return {**delve.own_settings(given), "mode": "remote", "stopOnEntry": stop_on_entry}

    def on_sent(self, request: Request) -> None:
        """See Dialect."""
        self._farewell.note(request.command, request.arguments)
        self._is_attached |= request.command == "attach"
        self._farewell.set(self._is_attached)

    def on_answered(self, response: Response) -> None:
        """See Dialect."""

    def explain(self, error: str) -> str:
        """See Dialect."""
        return delve.explain(error)

    def find_refusal(self, request: Request) -> str | None:
        """See Dialect."""
        if request.command == "setInstructionBreakpoints":
            return _INSTRUCTIONS
        return _CALLS if delve.is_call(request) else None

    def changes_target(self, request: Request) -> bool:
        """See Dialect."""
        return delve.is_call(request)

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
            self.stands_since = time.monotonic()
            await ask("attach", self.attach_arguments({}, stop_on_entry=False))
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
