from collections.abc import Sequence
from pathlib import Path

import pytest

from dapbridge.config import SubstitutePathRule
from dapbridge.editors import source_rules
from dapbridge.editors.source_rules import choose_rules, find_local_sources

FOLDER = "/home/me/shop"


@pytest.mark.parametrize(
    ("found", "rules"),
    [
        pytest.param({}, [], id="nothing compared"),
        pytest.param({"main.c": []}, [], id="no source is the program's"),
        pytest.param({"main.c": ["/home/me/shop/main.c"]}, [], id="built here"),
        pytest.param({"main.c": ["/build/main.c"]}, [("", "/build")], id="one file"),
        pytest.param({"src/main.c": ["/x/shop/src/main.c"]}, [("", "/x/shop")], id="no more than the folder"),
        pytest.param({"src/main.c": ["/build/main.c"]}, [("/src", "/build")], id="a folder of it alone"),
        pytest.param(
            {"src/a.c": ["/build/src/a.c"], "src/util.c": ["/build/src/util.c", "/usr/src/lib/util.c"]},
            [("", "/build")],
            id="names that others have too",
        ),
        pytest.param(
            {"api/main.go": ["/app/main.go"], "lib/a.go": ["/deps/lib/a.go"], "lib/b.go": ["/deps/lib/b.go"]},
            [("/api", "/app"), ("", "/deps")],
            id="two places",
        ),
        pytest.param(
            {"src/a.c": ["/build/src/a.c"], "src/b.c": ["/build/src/b.c"], "src/util.c": ["/usr/src/lib/util.c"]},
            [("", "/build")],
            id="a name that only another has",
        ),
        pytest.param({"main.c": ["/one/main.c", "/two/main.c"]}, [], id="two that fit alike"),
        pytest.param(
            {f"{name}.c": [f"/{name}/{name}.c"] for name in "abcd"}, [], id="nothing that explains half of them"
        ),
    ],
)
def test_rules_are_those_by_which_most_sources_fit(
    found: dict[str, Sequence[str]], rules: Sequence[tuple[str, str]]
) -> None:
    chosen = choose_rules(FOLDER, {f"{FOLDER}/{path}": targets for path, targets in found.items()})
    assert chosen == [SubstitutePathRule(FOLDER + below, to) for below, to in rules]


def test_sources_of_a_folder_without_what_is_hidden_or_installed(tmp_path: Path) -> None:
    for name in ("b.c", "a.RS", "src/c.go", "src/b.c", "notes.txt", ".git/d.c", "node_modules/e.c"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert find_local_sources(tmp_path) == [tmp_path / name for name in ("a.RS", "b.c", "src/c.go")]


def test_of_very_many_some_of_all_parts_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_rules, "MAX_ASKED_FILES", 3)
    for number in range(10):
        (tmp_path / f"{number}.c").touch()
    assert [path.name for path in find_local_sources(tmp_path)] == ["0.c", "3.c", "6.c"]
