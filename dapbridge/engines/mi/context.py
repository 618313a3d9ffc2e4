"""What the areas of one engine share: the debugger, the state of the target, and the way out for events."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dapbridge.agent.client import Agent
from dapbridge.agent.facts import Process
from dapbridge.config import AttachConfig
from dapbridge.dap.messages import Event, JsonObject, Response
from dapbridge.engines.base import Emit
from dapbridge.engines.mi import signals
from dapbridge.engines.mi.debugger import Answer, Debugger
from dapbridge.engines.mi.log_lines import LogLines
from dapbridge.engines.mi.scheduling_state import SchedulingState
from dapbridge.errors import EngineError

if TYPE_CHECKING:
    from dapbridge.engines.mi.breakpoint_table import BreakpointTable
    from dapbridge.engines.mi.dialect import Dialect
    from dapbridge.engines.mi.libraries import LibraryLoader
    from dapbridge.engines.mi.modules import ModuleTable
    from dapbridge.engines.mi.processes import ProcessTable
    from dapbridge.engines.mi.sources import SourceTable
    from dapbridge.engines.mi.stops import Stop
    from dapbridge.engines.mi.threads import ThreadTable


class Context:
    """The shared state of one engine; each part is written by one area only."""

    def __init__(
        self,
        agent: Agent,
        process: Process,
        config: AttachConfig,
        dialect: "Dialect",
        debugger: Debugger,
        tasks: asyncio.TaskGroup,
        emit: Emit,
        *,
        threads: "ThreadTable",
        breakpoints: "BreakpointTable",
        libraries: "LibraryLoader",
        processes: "ProcessTable",
        modules: "ModuleTable",
        sources: "SourceTable",
        interrupt: Callable[[], Awaitable[None]],
    ) -> None:
        self.agent = agent
        self.process = process
        self.config = config
        self.dialect = dialect
        self.debugger = debugger
        self.tasks = tasks
        self.threads = threads
        self.breakpoints = breakpoints
        self.libraries = libraries
        self.processes = processes
        self.modules = modules
        self.sources = sources
        self.interrupt = interrupt
        """Reaches a debugger that is too busy to read: what it does ends with an error."""
        self.stop: Stop | None = None
        self.scheduling = SchedulingState()
        self.attached = False
        self.attach_stop_due = False
        self.terminated = False
        self.pause_wanted = False
        self.continued_untold: JsonObject | None = None
        """The `continued` for which the success of an unanswered request will stand."""
        self.signal_actions = signals.actions(config)
        self.calling = False
        """Whether a call into the target, which a person asked for, may be running."""
        self.log_cost_told = False
        self.log_lines = LogLines(lambda body: emit(Event("output", body)), lambda: debugger.send("-x-flush-log"))
        self.ids = itertools.count(1)
        self._emit = emit
        self._unanswered_resumes = 0
        self._unanswered_holds = 0
        self._held_events: list[Event] = []

    @property
    def stopped(self) -> "Stop":
        """The present stop. Raises EngineError("notStopped") while the target runs."""
        if self.stop is None:
            raise EngineError("notStopped")
        return self.stop

    @property
    def is_resuming(self) -> bool:
        """Whether a request that lets the target go on is still unanswered."""
        return self._unanswered_resumes > 0

    def respond(self, response: Response) -> None:
        """Send a response to the client."""
        self._emit(response)

    def tell(self, event: str, body: JsonObject | None = None) -> None:
        """Send an event to the client, but not before the answer to a request that caused it."""
        message = Event(event, body)
        self.log_lines.flush()
        if self._unanswered_holds:
            self._held_events.append(message)
        else:
            self._emit(message)

    def tell_behind_answer(self, event: str, body: JsonObject | None = None) -> None:
        """Send an event that a handler causes: right behind the answer that it is about to return."""
        asyncio.get_running_loop().call_soon(self.tell, event, body)

    @contextmanager
    def holding_events(self, *, resuming: bool) -> Iterator[None]:
        """Hold events back until the request that may cause them is answered (DAP: the response comes first)."""
        self._unanswered_holds += 1
        self._unanswered_resumes += resuming
        try:
            yield
        finally:
            self._unanswered_holds -= 1
            self._unanswered_resumes -= resuming
            self._release_events()

    def hold_events_until(self, answer: Answer) -> None:
        """Hold events, but lines of log points, back until the debugger has answered a command."""
        self._unanswered_holds += 1

        def release(_: Answer) -> None:
            self._unanswered_holds -= 1
            self.log_lines.flush()
            self._release_events()

        answer.add_done_callback(release)

    def _release_events(self) -> None:
        if not self._unanswered_holds:
            held, self._held_events = self._held_events, []
            for event in held:
                self._emit(event)
