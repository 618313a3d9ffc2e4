"""How the benchmark tells right stacks from wrong ones."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "bench"))

import shown_stacks
from lean_client import LeanClient, SilentError
from scene import WrongFactsError
from shown_stacks import STANDING, Frame, Score, check_truth, pause, plain_name, score, to_markdown

START = Frame(0x900, "clone", has_source=False)
OWN = Frame(0x400, "serve()", has_source=True)
NAMELESS = Frame(0x800, "", has_source=False)
TRUTH = {thread: [Frame(0x100, "recv", has_source=False), OWN, NAMELESS, START] for thread in (*STANDING, "worker")}

# Hears the second pause alone.
FAKE_ADAPTER = """\
import json, sys
pauses = 0
def say(**message):
    body = json.dumps(message).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\\r\\n\\r\\n%b" % (len(body), body))
    sys.stdout.buffer.flush()
while header := sys.stdin.buffer.readline():
    sys.stdin.buffer.readline()
    request = json.loads(sys.stdin.buffer.read(int(header.split()[1])))
    body = {"threads": [{"id": 1}]} if request["command"] == "threads" else {}
    say(type="response", request_seq=request["seq"], command=request["command"], success=True, body=body)
    pauses += request["command"] == "pause"
    if pauses == 2:
        say(type="event", event="stopped", body={"reason": "pause"})
"""


@pytest.mark.parametrize(
    ("shown", "plain"),
    [
        ("__poll (libc.so.6)", "poll"),
        ("pthread_cond_wait", "pthread_cond_wait"),
        ("_start", "start"),
        ("(anonymous namespace)::serve(long)", "(anonymous namespace)::serve(long)"),
        ("___lldb_unnamed_symbol3912", ""),
        ("0x00007fbba76a9545", ""),
        ("0x00007fbba78b04a3 (libstdc++.so.6)", ""),
        ("???", ""),
    ],
)
def test_a_name_is_compared_as_the_program_has_it(shown: str, plain: str) -> None:
    assert plain_name(shown) == plain


def test_what_is_true_is_right_in_all() -> None:
    threads, named = len(TRUTH), 2 * len(STANDING)
    assert score(TRUTH, TRUTH) == Score(unwound=threads, threads=threads, right=named, named=named, wrong=0)


def test_a_short_stack_with_another_name_is_wrong() -> None:
    shown = {thread: [Frame(0x100, "libc_ifunc_impl_list", has_source=False), NAMELESS] for thread in TRUTH}
    found = score(shown, TRUTH)
    assert (found.unwound, found.right, found.wrong) == (0, 0, len(STANDING))


def test_no_name_is_neither_right_nor_wrong() -> None:
    shown = {thread: [Frame(0x100, "", has_source=False)] for thread in TRUTH} | {"in-poll": []}
    assert (score(shown, TRUTH).right, score(shown, TRUTH).wrong) == (0, 0)


@pytest.mark.parametrize("truth", [TRUTH | {"worker": [OWN]}, {"threads": TRUTH["threads"]}])
def test_a_truth_that_is_not_whole_is_refused(truth: dict[str, list[Frame]]) -> None:
    check_truth(TRUTH)
    with pytest.raises(WrongFactsError):
        check_truth(truth)


def test_the_tables_have_a_row_for_each_contender_and_thread() -> None:
    counts, ends = to_markdown({"true": TRUTH, "short": {"in-poll": [NAMELESS]}}, "true").split("\n\n")
    assert counts.splitlines()[2:] == ["| true | 6 of 6 | 10 of 10 | 0 |", "| short | 0 of 6 | 0 of 10 | 0 |"]
    rows = dict(row.strip("| ").split(" | ", 1) for row in ends.splitlines()[2:])
    assert list(rows) == [f"`{thread}`" for thread in STANDING]
    assert rows["`in-poll`"] == "`recv` … `clone` (4) | ? (1)"
    assert rows["`in-recv`"] == "`recv` … `clone` (4) | nothing"


def test_a_pause_that_is_not_heard_is_asked_for_again_where_that_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown_stacks, "PAUSE_LIMIT_S", 1.0)
    with LeanClient([sys.executable, "-c", FAKE_ADAPTER]) as client:
        pause(client, attempts=2)
    with LeanClient([sys.executable, "-c", FAKE_ADAPTER]) as client, pytest.raises(SilentError, match=r"for 1 s"):
        pause(client, attempts=1)
