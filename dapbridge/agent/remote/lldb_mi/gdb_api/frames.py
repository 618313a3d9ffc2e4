"""gdb.Frame, gdb.Block, gdb.Symbol, gdb.Symtab, as far as values are looked at through them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import lldb

from dapbridge.agent.remote.lldb_mi.errors import MiError
from dapbridge.agent.remote.lldb_mi.gdb_api.current import current, language_of
from dapbridge.agent.remote.lldb_mi.gdb_api.errors import error
from dapbridge.agent.remote.lldb_mi.gdb_api.registers import find
from dapbridge.agent.remote.lldb_mi.gdb_api.types import Type
from dapbridge.agent.remote.lldb_mi.gdb_api.values import Value


class Symtab:
    """gdb.Symtab: a source file."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def fullname(self) -> str:
        """Return its whole path."""
        return path_of(self._file)

    @property
    def filename(self) -> str:
        """Its path as the debug info has it."""
        return path_of(self._file)


class Place(NamedTuple):
    """gdb.Symtab_and_line."""

    symtab: Symtab | None
    line: int


class Symbol:
    """gdb.Symbol of a variable, of which LLDB only gives the value."""

    needs_frame = True
    is_function = False
    is_constant = False

    def __init__(self, sb: Any) -> None:
        self.sb = sb
        self.name = str(sb.GetName() or "?").removeprefix("::")
        declaration = sb.GetDeclaration()
        self.line = int(declaration.GetLine())
        file = declaration.GetFileSpec()
        self.symtab = Symtab(file) if file.IsValid() and file.GetFilename() else None

    @property
    def is_argument(self) -> bool:
        """Whether it is a parameter of its function."""
        return bool(self.sb.GetValueType() == lldb.eValueTypeVariableArgument)

    @property
    def is_variable(self) -> bool:
        """Whether it is a variable, but no parameter."""
        return not self.is_argument

    @property
    def type(self) -> Type:
        """Its type."""
        return Type(self.sb.GetType())

    def value(self, frame: Any = None) -> Value:
        """Return its value; LLDB keeps it true to what is in memory."""
        return Value.of(self.sb)


class Function(NamedTuple):
    """gdb.Symbol of a function."""

    name: str


class Block:
    """gdb.Block of a frame."""

    is_static = False
    is_global = False

    def __init__(self, sb: Any, frame: Any) -> None:
        self.sb = sb
        self._frame = frame

    def __iter__(self) -> Iterator[Symbol]:
        for each in self.sb.GetVariables(self._frame, True, True, True, lldb.eNoDynamicValues):
            yield Symbol(each)

    @property
    def function(self) -> Function | None:
        """The function that it is the block of; None for an inner one."""
        if self.sb.IsInlined():
            return Function(str(self.sb.GetInlinedName()))
        return None if self.sb.GetParent().IsValid() else Function(str(self._frame.GetFunctionName()))

    @property
    def superblock(self) -> Block | None:
        """The block around it."""
        parent = self.sb.GetParent()
        return Block(parent, self._frame) if parent.IsValid() else None


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

    def find_sal(self) -> Place:
        """Return the source line."""
        entry = self.sb.GetLineEntry()
        if not entry.IsValid():
            unit = self.sb.GetCompileUnit()
            return Place(Symtab(unit.GetFileSpec()) if unit.IsValid() else None, 0)
        return Place(Symtab(entry.GetFileSpec()), int(entry.GetLine()))

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


def path_of(file: Any) -> str:
    """Return the path of an SBFileSpec."""
    folder, name = file.GetDirectory(), file.GetFilename()
    return f"{folder.rstrip('/')}/{name}" if folder else str(name or "")
