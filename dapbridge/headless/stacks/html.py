"""Reports as one page that needs nothing else: each stack once, and all of them as a flame graph."""

from collections.abc import Iterator, Sequence
from html import escape
from importlib.resources import files

from dapbridge.headless.stacks.report import Frame, Report, Thread
from dapbridge.headless.stacks.text import (
    deadlock_texts,
    flame_name,
    group_names,
    group_waits,
    name_of,
    place_of,
    wait_text,
)

_FOLDED = 3
"""So many groups are open at first."""
_MAX_DEPTH = 120


def to_html(reports: Sequence[Report]) -> str:
    """Return the page."""
    template = files("dapbridge.headless.stacks").joinpath("page.html").read_text("utf-8")
    title = ", ".join(each.target for each in reports)
    body = "".join(part for report in reports for part in _report(report))
    return template.replace("{{title}}", escape(title)).replace("{{body}}", body)


def _report(report: Report) -> Iterator[str]:
    threads = {each.id: each for each in report.threads}
    yield f"<section><h1>{escape(report.target)}</h1><dl>"
    facts = {
        "process": f"{report.pid} ({report.program})",
        "taken": report.time,
        "stood still": f"{report.stood_still_ms:.1f} ms",
        f"{report.unit}s": f"{len(report.threads)}, with {len(report.groups)} different stacks",
    }
    yield "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts.items())
    yield "</dl>"
    yield from (f'<p class="deadlock"><b>Deadlock</b> {escape(each)}</p>' for each in deadlock_texts(report))
    yield from (f'<p class="note"><b>Note</b> {escape(each)}</p>' for each in report.notes)
    yield f'<h2>Flame graph</h2><div class="flame">{"".join(_flame(report))}</div>'
    yield "<h2>Stacks</h2>"
    for number, group in enumerate(report.groups):
        yield from _group([threads[tid] for tid in group], is_open=number < _FOLDED)
    yield "</section>"


def _group(threads: Sequence[Thread], *, is_open: bool) -> Iterator[str]:
    first = threads[0]
    waits = "".join(f'<span class="wait">{escape(each)}</span>' for each in group_waits(threads))
    yield f'<details class="group"{" open" * is_open}><summary><b class="count">{len(threads)}</b>'
    yield f"<span><b>{escape(group_names(threads))}</b>{waits}</span></summary>"
    yield '<ol class="frames" start="0">' + "".join(_frame(each) for each in first.frames) + "</ol>"
    if first.cut:
        yield "<p>… and further frames</p>"
    if len(threads) > 1:
        yield f"<details><summary>all {len(threads)} one by one</summary><table>"
        for each in threads:
            yield f"<tr><td>{each.id}</td><td>{escape(each.name)}</td><td>{escape(wait_text(each))}</td></tr>"
            if any(frame.variables for frame in each.frames) and each is not first:
                frames = "".join(map(_frame, each.frames))
                yield f'<tr><td></td><td colspan="2"><ol class="frames" start="0">{frames}</ol></td></tr>'
        yield "</table></details>"
    yield "</details>"


def _frame(frame: Frame) -> str:
    kind = "own" if frame.path else "library"
    place = f'<span class="place">{escape(place_of(frame))}</span>'
    rows = "".join(
        f"<tr><td>{escape(each.name)}</td><td>{escape(each.value)}</td><td>{escape(each.type or '')}</td></tr>"
        for each in frame.variables or ()
    )
    variables = f"<table>{rows}</table>" if rows else ""
    return f'<li class="{kind}"><span class="function">{escape(name_of(frame))}</span> {place}{variables}</li>'


class _Node:
    """A function in the flame graph, with the threads that are in it on the same way."""

    def __init__(self) -> None:
        self.count = 0
        self.callees: dict[str, _Node] = {}


def _flame(report: Report) -> Iterator[str]:
    """Yield nested boxes, the outermost function on top; as wide as there are threads in each."""
    root = _Node()
    for thread in report.threads:
        node = root
        node.count += 1
        for frame in list(reversed(thread.frames))[:_MAX_DEPTH]:
            node = node.callees.setdefault(flame_name(frame), _Node())
            node.count += 1
    yield from _box(report.program.rpartition("/")[2], root, len(report.threads))


def _box(name: str, node: _Node, total: int) -> Iterator[str]:
    hint = f"{name}: {node.count} of {total}"
    hue = sum(name.encode()) % 40
    yield f'<div class="box" style="flex-grow:{node.count}"><span title="{escape(hint)}" style="--hue:{hue}">'
    yield f"{escape(name.replace('(anonymous namespace)::', ''))}</span>"
    if node.callees:
        yield '<div class="row">'
        for callee, below in sorted(node.callees.items(), key=lambda item: -item[1].count):
            yield from _box(callee, below, total)
        # What has no callee here leaves its share of the row empty.
        if rest := node.count - sum(each.count for each in node.callees.values()):
            yield f'<div class="box" style="flex-grow:{rest}"></div>'
        yield "</div>"
    yield "</div>"
