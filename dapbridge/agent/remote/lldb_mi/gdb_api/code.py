"""gdb.Symtab, gdb.Block, gdb.Symbol, gdb.Architecture: the program's code, its sources and its variables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import lldb

from dapbridge.agent.remote.lldb_mi.gdb_api import codes
from dapbridge.agent.remote.lldb_mi.gdb_api.current import current, read_memory
from dapbridge.agent.remote.lldb_mi.gdb_api.errors import MemoryError as NoMemory
from dapbridge.agent.remote.lldb_mi.gdb_api.errors import error
from dapbridge.agent.remote.lldb_mi.gdb_api.symbols import name_at, name_of
from dapbridge.agent.remote.lldb_mi.gdb_api.types import Type
from dapbridge.agent.remote.lldb_mi.gdb_api.values import Value
from dapbridge.agent.remote.lldb_mi.names import path_of

_GLOBAL = (lldb.eValueTypeVariableGlobal,)
_STATIC = (lldb.eValueTypeVariableStatic, lldb.eValueTypeVariableThreadLocal)
_TARGET_OF_BRANCH = re.compile(r"(?:\*)?0x[0-9a-f]+\Z")
_LONGEST = 16
_RELATIVE = re.compile(r"(?P<distance>-?0x[0-9a-f]+)\(%rip\)")


class LineEntry(NamedTuple):
    """One entry of a gdb.LineTable."""

    line: int
    pc: int


class LineTable:
    """gdb.LineTable: of one source in one compilation unit."""

    def __init__(self, unit: Any, path: str) -> None:
        self._unit = unit
        self._path = path

    def __iter__(self) -> Iterator[LineEntry]:
        target = current.target
        files: dict[str, bool] = {}
        for entry in sorted(self._entries(), key=lambda each: int(each.GetStartAddress().GetFileAddress())):
            spec = entry.GetFileSpec()
            key = f"{spec.GetDirectory()}/{spec.GetFilename()}"
            if key not in files:
                files[key] = path_of(spec) == self._path
            if files[key]:
                address = entry.GetStartAddress().GetLoadAddress(target)
                if address == lldb.LLDB_INVALID_ADDRESS:
                    address = entry.GetStartAddress().GetFileAddress()
                yield LineEntry(int(entry.GetLine()), address)

    def _entries(self) -> Iterator[Any]:
        for index in range(self._unit.GetNumLineEntries()):
            yield self._unit.GetLineEntryAtIndex(index)

    def source_lines(self) -> set[int]:
        """Return the lines that have code."""
        return {each.line for each in self if each.line}

    def has_line(self, line: int) -> bool:
        """Tell whether a line has code."""
        return line in self.source_lines()


class Symtab:
    """gdb.Symtab: a source file, in one compilation unit where that matters."""

    def __init__(self, file: Any, unit: Any = None) -> None:
        self._file = file
        self._unit = unit

    def fullname(self) -> str:
        """Return its whole path."""
        return path_of(self._file)

    @property
    def filename(self) -> str:
        """Its path as the debug info has it."""
        return path_of(self._file)

    def is_valid(self) -> bool:
        """Tell whether it is still there."""
        return True

    def linetable(self) -> LineTable:
        """Return the lines that have code. Raises RuntimeError where no unit is known."""
        if self._unit is None or not self._unit.IsValid():
            raise RuntimeError("Symbol table is invalid.")
        return LineTable(self._unit, self.fullname())

    def global_block(self) -> list[Symbol]:
        """Return what the unit has for all."""
        return self._variables(_GLOBAL)

    def static_block(self) -> list[Symbol]:
        """Return what the unit has for itself."""
        return self._variables(_STATIC)

    def _variables(self, types: tuple[int, ...]) -> list[Symbol]:
        frame = current.frame
        inner = _static_locals(frame)
        found: dict[str, Symbol] = {}
        for sb in frame.GetVariables(False, False, True, False, lldb.eNoDynamicValues):
            if sb.GetValueType() in types and (sb.GetName(), sb.GetLoadAddress()) not in inner:
                symbol = Symbol(sb)
                # In the place of many are declarations of templates' variables that the program has nowhere.
                found.setdefault(symbol.name, symbol)
        return list(found.values())


def _static_locals(frame: Any) -> set[tuple[str, int]]:
    """Return name and place of the variables in the frame's own function that outlive its calls."""
    found = set()
    block = frame.GetBlock()
    while block.IsValid():
        for sb in block.GetVariables(frame, False, False, True, lldb.eNoDynamicValues):
            found.add((sb.GetName(), sb.GetLoadAddress()))
        block = block.GetParent()
    return found


class Place(NamedTuple):
    """gdb.Symtab_and_line."""

    symtab: Symtab | None
    line: int
    pc: int = 0


def find_pc_line(pc: int) -> Place:
    """gdb.find_pc_line."""
    address = current.target.ResolveLoadAddress(int(pc))
    entry = address.GetLineEntry()
    if not entry.IsValid() or not entry.GetLine():
        return Place(None, 0, pc)
    return Place(Symtab(entry.GetFileSpec(), address.GetCompileUnit()), int(entry.GetLine()), pc)


def decode_line(text: str) -> tuple[None, tuple[Place, ...] | None]:
    """gdb.decode_line, of `"FILE":LINE`: places of the line, or the next that has code, in each unit of the file.

    Raises gdb.error for a file that no debug info names.
    """
    found = re.fullmatch(r'"(?P<file>.*)":(?P<line>\d+)', text, re.DOTALL)
    if found is None:
        raise error(f"malformed linespec: {text}")
    path = re.sub(r"\\(.)", r"\1", found["file"])
    spec = lldb.SBFileSpec(path, False)
    places = []
    is_known = False
    for unit in _units_with(spec):
        is_known = True
        index = unit.FindLineEntryIndex(0, int(found["line"]), spec, False)
        if index != lldb.UINT32_MAX and index < unit.GetNumLineEntries():
            entry = unit.GetLineEntryAtIndex(index)
            places.append(Place(Symtab(spec, unit), int(entry.GetLine())))
    if not is_known:
        raise error(f"No source file named {path}.")
    first = min((each.line for each in places), default=0)
    return None, tuple(each for each in places if each.line == first) or None


def _units_with(spec: Any) -> Iterator[Any]:
    """Yield the compilation units that have code of a file."""
    target = current.target
    seen = 0
    for context in target.FindCompileUnits(spec):
        unit = context.GetCompileUnit()
        if path_of(unit.GetFileSpec()) == path_of(spec):
            seen += 1
            yield unit
    if seen:
        return
    for module in target.module_iter():
        for index in range(module.GetNumCompileUnits()):
            unit = module.GetCompileUnitAtIndex(index)
            if unit.FindSupportFileIndex(0, spec, True) != lldb.UINT32_MAX:
                yield unit


class Symbol:
    """gdb.Symbol of a variable, of which LLDB only gives the value."""

    needs_frame = False
    is_function = False
    is_constant = False

    def __init__(self, sb: Any) -> None:
        self.sb = sb
        self.name = name_of(sb) or "?"
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
    def addr_class(self) -> int:
        """Whether it is at a fixed place."""
        is_static = self.sb.GetValueType() in (*_GLOBAL, *_STATIC)
        return codes.OTHERS["SYMBOL_LOC_STATIC"] if is_static else 0

    @property
    def type(self) -> Type:
        """Its type."""
        return Type(self.sb.GetType())

    def value(self, frame: Any = None) -> Value:
        """Return its value; LLDB keeps it true to what is in memory."""
        return Value.of(self.sb)


class Function:
    """gdb.Symbol of a function."""

    def __init__(self, sb: Any) -> None:
        self.sb = sb
        self.name = self.print_name = name_of(sb)
        self.linkage_name = str(sb.GetMangledName() or sb.GetName() or "")

    @property
    def symtab(self) -> Symtab | None:
        """The source that it was declared in."""
        entry = self.sb.GetStartAddress().GetLineEntry()
        return Symtab(entry.GetFileSpec(), self.sb.GetStartAddress().GetCompileUnit()) if entry.IsValid() else None

    @property
    def line(self) -> int:
        """The line on which it begins."""
        return int(self.sb.GetStartAddress().GetLineEntry().GetLine())


class _Inlined(NamedTuple):
    """gdb.Symbol of a function at a place where it is inlined."""

    name: str

    @property
    def print_name(self) -> str:
        return self.name


class Block:
    """gdb.Block, seen from a frame or, without one, from nowhere."""

    is_static = False
    is_global = False

    def __init__(self, sb: Any, frame: Any = None, function: Any = None) -> None:
        self.sb = sb
        self._frame = frame
        self._function = frame.GetFunction() if frame is not None else function

    def __iter__(self) -> Iterator[Symbol]:
        if self._frame is not None:
            variables = self.sb.GetVariables(self._frame, True, True, True, lldb.eNoDynamicValues)
        else:
            variables = self.sb.GetVariables(current.target, False, False, True)
        for each in variables:
            yield Symbol(each)

    @property
    def function(self) -> Any:
        """The function that it is the block of; None for an inner one."""
        if self.sb.IsInlined():
            return _Inlined(str(self.sb.GetInlinedName()).removeprefix("::"))
        return None if self.sb.GetParent().IsValid() else Function(self._function)

    @property
    def superblock(self) -> Block | None:
        """The block around it."""
        parent = self.sb.GetParent()
        return Block(parent, self._frame, self._function) if parent.IsValid() else None

    @property
    def start(self) -> int:
        """Where it begins."""
        if not self.sb.GetParent().IsValid():
            return int(self._function.GetStartAddress().GetLoadAddress(current.target))
        starts = range(self.sb.GetNumRanges())
        return min(
            (int(self.sb.GetRangeStartAddress(each).GetLoadAddress(current.target)) for each in starts), default=0
        )

    @property
    def end(self) -> int:
        """Behind its last byte."""
        if not self.sb.GetParent().IsValid():
            return int(self._function.GetEndAddress().GetLoadAddress(current.target))
        ends = range(self.sb.GetNumRanges())
        return max((int(self.sb.GetRangeEndAddress(each).GetLoadAddress(current.target)) for each in ends), default=0)


def block_for_pc(pc: int) -> Block | None:
    """gdb.block_for_pc."""
    address = current.target.ResolveLoadAddress(int(pc))
    function = address.GetFunction()
    if not function.IsValid():
        return None
    block = address.GetBlock()
    return Block(block if block.IsValid() else function.GetBlock(), None, function)


class Architecture:
    """gdb.Architecture."""

    def name(self) -> str:
        """Return its name as gdb has it, as far as anybody asks."""
        triple = str(current.target.GetTriple())
        return "i386:x86-64" if triple.startswith("x86_64") else triple.partition("-")[0]

    def disassemble(self, start: int, end: int | None = None, count: int = 0) -> list[dict[str, Any]]:
        """Return the instructions from an address to another, that one included. Raises gdb.MemoryError."""
        target = current.target
        # The last instruction may reach beyond the end.
        size = (end - start if end is not None and not count else 0) + _LONGEST
        data = _readable(start, size)
        address = lldb.SBAddress(start, target)
        found: list[dict[str, Any]] = []
        for each in target.GetInstructionsWithFlavor(address, "att", data):
            at = each.GetAddress().GetLoadAddress(target)
            if at == lldb.LLDB_INVALID_ADDRESS:
                at = each.GetAddress().GetOffset()
            if end is not None and at > end:
                break
            text = _text_of(each, int(at))
            if text is None and not found and len(data) < size:
                raise NoMemory(f"Cannot access memory at address {start + len(data):#x}")
            found.append({"addr": int(at), "length": int(each.GetByteSize()), "asm": text or "(bad)"})
            if len(found) == (count or (1 if end is None else 0)):
                break
        return found


def _readable(start: int, size: int) -> bytes:
    try:
        return read_memory(start, size)
    except NoMemory:
        # Up to what can't be read, if that is not the first byte.
        data = current.memory.read(start, size)
        if not data:
            raise
        return data


def _text_of(instruction: Any, address: int) -> str | None:
    """Return an instruction's text as gdb has it: with the names of the addresses in it; None for what is none."""
    target = current.target
    mnemonic = str(instruction.GetMnemonic(target) or "")
    if not mnemonic or mnemonic.startswith(("<unknown", ".byte", ".long")):
        return None
    operands = str(instruction.GetOperands(target) or "").strip()
    if _TARGET_OF_BRANCH.match(operands):
        # LLDB 19 has it as it is in the file, newer ones as it is in memory: a branch is never far.
        there = int(operands.lstrip("*"), 16)
        in_file = int(instruction.GetAddress().GetFileAddress())
        if in_file != lldb.LLDB_INVALID_ADDRESS and abs(there - in_file) < abs(there - address):
            there += address - in_file
        name = name_at(there)
        operands = f"{there:#x}" + (f" <{name}>" if name else "")
    elif relative := _RELATIVE.search(operands):
        there = address + int(instruction.GetByteSize()) + int(relative["distance"], 16)
        name = name_at(there)
        operands += f"        # {there:#x}" + (f" <{name}>" if name else "")
    return f"{mnemonic:<6} {operands}".rstrip()
