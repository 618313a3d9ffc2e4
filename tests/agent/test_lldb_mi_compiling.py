"""How the keeper's compiled modules come to LLDB's MI server; both sides in one process here."""

import ast
import os
from pathlib import Path

import pytest

from dapbridge.agent import remote
from dapbridge.agent.remote.lldb_mi.compiling import Giver, Taker
from dapbridge.agent.remote.lldb_mi.starting import Handover
from dapbridge.agent.remote.loader import BundleFinder
from dapbridge.engines.mi.lldb_bundle import EARLY

PACKAGE = "dapbridge.agent.remote"
AGENT = Path(remote.__file__).parent
SOURCES = {"first": "value = 1", "second": "value = 2", "third": "value = 3"}


@pytest.fixture
def handover() -> Handover:
    return Handover()


def value_of(finder: BundleFinder, name: str) -> object:
    scope: dict[str, object] = {}
    exec(finder.compile(name), scope)
    return scope["value"]


def test_pieces_are_given_without_anybody_taking_them(handover: Handover) -> None:
    pieces = [os.urandom(size) for size in (1, 1 << 20, 1 << 20, 100)]
    for each in pieces:
        handover.give(each)
    handover.end()
    assert [handover.take() for _ in pieces] == pieces
    assert handover.take() == b""


def test_modules_are_taken_in_any_order(handover: Handover) -> None:
    giving, taking = BundleFinder(SOURCES), BundleFinder(dict.fromkeys(SOURCES, "value = 'compiled here'"))
    giver = Giver(giving, handover)
    # What the keeper wants for itself comes first.
    assert value_of(giving, "third") == 3
    giver.give(["first", "second"])
    taker = Taker(taking, handover, ["first", "second", "third"])
    assert [value_of(taking, name) for name in ("second", "first", "third")] == [2, 1, 3]
    # Once each, and up to the end; and a package that is in nobody's bundle.
    assert value_of(taking, "first") == "compiled here"
    assert taking.compile("package").co_code == compile("", "", "exec").co_code
    taker.end()
    assert value_of(taking, "second") == "compiled here"


def test_what_does_not_come_is_compiled_where_it_is_wanted(handover: Handover) -> None:
    sources = {"first": "value = 1", "broken": "value =", "third": "value = 3"}
    giving, taking = BundleFinder(sources), BundleFinder(sources)
    Giver(giving, handover).give(sources)
    Taker(taking, handover, sources)
    assert (value_of(taking, "third"), value_of(taking, "first")) == (3, 1)
    with pytest.raises(SyntaxError):
        taking.compile("broken")


def test_the_keeper_goes_on_when_the_server_has_ended(handover: Handover) -> None:
    handover.begin_giving()
    finder = BundleFinder(SOURCES)
    giver = Giver(finder, handover)
    assert value_of(finder, "first") == 1
    giver.give(SOURCES)


def test_what_is_compiled_ahead_is_what_both_start_with() -> None:
    wanted = ["compiling", "main", "keeper", "symbols", "areas", "server"]
    found: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name not in found:
            found.add(name)
            wanted += _imports(name)
    assert found == set(EARLY)


def _imports(name: str) -> list[str]:
    """Return which modules of ours a module imports when it is imported itself."""
    path = next(each for each in (AGENT / "lldb_mi" / f"{name}.py", AGENT / f"{name}.py") if each.exists())
    found: list[str] = []
    for each in ast.parse(path.read_text()).body:
        if isinstance(each, ast.ImportFrom) and each.module and each.module.startswith(PACKAGE):
            module = each.module.removeprefix(f"{PACKAGE}.lldb_mi").removeprefix(PACKAGE).removeprefix(".")
            found += [module] if module else [alias.name for alias in each.names]
    return found
