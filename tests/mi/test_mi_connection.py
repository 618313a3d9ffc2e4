"""MI over bytes: commands are numbered, output is cut into records however it arrives."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dapbridge.errors import ProtocolError
from dapbridge.mi import connection
from dapbridge.mi.commands import command, console
from dapbridge.mi.connection import MiConnection
from dapbridge.mi.records import Async, Prompt, Result, Stream

OUTPUT = b'1^running\n*running,thread-id="all"\n(gdb) \n~"caf\\303\\251\\n"\n2^done,value="x"\r\n'
RECORDS = [
    Result(1, "running", {}),
    Async("*", "running", {"thread-id": "all"}),
    Prompt(),
    Stream("console", "café\n"),
    Result(2, "done", {"value": "x"}),
]


def test_commands_are_numbered() -> None:
    mi = MiConnection()
    assert mi.send("-exec-continue") == (1, b"1-exec-continue\n")
    assert mi.send(command("exec-next", thread=3)) == (2, b"2-exec-next --thread 3\n")


def test_parameters_are_quoted_where_they_have_to_be() -> None:
    assert command("break-insert", "-f", source="/a b/c.c", line=3) == '-break-insert --source "/a b/c.c" --line 3 -f'
    assert (
        command("stack-list-variables", "--all-values", thread=1, frame=None)
        == "-stack-list-variables --thread 1 --all-values"
    )
    assert console('print "x"') == '-interpreter-exec console "print \\"x\\""'


@pytest.mark.parametrize("value", ["a\nb", "1\r-gdb-exit"])
def test_a_parameter_can_not_begin_another_command(value: str) -> None:
    assert "\n" not in command("data-evaluate-expression", value)
    assert "\r" not in command("data-evaluate-expression", value)


def test_whole() -> None:
    assert list(MiConnection().receive_data(OUTPUT)) == RECORDS


def test_byte_by_byte_with_a_tail() -> None:
    mi = MiConnection()
    records = [record for byte in OUTPUT for record in mi.receive_data(bytes([byte]))]
    assert records == RECORDS
    assert list(mi.receive_data(b"3^do")) == []
    assert list(mi.receive_data(b"ne\n")) == [Result(3, "done", {})]


@given(st.lists(st.integers(1, len(OUTPUT) - 1), unique=True))
def test_however_it_is_cut(cuts: list[int]) -> None:
    mi = MiConnection()
    places = [0, *sorted(cuts), len(OUTPUT)]
    pieces = [OUTPUT[start:end] for start, end in itertools.pairwise(places)]
    assert [record for piece in pieces for record in mi.receive_data(piece)] == RECORDS


def test_a_broken_line_spoils_only_itself() -> None:
    broken, whole = MiConnection().receive_data(b"1^done,a=[\n2^done\n")
    assert isinstance(broken, ProtocolError)
    assert whole == Result(2, "done", {})


def test_a_line_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MAX_LINE_BYTES", 10)
    with pytest.raises(ProtocolError, match="over 10 bytes"):
        list(MiConnection().receive_data(b"x" * 11))
