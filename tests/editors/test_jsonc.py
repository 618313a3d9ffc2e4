import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dapbridge.editors.jsonc import append_to_array, parse_jsonc

ENTRY = {"name": "new", "list": [1]}
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def test_comments_and_trailing_commas_are_no_part_of_the_value() -> None:
    text = '\ufeff// one\n{ /* two, */ "a": "// no comment, ]", "b": [1, 2, /* last */ ], }\n'
    assert parse_jsonc(text) == {"a": "// no comment, ]", "b": [1, 2]}


@pytest.mark.parametrize("text", ["", "{", "{,}", '{"a": 1,, }', "/* open", "'a'"])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the decoder's own words
        parse_jsonc(text)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            '{\n\t// mine\n\t"configurations": [\n\t\t{ "name": "a" }, // last, "one"\n\t\t/* ] */\n'
            '\t],\n\t"x": 1 // ,\n}\n',
            '{\n\t// mine\n\t"configurations": [\n\t\t{ "name": "a" }, // last, "one"\n\t\t/* ] */\n'
            '\t\t{\n\t\t\t"name": "new",\n\t\t\t"list": [\n\t\t\t\t1\n\t\t\t]\n\t\t}\n\t],\n\t"x": 1 // ,\n}\n',
            id="behind comments and a trailing comma, indented by tabs",
        ),
        pytest.param(
            '{\r\n    "configurations": [\r\n        {"name": "a"} // no comma\r\n    ]\r\n}',
            '{\r\n    "configurations": [\r\n        {"name": "a"}, // no comma\r\n        {\r\n'
            '            "name": "new",\r\n            "list": [\r\n                1\r\n            ]\r\n        }\r\n'
            "    ]\r\n}",
            id="a comma before the comment, lines as in DOS",
        ),
        pytest.param(
            '{"configurations": []}',
            '{"configurations": [\n  {\n    "name": "new",\n    "list": [\n      1\n    ]\n  }\n]}',
            id="the first one",
        ),
        pytest.param(
            '{\n  "version": "0.2.0" // v\n}\n',
            '{\n  "version": "0.2.0", // v\n  "configurations": [\n    {\n      "name": "new",\n      "list": [\n'
            "        1\n      ]\n    }\n  ]\n}\n",
            id="a list that was missing",
        ),
    ],
)
def test_an_element_is_added_and_nothing_else_is_changed(before: str, after: str) -> None:
    assert append_to_array(before, "configurations", ENTRY) == after


def test_a_list_alone() -> None:
    assert parse_jsonc(append_to_array("// zed\n[1,]\n", None, ENTRY)) == [1, ENTRY]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[]", "it is no object"),
        ('{"configurations": {}}', '"configurations" is no list'),
    ],
)
def test_another_form_is_refused(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        append_to_array(text, "configurations", ENTRY)


@given(
    others=st.dictionaries(st.text().filter(lambda key: key != "configurations"), JSON_VALUES, max_size=3),
    present=st.none() | st.lists(JSON_VALUES, max_size=3),
    indent=st.sampled_from([None, 0, 2, "\t"]),
)
def test_whatever_is_there_stays(others: dict[str, Any], present: list[Any] | None, indent: int | str | None) -> None:
    value = others if present is None else {**others, "configurations": present, "": 0}
    before = json.dumps(value, indent=indent)
    after = append_to_array(before, "configurations", ENTRY)
    assert json.loads(after) == {**value, "configurations": [*(present or []), ENTRY]}
    # Every character is still there, in its order.
    rest = iter(after)
    assert all(letter in rest for letter in before)
