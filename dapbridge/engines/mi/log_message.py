"""The grammar of a log point's message: text with `{expression}`, and `\\{`, `\\}`, `\\\\` for the characters. Pure."""

import re

from dapbridge.errors import UserError

# A string or character literal, in which braces count for nothing (but no lifetime of Rust's), or one character.
_PIECE = re.compile(r"""("(?:\\.|[^"\\])*"|'(?:\\[^']+|[^'\\])')|(.)""", re.DOTALL)


def split(message: str) -> list[str]:
    """Return texts and expressions by turns, a text first and last. Raises UserError for a brace without its pair."""
    parts = [""]
    at = 0
    while at < len(message):
        if message[at] == "\\" and message[at + 1 : at + 2] in ("{", "}", "\\"):
            parts[-1] += message[at + 1]
            at += 2
        elif message[at] == "{":
            end = _find_end(message, at)
            expression = message[at + 1 : end].strip()
            if expression:
                parts += [expression, ""]
            else:
                parts[-1] += message[at : end + 1]
            at = end + 1
        else:
            parts[-1] += message[at]
            at += 1
    return parts


def _find_end(message: str, begin: int) -> int:
    """Return the index of the brace that closes the one at `begin`."""
    depth = 0
    for piece in _PIECE.finditer(message, begin):
        depth += {"{": 1, "}": -1}.get(piece[2], 0)
        if depth == 0:
            return piece.start()
    raise UserError(f"logMessage: '{{' without its '}}' in {message[begin:]!r}; a brace itself is written \\{{")
