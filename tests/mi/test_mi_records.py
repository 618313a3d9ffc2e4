"""MI lines to records: every kind, broken ones, and that no line at all can hang the parser."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dapbridge.errors import ProtocolError
from dapbridge.mi.commands import quote
from dapbridge.mi.records import Async, Prompt, Result, Stream, parse_record


@pytest.mark.parametrize(
    ("line", "record"),
    [
        ("(gdb) ", Prompt()),
        ("12^done", Result(12, "done", {})),
        (
            '7^error,msg="No symbol \\"x\\" in current context."',
            Result(7, "error", {"msg": 'No symbol "x" in current context.'}),
        ),
        ('^done,value="1"', Result(None, "done", {"value": "1"})),
        (
            '*stopped,reason="breakpoint-hit",bkptno="1"',
            Async("*", "stopped", {"reason": "breakpoint-hit", "bkptno": "1"}),
        ),
        ('=thread-created,id="1",group-id="i1"', Async("=", "thread-created", {"id": "1", "group-id": "i1"})),
        ('~"a\\tb\\n"', Stream("console", "a\tb\n")),
        ('&"warning\\n"', Stream("log", "warning\n")),
        ("tick 7", Stream("target", "tick 7\n")),
        ("", Stream("target", "\n")),
        (
            '3^done,stack=[frame={level="0"},frame={level="1"}]',
            Result(3, "done", {"stack": [{"level": "0"}, {"level": "1"}]}),
        ),
        (
            '4^done,bkpt={number="1",addr="<MULTIPLE>",locations=[{number="1.1"},{number="1.2"}]}',
            Result(
                4,
                "done",
                {"bkpt": {"number": "1", "addr": "<MULTIPLE>", "locations": [{"number": "1.1"}, {"number": "1.2"}]}},
            ),
        ),
    ],
)
def test_each_kind_of_record(line: str, record: object) -> None:
    assert parse_record(line) == record


@pytest.mark.parametrize(
    "line", ['1^done,stack=[frame={level="0"}', '1^done,a="b', "1^done,a=]b[", '*stopped,x={y="1"]}']
)
def test_a_cut_record_is_refused_and_does_not_hang(line: str) -> None:
    with pytest.raises(ProtocolError, match="cut MI record"):
        parse_record(line)


@pytest.mark.timeout(60)
@given(st.one_of(st.text(), st.text(alphabet='^*=~&@12done,stopped{}[]"\\ab=').map(lambda text: f"1^done,{text}")))
def test_no_line_hangs_the_parser(line: str) -> None:
    with contextlib.suppress(ProtocolError):
        parse_record(line)


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"])))
def test_quoted_text_comes_back(text: str) -> None:
    assert parse_record(f"5^done,value={quote(text)}") == Result(5, "done", {"value": text})


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.text(), JSON_VALUES))
def test_the_json_of_our_own_commands_comes_back(payload: dict[str, Any]) -> None:
    text = json.dumps(payload).replace("\\", "\\\\").replace('"', '\\"')
    assert parse_record(f'7^done,json="{text}"') == Result(7, "done", payload)


def test_half_a_character_in_json_spoils_only_itself() -> None:
    assert parse_record(r'^done,json="{\"a\":\"x\\ud800y\"}"') == Result(None, "done", {"a": "x\ufffdy"})


def test_cut_json_is_refused() -> None:
    with pytest.raises(ProtocolError, match="in MI record"):
        parse_record(r'7^done,json="{\"a\":"')


def test_a_notice_of_our_code_inside_is_an_async_record() -> None:
    notice = r'~"\036x-log {\"number\":7,\"text\":\"a \\\"b\\\" \\u00e4\"}\n"'
    assert parse_record(notice) == Async("=", "x-log", {"number": 7, "text": 'a "b" ä'})


def test_what_the_debugger_prints_for_people_is_no_notice() -> None:
    assert parse_record(r'~"x \036x-log {}\n"') == Stream("console", "x \x1ex-log {}\n")
