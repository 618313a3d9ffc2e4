"""Probes: what `dapbridge run` looks for in a target, read from the words of a command line. Pure.

A probe is a place or an event (a line, a function, a change of data, a crash, a hang) and what to do with its hits.
"""

import re
from typing import Literal

from msgspec import Struct

from dapbridge.errors import UserError

ProbeKind = Literal["break", "function", "watch", "log", "crash", "hang"]
Expectation = Literal["hit", "no-hit"]

DEFAULT_MAX_HITS = 10
DEFAULT_MAX_LINES = 1000
"""Of a log point, which costs the target little."""

_PLACE = re.compile(r"(?P<path>.+?):(?P<line>[1-9]\d{0,8})(?:\s+if\s+(?P<condition>.*\S))?\s*", re.DOTALL)
_FUNCTION = re.compile(r"(?P<name>\S.*?)(?:\s+if\s+(?P<condition>.*\S))?\s*", re.DOTALL)
_LOG = re.compile(r"(?P<path>.+?):(?P<line>[1-9]\d{0,8}):\s?(?P<message>.*\S)\s*", re.DOTALL)


class Probe(Struct, frozen=True):
    """One probe. Which fields are set depends on `kind`; `max_hits` 0 is no limit, `targets` () is all of them."""

    kind: ProbeKind
    path: str = ""
    written_path: str = ""
    """The path as the user wrote it, where `path` is another."""
    line: int = 0
    function: str = ""
    expression: str = ""
    condition: str | None = None
    message: str | None = None
    silence_s: float = 0
    capture: tuple[str, ...] = ()
    max_hits: int | None = None
    expect: Expectation | None = None
    targets: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The probe as a user would write it."""
        condition = f" if {self.condition}" if self.condition else ""
        place = f"{self.written_path or self.path}:{self.line}"
        match self.kind:
            case "break":
                return f"break {place}{condition}"
            case "function":
                return f"break-function {self.function}{condition}"
            case "watch":
                return f"watch {self.expression}{condition}"
            case "log":
                return f"log {place}{condition}: {self.message}"
            case "crash":
                return "on-crash"
            case "hang":
                return f"on-hang {self.silence_s:g}"

    @property
    def hit_limit(self) -> int:
        """How many hits are taken; 0 for all."""
        if self.max_hits is not None:
            return self.max_hits
        return DEFAULT_MAX_LINES if self.kind == "log" else DEFAULT_MAX_HITS


def parse_break(text: str) -> Probe:
    """Parse `FILE:LINE[ if COND]`. Raises UserError."""
    found = _PLACE.fullmatch(text)
    if found is None:
        raise UserError(f"'{text}' is no place to break at: write FILE:LINE, or 'FILE:LINE if CONDITION'")
    return Probe("break", path=found["path"], line=int(found["line"]), condition=found["condition"])


def parse_function(text: str) -> Probe:
    """Parse `NAME[ if COND]`. Raises UserError."""
    found = _FUNCTION.fullmatch(text)
    if found is None:
        raise UserError(f"'{text}' names no function")
    return Probe("function", function=found["name"], condition=found["condition"])


def parse_watch(text: str) -> Probe:
    """Parse an expression whose value is to be watched. Raises UserError."""
    if not text.strip():
        raise UserError("there is nothing to watch in an empty expression")
    return Probe("watch", expression=text.strip())


def parse_log(text: str) -> Probe:
    """Parse `FILE:LINE: MESSAGE`. Raises UserError."""
    found = _LOG.fullmatch(text)
    if found is None:
        raise UserError(f"'{text}' is no log point: write 'FILE:LINE: text with {{expression}}'")
    return Probe("log", path=found["path"], line=int(found["line"]), message=found["message"])


def parse_hang(seconds: float) -> Probe:
    """Make the probe of COMMAND's silence. Raises UserError."""
    if not 0 < seconds < float("inf"):
        raise UserError(f"on-hang takes a number of seconds above 0, not {seconds:g}")
    return Probe("hang", silence_s=seconds)
