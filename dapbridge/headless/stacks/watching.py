"""What `dapbridge watch` shows of each report: its groups with what has changed, as far as the terminal has room."""

from collections.abc import Iterator

from rich.console import Console, Group
from rich.text import Text

from dapbridge.headless.stacks.differences import Change, Changes
from dapbridge.headless.stacks.report import Report, Thread, Unit
from dapbridge.headless.stacks.text import (
    deadlock_texts,
    group_title,
    group_waits,
    heading,
    name_of,
    place_of,
    printable,
)
from dapbridge.headless.stacks.waits import title

_INNER_FRAMES = 6
_STYLES = {"first": "", "new": "bold green", "moved": "bold yellow", "same": "dim"}
_HEADROOM = 3
_BUSY = 0.01
"""What a thread uses less of is not told: a look itself costs it some."""


def watch_lines(report: Report, changes: Changes) -> Iterator[Text]:
    """Yield what is shown of a report: first what has changed, in each group its innermost frames."""
    threads = {each.id: each for each in report.threads}
    yield heading(report)
    yield from (Text.assemble(("deadlock: ", "bold red"), each) for each in deadlock_texts(report))
    yield from (Text.assemble(("note: ", "bold yellow"), each) for each in report.notes)
    for thread in changes.ended:
        yield Text(f"- ended: {title(thread.id, {thread.id: thread.name})}", "red")
    order = ("new", "moved", "first", "same")
    for group in sorted(report.groups, key=lambda group: order.index(changes.of_group(group).mark)):
        yield from _group_lines([threads[tid] for tid in group], changes.of_group(group), report.unit)


def fitted(lines: Iterator[Text], console: Console) -> Group:
    """Return lines cut to the size of the terminal, each to one row."""
    shown = list(lines)
    room = max(console.height - _HEADROOM, 5)
    if len(shown) > room:
        shown = [*shown[: room - 1], Text(f"… {len(shown) - room + 1} more lines: make the window higher", "dim")]
    for line in map(printable, shown):
        line.no_wrap = True
        line.overflow = "ellipsis"
    return Group(*shown)


def _group_lines(threads: list[Thread], change: Change, unit: Unit) -> Iterator[Text]:
    style = _STYLES[change.mark]
    yield Text.assemble(
        (f"{_mark_text(change)} {group_title(threads, unit)}: {'; '.join(group_waits(threads))}", style)
    )
    frames = threads[0].frames
    for frame in frames[:_INNER_FRAMES]:
        place = place_of(frame)
        yield Text.assemble(
            "      ", (name_of(frame), "dim" if change.mark == "same" else ""), (f"  {place}" * bool(place), "cyan")
        )
    if len(frames) > _INNER_FRAMES:
        yield Text(f"      … {len(frames) - _INNER_FRAMES} more", "dim")


def _mark_text(change: Change) -> str:
    busy = f", {change.busy:.0%} of a processor" if change.busy >= _BUSY else ""
    match change.mark:
        case "new":
            return f"+ new{busy}:"
        case "moved":
            return f"~ moved{busy}:"
        case "same":
            return f"= same place for {round(change.since_s, 1):g} s{busy}:"
        case _:
            return " "
