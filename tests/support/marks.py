"""Line marks of the fixture programs: a comment `// BP: name` at the end of a line names that line."""

import re
from functools import cache
from pathlib import Path

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
PROGRAMS = FIXTURES / "programs"

_MARK = re.compile(r"// BP: ([\w-]+)\s*$")


@cache
def marks(program: str) -> dict[str, int]:
    """Return the line (from 1) of every mark of the fixture source `program`."""
    found: dict[str, int] = {}
    for number, line in enumerate((PROGRAMS / program).read_text().splitlines(), start=1):
        if match := _MARK.search(line):
            if match[1] in found:
                raise ValueError(f"{program}: mark {match[1]!r} stands on lines {found[match[1]]} and {number}")
            found[match[1]] = number
    return found


def mark(program: str, name: str) -> int:
    """Return the line of the mark `name`; KeyError with the marks that there are."""
    found = marks(program)
    if name not in found:
        raise KeyError(f"{program} has no mark {name!r}; it has {', '.join(found) or 'none'}")
    return found[name]
