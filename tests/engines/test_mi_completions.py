"""What stands before the cursor."""

import pytest

from dapbridge.engines.mi.completions import Place, find_place


@pytest.mark.parametrize(
    ("before", "place"),
    [
        ("", Place("name", "", "", 0)),
        ("co", Place("name", "", "co", 0)),
        ("1 + co", Place("name", "", "co", 4)),
        ("3", Place("name", "", "", 1)),
        ("shop::", Place("name", "shop::", "", 6)),
        ("a::b::c", Place("name", "a::b::", "c", 6)),
        ("::glob", Place("name", "::", "glob", 2)),
        ("~fl", Place("name", "", "fl", 1)),
        ("x9", Place("name", "", "x9", 0)),
        ("0x1f", Place("name", "", "", 4)),
        (".5", Place("name", "", "", 2)),
        ("a ::b", Place("name", "::", "b", 4)),
        ("$", Place("register", "", "$", 0)),
        ("$r", Place("register", "", "$r", 0)),
        ("item.", Place("member", "item", "", 5)),
        ("item . na", Place("member", "item", "na", 7)),
        ("1 + item->price.e", Place("member", "item->price", "e", 16)),
        ("f(a, item.pr", Place("member", "item", "pr", 10)),
        ("f(a, b).c", Place("member", "f(a, b)", "c", 8)),
        ("x - (*p)->", Place("member", "(*p)", "", 10)),
        ("rows[i + 1].na", Place("member", "rows[i + 1]", "na", 12)),
        ("shop::all[3].", Place("member", "shop::all[3]", "", 13)),
        ("a > b.", Place("member", "b", "", 6)),
        ("a - b.", Place("member", "b", "", 6)),
        ("self.größe.h", Place("member", "self.größe", "h", 11)),
        (".", Place("member", "", "", 1)),
        (")]).", Place("member", ")])", "", 4)),
        ("`", Place("command", "", "", 1)),
        ("`info thr", Place("command", "info thr", "thr", 6)),
        ("`print a->b", Place("command", "print a->b", "b", 10)),
        ("`break a.c:ma", Place("command", "break a.c:ma", "ma", 11)),
        ("`thread apply all ba", Place("command", "thread apply all ba", "ba", 18)),
    ],
)
def test_find_place(before: str, place: Place) -> None:
    assert find_place(before) == place


@pytest.mark.parametrize("text", ["a", "a!", "a.", "::", "((", "->", "`a", "` "])
def test_a_long_line_takes_no_long_time(text: str) -> None:
    assert find_place(text[0] + text * 200_000).start >= 0
