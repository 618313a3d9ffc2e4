"""Runs inside gdb: Rust panics, at `rust_panic`, which every one passes behind the panic hook.

Its argument is a `&mut dyn PanicPayload`. By then the message is formatted, whether a hook wanted it or not.
"""

import gdb

from .thrown import Thrown, arguments, symbol_at, text_at, word

FUNCTION = "rust_panic"

_MAX_LENGTH = 1 << 30
# Of the vtable: behind drop, size and alignment the methods, by whose names the payload's type is known.
_METHODS = range(3, 6)


def find() -> Thrown:
    """Return the panic at whose `rust_panic` the thread stands. Raises gdb.error."""
    data, vtable = arguments()
    kind = "".join(symbol_at(word(vtable + 8 * index)) for index in _METHODS)
    if "FormatStringPayload" in kind:
        message = _formatted(data)
    elif word(vtable + 8) == 16:
        # A &'static str.
        message = _text(word(data), word(data + 8))
    else:
        message = None
    return Thrown("", "the panic's value is no text" if message is None else message)


def _formatted(data: int) -> str | None:
    """Return the text of an Option<String> that lies first or second in the payload."""
    for offset in (0, 8):
        capacity, address, length = (word(data + offset + 8 * index) for index in range(3))
        if length <= capacity < _MAX_LENGTH and (found := _text(address, length)) is not None:
            return found
    return None


def _text(address: int, length: int) -> str | None:
    if length >= _MAX_LENGTH:
        return None
    try:
        return text_at(address, length)
    except gdb.error:
        return None
