"""The grammar of a log point's message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dapbridge.engines.mi.log_message import split
from dapbridge.errors import UserError


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        ("", [""]),
        ("plain", ["plain"]),
        ("{x}", ["", "x", ""]),
        ("a {x} b { y.z } c", ["a ", "x", " b ", "y.z", " c"]),
        ("{a}{b}", ["", "a", "", "b", ""]),
        (r"\{x\} {x}", ["{x} ", "x", ""]),
        (r"C:\new \\{x}", ["C:\\new \\", "x", ""]),
        ("got {} and { }", ["got {} and { }"]),
        ("a } b", ["a } b"]),
        ("{f({1, 2}[0])}", ["", "f({1, 2}[0])", ""]),
        ("{c == '}'}", ["", "c == '}'", ""]),
        ('{strlen("}\\"{")}', ["", 'strlen("}\\"{")', ""]),
        ("{&'static x}", ["", "&'static x", ""]),
    ],
)
def test_texts_and_expressions_come_by_turns(message: str, parts: list[str]) -> None:
    assert split(message) == parts


@pytest.mark.parametrize("message", ["{", "a {b", "{ {1 }", 'x {"}"', r"{x\}" + "{"])
def test_a_brace_without_its_pair_is_refused(message: str) -> None:
    with pytest.raises(UserError, match="without its '}'"):
        split(message)


@given(st.text())
def test_escaped_text_comes_back(text: str) -> None:
    escaped = text.replace("\\", "\\\\").replace("{", "\\{").replace("}", "\\}")
    assert split(escaped) == [text]
