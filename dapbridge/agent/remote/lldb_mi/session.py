"""What the commands share: LLDB's objects, what is selected, and the way out for records."""

from __future__ import annotations

from typing import Any

import lldb

from dapbridge.agent.remote.lldb_mi.errors import MiError
from dapbridge.agent.remote.lldb_mi.output import Output


class Session:
    """One debugger with its one target. Written by the server and the areas that run things; others look only."""

    def __init__(self, debugger: Any, output: Output) -> None:
        self.debugger = debugger
        self.output = output
        self.root = "/"
        """The root directory of the target's process, as it is reached from here: "/proc/PID/root"."""
        self.stop_count = 0
        """How often the target has stopped or was changed as if it had."""
        self.wanted_thread: int | None = None
        """Of the present command: `--thread`."""
        self.wanted_frame: int | None = None

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
        if not self.process.IsValid():
            raise MiError("The program is not being run.")
        if not self.is_stopped:
            raise MiError("Selected thread is running.")
        if self.wanted_thread is None:
            return self.process.GetSelectedThread()
        thread = self.process.GetThreadByIndexID(self.wanted_thread)
        if not thread.IsValid():
            raise MiError(f"Invalid thread id: {self.wanted_thread}")
        return thread

    @property
    def frame(self) -> Any:
        """The SBFrame that `--frame` names, else the thread's selected one. Raises MiError."""
        thread = self.thread
        if self.wanted_frame is None:
            # Of another thread than the selected one: where it stands.
            frame = thread.GetFrameAtIndex(0) if self.wanted_thread is not None else thread.GetSelectedFrame()
        else:
            frame = thread.GetFrameAtIndex(self.wanted_frame)
        if not frame.IsValid():
            raise MiError(f"No frame at level {self.wanted_frame or 0}.")
        return frame
