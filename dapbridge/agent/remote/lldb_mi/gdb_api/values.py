"""gdb.Value, made of LLDB's SBValue, or of a place in memory and a type: most values need nothing of LLDB's then."""

from __future__ import annotations

import struct
from typing import Any

import lldb

from dapbridge.agent.remote.lldb_mi.gdb_api import arithmetic, codes
from dapbridge.agent.remote.lldb_mi.gdb_api.arithmetic import plain
from dapbridge.agent.remote.lldb_mi.gdb_api.current import current, read_memory
from dapbridge.agent.remote.lldb_mi.gdb_api.errors import OPTIMIZED_OUT, GdbError, error
from dapbridge.agent.remote.lldb_mi.gdb_api.objects import base_offset, distance, object_type
from dapbridge.agent.remote.lldb_mi.gdb_api.scalars import decode_float, format_scalar
from dapbridge.agent.remote.lldb_mi.gdb_api.types import Field, Type

_REFERENCES = (codes.REF, codes.RVALUE_REF)
_RECORDS = (codes.STRUCT, codes.UNION)
_GONE = ("optimized out", "not available", "out of scope")
_WIDE = 16
_MAX_BYTES = 1 << 24
"""A larger value is not read whole."""


class LazyString:
    """gdb.LazyString."""

    def __init__(self, address: int, length: int, type_: Type) -> None:
        self.address = address
        self.length = length
        self.encoding = ""
        self.type = type_


class Value:
    """gdb.Value: at an address, or as bytes, or as LLDB's value where only that knows where it is."""

    __slots__ = ("_address", "_bits", "_data", "_type", "sb")

    def __init__(self, content: Any = None, type_: Type | None = None) -> None:
        self.sb: Any = None
        self._address: int | None = None
        self._bits: tuple[int, int] | None = None
        self._data: bytes | None = None
        if type_ is not None:
            self._type = type_
        elif isinstance(content, Value):
            self.sb, self._address, self._bits, self._data = content.sb, content._address, content._bits, content._data
            self._type = content._type
        elif content is not None:
            self._take(content)

    def _take(self, content: Any) -> None:
        target = current.target
        if isinstance(content, bool):
            self._type, self._data = Type(target.GetBasicType(lldb.eBasicTypeBool)), bytes([content])
        elif isinstance(content, int):
            basic = lldb.eBasicTypeLong if -(1 << 63) <= content < 1 << 63 else lldb.eBasicTypeUnsignedLong
            self._type = Type(target.GetBasicType(basic))
            self._data = (content & (1 << 64) - 1).to_bytes(8, "little")
        elif isinstance(content, float):
            self._type, self._data = Type(target.GetBasicType(lldb.eBasicTypeDouble)), struct.pack("<d", content)
        else:
            data = str(content).encode("utf-8", "surrogateescape") + b"\0"
            self._type = Type(target.GetBasicType(lldb.eBasicTypeChar)).array(len(data) - 1)
            self._data = data

    @classmethod
    def of(cls, sb: Any) -> Value:
        """Return LLDB's value as one of gdb's."""
        value = cls(type_=Type(sb.GetType()))
        # Asked for anything, another one would have LLDB's own formatter look at what is in it.
        value.sb = sb.GetNonSyntheticValue()
        value._address = _address_of(value.sb)
        return value

    @classmethod
    def at(cls, address: int, type_: Type, bits: tuple[int, int] | None = None) -> Value:
        """Return the value of a type at an address, not read yet; bits: a bit field's place and size."""
        value = cls(type_=type_)
        value._address = address & (1 << 64) - 1
        value._bits = bits
        return value

    @classmethod
    def of_data(cls, data: bytes, type_: Type, bits: tuple[int, int] | None = None) -> Value:
        """Return the value of a type that these bytes are."""
        value = cls(type_=type_)
        value._data = data
        value._bits = bits
        return value

    # What it is

    @property
    def type(self) -> Type:
        """Its declared type."""
        return self._type.of(self)

    @property
    def dynamic_type(self) -> Type:
        """The type of the object that a pointer or reference points to, or that it is. Runs nothing."""
        type_ = self.type.strip_typedefs()
        if type_.code == codes.PTR:
            address, record = int(self), type_.target()
        elif type_.code in _REFERENCES:
            address, record = int(self.referenced_value()._place()), type_.target()
        else:
            address, record = self._place(), type_
        found = object_type(address, record)
        if found is None:
            return self.type
        if type_.code == codes.PTR:
            return found.pointer()
        return found.reference() if type_.code in _REFERENCES else found

    @property
    def address(self) -> Value | None:
        """The pointer to it; None for what is not in memory."""
        if self._address is None or self._bits is not None:
            return None
        return Value.of_data(self._address.to_bytes(8, "little"), self._type.pointer())

    @property
    def is_optimized_out(self) -> bool:
        """Whether the debug information says that it isn't there."""
        if self.sb is None or self._address is not None:
            return False
        failure = self.sb.GetError()
        if failure.Fail():
            return any(each in str(failure) for each in _GONE)
        return self._is_null_reference()

    def _is_null_reference(self) -> bool:
        """Whether it is a wide reference of Rust's that is null, as none is: LLDB takes what is not known for 0."""
        if current.language != "rust" or not str(self._type.sb.GetName()).startswith("&"):
            return False
        data = self.sb.GetData()
        failure = lldb.SBError()
        return data.GetByteSize() == _WIDE and not any(data.ReadRawData(failure, 0, 8) or b"\1")

    @property
    def is_lazy(self) -> bool:
        """Whether it is read when it is wanted."""
        return self._address is not None

    def fetch_lazy(self) -> None:
        """Read it. Raises gdb.MemoryError."""
        self.data()

    def _place(self) -> int:
        if self._address is None:
            raise error("Attempt to take address of value not located in memory.")
        return self._address

    def data(self) -> bytes:
        """Return its bytes. Raises gdb.error."""
        return self.data_at(0, self._size())

    def data_at(self, offset: int, size: int) -> bytes:
        """Return some of its bytes. Raises gdb.error."""
        if size > _MAX_BYTES:
            raise error(f"value requires {size} bytes, which is more than is read at once")
        if self._address is not None:
            return read_memory(self._address + offset, size)
        if self._data is None:
            self._data = self._data_of_sb()
        return self._data[offset : offset + size]

    def _data_of_sb(self) -> bytes:
        if self.is_optimized_out:
            raise error(OPTIMIZED_OUT)
        failure = lldb.SBError()
        data = self.sb.GetData()
        size = data.GetByteSize()
        content = data.ReadRawData(failure, 0, size) if size else b""
        if failure.Fail() or (content is None) or (not size and self._size()):
            raise error(str(self.sb.GetError()).removeprefix("error: ").strip() or OPTIMIZED_OUT)
        return bytes(content)

    def _size(self) -> int:
        if self._bits is not None:
            start, count = self._bits
            return (start + count + 7) // 8
        return self.type.sizeof

    # What is in it

    def __getitem__(self, key: Any) -> Value:
        type_ = self.type.strip_typedefs()
        if type_.code in _REFERENCES:
            return self.referenced_value()[key]
        if isinstance(key, Field):
            return self._field(key)
        if isinstance(key, str):
            if type_.code == codes.PTR:
                return self.dereference()[key]
            return self._named(key, type_)
        return self._element(int(key), type_)

    def _element(self, index: int, type_: Type) -> Value:
        element = type_.target()
        if type_.code == codes.PTR:
            return Value.at(int(self) + index * element.sizeof, element)
        if type_.code != codes.ARRAY:
            raise error("cannot subscript something of type `" + str(self.type) + "'")
        offset = index * element.sizeof
        if self._address is not None:
            return Value.at(self._address + offset, element)
        return Value.of_data(self.data_at(offset, element.sizeof), element)

    def _named(self, name: str, type_: Type) -> Value:
        if type_.code not in _RECORDS:
            raise error("Attempt to extract a component of a value that is not a structure.")
        bare = [each for each in type_.fields() if each.is_base_class or not each.name]
        for field in type_.fields():
            if field.name == name:
                return self._field(field)
        for field in bare:
            if not field.artificial and field.type.strip_typedefs().code in _RECORDS:
                try:
                    return self._field(field)[name]
                except error:
                    continue
        raise error(f"There is no member named {name}.")

    def _field(self, field: Field) -> Value:
        if not hasattr(field, "bitpos"):
            return _static_member(field)
        if field.is_virtual:
            return self._virtual_base(field)
        offset, start = divmod(field.bitpos, 8)
        bits = (start, field.bitsize) if field.bitsize else None
        if self._address is not None:
            return Value.at(self._address + offset, field.type, bits)
        if self.sb is not None:
            child = self._child_of_sb(field)
            if child is not None:
                return child
        size = (start + field.bitsize + 7) // 8 if bits else field.type.sizeof
        return Value.of_data(self.data_at(offset, size), field.type, bits)

    def _child_of_sb(self, field: Field) -> Value | None:
        """Return the member of what is not in memory, where LLDB may know one member and not the others."""
        sb = self.sb.GetNonSyntheticValue()
        if field.variant is not None or field.index < 0:
            return None
        own = sb.GetType().GetCanonicalType().GetNumberOfFields()
        child = sb.GetChildAtIndex(sb.GetNumChildren() - own + field.index)
        if not child.IsValid() or field.bitsize:
            return None
        return Value.of(child)

    def _virtual_base(self, field: Field) -> Value:
        sb = self.as_sb().GetNonSyntheticValue()
        for index in range(sb.GetNumChildren()):
            child = sb.GetChildAtIndex(index)
            if child.GetType().GetName() == field.type.sb.GetName():
                return Value.of(child)
        # Without members, it is nowhere.
        return Value.of_data(b"", field.type)

    def as_sb(self) -> Any:
        """Return LLDB's value of it."""
        if self.sb is None:
            target = current.target
            if self._address is not None:
                place = lldb.SBAddress(self._address, target)
                self.sb = target.CreateValueFromAddress("value", place, self._type.sb)
            else:
                data = lldb.SBData()
                data.SetData(lldb.SBError(), self.data(), target.GetByteOrder(), target.GetAddressByteSize())
                self.sb = target.CreateValueFromData("value", data, self._type.sb)
        return self.sb

    def dereference(self) -> Value:
        """Return what a pointer points to."""
        type_ = self.type.strip_typedefs()
        if type_.code in _REFERENCES:
            return self.referenced_value().dereference()
        if type_.code != codes.PTR:
            raise error("Attempt to take contents of a non-pointer value.")
        target = type_.target()
        if target.code == codes.VOID:
            raise error("Attempt to take contents of a non-pointer value.")
        return Value.at(int(self), target)

    def referenced_value(self) -> Value:
        """Return what a pointer or reference refers to."""
        type_ = self.type.strip_typedefs()
        if type_.code not in _REFERENCES:
            return self.dereference()
        return Value.at(int.from_bytes(self.data_at(0, 8), "little"), type_.target())

    # Other types of it

    def cast(self, type_: Type) -> Value:
        """Return it as a value of another type."""
        bare = type_.strip_typedefs()
        own = self.type.strip_typedefs()
        if bare.code == own.code == codes.PTR:
            moved = distance(self, own.target().strip_typedefs(), bare.target().strip_typedefs())
            return Value.of_data(((int(self) + moved) & (1 << 64) - 1).to_bytes(8, "little"), type_)
        if bare.code == own.code == codes.STRUCT and (offset := base_offset(own, bare)) and self._address is not None:
            return Value.at(self._address + offset, type_)
        if bare.code in (codes.INT, codes.CHAR, codes.BOOL, codes.ENUM, codes.PTR):
            size = bare.sizeof
            return Value.of_data((int(self) & (1 << 8 * size) - 1).to_bytes(size, "little"), type_)
        if bare.code == codes.FLT:
            return Value.of_data(struct.pack("<d" if bare.sizeof == 8 else "<f", float(self)), type_)
        return self.reinterpret_cast(type_)

    def reinterpret_cast(self, type_: Type) -> Value:
        """Return its bytes as a value of another type."""
        if self._address is not None:
            return Value.at(self._address, type_)
        return Value.of_data(self.data(), type_)

    def dynamic_cast(self, type_: Type) -> Value:
        """Return it as a value of another type."""
        return self.cast(type_)

    # As Python has it

    def __int__(self) -> int:
        type_ = self.type.strip_typedefs()
        if type_.code in _REFERENCES:
            return int(self.referenced_value())
        if type_.code == codes.FLT:
            return int(float(self))
        if type_.code in (codes.FUNC, codes.ARRAY) and self._address is not None:
            return self._address
        if type_.code in (*_RECORDS, codes.ARRAY, codes.VOID):
            raise error("Cannot convert value to long.")
        return self.integer(signed=type_.is_signed)

    def integer(self, *, signed: bool) -> int:
        """Return its bits as a number."""
        data = self.data()
        if self._bits is None:
            return int.from_bytes(data, "little", signed=signed)
        start, count = self._bits
        number = int.from_bytes(data, "little") >> start & (1 << count) - 1
        return number - (1 << count) if signed and number >> (count - 1) else number

    @property
    def bit_size(self) -> int:
        """How many bits it has."""
        return self._bits[1] if self._bits is not None else 8 * self.type.sizeof

    __index__ = __int__

    def __float__(self) -> float:
        type_ = self.type.strip_typedefs()
        return decode_float(self.data()) if type_.code == codes.FLT else float(int(self))

    def __bool__(self) -> bool:
        code = self.type.strip_typedefs().code
        if code in (*_RECORDS, codes.ARRAY):
            return True
        return bool(int(self)) if code != codes.FLT else bool(float(self))

    def __str__(self) -> str:
        return self.format_string()

    def __hash__(self) -> int:
        return id(self)

    def __len__(self) -> int:
        low, high = self.type.strip_typedefs().range()
        return high - low + 1

    def __call__(self, *arguments: Any) -> Value:
        raise error("Cannot call functions in the program: may-call-functions is off.")

    def format_string(self, **options: Any) -> str:
        """Return its text as gdb's `print` has it."""
        if self.is_optimized_out:
            return "<optimized out>"
        return format_scalar(self, str(options.get("format", "")))

    def string(self, encoding: str = "utf-8", errors: str = "replace", length: int = -1) -> str:
        """Return the text that it is or points to."""
        type_ = self.type.strip_typedefs()
        if type_.code == codes.PTR:
            address = int(self)
            data = read_memory(address, length) if length >= 0 else _until_nul(address)
        else:
            data = self.data()
            data = data[:length] if length >= 0 else data.partition(b"\0")[0]
        return data.decode(encoding or "utf-8", errors or "replace")

    def lazy_string(self, encoding: str = "", length: int = -1) -> LazyString:
        """Return where the text is that it is or points to."""
        type_ = self.type.strip_typedefs()
        address = int(self) if type_.code == codes.PTR else self._place()
        return LazyString(address, length, type_)

    # Arithmetic

    def plain(self) -> int | float:
        """Return it as Python's number."""
        type_ = self.type.strip_typedefs()
        if type_.code in _REFERENCES:
            return self.referenced_value().plain()
        return float(self) if type_.code == codes.FLT else int(self)

    def _moved(self, steps: int) -> Value | None:
        type_ = self.type.strip_typedefs()
        if type_.code == codes.ARRAY and self._address is not None:
            return Value.of_data(self._address.to_bytes(8, "little"), type_.target().pointer())._moved(steps)
        if type_.code != codes.PTR:
            return None
        size = max(type_.target().sizeof, 1)
        return Value.of_data(((int(self) + steps * size) & (1 << 64) - 1).to_bytes(8, "little"), self._type)

    def __add__(self, other: Any) -> Value:
        moved = self._moved(int(other))
        return moved if moved is not None else Value(self.plain() + plain(other))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Value:
        type_ = self.type.strip_typedefs()
        if type_.code == codes.PTR and isinstance(other, Value) and other.type.strip_typedefs().code == codes.PTR:
            return Value((int(self) - int(other)) // max(type_.target().sizeof, 1))
        moved = self._moved(-int(other))
        return moved if moved is not None else Value(self.plain() - plain(other))

    def __rsub__(self, other: Any) -> Value:
        return Value(plain(other) - self.plain())

    def __eq__(self, other: object) -> bool:
        if other is None or not isinstance(other, (Value, int, float)):
            return False
        return bool(self.plain() == plain(other))

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __neg__(self) -> Value:
        return Value(-self.plain())

    def __invert__(self) -> Value:
        return Value(~int(self))

    def __abs__(self) -> Value:
        return Value(abs(self.plain()))


def _address_of(sb: Any) -> int | None:
    """Return where LLDB's value is in memory; None where it isn't: what is computed LLDB takes for its own address."""
    if sb.GetValueType() == lldb.eValueTypeConstResult:
        pointer = sb.AddressOf()
        return int(pointer.GetValueAsUnsigned()) if pointer.IsValid() and pointer.GetError().Success() else None
    if not str(sb.GetLocation() or "").startswith("0x"):
        return None
    address = sb.GetLoadAddress()
    return None if address == lldb.LLDB_INVALID_ADDRESS else int(address)


def _static_member(field: Field) -> Value:
    owner = field.parent_type
    assert owner is not None
    name = f"{owner.name}::{field.name}"
    found = current.target.FindGlobalVariables(name, 1)
    if len(found):
        return Value.of(found[0])
    member = owner.sb.GetStaticFieldWithName(field.name)
    constant = member.GetConstantValue(current.target)
    if constant.IsValid() and constant.GetError().Success():
        return Value.of(constant)
    raise error(OPTIMIZED_OUT)


def _until_nul(address: int) -> bytes:
    failure = lldb.SBError()
    text = current.process.ReadCStringFromMemory(address, 4096, failure)
    if failure.Fail():
        raise GdbError(f"Cannot access memory at address {address:#x}")
    return str(text).encode("utf-8", "surrogateescape")


arithmetic.install(Value)
