"""What happens in a run, as its reports are told it. The JSON report is these structs, one a line, so names and
docstrings are its documentation: docs/report.schema.json is made of them. Pure."""

from typing import Literal, Protocol

from msgspec import Struct

from dapbridge.headless.probes import Expectation, ProbeKind

ArmedState = Literal["armed", "pending", "failed"]
Verdict = Literal["passed", "failed", "error", "none"]


class Frame(Struct, frozen=True, omit_defaults=True):
    """One frame of a stack, the innermost first; `path` is the client's, the sources' on this machine."""

    function: str
    path: str | None = None
    line: int | None = None


class Variable(Struct, frozen=True, omit_defaults=True):
    """A variable or captured expression as the debugger shows it, with what is in it down to the wanted depth.

    `error` says why there is no value.
    """

    name: str
    value: str = ""
    type: str | None = None
    children: tuple["Variable", ...] = ()
    error: str | None = None


class Thread(Struct, frozen=True, omit_defaults=True):
    """A thread with its stack; `more_frames` says that the stack goes on."""

    id: int
    name: str
    frames: tuple[Frame, ...] = ()
    more_frames: bool = False


class ProbeStart(Struct, frozen=True, omit_defaults=True):
    """A probe as it was asked for; `id` is its number from 1."""

    id: int
    kind: ProbeKind
    text: str
    expect: Expectation | None = None


class Started(Struct, frozen=True, omit_defaults=True, tag_field="event", tag="start"):
    """The run begins: always the first line. Times are ISO 8601 with the UTC offset."""

    time: str
    version: str
    targets: tuple[str, ...]
    command: tuple[str, ...]
    probes: tuple[ProbeStart, ...]


class Progress(Struct, frozen=True, omit_defaults=True, tag_field="event", tag="progress"):
    """A step on the way to a target."""

    target: str
    text: str


class Attached(Struct, frozen=True, omit_defaults=True, tag_field="event", tag="attached"):
    """The debugger is attached to a target; `attempt` counts the attachments to it from 1 (--follow)."""

    time: str
    target: str
    attempt: int
    seconds: float


class Armed(Struct, frozen=True, omit_defaults=True, tag_field="event", tag="armed"):
    """What became of a probe in a target: armed, pending until a library brings its code, or failed."""

    target: str
    probe: int
    state: ArmedState
    path: str | None = None
    line: int | None = None
    message: str | None = None


class Hit(Struct, frozen=True, omit_defaults=True, tag_field="event", tag="hit"):
    """A probe was hit; `stood_ms` is how long the target stood still for it, as seen from here.

    `threads` is filled for a hang and has all threads; else `thread` is the one that was stopped.
    """

    time: str
    target: str
    probe: int
    number: int
    reason: str
    stood_ms: float
    thread: Thread | None = None
    threads: tuple[Thread, ...] = ()
    variables: tuple[Variable, ...] = ()
    captures: tuple[Variable, ...] = ()
    incomplete: str | None = None


class Logged(Struct, frozen=True, omit_defaults=True, tag_field="event", tag="log"):
    """A line of a log point."""

    time: str
    target: str
    probe: int
    number: int
    text: str


class Warned(Struct, frozen=True, omit_defaults=True, tag_field="event", tag="warning"):
    """Something that a reader should know; the run goes on."""

    text: str
    target: str | None = None


class TargetEnded(Struct, frozen=True, omit_defaults=True, tag_field="event", tag="target-ended"):
    """A target has ended by itself, or (`lost`) the debugger beside it: then nothing is known of the target."""

    time: str
    target: str
    reason: str
    lost: bool = False
    exit_code: int | None = None


class CommandStarted(Struct, frozen=True, omit_defaults=True, tag_field="event", tag="command-started"):
    """COMMAND runs from here on."""

    time: str
    command: tuple[str, ...]


class CommandEnded(Struct, frozen=True, omit_defaults=True, tag_field="event", tag="command-ended"):
    """COMMAND has ended."""

    time: str
    exit_code: int
    seconds: float


class ProbeResult(Struct, frozen=True, omit_defaults=True):
    """What came of a probe. `verdict` is none for one without an expectation, error where it was never armed."""

    id: int
    hits: int
    verdict: Verdict
    message: str


class Ended(Struct, frozen=True, omit_defaults=True, tag_field="event", tag="end"):
    """The run ends: always the last line, unless dapbridge itself was killed."""

    time: str
    exit_code: int
    reason: str
    seconds: float
    probes: tuple[ProbeResult, ...]


Happening = (
    Started | Progress | Attached | Armed | Hit | Logged | Warned | TargetEnded | CommandStarted | CommandEnded | Ended
)


class Report(Protocol):
    """One form of report; told everything in order, `Started` first and `Ended` last."""

    def tell(self, happening: Happening) -> None:
        """Take what has happened; must not block for long, for a target may stand meanwhile."""
        ...
