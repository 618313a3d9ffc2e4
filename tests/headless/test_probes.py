import pytest

from dapbridge.errors import UserError
from dapbridge.headless.probes import (
    DEFAULT_MAX_HITS,
    DEFAULT_MAX_LINES,
    Probe,
    parse_break,
    parse_function,
    parse_hang,
    parse_log,
    parse_watch,
)


@pytest.mark.parametrize(
    ("text", "path", "line", "condition"),
    [
        ("src/api.c:42", "src/api.c", 42, None),
        ("src/api.c:42 if n > 3", "src/api.c", 42, "n > 3"),
        ("/a b/api.c:7  if  map[2:3] == 1 ", "/a b/api.c", 7, "map[2:3] == 1"),
        (r"C:\src\api.c:1", r"C:\src\api.c", 1, None),
    ],
)
def test_places(text: str, path: str, line: int, condition: str | None) -> None:
    assert parse_break(text) == Probe("break", path=path, line=line, condition=condition)


@pytest.mark.parametrize("text", ["", "api.c", "api.c:", "api.c:0", "api.c:x", ":3", "api.c:3 when n", "api.c:3 if "])
def test_what_is_no_place(text: str) -> None:
    with pytest.raises(UserError, match="FILE:LINE"):
        parse_break(text)


def test_functions() -> None:
    assert parse_function("shop::price(int)") == Probe("function", function="shop::price(int)")
    assert parse_function("price if item > 3") == Probe("function", function="price", condition="item > 3")
    with pytest.raises(UserError, match="names no function"):
        parse_function(" ")


def test_log_points() -> None:
    assert parse_log("api.c:12: n: {n}, c: {c}") == Probe("log", path="api.c", line=12, message="n: {n}, c: {c}")
    for text in ("api.c:12", "api.c:12:", "api.c:12: ", "api.c: {n}"):
        with pytest.raises(UserError, match="is no log point"):
            parse_log(text)


def test_watches_and_hangs() -> None:
    assert parse_watch(" total ") == Probe("watch", expression="total")
    assert parse_hang(2.5) == Probe("hang", silence_s=2.5)
    with pytest.raises(UserError, match="empty expression"):
        parse_watch(" ")
    for seconds in (0, -1, float("inf"), float("nan")):
        with pytest.raises(UserError, match="above 0"):
            parse_hang(seconds)


@pytest.mark.parametrize(
    ("probe", "text"),
    [
        (parse_break("api.c:42 if n > 3"), "break api.c:42 if n > 3"),
        (Probe("break", path="/x/api.c", written_path="api.c", line=4), "break api.c:4"),
        (parse_function("price"), "break-function price"),
        (parse_watch("total"), "watch total"),
        (parse_log("api.c:12: n: {n}"), "log api.c:12: n: {n}"),
        (Probe("crash"), "on-crash"),
        (parse_hang(30), "on-hang 30"),
    ],
)
def test_a_probe_is_shown_as_it_is_written(probe: Probe, text: str) -> None:
    assert probe.text == text


def test_how_many_hits_are_taken() -> None:
    assert Probe("break").hit_limit == DEFAULT_MAX_HITS
    assert Probe("log").hit_limit == DEFAULT_MAX_LINES
    assert Probe("log", max_hits=0).hit_limit == 0
