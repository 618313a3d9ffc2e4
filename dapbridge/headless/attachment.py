"""One attachment to a target, from `attach` to its end: looks at each hit and has the target go on at once.

Theory of operation. Events of the session are taken one after the other, so a hit is looked at before the next one; the
target stands meanwhile. Whatever goes wrong in looking, the last word at a stop is `continue`; should even that not
come, the engine's own limit (`maxPause`) lets the target go on.

One stop is not gone on from. The kernel keeps from a PID 1 that is traced what would end it, so a container that
crashes would crash again and again at the same place; there the target is let go, and ends by itself.
"""

import asyncio
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from msgspec.structs import replace

from dapbridge.config import AttachConfig
from dapbridge.dap.messages import Event, JsonObject
from dapbridge.engines.base import Emit
from dapbridge.errors import DapbridgeError, UnavailableError, UserError
from dapbridge.headless import exit_codes
from dapbridge.headless.arming import Arming
from dapbridge.headless.capture import Capture, StopLook, capture_threads
from dapbridge.headless.client import DapClient
from dapbridge.headless.clock import now
from dapbridge.headless.happenings import Attached, Happening, Hit, Logged, Progress, TargetEnded, Thread, Warned
from dapbridge.headless.plan import Plan
from dapbridge.headless.tally import Tally
from dapbridge.prepared import Prepare, Prepared
from dapbridge.runtimes.base import Progress as TellStep

CAPTURE_LIMIT_S = 10
"""How long a target stands for a hit at most; what is not known by then is left out."""


class AttachFailedError(UserError):
    """There is nothing to watch; `exit_code` is what the run ends with."""

    def __init__(self, text: str, exit_code: int) -> None:
        super().__init__(text)
        self.exit_code = exit_code


class Attachment:
    """One attachment; `attempt` counts those to the same target from 1."""

    def __init__(
        self,
        target: str,
        plan: Plan,
        tally: Tally,
        prepare: Prepare,
        tell: Callable[[Happening], None],
        attempt: int,
    ) -> None:
        self.attached = False
        self._target = target
        self._plan = plan
        self._tally = tally
        self._prepare = prepare
        self._tell = tell
        self._attempt = attempt
        self._began_s = time.monotonic()
        self._probes = {id_: each for id_, each in plan.probes_of(target).items() if not tally.is_used_up(target, id_)}
        self._client = DapClient(self._note_failure, f"{target} #{attempt}")
        self._arming = Arming(self._client, target, self._probes, lambda id_: tally.hits_left(target, id_), tell)
        self._attach: asyncio.Future[JsonObject] | None = None
        self._prepare_failure: DapbridgeError | None = None
        self._stopping = False
        self._standing = False
        self._looks: list[tuple[int, str]] = []
        self._last_words = ""
        self._ended = False
        self._exit_code: int | None = None
        self._is_pid_1 = False
        self._crash: tuple[object, ...] = ()
        """The last stop at a signal: thread, address and signal."""
        self._let_crash = ""

    async def run(self, on_attached: Callable[[], None]) -> TargetEnded | None:
        """Stay attached until `stop` (then None) or the end. Raises AttachFailedError."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._client.run())
            # Its first step makes the session ready for bytes.
            await asyncio.sleep(0)
            try:
                await self._serve(on_attached)
            finally:
                self._client.leave()
        assert self._attach is not None
        failure = self._attach.exception()
        if not self.attached:
            if self._stopping:
                return None
            unavailable = isinstance(self._prepare_failure, UnavailableError)
            code = exit_codes.UNAVAILABLE if unavailable else exit_codes.NOT_DEBUGGABLE
            raise AttachFailedError(str(failure or self._last_words or "the target was lost"), code)
        return self._end() if self._ended or not self._stopping else None

    def stop(self) -> None:
        """Let go of the target, behind the hit that is looked at now."""
        self._stopping = True
        if not self._standing:
            self._client.leave()

    def look(self, probe: int, reason: str) -> None:
        """Stop the target for a moment to see what all its threads do, as a hit of `probe`."""
        if not self.attached or self._ended:
            self._tell(Warned(f"{reason}, but the target is not attached now", self._target))
            return
        self._looks.append((probe, reason))
        if not self._standing:
            self._client.send("pause", {"threadId": 1}).add_done_callback(self._on_paused)

    # The session's events

    async def _serve(self, on_attached: Callable[[], None]) -> None:
        await self._client.initialize()
        arguments = self._plan.attach_arguments(self._target, stop_on_entry=self._arming.needs_entry)
        self._attach = self._client.send("attach", arguments)
        self._attach.add_done_callback(lambda answer: self._client.leave() if answer.exception() else None)
        async for event in self._client.events():
            if event.event == "initialized":
                await self._configure(on_attached)
            else:
                await self._take(event)
            if self._stopping:
                self._client.leave()

    async def _configure(self, on_attached: Callable[[], None]) -> None:
        assert self._attach is not None
        try:
            await self._arming.arm()
            await self._client.request("configurationDone")
            await self._attach
        except UserError:
            # Of `attach`, it is looked at in the end.
            return
        self.attached = True
        self._tell(Attached(now(), self._target, self._attempt, round(time.monotonic() - self._began_s, 3)))
        on_attached()

    async def _take(self, event: Event) -> None:
        body = event.body or {}
        match event.event:
            case "stopped":
                await self._on_stopped(body)
            case "output":
                self._on_output(body)
            case "breakpoint":
                self._arming.on_breakpoint(body.get("breakpoint") or {})
            case "process":
                self._is_pid_1 = body.get("systemProcessId") == 1
            case "exited":
                self._exit_code = body.get("exitCode")
            case "terminated":
                # The answer to our own leaving is no end of the target.
                self._ended = not self._stopping or self._exit_code is not None
                self._client.leave()

    def _on_output(self, body: JsonObject) -> None:
        text = str(body.get("output", "")).rstrip("\n")
        if logged := self._arming.find_logged(body):
            for line in text.split("\n"):
                for id_ in logged:
                    number = self._tally.next_number(self._target, id_)
                    self._tell(Logged(now(), self._target, id_, number, line))
            return
        self._last_words = text
        if body.get("category") == "important":
            self._tell(Warned(text, self._target))
        elif not self._ended:
            self._tell(Progress(self._target, text))

    def _end(self) -> TargetEnded:
        code = self._exit_code
        if self._let_crash:
            return TargetEnded(now(), self._target, f"the target crashes and was let go for it: {self._let_crash}")
        if code is None:
            reason = self._last_words or "the connection to the debugger has ended"
            return TargetEnded(now(), self._target, reason, lost=True)
        name = f" ({signal.Signals(code - 128).name})" if code - 128 in set(signal.Signals) else ""
        return TargetEnded(now(), self._target, f"the target has ended with exit code {code}{name}", exit_code=code)

    # A stop

    async def _on_stopped(self, body: JsonObject) -> None:
        began_s = time.monotonic()
        self._standing = True
        hits = {id_: self._tally.next_number(self._target, id_) for id_ in self._arming.find_hit(body)}
        look = StopLook(int(body.get("threadId", 0)))
        looked: list[tuple[int, str]] = []
        threads: tuple[Thread, ...] = ()
        incomplete = None
        try:
            async with asyncio.timeout(CAPTURE_LIMIT_S):
                if await self._crashes_again(body):
                    self._let_crash = str(body.get("text"))
                    self._ended = True
                    self._client.leave()
                    return
                if body.get("reason") == "entry":
                    await self._arming.arm_data()
                if hits:
                    await look.take(self._client, self._wanted(hits))
                while self._looks:
                    looked, self._looks = looked + self._looks, []
                    threads = await capture_threads(self._client)
        except (UserError, TimeoutError) as error:
            incomplete = str(error) or f"not all could be read within {CAPTURE_LIMIT_S} s"
        await self._go_on(body, [id_ for id_, number in hits.items() if self._is_last(id_, number)])
        stood_ms = round((time.monotonic() - began_s) * 1000, 1)
        seen = Hit(now(), self._target, 0, 0, "", stood_ms, incomplete=incomplete)
        reason = str(body.get("text") or body.get("description") or body.get("reason"))
        at_stop = {"thread": look.thread, "variables": look.variables, "captures": look.captures}
        for id_, number in hits.items():
            self._tell(replace(seen, probe=id_, number=number, reason=reason, **at_stop))
        for id_, why in looked:
            number = self._tally.next_number(self._target, id_)
            self._tell(replace(seen, probe=id_, number=number, reason=why, threads=threads))

    async def _crashes_again(self, stopped: JsonObject) -> bool:
        """Tell whether a PID 1 stands at the same signal at the same place as at the stop before. Raises UserError."""
        text = str(stopped.get("text"))
        before, self._crash = self._crash, ()
        # A panic has other words in its description, and is survived.
        if stopped.get("reason") != "exception" or not text.startswith("SIG") or stopped.get("description") != text:
            return False
        stack = await self._client.request("stackTrace", threadId=stopped["threadId"], levels=1)
        frames = stack.get("stackFrames") or [{}]
        self._crash = (stopped["threadId"], frames[0].get("instructionPointerReference"), text)
        return self._is_pid_1 and self._crash == before

    def _wanted(self, hits: Iterable[int]) -> Capture:
        expressions = dict.fromkeys(each for id_ in hits for each in self._probes[id_].capture)
        return Capture(tuple(expressions), self._plan.depth)

    def _is_last(self, id_: int, number: int) -> bool:
        limit = self._probes[id_].hit_limit
        return limit != 0 and number >= limit

    async def _go_on(self, stopped: JsonObject, used_up: list[int]) -> None:
        try:
            async with asyncio.timeout(CAPTURE_LIMIT_S):
                for id_ in used_up:
                    await self._arming.disarm(id_)
        except TimeoutError:
            self._tell(Warned("a probe could not be taken out in time", self._target))
        # It may go on by itself already, or have ended.
        with suppress(UserError):
            await self._client.request("continue", threadId=stopped["threadId"])
        self._standing = False

    def _on_paused(self, answer: asyncio.Future[JsonObject]) -> None:
        if not answer.cancelled() and (error := answer.exception()):
            self._looks.clear()
            self._tell(Warned(f"the threads can't be looked at: {error}", self._target))

    async def _note_failure(
        self, config: AttachConfig, emit: Emit, progress: TellStep, tasks: asyncio.TaskGroup
    ) -> Prepared:
        """See `prepared.Prepare`; keeps why a target can't be prepared, of which DAP has the text alone."""
        try:
            return await self._prepare(config, emit, progress, tasks)
        except DapbridgeError as error:
            self._prepare_failure = error
            raise
