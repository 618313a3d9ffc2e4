"""The asyncio shell around MI: commands out, results in, everything else to two callbacks, in the order it came.

Commands are pipelined: `send` writes at once, so that a burst of them costs one round trip. Knows no DAP.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial

from dapbridge.errors import EngineError, ProtocolError
from dapbridge.log import shorten
from dapbridge.mi.commands import console, quote
from dapbridge.mi.connection import MiConnection
from dapbridge.mi.records import Async, Payload, Prompt, Record, Result, Stream
from dapbridge.transport import Transport

log = logging.getLogger(__name__)

Answer = asyncio.Future[Payload]

_CONDITION_FAILED = re.compile(r"Error in testing condition for breakpoint (?P<number>\d+):\s*\Z")
_MISFIT = re.compile(r"(?:Cannot|Could not) insert (?P<hardware>hardware )?(?:breakpoint|watchpoint) (?P<number>\d+)\.")
_NO_HARDWARE = "the processor has no hardware breakpoint left"
_NO_MEMORY = "there is no memory that can be written at its address"
_RECORDING = "Process record"

MIN_BATCH = 8
"""Fewer commands than that are sent as they are."""
MAX_BATCH = 100


@dataclass(slots=True)
class _Pending:
    command: str
    answer: Answer
    output: list[str] | None
    owner: int | None


owner: ContextVar[int | None] = ContextVar("owner", default=None)
"""For whom commands are sent: the seq of the DAP request that the current task answers."""


class Debugger:
    """One debugger that speaks MI over a transport."""

    def __init__(self, name: str, transport: Transport, on_async: Callable[[Async], None]) -> None:
        self.name = name
        self._transport = transport
        self._on_async = on_async
        self._connection = MiConnection()
        self._pending: dict[int, _Pending] = {}
        self._asked: dict[str, Answer] = {}
        self._ended = False
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._burst: list[bytes] | None = None
        self._resumed: int | None = None
        self._batch: list[tuple[str, Answer]] | None = None
        self._can_batch = True
        self._failed_condition: re.Match[str] | None = None

    async def run(self) -> None:
        """Read until the debugger's end; then every command that waits fails with EngineError."""
        try:
            while data := await self._transport.read():
                await self._may_read.wait()
                for record in self._connection.receive_data(data):
                    self._handle(record)
                    if isinstance(record, Prompt):
                        # Whoever waits for this group of records goes on before the next one is parsed.
                        await asyncio.sleep(0)
        finally:
            self._ended = True
            for pending in self._pending.values():
                _fail(pending.answer, f"{self.name} has ended")
            self._pending.clear()

    def pause_reading(self, paused: bool) -> None:
        """Read on only after a pause: what the debugger says has to wait, and then the debugger too."""
        if paused:
            self._may_read.clear()
        else:
            self._may_read.set()

    def send(self, command: str) -> Answer:
        """Write a command now; the answer is its result's payload, or EngineError with the debugger's own words."""
        return self._send(command, None)

    @contextmanager
    def burst(self) -> Iterator[None]:
        """Write what is sent in the block as one piece: on its way to the debugger every piece wakes four processes."""
        if self._burst is not None:
            yield
            return
        self._burst = []
        try:
            yield
        finally:
            pieces, self._burst = self._burst, None
            if pieces:
                self._transport.write(b"".join(pieces))

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Like `burst`, for many commands: few commands to send and few answers to parse, where the debugger can."""
        if self._batch is not None or not self._can_batch:
            with self.burst():
                yield
            return
        self._batch = []
        try:
            yield
        finally:
            batched, self._batch = self._batch, None
            self._send_batched(batched)

    async def run_console(self, cli_command: str) -> str:
        """Run a command of the debugger's own command line; return what it printed."""
        output: list[str] = []
        await self._send(console(cli_command), output)
        return "".join(output)

    def ask(self, command: str) -> Answer:
        """Like `send`, for a command that only looks: asked once until `forget`, however often its answer is wanted."""
        answer = self._asked.get(command)
        if answer is None:
            answer = self._asked[command] = self.send(command)
        shielded = asyncio.shield(answer)
        shielded.add_done_callback(_take_failure)
        return shielded

    def replay(self, record: Async) -> None:
        """Take a record that the debugger should have sent."""
        self._on_async(record)

    def forget(self) -> None:
        """Forget what was asked: the target has moved or was changed."""
        self._asked.clear()

    def forget_one(self, command: str) -> None:
        """Forget the answer of one command."""
        self._asked.pop(command, None)

    @property
    def at_work_for(self) -> int | None:
        """The `owner` of the command that the debugger works on now; None where nobody said so."""
        first = next(iter(self._pending.values()), None)
        return None if first is None else first.owner

    def works_for(self, owner_: int) -> bool:
        """Tell whether a command of `owner_` waits for its result."""
        return any(pending.owner == owner_ for pending in self._pending.values())

    @property
    def is_busy(self) -> bool:
        """Whether a command still waits for its result."""
        return bool(self._pending)

    def _send(self, command: str, output: list[str] | None) -> Answer:
        answer: Answer = asyncio.get_running_loop().create_future()
        answer.add_done_callback(_take_failure)
        if self._batch is not None and output is None:
            self._batch.append((command, answer))
            if len(self._batch) == MAX_BATCH:
                # The debugger works on it while the next ones are made.
                full, self._batch = self._batch, []
                self._send_batched(full)
        else:
            self._write(command, answer, output)
        return answer

    def _write(self, command: str, answer: Answer, output: list[str] | None = None) -> None:
        if self._ended:
            _fail(answer, f"{self.name} has ended")
            return
        token, data = self._connection.send(command)
        self._pending[token] = _Pending(command, answer, output, owner.get())
        if log.isEnabledFor(logging.DEBUG):
            log.debug("%s > %d%s", self.name, token, shorten(command))
        if self._burst is None:
            self._transport.write(data)
        else:
            self._burst.append(data)

    def _send_batched(self, batched: list[tuple[str, Answer]]) -> None:
        with self.burst():
            if len(batched) < MIN_BATCH or not self._can_batch:
                for command, answer in batched:
                    self._write(command, answer)
                return
            whole: Answer = asyncio.get_running_loop().create_future()
            whole.add_done_callback(_take_failure)
            whole.add_done_callback(partial(self._distribute, batched))
            self._write(" ".join(["-x-batch", *(quote(command) for command, _ in batched)]), whole)

    def _distribute(self, batched: list[tuple[str, Answer]], whole: Answer) -> None:
        """Answer the commands of a batch."""
        if (error := whole.exception()) is None:
            for (_, answer), outcome in zip(batched, whole.result()["answers"], strict=True):
                if "error" in outcome:
                    _fail(answer, outcome["error"])
                elif not answer.done():
                    answer.set_result(outcome["done"])
        elif "Undefined MI command" in str(error):
            self._can_batch = False
            self._send_batched(batched)
        else:
            for _, answer in batched:
                _fail(answer, str(error))

    def _handle(self, record: Record | ProtocolError) -> None:
        match record:
            case Prompt():
                pass
            case Result():
                self._handle_result(record)
            case Async():
                if log.isEnabledFor(logging.DEBUG):
                    log.debug("%s < %s%s %s", self.name, record.mark, record.kind, shorten(str(record.payload)))
                self._on_async(record)
            case Stream():
                self._handle_stream(record)
            case ProtocolError():
                log.error("%s sent what is no MI: %s", self.name, record)

    def _handle_result(self, result: Result) -> None:
        if log.isEnabledFor(logging.DEBUG):
            log.debug("%s < %s^%s %s", self.name, result.token, result.kind, shorten(str(result.payload)))
        if result.token is not None:
            self._fail_lost(result.token)
        pending = self._pending.pop(result.token, None) if result.token is not None else None
        if result.kind == "error" and result.token is not None and result.token == self._resumed:
            self._on_async(Async("=", "x-resume-failed", result.payload))
        if result.kind == "running":
            self._resumed = result.token
        if pending is None or pending.answer.done():
            return
        if result.kind == "error":
            _fail(
                pending.answer, str(result.payload.get("msg", "")).strip() or f"{self.name}: {pending.command} failed"
            )
        else:
            pending.answer.set_result(result.payload)

    def _fail_lost(self, answered: int) -> None:
        """Give up commands before the answered one: answers come in order, but an interrupt can swallow a command."""
        for token in [each for each in self._pending if each < answered]:
            _fail(self._pending.pop(token).answer, "Quit")

    def _handle_stream(self, stream: Stream) -> None:
        # The debugger works on one command at a time: what it prints belongs to the oldest one.
        oldest = next(iter(self._pending.values()), None)
        if oldest is not None and oldest.output is not None and stream.channel != "target":
            oldest.output.append(stream.text)
            return
        if log.isEnabledFor(logging.DEBUG):
            log.debug("%s < %s %s", self.name, stream.channel, shorten(stream.text.rstrip()))
        if stream.channel == "log":
            self._handle_log(stream.text)

    def _handle_log(self, text: str) -> None:
        """Look for what is told as text only: a condition that failed (why: the text behind it), a misfit."""
        if text.startswith(_RECORDING):
            self._on_async(Async("=", "x-recording-failed", {"text": text.strip()}))
        if (misfit := _MISFIT.match(text)) is not None:
            why = _NO_HARDWARE if misfit["hardware"] else _NO_MEMORY
            self._on_async(Async("=", "x-misfit", {"number": misfit["number"], "text": why}))
        failed, self._failed_condition = self._failed_condition, _CONDITION_FAILED.match(text)
        if failed is not None:
            self._on_async(Async("=", "x-condition-failed", {"number": failed["number"], "text": text.strip()}))


def _take_failure(answer: Answer) -> None:
    """Let asyncio know of a failure: a prefetched answer that nobody comes to read is no error."""
    if not answer.cancelled():
        answer.exception()


def _fail(answer: Answer, text: str) -> None:
    if not answer.done():
        answer.set_exception(EngineError(text))
