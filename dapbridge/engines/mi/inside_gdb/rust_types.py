"""Runs inside gdb, as `rust_types`: which kind of Rust type a name is, for the printers of a distribution without it.

Debian's rust-gdb ships printers that import this module, and not the module. The kinds are those that they ask for.
"""

import re

_PATH = r"(?:[a-z_0-9]+::)+"
_STRUCTS = {
    "STD_STRING": rf"{_PATH}string::String$",
    "STD_OS_STRING": rf"{_PATH}os_str::OsString$",
    "STD_STR": r"&(?:mut )?str$",
    "STD_SLICE": r"&(?:mut )?\[.+\]$",
    "STD_VEC": rf"{_PATH}vec::Vec<.+>$",
    "STD_VEC_DEQUE": rf"{_PATH}vec_deque::VecDeque<.+>$",
    "STD_BTREE_SET": rf"{_PATH}set::BTreeSet<.+>$",
    "STD_BTREE_MAP": rf"{_PATH}map::BTreeMap<.+>$",
    "STD_HASH_MAP": r"std::collections::(?:[a-z_]+::)*HashMap<.+>$",
    "STD_HASH_SET": r"std::collections::(?:[a-z_]+::)*HashSet<.+>$",
    "STD_RC": rf"{_PATH}rc::Rc<.+>$",
    "STD_ARC": rf"{_PATH}(?:sync|arc)::Arc<.+>$",
    "STD_CELL": rf"{_PATH}cell::Cell<.+>$",
    "STD_REF": rf"{_PATH}cell::Ref<.+>$",
    "STD_REF_MUT": rf"{_PATH}cell::RefMut<.+>$",
    "STD_REF_CELL": rf"{_PATH}cell::RefCell<.+>$",
    "STD_NONZERO_NUMBER": rf"{_PATH}nonzero::NonZero.+$",
}
_COMPILED = [(kind, re.compile(pattern)) for kind, pattern in _STRUCTS.items()]


class RustType:
    """The kinds; each is its own name."""

    OTHER = "OTHER"
    ENUM = "ENUM"


for _kind in _STRUCTS:
    setattr(RustType, _kind, _kind)


def classify_struct(name, fields):  # type: ignore[no-untyped-def]  # called by the printers, with gdb's own types
    """Return the kind of a struct type by its name; `fields` tells nothing that is needed here."""
    return next((kind for kind, pattern in _COMPILED if name and pattern.match(name)), RustType.OTHER)


def classify_union(fields):  # type: ignore[no-untyped-def]  # as above
    """Return the kind of a union type; gdb shows Rust's enums by itself."""
    return RustType.OTHER
