"""gdb.Frame and gdb.InferiorThread."""

from __future__ import annotations

from typing import Any

from dapbridge.agent.remote.lldb_mi.errors import MiError
from dapbridge.agent.remote.lldb_mi.gdb_api.code import Architecture, Block, Function, Place, Symtab
from dapbridge.agent.remote.lldb_mi.gdb_api.current import current, language_of
from dapbridge.agent.remote.lldb_mi.gdb_api.errors import error
from dapbridge.agent.remote.lldb_mi.gdb_api.outermost import is_outermost
from dapbridge.agent.remote.lldb_mi.gdb_api.registers import find
from dapbridge.agent.remote.lldb_mi.gdb_api.symbols import without_hash
from dapbridge.agent.remote.lldb_mi.gdb_api.values import Value


class Frame:
    """gdb.Frame."""

    def __init__(self, sb: Any) -> None:
        self.sb = sb

    def is_valid(self) -> bool:
        """Tell whether it is still there."""
        return bool(self.sb.IsValid())

    def block(self) -> Block:
        """Return the innermost block. Raises RuntimeError where there is no debug info."""
        block = self.sb.GetBlock()
        if not block.IsValid():
            raise RuntimeError("Cannot locate block for frame.")
        return Block(block, self.sb)

    def function(self) -> Function | None:
        """Return the function; None without debug info."""
        function = self.sb.GetFunction()
        return Function(function) if function.IsValid() else None

    def level(self) -> int:
        """Return its number, 0 for the innermost."""
        return int(self.sb.GetFrameID())

    def name(self) -> str | None:
        """Return the name of its function."""
        name = self.sb.GetFunctionName()
        return None if name is None else without_hash(str(name).removeprefix("::"))

    def older(self) -> Frame | None:
        """Return the frame that called it; None for the main function's."""
        if is_outermost(current.session, self.sb):
            return None
        return Frame(self.sb.GetThread().GetFrameAtIndex(self.level() + 1))

    def select(self) -> None:
        """Select it."""
        self.sb.GetThread().SetSelectedFrame(self.level())

    def architecture(self) -> Architecture:
        """Return the architecture."""
        return Architecture()

    def find_sal(self) -> Place:
        """Return the source line."""
        unit = self.sb.GetCompileUnit()
        entry = self.sb.GetLineEntry()
        if entry.IsValid():
            return Place(Symtab(entry.GetFileSpec(), unit), int(entry.GetLine()), self.pc())
        return Place(Symtab(unit.GetFileSpec(), unit) if unit.IsValid() else None, 0, self.pc())

    def language(self) -> str:
        """Return the language of the code, "" where none is known."""
        unit = self.sb.GetCompileUnit()
        return language_of(unit) if unit.IsValid() else ""

    def pc(self) -> int:
        """Return where it stands."""
        return int(self.sb.GetPC())

    def read_register(self, name: str) -> Value:
        """Return a register. Raises ValueError."""
        found = find(self.sb, name)
        if found is None:
            raise ValueError(f"Bad register: {name}")
        return found


def selected_frame() -> Frame:
    """gdb.selected_frame. Raises gdb.error."""
    try:
        return Frame(current.session.frame)
    except MiError as failure:
        raise error(str(failure)) from None


def newest_frame() -> Frame:
    """gdb.newest_frame, of the selected thread. Raises gdb.error."""
    try:
        frame = current.thread.GetFrameAtIndex(0)
    except MiError as failure:
        raise error(str(failure)) from None
    if not frame.IsValid():
        raise error("No stack.")
    return Frame(frame)


class Thread:
    """gdb.InferiorThread."""

    def __init__(self, sb: Any) -> None:
        self.sb = sb
        self.global_num = self.num = current.session.number_of(sb.GetThreadID())

    def switch(self) -> None:
        """Have what follows in this command look at it."""
        current.thread = self.sb


def selected_thread() -> Thread | None:
    """gdb.selected_thread."""
    try:
        return Thread(current.thread)
    except MiError:
        return None


def threads() -> list[Thread]:
    """gdb.Inferior.threads."""
    process = current.process
    return [Thread(process.GetThreadAtIndex(index)) for index in range(process.GetNumThreads())]
