"""The agent's life: serves the host, keeps its children, and lets go of the target at whatever end.

Ends: the stream's end, silence on it, SIGTERM/SIGHUP/SIGINT, the request `release`, a bug in here. Each leads through
`let_go`: every child goes down its ladder, orphans are reaped, what was left stopped is continued, and only then does
the agent end, for a zombie of its own would stay in the target's PID namespace for good.
"""

from __future__ import annotations

import json
import os
import signal
import time
from functools import partial

from dapbridge.agent.frames import CONTROL, FrameError
from dapbridge.agent.remote import processes
from dapbridge.agent.remote.child import Child
from dapbridge.agent.remote.connection import Connection
from dapbridge.agent.remote.launching import Launched
from dapbridge.agent.remote.letting_go import Ladder
from dapbridge.agent.remote.loop import READ, WRITE, Loop
from dapbridge.agent.remote.namespaces import ENDING_SIGNALS
from dapbridge.agent.remote.private_files import PrivateFiles
from dapbridge.agent.remote.requests import REQUESTS, Later, RequestError
from dapbridge.agent.remote.rescue import Rescue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from dapbridge.agent.remote.lifting import Lifting
    from dapbridge.agent.remote.snapshot import Snapshots
    from dapbridge.agent.remote.stream import Stream

    class Receiver(Protocol):
        """Takes what comes on a channel; None is its end."""

        def receive(self, data: bytes | None) -> None: ...


_ORPHANS_S = 1.0
_SETTLE_S = 0.1
_FAREWELL_S = 5.0
_LAST_WORDS_S = 1.0

# A third of the time of `json.loads`, which guesses the encoding first: for one that puts breakpoints back, a step
# waits.
_read_json = json.JSONDecoder().raw_decode


class Supervisor:
    """One agent at work, from after its hello to its end."""

    def __init__(
        self, stream: Stream, rescue: Rescue, loop: Loop, silence_s: float, early: Launched | None = None
    ) -> None:
        """early: a debugger that is running already, for the first to be asked for that is started by its command."""
        self.stream = stream
        self.rescue = rescue
        self.files = PrivateFiles()
        self.receivers: dict[int, Receiver] = {}
        self._loop = loop
        self._snapshots: Snapshots | None = None
        self._early = early
        self._children: dict[int, _Supervised] = {}
        self._connections: dict[int, Connection] = {}
        self._silence_s = silence_s
        self._heard_at = time.monotonic()
        self._is_letting_go = False
        self._has_descendants = False
        self._is_ending_orphans = False
        self._settling = 0

    def run(self) -> None:
        """Serve until everything has been let go of."""
        self._loop.watch(self.stream.input, READ, self._read_stream)
        self._loop.on_signal(signal.SIGCHLD, self._reap)
        for number in ENDING_SIGNALS:
            self._loop.on_signal(number, partial(self.let_go, number.name))
        self._check_silence()
        # One that was started early may have ended before its signal had a handler.
        self._reap()
        while not (self._is_letting_go and not self._has_descendants and not self._settling and self._took_leave()):
            self._turn()
        self.rescue.continue_stopped()
        self.files.remove()
        self.stream.send(event="released")
        self._say_last_words()

    def spawn(self, argv: list[str], env: dict[str, str], channel: int, ladder: list[Any], pid: int | None) -> int:
        """Start a debugger of process `pid` on the channel and return its own pid. Raises OSError, RequestError."""
        if self._is_letting_go:
            raise RequestError("the agent is letting go")
        child = Child(channel, self._launch(argv, env), self.stream, self._loop)
        self._has_descendants = True
        self.receivers[channel] = child
        pids: list[int | None] = [pid]
        self._children[channel] = _Supervised(child, Ladder(ladder, child, self._loop, lambda: self._heal(pids)), pids)
        self.rescue.note_breakpoints(pid)
        return child.pid

    def _launch(self, argv: list[str], env: dict[str, str]) -> Launched:
        early = self._early
        if early is not None and (early.argv, early.env) == (argv, env):
            self._early = None
            return early
        return Launched(argv, env)

    def connect(self, child: int | None, address: str, channel: int) -> None:
        """Connect the channel to what a debugger serves (None: one that is no child). Raises OSError, RequestError."""
        supervised = None if child is None else self._child(child)
        connection = self.receivers[channel] = Connection(channel, address, self.stream, self._loop)
        if supervised is None:
            self._connections[channel] = connection
        else:
            supervised.child.connections.append(connection)

    def set_farewell(self, channel: int, farewell: bytes) -> None:
        """Note what to say at the end on a connection."""
        connection = self.receivers[channel]
        if isinstance(connection, Connection):
            connection.farewell = farewell

    def _took_leave(self) -> bool:
        return not any(each.is_open for each in self._connections.values())

    def _heal(self, pids: list[int | None]) -> None:
        self.rescue.heal(pids)

    def signal_child(self, channel: int, number: int) -> None:
        self._child(channel).child.send_signal(number)

    def look_after(self, channel: int, pid: int, parent: int | None) -> None:
        """Note that a debugger has process `pid` too: a fork of `parent`, else one with a new program."""
        supervised = self._child(channel)
        self.rescue.follow(pid, parent)
        if pid not in supervised.target_pids:
            supervised.target_pids.append(pid)

    def lift_at(self, child: int, channel: int, cue: bytes) -> None:
        """Take a debugger's breakpoints out, if that is allowed then, when it says `cue` on a connection."""
        connection = self.receivers[channel]
        if isinstance(connection, Connection):
            connection.call_at(cue, self.lifting(child).note_stop)

    def lifting(self, channel: int) -> Lifting:
        """Return what takes a debugger's breakpoints out for a while. Raises RequestError."""
        supervised = self._child(channel)
        if supervised.lifting is None:
            supervised.lifting = self.rescue.lifting(supervised.target_pids[0])
        return supervised.lifting

    def let_child_go(self, channel: int) -> None:
        """Send one debugger down its ladder."""
        self._child(channel).ladder.start()

    def take_snapshot(self, pid: int, data: bool, answer: Callable[..., None]) -> None:
        """Take a snapshot of process `pid`. Raises OSError, RequestError."""
        if self._is_letting_go:
            raise RequestError("the agent is letting go")
        if self._snapshots is None:
            from dapbridge.agent.remote.snapshot import Snapshots

            self._snapshots = Snapshots(self._loop)
        self._has_descendants = True
        self._snapshots.take(pid, data, answer)

    def drop_snapshot(self, core: int) -> None:
        """Forget the core file of a snapshot."""
        if self._snapshots is not None:
            self._snapshots.drop(core)

    def let_go(self, why: str) -> None:
        """Begin the end; may be called again."""
        if self._is_letting_go:
            return
        self._is_letting_go = True
        self.stream.log(f"letting go: {why}")
        self.stream.send(event="letting_go", text=why)
        for supervised in self._children.values():
            supervised.child.discards = True
            supervised.ladder.start()
        if self._early is not None:
            # It has done nothing yet that would have to be put right.
            self._early.kill()
        for connection in self._connections.values():
            connection.take_leave()
            self._loop.call_later(_FAREWELL_S, connection.close)
        self._reap()

    def _child(self, channel: int) -> _Supervised:
        try:
            return self._children[channel]
        except KeyError:
            raise RequestError(f"there is no child {channel}") from None

    def _turn(self) -> None:
        try:
            self._loop.run_once()
        except Exception:  # noqa: BLE001 - whatever it is, the target must be let go of
            self._log_traceback()
            self.let_go("a bug of the agent")
        self._send()

    def _send(self) -> None:
        for supervised in self._children.values():
            supervised.child.take_credit()
        for connection in self._connections.values():
            connection.take_credit()
        self._loop.watch(self.stream.output, 0 if self.stream.flush() else WRITE, lambda: None)
        if self.stream.is_broken:
            self.let_go("the host takes nothing any more")

    def _read_stream(self) -> None:
        data = self.stream.read()
        if data is None:
            return
        self._heard_at = time.monotonic()
        try:
            # One by one: a request opens the channel that its data, in the next frames, come on.
            for channel, payload in self.stream.channels.receive_data(data):
                if channel == CONTROL:
                    self._take_message(payload or b"")
                elif channel in self.receivers:
                    self.receivers[channel].receive(payload)
        except FrameError as error:
            self._loop.unwatch(self.stream.input)
            self.let_go(f"the stream is broken: {error}")
            return
        if not data:
            self._loop.unwatch(self.stream.input)
            self.let_go("the stream ended")

    def _take_message(self, payload: bytes) -> None:
        message, _ = _read_json(payload.decode())
        if message["request"] == "ping":
            self.stream.send(event="pong")
            return
        number = message.get("id")
        try:
            result = REQUESTS[message["request"]](self, **message["arguments"])
        except RequestError as error:
            self._answer(number, error=str(error))
        except Exception as error:  # noqa: BLE001 - one bad request spoils one request
            self._log_traceback()
            self._answer(number, error=f"{message['request']}: {error!r}", bug=True)
        else:
            if isinstance(result, Later):
                result.answer = lambda **fields: self._answer(number, **fields)
            else:
                self._answer(number, result=result)

    def _answer(self, number: int | None, **fields: Any) -> None:
        """Answer a request; one without a number wants no answer."""
        if number is not None:
            self.stream.send(id=number, **fields)
        elif "error" in fields:
            self.stream.log(fields["error"])

    def _reap(self) -> None:
        self._has_descendants = True
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self._has_descendants = False
                return
            if pid == 0:
                break
            if self._early is not None and self._early.pid == pid:
                self._early.close()
                self._early = None
            for supervised in self._children.values():
                if supervised.child.pid == pid:
                    self._child_ended(supervised, status)
        if self._is_letting_go and all(supervised.child.status is not None for supervised in self._children.values()):
            self._end_orphans()

    def _child_ended(self, supervised: _Supervised, status: int) -> None:
        # The healing races with the target, so it comes before everything else. Not only after a death by a signal: gdb
        # takes SIGTERM for an order to exit with 0, its breakpoints still in place.
        healed = self.rescue.heal(supervised.target_pids)
        if status or healed or supervised.ladder.forced:
            self.rescue.clear_watchpoints(supervised.target_pids)
        child = supervised.child
        if supervised.lifting is not None:
            supervised.lifting.close()
        child.status = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)
        supervised.ladder.stop()
        self.stream.send(event="child_exited", child=child.number, status=child.status)
        self.stream.log(f"{child.name} ended with {child.status}")
        if status:
            # A stop signal that was on its way to the target takes effect a moment after its tracer's death.
            self._settling += 1
            self._loop.call_later(_SETTLE_S, self._settle)

    def _settle(self) -> None:
        self._settling -= 1
        self.rescue.continue_stopped()

    def _end_orphans(self) -> None:
        """Ask, then make, the children's children end that are now ours."""
        if not self._is_ending_orphans:
            self._is_ending_orphans = True
            self._loop.call_later(_ORPHANS_S, lambda: _signal_descendants(signal.SIGTERM))
            self._loop.call_later(2 * _ORPHANS_S, lambda: _signal_descendants(signal.SIGKILL))

    def _check_silence(self) -> None:
        quiet_s = time.monotonic() - self._heard_at
        if quiet_s >= self._silence_s:
            self.let_go(f"nothing heard from the host for {quiet_s:.0f} s")
        else:
            self._loop.call_later(self._silence_s - quiet_s, self._check_silence)

    def _say_last_words(self) -> None:
        """Give the host a moment to take what is still to be sent."""
        limit = self._loop.call_later(_LAST_WORDS_S, lambda: None)
        self._send()
        while self.stream.has_unsent() and limit.callback is not None:
            self._turn()

    def _log_traceback(self) -> None:
        import traceback

        self.stream.log(traceback.format_exc())


class _Supervised:
    """A child, how it is made to let go, and the processes that it debugs (None: the main one)."""

    def __init__(self, child: Child, ladder: Ladder, target_pids: list[int | None]) -> None:
        self.child = child
        self.ladder = ladder
        self.target_pids = target_pids
        self.lifting: Lifting | None = None


def _signal_descendants(number: int) -> None:
    for pid in processes.descendants(os.getpid()) - {os.getpid()}:
        try:
            os.kill(pid, number)
        except OSError:  # ended meanwhile
            continue
