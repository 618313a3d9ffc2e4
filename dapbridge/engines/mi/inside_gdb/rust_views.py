"""Runs inside gdb: Rust's values as Rust's own `{:?}` writes them, and what a Rust programmer finds in them.

The standard library's types are known by their names; their insides by what rustc 1.70 to 1.9x writes into the debug
information, looked up by field names that have been stable, with a deeper look for the pointer where they have not.
"""

import re
import struct
from collections.abc import Callable, Iterator

import gdb

from .texts import Text, quoted, read
from .views import (
    ERRORS,
    Child,
    Computed,
    Listed,
    Look,
    Type,
    Value,
    View,
    Walked,
    array_view,
    at,
    elements_view,
    format_scalar,
    operand,
    plain,
    pointed_at,
)

_Make = Callable[[Value, Type, str | None, Look], View | None]

_BTREE_CAPACITY = 11
_MAX_DEPTH = 40


def find(value: Value, type_: Type, expression: str | None, look: Look) -> View | None:
    """Return the view of a Rust value; None for what gdb shows well by itself."""
    code, name = type_.code, type_.name or ""
    if code == gdb.TYPE_CODE_PTR:
        return _pointer(value, type_, look)
    if code == gdb.TYPE_CODE_FLT:
        return plain(_float(value))
    if name == "char":
        return plain(format_scalar(value, look) if look.format else _char(int(value)))
    if code == gdb.TYPE_CODE_ENUM:
        return plain(format_scalar(value, look).rsplit("::", 1)[-1])
    if code == gdb.TYPE_CODE_ARRAY:
        return array_view(value, expression, look)
    if code not in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
        return None
    for pattern, make in _VIEWS:
        if pattern.match(name) and (found := _tried(make, value, type_, expression, look)) is not None:
            return found
    return _record(value, type_, expression, look)


def _tried(make: _Make, value: Value, type_: Type, expression: str | None, look: Look) -> View | None:
    try:
        return make(value, type_, expression, look)
    except gdb.MemoryError:
        raise
    except ERRORS:
        # Another version of the library: its fields tell what there is.
        return None


# The language's own


def _float(value: Value) -> str:
    text = str(value.format_string(raw=True))
    return text if not text.lstrip("-").isdecimal() else f"{text}.0"


def _char(code: int) -> str:
    try:
        text = quoted(chr(code).encode("utf-32-le"), 4)[1:-1]
    except ERRORS:
        return f"<{code:#x} is no char>"
    return "'" + {'\\"': '"', "'": "\\'"}.get(text, text) + "'"


def _pointer(value: Value, type_: Type, look: Look) -> View | None:
    target = type_.target().strip_typedefs()
    address = pointed_at(value)
    is_bare = target.code in (gdb.TYPE_CODE_FUNC, gdb.TYPE_CODE_VOID) or not (target.name or target.sizeof)
    if is_bare or target.name == "()" or address == 0:
        return View(summary=lambda look: format_scalar(value, look))
    try:
        read(address or 0, 1 if address else 0)
    except gdb.error:
        return View(summary=lambda look: format_scalar(value, look), points=value.dereference)
    # References, boxes and raw pointers are all one in the debug information.
    return View(head="&", refers=value.dereference, by_name=True)


def _record(value: Value, type_: Type, expression: str | None, look: Look) -> View | None:
    fields = type_.fields()
    if fields and fields[0].artificial and fields[0].name is None:
        return _variant(value, fields, expression, look)
    named = [each for each in fields if each.name and not _is_nothing(each.type)]
    label = "" if (type_.name or "(").startswith("(") else _last_name(type_.name)
    return _fields(value, named, label, expression)


def _variant(value: Value, fields: list[gdb.Field], expression: str | None, look: Look) -> View | None:
    active = [each for each in fields if each.name]
    if len(active) != 1:
        return plain("<no variant of this enum: not initialized, or damaged>")
    inside = value[active[0]]
    named = [each for each in inside.type.strip_typedefs().fields() if each.name]
    return _fields(inside, named, active[0].name, None)


def _fields(value: Value, fields: list[gdb.Field], label: str, expression: str | None) -> View:
    base = operand(expression) if expression else None
    if not fields:
        return plain(label or "()")
    is_tuple = all(re.fullmatch(r"__\d+", each.name) for each in fields)

    def child(field: gdb.Field) -> Child:
        name = field.name.removeprefix("__") if is_tuple else field.name
        return Child(name, lambda: value[field], base and f"{base}.{name}", kind="property")

    children = [
        child(each) for each in sorted(fields, key=lambda each: each.name if is_tuple and len(fields) < 10 else "")
    ]
    if is_tuple:
        return View(head=label, brackets="()", link="", children=lambda: Listed(children))
    return View(head=label, link=": ", children=lambda: Listed(children))


def _is_nothing(type_: Type) -> bool:
    return (type_.name or "").startswith(("core::marker::PhantomData", "alloc::alloc::Global"))


def _last_name(path: str) -> str:
    """Return the last name of a path, without its type arguments: a::B<c::D> is B."""
    return re.sub(r"<.*", "", path).rsplit("::", 1)[-1]


# Texts and rows


def _str(value: Value, type_: Type, expression: str | None, look: Look) -> View:
    return View(text=Text(int(value["data_ptr"]), int(value["length"])))


def _string(value: Value, type_: Type, expression: str | None, look: Look) -> View:
    bytes_ = _dig(value, lambda each: (each.type.name or "").startswith("alloc::vec::Vec<"))
    return View(text=Text(int(_first_pointer(bytes_)), int(bytes_["len"])))


def _slice(value: Value, type_: Type, expression: str | None, look: Look) -> View:
    pointer = value["data_ptr"]
    count = int(value["length"])
    return _row(int(pointer), pointer.type.target(), count, look)


def _vec(value: Value, type_: Type, expression: str | None, look: Look) -> View:
    return _row(int(_first_pointer(value["buf"])), type_.template_argument(0), int(value["len"]), look)


def _row(address: int, element: Type, count: int, look: Look) -> View:
    view = elements_view(address, element, count, look)
    view.tail = f" (len {count})" if count > 20 else ""
    return view


def _deque(value: Value, type_: Type, expression: str | None, look: Look) -> View:
    element = type_.template_argument(0)
    first, head, size = int(_first_pointer(value["buf"])), int(value["head"]), int(element.sizeof)
    capacity = _number(_dig(value["buf"], lambda each: False, field="cap"))

    def child(index: int) -> Child:
        place = first + (head + index) % max(capacity, 1) * size
        return Child(f"[{index}]", at(place, element))

    return View(brackets="[]", link="", indexed=True, children=lambda: Computed(int(value["len"]), child))


# Maps and sets


def _hash_map(value: Value, type_: Type, expression: str | None, look: Look) -> View:
    table = _dig(value, lambda each: (each.type.name or "").startswith("hashbrown::raw::RawTable<"))
    inner = table["table"]
    pair = table.type.template_argument(0)
    buckets, ctrl = int(inner["bucket_mask"]) + 1, int(_first_pointer(inner["ctrl"]))

    def addresses() -> Iterator[int]:
        return _full_buckets(ctrl, buckets, int(pair.sizeof))

    return _entries(addresses, int(inner["items"]), pair, is_map="HashMap" in type_.name, look=look)


def _full_buckets(ctrl: int, buckets: int, size: int) -> Iterator[int]:
    """Yield the addresses of a swiss table's full buckets, which lie before their control bytes."""
    piece = 1 << 16
    for start in range(0, buckets, piece):
        for index, control in enumerate(read(ctrl + start, min(piece, buckets - start)), start):
            if control < 0x80:
                yield ctrl - (index + 1) * size


def _entries(addresses: Callable[[], Iterator[int]], count: int, pair: Type, *, is_map: bool, look: Look) -> View:
    fields = {each.name: each for each in pair.fields()}
    key, content = fields["__0"], fields["__1"]

    def child(index: int, address: int) -> Child:
        key_place, place = address + key.bitpos // 8, address + content.bitpos // 8
        if not is_map:
            return Child(f"[{index}]", at(key_place, key.type))
        make_key = at(key_place, key.type)
        return Child("", at(place, content.type), key=make_key)

    return _mapping(Walked(addresses, count, child), count, is_map=is_map)


def _mapping(children: Walked, count: int, *, is_map: bool) -> View:
    tail = f" (len {count})" if count > 20 else ""
    return View(link=": " if is_map else "", indexed=True, children=lambda: children, tail=tail)


def _btree_map(value: Value, type_: Type, expression: str | None, look: Look) -> View:
    is_map = "::BTreeMap<" in type_.name
    map_ = value if is_map else value["map"]
    count = int(map_["length"])
    if not count:
        return plain("{}")
    root = _dig(map_["root"], lambda each: "NodeRef<" in (each.type.name or "") and "Option" not in each.type.name)
    leaf = _first_pointer(root["node"]).type.target()
    arguments = map_.type.strip_typedefs()
    key, content = arguments.template_argument(0), arguments.template_argument(1)
    first, height = int(_first_pointer(root["node"])), int(root["height"])

    def places() -> Iterator[tuple[int, int]]:
        return _btree_places(first, height, leaf, key, content)

    def child(index: int, place: tuple[int, int]) -> Child:
        if not is_map:
            return Child(f"[{index}]", at(place[0], key))
        return Child("", at(place[1], content), key=at(place[0], key))

    return _mapping(Walked(places, count, child), count, is_map=is_map)


def _btree_places(root: int, height: int, leaf: Type, key: Type, content: Type) -> Iterator[tuple[int, int]]:
    """Yield where the keys and values of a B-tree lie, in their order."""
    fields = {each.name: each.bitpos // 8 for each in leaf.fields()}
    # The edges of an inner node follow its leaf part.
    edges = -(-int(leaf.sizeof) // 8) * 8

    def walk(node: int, height: int) -> Iterator[tuple[int, int]]:
        (used,) = struct.unpack("<H", read(node + fields["len"], 2))
        if used > _BTREE_CAPACITY or height > _MAX_DEPTH:
            raise gdb.GdbError("this tree is damaged or not initialized")
        below = struct.unpack(f"<{used + 1}Q", read(node + edges, 8 * (used + 1))) if height else ()
        for index in range(used):
            if height:
                yield from walk(below[index], height - 1)
            yield node + fields["keys"] + index * key.sizeof, node + fields["vals"] + index * content.sizeof
        if height:
            yield from walk(below[used], height - 1)

    return walk(root, height)


# Cells and pointers with a meaning


def _shared(value: Value, type_: Type, expression: str | None, look: Look) -> View | None:
    pointer = _first_pointer(value)
    content = "value" if any(each.name == "value" for each in pointer.type.target().fields()) else "data"
    inside = pointer.dereference()
    counts = f" (strong {_number(inside['strong'])}, weak {_number(inside['weak']) - 1})"
    return View(refers=lambda: inside[content], tail=counts)


def _cell(field: str, label: str) -> _Make:
    def make(value: Value, type_: Type, expression: str | None, look: Look) -> View:
        inside = value[field]
        while (inside.type.name or "").startswith("core::cell::UnsafeCell<"):
            inside = inside["value"]
        return View(head=f"{label}(", refers=lambda: inside, tail=f"{_state(value, label)})")

    return make


def _state(value: Value, label: str) -> str:
    if label == "RefCell":
        borrows = _number(value["borrow"])
        return f", borrowed {borrows} times" if borrows > 0 else ", borrowed mutably" if borrows < 0 else ""
    if label in ("Mutex", "RwLock"):
        return ", poisoned" if _number(value["poison"]) else ""
    return ""


def _nonzero(value: Value, type_: Type, expression: str | None, look: Look) -> View:
    return plain(str(_number(value)))


def _atomic(value: Value, type_: Type, expression: str | None, look: Look) -> View:
    number = _number(value)
    return plain(
        str(bool(number)).lower() if type_.name.endswith("Bool") else hex(number) if look.format else str(number)
    )


def _within(value: Value, type_: Type, expression: str | None, look: Look) -> View | None:
    """Return the view of a wrapper that adds nothing to look at."""
    named = [each for each in type_.fields() if each.name and each.name != "uninit" and not _is_nothing(each.type)]
    return View(refers=lambda: value[named[0]]) if len(named) == 1 else None


def _duration(value: Value, type_: Type, expression: str | None, look: Look) -> View:
    nanoseconds = int(value["secs"]) * 10**9 + _number(value["nanos"])
    for unit, size in (("s", 10**9), ("ms", 10**6), ("µs", 10**3)):
        if nanoseconds >= size:
            return plain(f"{nanoseconds / size:.9g}{unit}")
    return plain(f"{nanoseconds}ns")


def _range(value: Value, type_: Type, expression: str | None, look: Look) -> View | None:
    start, end = value["start"], value["end"]
    if start.type.strip_typedefs().code != gdb.TYPE_CODE_INT:
        return None
    dots = "..=" if "Inclusive" in type_.name else ".."
    return plain(f"{format_scalar(start, look)}{dots}{format_scalar(end, look)}")


def _c_string(value: Value, type_: Type, expression: str | None, look: Look) -> View:
    inner = value["inner"]
    return View(text=Text(int(inner["data_ptr"]), int(inner["length"]) - 1))


def _shared_str(value: Value, type_: Type, expression: str | None, look: Look) -> View:
    pointer = _dig(value, lambda each: each.type.strip_typedefs().name != type_.name and _has_length(each.type))
    # Behind the two counts.
    return View(text=Text(int(pointer["data_ptr"]) + 16, int(pointer["length"])))


def _has_length(type_: Type) -> bool:
    bare = type_.strip_typedefs()
    return bare.code == gdb.TYPE_CODE_STRUCT and any(each.name == "length" for each in bare.fields())


def _weak(value: Value, type_: Type, expression: str | None, look: Look) -> View:
    return plain("(Weak)")


def _trait_object(value: Value, type_: Type, expression: str | None, look: Look) -> View | None:
    if value["vtable"].is_optimized_out:
        return None
    gdb.set_convenience_variable("__object", value)
    # gdb knows the type that stands behind a table of methods by the table's symbol.
    actual = gdb.parse_and_eval("*$__object")
    return None if actual.type.name == type_.name else View(head="&", refers=lambda: actual)


def _dig(value: Value, is_it: Callable[[Value], bool], field: str = "", depth: int = 8) -> Value:
    """Return the first value inside of a value that `is_it`, or is called `field`. Raises ValueError for none."""
    if is_it(value):
        return value
    type_ = value.type.strip_typedefs()
    if depth and type_.code == gdb.TYPE_CODE_STRUCT:
        for each in type_.fields():
            if each.name and each.name == field:
                return value[each]
        for each in type_.fields():
            if each.name:
                try:
                    return _dig(value[each], is_it, field, depth - 1)
                except ValueError:
                    continue
    raise ValueError(f"{type_} is not as it is known")


def _first_pointer(value: Value) -> Value:
    return _dig(value, lambda each: bool(each.type.strip_typedefs().code == gdb.TYPE_CODE_PTR))


def _number(value: Value) -> int:
    simple = (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_BOOL, gdb.TYPE_CODE_CHAR)
    return int(_dig(value, lambda each: each.type.strip_typedefs().code in simple))


_PATH = r"(?:[a-z_0-9]+::)+"
_VIEWS: list[tuple[re.Pattern[str], _Make]] = [
    (re.compile(pattern), make)
    for pattern, make in (
        (r"&(?:mut )?str$|alloc::boxed::Box<str\b.*>$|\*(?:const|mut) str$", _str),
        (r"&(?:mut )?(?:std::path::Path|std::ffi::os_str::OsStr)$", _str),
        (rf"alloc::{_PATH}(?:Rc|Arc)<str\b", _shared_str),
        (rf"alloc::{_PATH}CString$", _c_string),
        (r"&(?:mut )?\[.+\]$|alloc::boxed::Box<\[.+\].*>$|\*(?:const|mut) \[.+\]$", _slice),
        (r"(?:&(?:mut )?|alloc::boxed::Box<|\*(?:const|mut) )\(?dyn ", _trait_object),
        (rf"{_PATH}string::String$|{_PATH}os_str::OsString$|{_PATH}path::PathBuf$", _string),
        (rf"{_PATH}vec::Vec<", _vec),
        (rf"{_PATH}vec_deque::VecDeque<", _deque),
        (rf"std::{_PATH}Hash(?:Map|Set)<", _hash_map),
        (rf"alloc::{_PATH}BTree(?:Map|Set)<", _btree_map),
        (rf"alloc::{_PATH}(?:Rc|Arc)<", _shared),
        (r"core::cell::Cell<", _cell("value", "Cell")),
        (r"core::cell::RefCell<", _cell("value", "RefCell")),
        (rf"std::sync::{_PATH}Mutex<", _cell("data", "Mutex")),
        (rf"std::sync::{_PATH}RwLock<", _cell("data", "RwLock")),
        (rf"alloc::{_PATH}Weak<", _weak),
        (rf"core::{_PATH}NonZero", _nonzero),
        (r"core::sync::atomic::Atomic(?:Bool|[IU](?:8|16|32|64|128|size))$", _atomic),
        (rf"core::{_PATH}(?:ManuallyDrop|MaybeDangling|UnsafeCell|Pin|NonNull|Unique)<", _within),
        (rf"alloc::{_PATH}BinaryHeap<", _within),
        (rf"core::{_PATH}Duration$", _duration),
        (rf"core::{_PATH}Range(?:Inclusive)?<", _range),
    )
]
