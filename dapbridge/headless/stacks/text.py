"""A report as text for people: each stack once, with the threads that have it and what they wait for."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.console import Console
from rich.text import Text

from dapbridge.headless.stacks.report import Frame, Report, Thread, Unit, Variable
from dapbridge.headless.stacks.waits import title

MAX_NAMED = 6
"""So many threads of a group are named, and so many of their waits are told."""
MAX_FRAMES = 60
MAX_VALUE = 160
_NUMBERED = 2
CONTROLS = dict.fromkeys((*range(32), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\ufffd")
"""Control characters, and those that turn the direction of writing, each by one that shows that there was one."""
_UNKNOWN = ("<optimized out>", "(unreadable ")
_ADDRESS = re.compile(r" 0x[0-9a-f]+")


def print_lines(console: Console, lines: Iterable[Text]) -> None:
    """Print lines as they are, however long."""
    for line in lines:
        console.print(printable(line), soft_wrap=True, highlight=False)


def printable(line: Text) -> Text:
    """Return a line without what a terminal takes for orders: names and values are the target's."""
    line.plain = line.plain.translate(CONTROLS)
    return line


def report_lines(report: Report) -> Iterator[Text]:
    """Yield the lines of a report."""
    threads = {each.id: each for each in report.threads}
    yield heading(report)
    yield from (Text.assemble(("deadlock: ", "bold red"), each) for each in deadlock_texts(report))
    for note in report.notes:
        yield Text.assemble(("note: ", "bold yellow"), note)
    for group in report.groups:
        yield Text()
        yield from group_lines([threads[tid] for tid in group], report.unit)


def heading(report: Report) -> Text:
    """Return the line above a report."""
    count = len(report.threads)
    return Text.assemble(
        (report.target, "bold"),
        f", process {report.pid} ({report.program}): {count} {report.unit}{'s' * (count != 1)};",
        f" it stood still for {report.stood_still_ms:.1f} ms at {report.time}",
    )


def deadlock_texts(report: Report) -> Iterator[str]:
    """Yield each deadlock in words."""
    names = names_of(report)
    for ring in report.deadlocks:
        steps = [title(tid, names) for tid in (*ring, ring[0])]
        yield " waits for ".join(steps) if len(ring) > 1 else f"{steps[0]} waits for itself"


def names_of(report: Report) -> Mapping[int, str]:
    return {each.id: each.name for each in report.threads}


def group_lines(threads: Sequence[Thread], unit: Unit) -> Iterator[Text]:
    """Yield the lines of the threads with one stack."""
    yield Text.assemble((group_title(threads, unit), "bold green"))
    for text in group_waits(threads):
        yield Text.assemble("  ", (text, "yellow"))
    first = threads[0]
    for level, frame in enumerate(first.frames[:MAX_FRAMES]):
        yield _frame_line(level, frame)
        for variable in _known(frame):
            yield Text.assemble("         ", (variable.name, "magenta"), " = ", _short(variable.value))
    left = len(first.frames) - MAX_FRAMES
    if left > 0 or first.cut:
        yield Text(f"  … {left if left > 0 else ''} more{' and further ones' if first.cut else ''}", "dim")
    if len(threads) > 1 and any(frame.variables is not None for frame in first.frames):
        yield Text(f"  (variables of {title(first.id, {first.id: first.name})})", "dim")


def group_title(threads: Sequence[Thread], unit: Unit) -> str:
    """Return how many threads have a stack, and which."""
    return f"{len(threads)} {unit}{'s' * (len(threads) != 1)}: {group_names(threads)}"


def group_names(threads: Sequence[Thread]) -> str:
    """Return which threads have a stack."""
    named = ", ".join(title(each.id, {each.id: each.name}) for each in threads[:MAX_NAMED])
    more = len(threads) - MAX_NAMED
    return f"{named} and {more} more" if more > 0 else named


def group_waits(threads: Sequence[Thread]) -> list[str]:
    """Return what the threads of a group wait for, the most frequent first."""
    counted = Counter(wait_text(each) for each in threads)
    if len(counted) > 1:
        # Where each waits for one of its own, addresses say little.
        counted = Counter(_ADDRESS.sub("", wait_text(each)) for each in threads)
    several = len(counted) > 1
    texts = [f"{count} × {text}" if several else text for text, count in counted.most_common(MAX_NAMED)]
    return texts + [f"and {len(counted) - MAX_NAMED} more"] * (len(counted) > MAX_NAMED)


def wait_text(thread: Thread) -> str:
    """Return what a thread does, in words."""
    if thread.wait is None:
        return thread.state
    return f"uninterruptible, {thread.wait.text}" if thread.state == "uninterruptible" else thread.wait.text


def place_of(frame: Frame) -> str:
    """Return where a frame is, "" where that is not known."""
    if frame.path is not None:
        return f"{frame.path}:{frame.line}"
    return frame.library.rpartition("/")[2] if frame.library else ""


def name_of(frame: Frame) -> str:
    """Return a frame's function, or its address."""
    return frame.function or frame.address


def flame_name(frame: Frame) -> str:
    """Return what a frame is called in a flame graph, where all of a function's addresses are one."""
    if frame.function or not frame.library:
        return name_of(frame)
    return f"[{frame.library.rpartition('/')[2]}]"


def _frame_line(level: int, frame: Frame) -> Text:
    place = place_of(frame)
    style = "" if frame.path is not None else "dim"
    return Text.assemble(
        (f"  #{level:<{_NUMBERED}} ", "dim"),
        (name_of(frame), f"{style} bold".strip()),
        (f"  {place}" * bool(place), "cyan"),
    )


def _known(frame: Frame) -> list[Variable]:
    return [each for each in frame.variables or () if not each.value.startswith(_UNKNOWN)]


def _short(text: str) -> str:
    return text if len(text) <= MAX_VALUE else f"{text[: MAX_VALUE - 1]}…"
