"""Reports: their groups, what changes from one to the next, and every format that they are shown in."""

import json
import re
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import jsonschema
import msgspec
import pytest
from rich.console import Console
from stacks_samples import frame, report, thread

from dapbridge.headless.stacks.build import groups_of
from dapbridge.headless.stacks.collapsed import to_collapsed
from dapbridge.headless.stacks.differences import Change, History
from dapbridge.headless.stacks.html import to_html
from dapbridge.headless.stacks.report import Frame, Report, Thread, Variable, Wait
from dapbridge.headless.stacks.text import print_lines, report_lines
from dapbridge.headless.stacks.watching import fitted, watch_lines

DOCS = Path(__file__).resolve().parents[2] / "docs"
HOSTILE = "<script>alert(1)</script>"


def text_of(shown: Report) -> str:
    output = StringIO()
    print_lines(Console(file=output, width=40), report_lines(shown))
    return output.getvalue()


def test_threads_with_the_same_stack_are_one_group_the_largest_first() -> None:
    threads = [thread(1, "main"), thread(2, "wait", "work"), thread(3, "wait", "work"), thread(4, "main", "run")]
    assert groups_of(threads) == ((2, 3), (1,), (4,))
    assert groups_of(threads, {4}) == ((4,), (2, 3), (1,))


def test_unknown_stacks_and_nameless_functions_are_not_taken_for_the_same() -> None:
    nameless = [Thread(tid, "", "sleeping", None, (Frame("", address=hex(tid)),)) for tid in (3, 4)]
    assert groups_of([thread(1), thread(2), *nameless]) == ((1,), (2,), (3,), (4,))


def test_text_has_each_stack_once_with_threads_waits_and_places() -> None:
    waits = [Wait("condition", f"waits for condition variable {address}") for address in ("0x10", "0x20")]
    shown = report(
        thread(1, "main", wait=Wait("mutex", "waits for mutex 0x1, held by 'thread-4' (4)", 4)),
        thread(2, "work", wait=waits[0]),
        thread(3, "work", wait=waits[1]),
        thread(4, "pay", state="running"),
        deadlocks=((1, 4),),
        notes=("it is odd",),
    )
    assert text_of(shown).splitlines() == [
        "docker://api, process 7 (/usr/bin/api): 4 threads; it stood still for 1.5 ms at 2026-01-02T03:04:05.000+00:00",
        "deadlock: 'thread-1' (1) waits for 'thread-4' (4) waits for 'thread-1' (1)",
        "note: it is odd",
        "",
        "2 threads: 'thread-2' (2), 'thread-3' (3)",
        "  waits for condition variable",
        "  #0  work  /src/api.c:1",
        "",
        "1 thread: 'thread-1' (1)",
        "  waits for mutex 0x1, held by 'thread-4' (4)",
        "  #0  main  /src/api.c:1",
        "",
        "1 thread: 'thread-4' (4)",
        "  running",
        "  #0  pay  /src/api.c:1",
    ]


def test_text_has_variables_but_what_was_optimized_out() -> None:
    variables = (Variable("id", "7"), Variable("gone", "<optimized out>"), Variable("long", "x" * 500))
    inner = msgspec.structs.replace(frame("serve"), variables=variables)
    lines = text_of(report(Thread(1, "a", "sleeping", None, (inner, frame("main", None))))).splitlines()
    assert lines[-4:] == [
        "  #0  serve  /src/api.c:1",
        "         id = 7",
        f"         long = {'x' * 159}…",
        "  #1  main  libc.so.6",
    ]


def test_a_very_long_stack_is_cut() -> None:
    lines = text_of(report(thread(1, *["descend"] * 200))).splitlines()
    assert lines[-1] == "  … 140 more"


def test_collapsed_lines_add_up_and_go_from_the_outermost_in() -> None:
    odd = Thread(4, "", "sleeping", None, (frame("a;b  c"), frame("", None)))
    shown = report(thread(1, "wait", "main"), thread(2, "wait", "main"), thread(3, state="running"), odd)
    assert to_collapsed([shown]) == "api;[libc.so.6];a:b c 1\napi;[running] 1\napi;main;wait 2\n"


def test_a_terminal_gets_no_orders_from_the_target() -> None:
    orders = "\x1b]0;title\x07\x9b2J\u202e\n"
    variables = (Variable("a", orders),)
    hostile = Thread(1, orders, "sleeping", Wait("io", orders), (Frame(orders, orders, 1, variables=variables),))
    shown = report(hostile)
    output = StringIO()
    console = Console(file=output, width=80, height=40)
    print_lines(console, report_lines(shown))
    console.print(fitted(watch_lines(shown, History().add(shown)), console))
    lines = output.getvalue() + to_collapsed([shown])
    assert not set(lines) & set("\x1b\x07\x9b\u202e")
    assert lines.count("]0;title") >= 8


class Tags(HTMLParser):
    """Notes tags that are left open, and all text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.scripts = 0
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        assert not [value for name, value in attrs if name in ("src", "href")], "the page asks for something else"
        if tag not in ("meta", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_whole_and_nothing_of_the_target_is_markup_in_it() -> None:
    hostile = Thread(1, HOSTILE, "sleeping", Wait("io", HOSTILE), (Frame(HOSTILE, f"/{HOSTILE}", 1),))
    parsed = Tags()
    parsed.feed(to_html([report(hostile, thread(2, "main"), thread(3, "main"), deadlocks=((2, 3),), notes=(HOSTILE,))]))
    parsed.close()
    assert (parsed.open, parsed.scripts) == ([], 1)
    assert parsed.text.count(HOSTILE) >= 4
    assert "'thread-2' (2) waits for 'thread-3' (3)" in parsed.text


def test_changes_from_one_report_to_the_next() -> None:
    history = History()
    first = history.add(report(thread(1, "main"), thread(2, "work"), thread(3, "brief")))
    assert set(first.threads.values()) == {Change("first")}
    later = report(thread(1, "main"), thread(2, "other"), thread(4, "late"), time="2026-01-02T03:04:09.000+00:00")
    second = history.add(later)
    assert second.threads == {1: Change("same", 4), 2: Change("moved"), 4: Change("new")}
    assert [each.id for each in second.ended] == [3]
    third = history.add(report(thread(1, "main"), thread(2, "other"), time="2026-01-02T03:04:15.000+00:00"))
    assert third.threads == {1: Change("same", 10), 2: Change("same", 6)}


def test_what_threads_have_used_of_a_processor_since() -> None:
    def used(tid: int, cpu_ms: float) -> Thread:
        return msgspec.structs.replace(thread(tid, "spin"), cpu_ms=cpu_ms)

    history = History()
    history.add(report(used(1, 1000), used(2, 500), thread(3, "spin")))
    later = report(used(1, 3000), used(2, 1500.5), thread(3, "spin"), time="2026-01-02T03:04:09.000+00:00")
    changes = history.add(later)
    assert changes.threads[1] == Change("same", 4, 0.5)
    assert changes.of_group((1, 2, 3)).busy == pytest.approx(0.75, abs=0.01)
    lines = [each.plain for each in watch_lines(later, changes)]
    assert lines[1].startswith("= same place for 4 s, 75% of a processor: 3 threads: ")


def test_what_is_watched_shows_what_changed_first() -> None:
    history = History()
    history.add(report(thread(1, "main"), thread(2, "work"), thread(3, "brief")))
    later = report(thread(1, "main"), thread(2, "other"), thread(4, "late"), time="2026-01-02T03:04:09.000+00:00")
    lines = [each.plain for each in watch_lines(later, history.add(later))]
    assert lines[1:] == [
        "- ended: 'thread-3' (3)",
        "+ new: 1 thread: 'thread-4' (4): sleeping",
        "      late  /src/api.c:1",
        "~ moved: 1 thread: 'thread-2' (2): sleeping",
        "      other  /src/api.c:1",
        "= same place for 4 s: 1 thread: 'thread-1' (1): sleeping",
        "      main  /src/api.c:1",
    ]


def test_what_is_watched_fits_the_terminal() -> None:
    shown = report(*(thread(tid, f"function_{tid}") for tid in range(100)))
    console = Console(file=StringIO(), width=30, height=20, force_terminal=True)
    lines = fitted(watch_lines(shown, History().add(shown)), console)
    console.print(lines)
    printed = re.sub(r"\x1b\[[0-9;]*m", "", console.file.getvalue()).splitlines()  # type: ignore[attr-defined]
    assert len(printed) == 17
    assert max(map(len, printed)) <= 30


def test_a_report_fits_the_documented_schema() -> None:
    schema = json.loads((DOCS / "stacks.schema.json").read_text())
    variables = (Variable("id", "7", "int", True),)
    inner = msgspec.structs.replace(frame("serve"), variables=variables)
    shown = report(Thread(1, "a", "running", Wait("mutex", "", 2), (inner,), cut=True), thread(2), deadlocks=((1, 2),))
    jsonschema.validate(json.loads(msgspec.json.encode(shown)), schema)
