import pytest

from dapbridge.errors import UserError
from dapbridge.runtimes.docker_context import Endpoint
from dapbridge.runtimes.docker_target import (
    Container,
    HostConfig,
    State,
    check_attachable,
    explain_missing,
    may_be_remapped,
    parse_top,
)
from dapbridge.runtimes.privileges import Ids

ENDPOINT = Endpoint("docker context 'default'", "unix:///var/run/docker.sock")


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (State("paused", 0, paused=True), "container 'api' is paused; unpause it first: docker unpause api"),
        (State("restarting", 3), "container 'api' is restarting (last exit code 3): docker logs api"),
        (
            State("exited", 1),
            "container 'api' is not running: exited with exit code 1; start it first: docker start",
        ),
        (State("exited", 137, oom_killed=True), "not running: exited with exit code 137 (out of memory)"),
        (State("created", 0), "not running: created, never started;"),
        (State("created", 127, error="no such file"), "not running: created, never started (no such file)"),
    ],
)
def test_a_container_that_can_not_be_debugged_is_refused_in_words(state: State, told: str) -> None:
    with pytest.raises(UserError) as caught:
        check_attachable(Container("0d9f", "/api", state, HostConfig()))
    assert told in str(caught.value)


def test_a_running_container_is_not_refused() -> None:
    check_attachable(Container("0d9f", "/api", State("running", 0), HostConfig()))


@pytest.mark.parametrize(
    ("name", "running", "told"),
    [
        (
            "api",
            ["web", "api-1", "shop-api-1"],
            "no container named 'api' (docker context 'default'); running ones with similar names: api-1, shop-api-1",
        ),
        ("shop-apj-1", ["shop-api-1", "db"], "running ones with similar names: shop-api-1"),
        ("Postgres", ["postgres", "x"], "running ones with similar names: postgres"),
        ("api", ["web", "db"], "no container named 'api' (docker context 'default'); running are: db, web"),
        ("api", [f"web{n}" for n in range(9)], "running are: web0, web1, web2, web3, web4, web5 and 3 more"),
        ("api", [], "no container named 'api' (docker context 'default'); none is running there"),
    ],
)
def test_a_missing_container_is_answered_with_the_nearest_names(name: str, running: list[str], told: str) -> None:
    assert str(explain_missing(name, running, ENDPOINT)).endswith(told)


def test_the_rows_of_top_become_ids() -> None:
    rows = [["7", "1000", "1000", "0", "100", "100", "100"]]
    assert parse_top(rows) == [Ids(frozenset({1000, 0}), frozenset({100}))]


@pytest.mark.parametrize("row", [["7", "1000"], ["7", "root", "root", "root", "0", "0", "0"], ["7"]])
def test_an_answer_of_top_in_another_form_tells_nothing(row: list[str]) -> None:
    assert parse_top([["7", "0", "0", "0", "0", "0", "0"], row]) == []


@pytest.mark.parametrize(
    ("uids", "gids", "may_be"),
    [({0}, {0}, False), ({0, 65535}, {1000}, False), ({100_000}, {0}, True), ({0}, {165_536}, True)],
)
def test_only_large_ids_may_be_those_of_a_user_namespace(uids: set[int], gids: set[int], may_be: bool) -> None:
    assert may_be_remapped([Ids(frozenset({0}), frozenset({0})), Ids(frozenset(uids), frozenset(gids))]) is may_be


def test_no_ids_are_not_remapped() -> None:
    assert not may_be_remapped([])
