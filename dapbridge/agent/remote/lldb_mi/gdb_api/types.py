"""gdb.Type and gdb.Field, made of LLDB's SBType.

Names are written as gdb has them: `struct job *` in C, `u64` in Rust, `int [3]`. A Rust enum looks as gdb shows one: a
first field without a name, and of the variants only the one that the value is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import lldb

from dapbridge.agent.remote.lldb_mi.gdb_api import codes, rust_names, type_names
from dapbridge.agent.remote.lldb_mi.gdb_api.current import current
from dapbridge.agent.remote.lldb_mi.gdb_api.descriptions import static_members
from dapbridge.agent.remote.lldb_mi.gdb_api.errors import error

if TYPE_CHECKING:
    from dapbridge.agent.remote.lldb_mi.gdb_api.values import Value

_CODES = {
    lldb.eTypeClassArray: codes.ARRAY,
    lldb.eTypeClassVector: codes.ARRAY,
    lldb.eTypeClassClass: codes.STRUCT,
    lldb.eTypeClassStruct: codes.STRUCT,
    lldb.eTypeClassUnion: codes.UNION,
    lldb.eTypeClassEnumeration: codes.ENUM,
    lldb.eTypeClassFunction: codes.FUNC,
    lldb.eTypeClassPointer: codes.PTR,
    lldb.eTypeClassMemberPointer: codes.MEMBERPTR,
    lldb.eTypeClassReference: codes.REF,
    lldb.eTypeClassTypedef: codes.TYPEDEF,
    lldb.eTypeClassComplexFloat: codes.COMPLEX,
    lldb.eTypeClassComplexInteger: codes.COMPLEX,
}
_BASIC_CODES = {
    lldb.eBasicTypeVoid: codes.VOID,
    lldb.eBasicTypeBool: codes.BOOL,
    lldb.eBasicTypeWChar: codes.CHAR,
    lldb.eBasicTypeChar16: codes.CHAR,
    lldb.eBasicTypeChar32: codes.CHAR,
    lldb.eBasicTypeChar8: codes.CHAR,
    lldb.eBasicTypeHalf: codes.FLT,
    lldb.eBasicTypeFloat: codes.FLT,
    lldb.eBasicTypeDouble: codes.FLT,
    lldb.eBasicTypeLongDouble: codes.FLT,
}
_UNSIGNED = frozenset(
    {
        lldb.eBasicTypeUnsignedChar,
        lldb.eBasicTypeUnsignedWChar,
        lldb.eBasicTypeChar16,
        lldb.eBasicTypeChar32,
        lldb.eBasicTypeChar8,
        lldb.eBasicTypeUnsignedShort,
        lldb.eBasicTypeUnsignedInt,
        lldb.eBasicTypeUnsignedLong,
        lldb.eBasicTypeUnsignedLongLong,
        lldb.eBasicTypeUnsignedInt128,
        lldb.eBasicTypeBool,
    }
)
_KEYWORDS = {
    lldb.eTypeClassStruct: "struct ",
    lldb.eTypeClassClass: "struct ",
    lldb.eTypeClassUnion: "union ",
    lldb.eTypeClassEnumeration: "enum ",
}
_RECORDS = (lldb.eTypeClassStruct, lldb.eTypeClassClass, lldb.eTypeClassUnion)
_ANONYMOUS = re.compile(r"\((?:anonymous|unnamed) (struct|union|class|enum)\b[^)]*\)")
_RUST_VARIANTS = "$variants$"


class Field:
    """gdb.Field. One of a static member has no `bitpos`, as in gdb."""

    def __init__(self, name: str | None, type_: Type, *, index: int = -1, bitsize: int = 0) -> None:
        self.name = name
        self.type = type_
        self.index = index
        """Its place among LLDB's children of the record, counted from the first that is no base."""
        self.bitsize = bitsize
        self.is_base_class = False
        self.is_virtual = False
        self.artificial = False
        self.enumval = 0
        self.parent_type: Type | None = None
        self.bitpos: int
        self.variant: Field | None = None
        """Of a Rust enum's variant: the field that it stands for."""


class Type:
    """gdb.Type. `value` is the one whose type it is, for what depends on it: the length of an array, a Rust variant."""

    __slots__ = ("_code", "_depends", "_fields", "_made", "_names", "_signed", "_size", "sb", "value")

    def __init__(self, sb: Any, value: Value | None = None) -> None:
        self.sb = sb
        self.value = value
        self._code = 0
        self._size: int | None = None
        self._depends: bool | None = None
        self._signed: bool | None = None
        self._fields: list[Field] | None = None
        self._made: dict[str, Type] = {}
        """Types that were made of this one: many values have one type, and LLDB takes its time."""
        self._names: dict[str, str | None] = {}

    def _once(self, name: str, make: Callable[[], Any]) -> Type:
        found = self._made.get(name)
        if found is None:
            found = self._made[name] = Type(make())
        return found

    def of(self, value: Value) -> Type:
        """Return the type as that of a value, where that makes a difference; else itself."""
        if self.depends_on_value:
            return Type(self.sb, value)
        return self

    @property
    def depends_on_value(self) -> bool:
        """Whether what it has in it depends on the value."""
        if self._depends is None:
            self._depends = self._find_depends()
        return self._depends

    def _find_depends(self) -> bool:
        if self.code in (codes.STRUCT, codes.TYPEDEF) and current.language == "rust":
            return bool(self.sb.GetFieldAtIndex(0).GetName() == _RUST_VARIANTS)
        return self.code in (codes.ARRAY, codes.TYPEDEF) and not self._fixed_size()

    def _fixed_size(self) -> int:
        """Return the size that does not depend on a value."""
        # LLDB takes an array of unknown length for one of one element.
        return 0 if str(self.sb.GetName()).endswith("[]") else int(self.sb.GetByteSize())

    # What it is

    @property
    def code(self) -> int:
        """The TYPE_CODE of gdb."""
        if not self._code:
            class_ = self.sb.GetTypeClass()
            if class_ == lldb.eTypeClassBuiltin:
                basic = self.sb.GetBasicType()
                self._code = _BASIC_CODES.get(basic, codes.INT)
                if basic == lldb.eBasicTypeVoid and current.language == "rust":
                    # Rust's unit.
                    self._code = codes.STRUCT
            else:
                self._code = _CODES.get(class_, codes.ERROR)
                if self._code == codes.REF and str(self.sb.GetName()).endswith("&&"):
                    self._code = codes.RVALUE_REF
        return self._code

    @property
    def sizeof(self) -> int:
        """Its size in bytes."""
        if self._size is None:
            self._size = self._fixed_size()
            if not self._size and self.code == codes.ARRAY:
                self._size = self._count() * self.target().sizeof
        return self._size

    @property
    def alignof(self) -> int:
        """Its alignment in bytes."""
        return int(self.sb.GetByteAlign())

    @property
    def is_signed(self) -> bool:
        """Whether it is an integer that can be negative."""
        if self._signed is None:
            self._signed = self.basic not in _UNSIGNED and self.code in (codes.INT, codes.CHAR, codes.ENUM)
        return self._signed

    @property
    def is_scalar(self) -> bool:
        """Whether a value of it is but one."""
        return self.code not in (codes.STRUCT, codes.UNION, codes.ARRAY)

    @property
    def basic(self) -> int:
        """LLDB's number of a basic type; of an enum that of its integers."""
        sb = self.sb.GetEnumerationIntegerType() if self.code == codes.ENUM else self.sb
        return int(sb.GetCanonicalType().GetBasicType())

    @property
    def objfile(self) -> None:
        """No objfile is known."""
        return None

    @property
    def dynamic(self) -> bool:
        """Whether it depends on a value."""
        return False

    # Names

    @property
    def tag(self) -> str | None:
        """The name of a record or enum."""
        return self.name if self.code in (codes.STRUCT, codes.UNION, codes.ENUM) else None

    @property
    def name(self) -> str | None:
        """The name; None for what has none of its own: pointers, arrays, functions, records without a name."""
        if self.code in (codes.PTR, codes.REF, codes.RVALUE_REF, codes.ARRAY, codes.FUNC):
            return None
        language = current.language
        if language not in self._names:
            self._names[language] = self._name_in(language)
        return self._names[language]

    def _name_in(self, language: str) -> str | None:
        name = _plain_name(self.sb)
        if name.endswith(")") and _ANONYMOUS.search(name) and self.code in (codes.STRUCT, codes.UNION, codes.ENUM):
            return None
        if language == "rust":
            return rust_names.of_type(self, name)
        return "_Bool" if name == "bool" and language == "c" else name

    def __str__(self) -> str:
        text = self._spelled()
        type_names.spelled[text] = self.sb
        return text

    def _spelled(self) -> str:
        if current.language == "rust":
            return rust_names.of_type(self, _plain_name(self.sb))
        name = re.sub(r"(?<=[^\s\])])\[", " [", _plain_name(self.sb))
        name = _ANONYMOUS.sub(r"\1 {...}", name)
        if current.language == "c":
            name = re.sub(r"\bbool\b", "_Bool", name)
            inner = self.sb
            while inner.GetTypeClass() in (lldb.eTypeClassPointer, lldb.eTypeClassArray):
                inner = inner.GetPointeeType() if inner.IsPointerType() else inner.GetArrayElementType()
            word = _KEYWORDS.get(inner.GetTypeClass(), "")
            bare = str(inner.GetUnqualifiedType().GetName())
            if word and "{" not in name:
                name = name.replace(bare, word + bare, 1)
        return name

    # Other types of it

    def target(self) -> Type:
        """Return what a pointer points to, an array consists of, a function returns."""
        make = _TARGETS.get(self.code)
        if make is None:
            raise error("Type does not have a target.")
        return self._once("target", lambda: make(self.sb))

    def strip_typedefs(self) -> Type:
        """Return the type below its typedefs."""
        if self.code != codes.TYPEDEF:
            return self
        if self.value is None:
            return self._once("stripped", self._below)
        return Type(self._below(), self.value)

    def _below(self) -> Any:
        sb = self.sb
        for _ in range(32):
            if sb.GetTypeClass() != lldb.eTypeClassTypedef:
                break
            below = sb.GetTypedefedType()
            if not below.IsValid():
                sb = sb.GetCanonicalType()
                break
            sb = below
        return sb

    def unqualified(self) -> Type:
        """Return the type without const and volatile."""
        if self.value is None:
            return self._once("unqualified", self.sb.GetUnqualifiedType)
        return Type(self.sb.GetUnqualifiedType(), self.value)

    def pointer(self) -> Type:
        """Return the pointer to it."""
        return self._once("pointer", self.sb.GetPointerType)

    def reference(self) -> Type:
        """Return the reference to it."""
        return self._once("reference", self.sb.GetReferenceType)

    def const(self) -> Type:
        """Return itself: LLDB can't make a constant type of another."""
        return self

    volatile = const

    def array(self, first: int, last: int | None = None) -> Type:
        """Return the array of it."""
        count = first + 1 if last is None else last - first + 1
        return Type(self.sb.GetArrayType(count))

    def template_argument(self, number: int, block: Any = None) -> Any:
        """Return a template argument: a Type, or for a number a Value. Raises gdb.error."""
        from dapbridge.agent.remote.lldb_mi.gdb_api.values import Value

        sb = self.sb.GetTemplateArgumentType(number)
        if self.sb.GetTemplateArgumentKind(number) == lldb.eTemplateArgumentKindType and sb.IsValid():
            return Type(sb)
        arguments = type_names.split_arguments(str(self.sb.GetCanonicalType().GetName()))
        if number >= len(arguments):
            raise error(f"No argument {number} in template.")
        text = arguments[number]
        if found := re.fullmatch(r"(?:\([^)]*\))?(-?\d+)[UuLl]*", text):
            return Value(int(found[1]))
        if text in ("true", "false"):
            return Value(text == "true")
        named = current.target.FindFirstType(text)
        if not named.IsValid():
            raise error(f"No type named {text}.")
        return Type(named)

    # What is in it

    def range(self) -> tuple[int, int]:
        """Return an array's first and last index."""
        if self.code != codes.ARRAY:
            raise error("This type does not have a range.")
        return 0, self._count() - 1

    def _count(self) -> int:
        element = self.target().sizeof
        if size := self._fixed_size():
            return size // element if element else 0
        if self.value is not None and self.value.sb is not None:
            return int(self.value.sb.GetNumChildren())
        found = re.search(r"\[(\d+)\]", str(self.sb.GetName()))
        return int(found[1]) if found else 0

    def fields(self) -> list[Field]:
        """Return the fields of a record or the values of an enum."""
        if self._fields is None:
            self._fields = list(self._read_fields())
        return self._fields

    def keys(self) -> list[str | None]:
        """Return the fields' names."""
        return [each.name for each in self.fields()]

    def has_key(self, name: str) -> bool:
        """Tell whether a field has that name."""
        return any(each.name == name for each in self.fields())

    def __getitem__(self, name: str) -> Field:
        for each in self.fields():
            if each.name == name:
                return each
        raise KeyError(name)

    def __contains__(self, name: str) -> bool:
        return self.has_key(name)

    def __len__(self) -> int:
        return len(self.fields())

    def __bool__(self) -> bool:
        return True

    def _read_fields(self) -> list[Field]:
        if self.code == codes.TYPEDEF:
            return self.strip_typedefs().fields()
        if self.code == codes.ENUM:
            return _enumerators(self)
        if self.code not in (codes.STRUCT, codes.UNION):
            raise error("Type is not a structure, union, enum, or function type.")
        first = self.sb.GetFieldAtIndex(0)
        if first.IsValid() and first.GetName() == _RUST_VARIANTS:
            return self._rust_variant(Type(first.GetType()))
        members = [_base(self, index) for index in range(self.sb.GetNumberOfDirectBaseClasses())]
        if self.sb.IsPolymorphicClass() and not any(_is_polymorphic(each.type.sb) for each in members):
            members.append(self._vptr())
        members += [_member(self, index) for index in range(self.sb.GetNumberOfFields())]
        return members + self._statics()

    def _vptr(self) -> Field:
        """Return the field that LLDB leaves out: the pointer to the table of virtual functions."""
        own = re.sub(r"<.*", "", self.name or "").rsplit("::", 1)[-1]
        function = current.target.GetBasicType(lldb.eBasicTypeVoid).GetPointerType()
        field = Field(f"_vptr.{own}", Type(function.GetPointerType()))
        field.bitpos = 0
        field.parent_type = self
        return field

    def _statics(self) -> list[Field]:
        found = []
        for name in static_members(self):
            member = self.sb.GetStaticFieldWithName(name)
            if member.IsValid():
                field = Field(name, Type(member.GetType()))
                field.parent_type = self
                found.append(field)
        return found

    def _rust_variant(self, variants: Type) -> list[Field]:
        discriminant = Field(None, Type(current.target.GetBasicType(lldb.eBasicTypeUnsignedLongLong)))
        discriminant.artificial = True
        discriminant.bitpos = 0
        active = rust_names.active_variant(variants, self.value)
        return [discriminant] if active is None else [discriminant, active]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Type) and bool(self.sb == other.sb or self.sb.GetName() == other.sb.GetName())

    def __hash__(self) -> int:
        return hash(self.sb.GetName())


def _element(sb: Any) -> Any:
    element = sb.GetArrayElementType()
    return element if element.IsValid() else sb.GetVectorElementType()


_TARGETS: dict[int, Callable[[Any], Any]] = {
    codes.PTR: lambda sb: sb.GetPointeeType(),
    codes.ARRAY: _element,
    codes.REF: lambda sb: sb.GetDereferencedType(),
    codes.RVALUE_REF: lambda sb: sb.GetDereferencedType(),
    codes.FUNC: lambda sb: sb.GetFunctionReturnType(),
    codes.TYPEDEF: lambda sb: sb.GetTypedefedType(),
    codes.ENUM: lambda sb: sb.GetEnumerationIntegerType(),
}


def _plain_name(sb: Any) -> str:
    return _normalized(str(sb.GetName() or ""))


@lru_cache(maxsize=4096)
def _normalized(name: str) -> str:
    # Names of what stands in no namespace begin so where there is another of that name.
    return name.removeprefix("::")


def _is_polymorphic(sb: Any) -> bool:
    return bool(sb.GetCanonicalType().IsPolymorphicClass())


def _base(record: Type, index: int) -> Field:
    member = record.sb.GetDirectBaseClassAtIndex(index)
    type_ = Type(member.GetType())
    field = Field(type_.name or str(type_), type_)
    field.is_base_class = True
    field.parent_type = record
    field.bitpos = int(member.GetOffsetInBits())
    virtual = record.sb.GetNumberOfVirtualBaseClasses()
    names = {record.sb.GetVirtualBaseClassAtIndex(each).GetName() for each in range(virtual)}
    field.is_virtual = member.GetName() in names
    return field


def _member(record: Type, index: int) -> Field:
    member = record.sb.GetFieldAtIndex(index)
    bits = int(member.GetBitfieldSizeInBits()) if member.IsBitfield() else 0
    bitpos = int(member.GetOffsetInBits())
    field = Field(member.GetName() or None, _member_type(record, member.GetType(), bitpos), index=index, bitsize=bits)
    field.bitpos = bitpos
    field.parent_type = record
    return field


_LOST_LENGTHS = ("[]", "[0]")
"""How such arrays' types end in LLDB 19, and in newer ones."""


def _member_type(record: Type, sb: Any, bitpos: int) -> Type:
    """Return a member's type; of an array in a union without a name, LLDB loses the length."""
    if record.code == codes.UNION and str(sb.GetName()).endswith(_LOST_LENGTHS):
        element = sb.GetArrayElementType()
        if size := int(element.GetByteSize()):
            return Type(element.GetArrayType((record.sizeof - bitpos // 8) // size))
    return Type(sb)


def _enumerators(enum: Type) -> list[Field]:
    found = []
    prefix = enum.name or ""
    if not enum.sb.IsScopedEnumerationType() and current.language != "rust":
        prefix = prefix.rpartition("::")[0]
    for member in enum.sb.GetEnumMembers():
        field = Field(f"{prefix}::{member.GetName()}" if prefix else str(member.GetName()), enum)
        field.enumval = int(member.GetValueAsSigned() if enum.is_signed else member.GetValueAsUnsigned())
        field.parent_type = enum
        found.append(field)
    return found


def lookup_type(name: str, block: Any = None) -> Type:
    """gdb.lookup_type. Raises gdb.error."""
    return Type(type_names.find_type(name))
