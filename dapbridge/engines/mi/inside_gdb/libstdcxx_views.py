"""Runs inside gdb: the containers and strings of GCC's C++ library, for which reading in pages must be quick.

gdb's own printers for them walk from the first element on. Here elements are found by their addresses where they lie in
rows, and where they hang together in nodes, only the nodes' pointers are read on the way. All others are left to them.
"""

import re
import struct
from collections.abc import Callable, Iterator

import gdb

from .texts import Text, character_prefix, read
from .views import ERRORS, Child, Computed, Look, Type, Value, View, Walked, array_view, at, elements_view, operand

_NAME = re.compile(r"std::(?:__cxx11::|__debug::|__cxx1998::)?(\w+)<")
_MAX_WALKED = 2_000_000


def find(value: Value, type_: Type, expression: str | None, look: Look) -> View | None:
    """Return the view of one of the library's values; None for any other."""
    name = type_.unqualified().name
    if name is None or not name.startswith("std::") or not name.endswith(">"):
        return None
    found = _NAME.match(name)
    make = _VIEWS.get(found[1]) if found else None
    if make is None:
        return None
    try:
        return make(value, type_, expression, look)
    except gdb.MemoryError:
        raise
    except ERRORS:
        # Another version of the library: gdb's own printers may know it.
        return None


def _string(value: Value, type_: Type, expression: str | None, look: Look) -> View | None:
    if (kind := character_prefix(type_.template_argument(0))) is None:
        return None
    return View(text=Text(int(value["_M_dataplus"]["_M_p"]), int(value["_M_string_length"]), *kind))


def _string_view(value: Value, type_: Type, expression: str | None, look: Look) -> View | None:
    if (kind := character_prefix(type_.template_argument(0))) is None:
        return None
    return View(text=Text(int(value["_M_str"]), int(value["_M_len"]), *kind))


def _vector(value: Value, type_: Type, expression: str | None, look: Look) -> View:
    element = type_.template_argument(0)
    inside = value["_M_impl"]
    if element.strip_typedefs().code == gdb.TYPE_CODE_BOOL:
        return _bits(inside, look)
    start, finish, end = (int(inside[each]) for each in ("_M_start", "_M_finish", "_M_end_of_storage"))
    size = int(element.sizeof)
    length, capacity = (finish - start) // size, (end - start) // size
    base = expression and f"{operand(expression)}._M_impl._M_start"
    head = f"std::vector of length {length}, capacity {capacity}"
    return elements_view(start, element, length, look, head, base)


def _bits(inside: Value, look: Look) -> View:
    start, finish = inside["_M_start"], inside["_M_finish"]
    first = int(start["_M_p"])
    skipped = int(start["_M_offset"])
    length = (int(finish["_M_p"]) - first) * 8 + int(finish["_M_offset"]) - skipped
    capacity = (int(inside["_M_end_of_storage"]) - first) * 8

    def bit(index: int) -> Child:
        place = index + skipped

        def make() -> Value:
            return gdb.Value(bool(read(first + place // 8, 1)[0] >> place % 8 & 1))

        return Child(f"[{index}]", make, attributes=("readOnly",))

    head = f"std::vector<bool> of length {length}, capacity {capacity}"
    return View(head=head, link="", indexed=True, children=lambda: Computed(length, bit))


def _array(value: Value, type_: Type, expression: str | None, look: Look) -> View | None:
    elements = value["_M_elems"]
    if elements.type.strip_typedefs().code != gdb.TYPE_CODE_ARRAY:
        return None
    view = array_view(elements, expression and f"{operand(expression)}._M_elems", look)
    view.head = f"std::array of length {type_.template_argument(1)}"
    return view


def _span(value: Value, type_: Type, expression: str | None, look: Look) -> View:
    extent = (
        int(value["_M_extent"]["_M_extent_value"]) if _is_dynamic_extent(type_) else int(type_.template_argument(1))
    )
    element = type_.template_argument(0)
    base = expression and f"{operand(expression)}._M_ptr"
    return elements_view(int(value["_M_ptr"]), element, extent, look, f"std::span of length {extent}", base)


def _is_dynamic_extent(type_: Type) -> bool:
    return int(type_.template_argument(1)) in (-1, 2**64 - 1)


def _deque(value: Value, type_: Type, expression: str | None, look: Look) -> View:
    element = type_.template_argument(0)
    size = int(element.sizeof)
    start, finish = value["_M_impl"]["_M_start"], value["_M_impl"]["_M_finish"]
    in_block = 512 // size if size < 512 else 1
    first_block, first = int(start["_M_node"]), (int(start["_M_cur"]) - int(start["_M_first"])) // size
    blocks = (int(finish["_M_node"]) - first_block) // 8
    length = blocks * in_block + (int(finish["_M_cur"]) - int(finish["_M_first"])) // size - first

    def child(index: int) -> Child:
        block, place = divmod(first + index, in_block)

        def make() -> Value:
            (start_of_block,) = struct.unpack("<Q", read(first_block + 8 * block, 8))
            return at(start_of_block + place * size, element)()

        return Child(f"[{index}]", make)

    head = f"std::deque with {length} element{'' if length == 1 else 's'}"
    return View(head=head, link="", indexed=True, children=lambda: Computed(length, child))


def _list(value: Value, type_: Type, expression: str | None, look: Look) -> View:
    node = value["_M_impl"]["_M_node"]
    head = int(node.address)
    length = int(node["_M_size"]) if _has(node, "_M_size") else None
    return _nodes("std::list", lambda: _chain(int(node["_M_next"]), head), length, 16, type_.template_argument(0), look)


def _forward_list(value: Value, type_: Type, expression: str | None, look: Look) -> View:
    first = int(value["_M_impl"]["_M_head"]["_M_next"])
    return _nodes("std::forward_list", lambda: _chain(first, 0), None, 8, type_.template_argument(0), look)


def _unordered(name: str, *, is_map: bool) -> "_Make":
    def make(value: Value, type_: Type, expression: str | None, look: Look) -> View:
        table = value["_M_h"]
        content = table.type.strip_typedefs().template_argument(1)
        first = int(table["_M_before_begin"]["_M_nxt"])
        length = int(table["_M_element_count"])
        return _nodes(f"std::{name}", lambda: _chain(first, 0), length, 8, content, look, is_map=is_map)

    return make


def _tree(name: str, *, is_map: bool) -> "_Make":
    def make(value: Value, type_: Type, expression: str | None, look: Look) -> View:
        tree = value["_M_t"]
        content = tree.type.strip_typedefs().template_argument(1)
        inside = tree["_M_impl"]
        length = int(inside["_M_node_count"])
        root = int(inside["_M_header"]["_M_parent"])
        return _nodes(f"std::{name}", lambda: _in_order(root), length, 32, content, look, is_map=is_map)

    return make


def _nodes(
    name: str,
    nodes: Callable[[], Iterator[int]],
    length: int | None,
    offset: int,
    content: Type,
    look: Look,
    *,
    is_map: bool = False,
) -> View:
    """Return the view of a container of nodes, whose contents lie behind `offset` bytes of pointers."""
    alignment = max(int(content.alignof), 1)
    offset = -(-offset // alignment) * alignment
    if is_map:
        fields = {each.name: each for each in content.strip_typedefs().fields()}
        key, mapped = fields["first"], fields["second"]

    def child(index: int, node: int) -> Child:
        place = node + offset
        if not is_map:
            return Child(f"[{index}]", at(place, content))
        value_place = place + mapped.bitpos // 8
        return Child("", at(value_place, mapped.type), key=at(place + key.bitpos // 8, key.type))

    head = name if length is None else f"{name} with {length} element{'' if length == 1 else 's'}"
    link = " = " if is_map else ""
    return View(head=head, link=link, indexed=True, children=lambda: Walked(nodes, length, child))


def _chain(first: int, end: int) -> Iterator[int]:
    """Yield the nodes of a chain; each begins with the pointer to the next."""
    inferior = gdb.selected_inferior()
    node = first
    for _ in range(_MAX_WALKED):
        if node in (end, 0):
            return
        yield node
        (node,) = struct.unpack("<Q", inferior.read_memory(node, 8))
    raise gdb.GdbError(f"this has more than {_MAX_WALKED} nodes, if it has an end at all")


def _in_order(root: int) -> Iterator[int]:
    """Yield the nodes of a red-black tree (colour, parent, left, right) in their order."""
    inferior = gdb.selected_inferior()
    above: list[tuple[int, int]] = []
    node = root
    while node or above:
        while node:
            if len(above) > 128:
                raise gdb.GdbError("this tree is deeper than any can be: it is damaged or not initialized")
            left, right = struct.unpack("<QQ", inferior.read_memory(node + 16, 16))
            above.append((node, right))
            node = left
        node, right = above.pop()
        yield node
        node = right


def _has(value: Value, name: str) -> bool:
    return any(each.name == name for each in value.type.strip_typedefs().fields())


_Make = Callable[[Value, Type, str | None, Look], View | None]
_VIEWS: dict[str, _Make] = {
    "basic_string": _string,
    "basic_string_view": _string_view,
    "vector": _vector,
    "array": _array,
    "span": _span,
    "deque": _deque,
    "list": _list,
    "forward_list": _forward_list,
    **{name: _tree(name, is_map="map" in name) for name in ("map", "multimap", "set", "multiset")},
    **{
        name: _unordered(name, is_map="map" in name)
        for name in ("unordered_map", "unordered_multimap", "unordered_set", "unordered_multiset")
    },
}
