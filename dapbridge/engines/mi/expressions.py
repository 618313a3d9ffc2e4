"""What can be told of an expression by its text, whatever the language. Pure."""

import re

# Not by gdb's own may-write-memory: without that it can't set a breakpoint either.
_ASSIGNS = re.compile(r"(?<![=!<>])=(?!=)|<<=|>>=|\+\+|--")
_LITERAL = re.compile(r"""(["'])(?:\\.|(?!\1).)*\1""")


def assigns(expression: str) -> bool:
    """Tell whether an expression gives something a new value."""
    return bool(_ASSIGNS.search(_LITERAL.sub("", expression)))
