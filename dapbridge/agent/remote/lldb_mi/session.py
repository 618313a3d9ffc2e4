"""What the commands share: LLDB's objects, what is selected, and the way out for records."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import lldb

from dapbridge.agent.remote.lldb_mi.errors import MiError
from dapbridge.agent.remote.lldb_mi.output import Output
from dapbridge.agent.remote.lldb_mi.traps import Traps

_GONE = (lldb.eStateDetached, lldb.eStateExited, lldb.eStateInvalid, lldb.eStateUnloaded, lldb.eStateConnected)

_STAND_S = 3.0
_AGAIN_S = 0.25


class Hits:
    """What was decided on the hits of one stop."""

    def __init__(self) -> None:
        self.decided: set[tuple[int, int]] = set()
        """Threads, and the breakpoints at which they stand."""
        self.stopping: dict[int, list[int]] = {}
        """The breakpoints by whose hits threads stand, by thread."""


class Session:
    """One debugger with its one target. Written by the server and the areas that run things; others look only."""

    def __init__(self, debugger: Any, output: Output, pid: int, connection: int) -> None:
        """connection: our end of the socket to lldb-server."""
        self.debugger = debugger
        self.output = output
        self.pid = pid
        self.root = f"/proc/{pid}/root"
        """The root directory of the target's process, as it is reached from here."""
        self.connection = connection
        self.post: Callable[[Callable[[], None]], None] = lambda work: work()
        """Has something done between commands; for other threads, which LLDB calls us in."""
        self.later: list[Callable[[], object]] = []
        """What is done when there is nothing else to do."""
        self.execute: Callable[[str, list[str]], dict[str, Any]]
        """Runs one more command within the present one."""
        self.events = lldb.SBListener("dapbridge")
        self.traps = Traps(self)
        self.patched: dict[int, int] = {}
        """Bytes of code that were written below breakpoints while the target ran, by address."""
        self.has_rust_formatters = False
        self.keep: list[Any] = []
        """What LLDB needs to stay, but doesn't hold itself."""
        self.stop_count = 0
        """How often the target has stopped."""
        self.is_attached = False
        self.is_told_stopped = False
        """Whether the last that was told is that it stands."""
        self.stepping_thread: int | None = None
        """The thread that the last resume was for."""
        self.step_kind = "end-stepping-range"
        """MI's reason for the end of the step that is on its way."""
        self.suspended: list[int] = []
        """Threads that were made to stand while another one runs alone."""
        self.settings: dict[str, str] = {}
        """What `-gdb-set` has set, by name."""
        self.signals: dict[str, str] = {}
        """What to do at signals that aren't just passed on."""
        self.locator: Any = None
        self.program: str | None = None
        """The path of the program whose symbols were read first."""
        self.reading: threading.Thread | None = None
        """Reads the symbols of the libraries; the attach has to wait for that."""
        self.places: dict[int, str] = {}
        """What was asked for, by the number of each breakpoint that was."""
        self.decisions: dict[int, Callable[[Any], bool]] = {}
        """What decides on a breakpoint's hits behind its condition (hits.py)."""
        self.has_callback = False
        self.finds_are_untold = False
        """Whether nobody is to hear of the places that breakpoints find now."""
        self.filters: dict[int, Any] = {}
        self.watches: dict[int, Any] = {}
        self.watch_count = 0
        self.var_objects: dict[str, Any] = {}
        """MI's variable objects, by name (varobjs.py)."""
        self.var_count = 0
        self.early_watches: dict[int, dict[str, Any]] = {}
        """What is to be watched once the debugger is attached, by number."""
        self.ended_scopes: list[int] = []
        """Watches whose frame was left at the hit that is about to be told."""
        self.watch_hits: dict[int, dict[str, Any]] = {}
        """What is told of the watchpoints at which threads stand, by thread."""
        self.after_answer: list[Callable[[], None]] = []
        """What is told right behind the answer of the present command."""
        self.threads: dict[int, int] = {}
        """Kernel's number by our number of each thread that was told."""
        self.thread_numbers: dict[int, int] = {}
        """Our number by the kernel's, also of threads that are still to be told."""
        self.thread_count = 0
        """How many numbers were given out."""
        self.lone_thread: int | None = None
        """Kernel's number of the thread that runs alone."""
        self.lone_has_ended = False
        """Whether the target is being stopped because the thread that ran alone has ended."""
        self.wanted_thread: int | None = None
        """Of the present command: `--thread`."""
        self.wanted_frame: int | None = None
        self.hit_frame: Any = None
        """While a hit is decided on: the SBFrame that all is seen from."""
        self.lock = threading.RLock()
        """Held by who looks: the present command, or the decision on a hit in LLDB's thread for events."""
        self.stands = threading.Event()
        """Whether the target stands, as far as LLDB's events have told."""
        self.log_lines: Any = None
        self.interrupt_wanted = False
        """Whether the target is to stand as soon as it can."""
        self.hits = Hits()
        """Those since the last event; LLDB's thread for events writes it."""
        self.stop_hits = Hits()
        """Those of the stop that is about to be told."""
        self.rest_wanted = False
        """Whether the target is to stand for a moment, which nobody is told of."""
        self.left_places: set[int] = set()
        """Where breakpoints were: a thread may have run into one just before it was taken out."""

    @property
    def target(self) -> Any:
        """The SBTarget; there always is one, before the attach too (its program's symbols are read before)."""
        return self.debugger.GetSelectedTarget()

    @property
    def process(self) -> Any:
        """The SBProcess, which may be invalid."""
        return self.target.GetProcess()

    @property
    def is_stopped(self) -> bool:
        """Whether the target stands, so that stacks and registers can be read."""
        return bool(self.process.IsValid()) and self.process.GetState() in (lldb.eStateStopped, lldb.eStateCrashed)

    @property
    def thread(self) -> Any:
        """The SBThread that `--thread` names, else the selected one. Raises MiError."""
        if self.hit_frame is not None:
            return self.hit_frame.GetThread()
        if not self.process.IsValid() or self.process.GetState() in _GONE:
            raise MiError("The program is not being run.")
        if not self.is_stopped:
            raise MiError("Selected thread is running.")
        if self.wanted_thread is None:
            return self.process.GetSelectedThread()
        thread = self.process.GetThreadByID(self.threads.get(self.wanted_thread, 0))
        if not thread.IsValid():
            raise MiError(f"Invalid thread id: {self.wanted_thread}")
        return thread

    @property
    def frame(self) -> Any:
        """The SBFrame that `--frame` names, else the thread's selected one. Raises MiError."""
        if self.hit_frame is not None:
            return self.hit_frame
        thread = self.thread
        if self.wanted_frame is None:
            # Of another thread than the selected one: where it stands.
            frame = thread.GetFrameAtIndex(0) if self.wanted_thread is not None else thread.GetSelectedFrame()
        else:
            frame = thread.GetFrameAtIndex(self.wanted_frame)
        if not frame.IsValid():
            raise MiError(f"No frame at level {self.wanted_frame or 0}.")
        return frame

    def number_of(self, tid: int) -> int:
        """Return our number of a thread, by the kernel's."""
        if tid not in self.thread_numbers:
            self.thread_count += 1
            self.thread_numbers[tid] = self.thread_count
        return self.thread_numbers[tid]

    def run_console(self, command: str) -> str:
        """Run a command of LLDB's own command line; return what it printed. Raises MiError."""
        result = lldb.SBCommandReturnObject()
        self.debugger.GetCommandInterpreter().HandleCommand(command, result)
        if not result.Succeeded():
            raise MiError((result.GetError() or f"{command} failed").strip().removeprefix("error: "))
        return (result.GetOutput() or "") + (result.GetError() or "")

    def let_all_run(self) -> None:
        """Threads that were made to stand run again with the next resume."""
        self.lone_thread = None
        suspended, self.suspended = self.suspended, []
        for number in suspended:
            self.process.GetThreadByIndexID(number).Resume()

    def rest(self) -> None:
        """Let the target stand, so that what it runs into isn't changed in the middle of a hit.

        LLDB (19) can lose track of a thread that has hit a breakpoint which is taken out before the hit is looked at.
        It goes on by itself when the loop comes to the stop's event, behind all commands that have come by then.
        """
        if self.is_attached and not self.stands.is_set():
            self.rest_wanted = True
            self._insist(lambda: self.rest_wanted)
            self.rest_wanted = False

    def interrupt(self) -> None:
        """Let the target stand as soon as it can; nobody waits here."""
        self.interrupt_wanted = True
        threading.Thread(target=self._insist, args=(lambda: self.interrupt_wanted,), daemon=True).start()

    def _insist(self, is_wanted: Callable[[], bool]) -> None:
        """Interrupt the target until it stands: in the middle of a hit, or a step of LLDB's own, it goes unheard."""
        limit = time.monotonic() + _STAND_S
        if self.log_lines is not None:
            self.log_lines.let_through()
        while is_wanted() and time.monotonic() < limit:
            self.process.SendAsyncInterrupt()
            if self.stands.wait(_AGAIN_S):
                return

    def let_go(self) -> bool:
        """Detach, if that is still to be done; return whether the target is free."""
        process = self.process
        if not process.IsValid() or process.GetState() in _GONE:
            return True
        self.rest()
        if self.is_stopped:
            # Whatever dies from here on, the code is whole.
            self.traps.take_out()
        self.is_attached = False
        self.let_all_run()
        self.target.DeleteAllBreakpoints()
        self.target.DeleteAllWatchpoints()
        return bool(process.Detach().Success())
