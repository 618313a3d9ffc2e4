"""Sources of frames on this machine."""

from pathlib import Path

import pytest

from dapbridge.config import SubstitutePathRule
from dapbridge.errors import UserError
from dapbridge.headless.stacks.paths import ClientPaths, parse_rules


def test_rules_are_written_from_here_to_there() -> None:
    rules = parse_rules(["/home/me/api=/build/src", "=lib"])
    assert rules == (SubstitutePathRule("/home/me/api", "/build/src"), SubstitutePathRule("", "lib"))
    assert ClientPaths(rules, Path("/")).to_client("/build/src/main.c") == "/home/me/api/main.c"


@pytest.mark.parametrize("texts", [[], ["auto"]])
def test_auto_is_no_rule(texts: list[str]) -> None:
    assert parse_rules(texts) == ()


def test_what_is_no_rule_is_refused() -> None:
    with pytest.raises(UserError, match="'/build' is no rule: write FROM=TO"):
        parse_rules(["/build"])


def test_sources_are_found_below_the_folder_by_the_longest_end(tmp_path: Path) -> None:
    for name in ("src/api/main.c", "main.c", "src/api/other.c"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    paths = ClientPaths((), tmp_path)
    assert paths.to_client("/build/src/api/main.c") == f"{tmp_path}/src/api/main.c"
    # By the rule that was learned, whether it is there or not.
    assert paths.to_client("/build/src/api/generated.c") == f"{tmp_path}/src/api/generated.c"
    assert paths.to_client("/usr/src/none.c") == "/usr/src/none.c"


def test_a_path_that_is_there_as_it_is_stays(tmp_path: Path) -> None:
    here = tmp_path / "src" / "main.c"
    here.parent.mkdir()
    here.touch()
    (tmp_path / "main.c").touch()
    assert ClientPaths((), tmp_path).to_client(str(here)) == str(here)


def test_nothing_is_looked_for_outside_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.c").touch()
    folder = tmp_path / "project"
    folder.mkdir()
    assert ClientPaths((), folder).to_client("/build/../secret.c") == "/build/../secret.c"
