import pytest

from dapbridge.config import SidecarConfig
from dapbridge.runtimes.privileges import (
    AS_ROOT,
    WIDEST,
    Ids,
    Privileges,
    apply_config,
    decide_privileges,
    let_read,
    security_options,
    widened,
)


def ids(*numbers: int) -> Ids:
    """Make a process's ids from one uid:gid or from its three uids and three gids."""
    half = len(numbers) // 2
    return Ids(frozenset(numbers[:half]), frozenset(numbers[half:]))


OWNER = Privileges("1000:100")


@pytest.mark.parametrize(
    ("processes", "adds_capabilities", "expected"),
    [
        pytest.param([ids(1000, 100)], False, OWNER, id="one user"),
        pytest.param([ids(1000, 100), ids(1000, 100)], False, OWNER, id="one user, two processes"),
        pytest.param([ids(1000, 100)], True, WIDEST, id="one user, added capabilities"),
        pytest.param([ids(1000, 100), ids(1000, 101)], False, WIDEST, id="two groups"),
        pytest.param([ids(1000, 100), ids(1001, 100)], False, WIDEST, id="two users"),
        pytest.param([ids(1000, 1000, 0, 100, 100, 100)], False, WIDEST, id="a saved uid of root"),
        pytest.param([ids(1000, 1000, 1000, 100, 100, 7)], False, WIDEST, id="a saved gid"),
        pytest.param([ids(0, 0)], False, AS_ROOT, id="root"),
        pytest.param([ids(0, 0)], True, AS_ROOT, id="root, added capabilities"),
        pytest.param([ids(0, 100)], False, AS_ROOT, id="root of another group"),
        pytest.param([ids(1000, 0)], False, Privileges("1000:0"), id="a user of root's group"),
        pytest.param([ids(0, 0), ids(33, 33)], False, WIDEST, id="root and workers"),
        pytest.param([], False, WIDEST, id="nobody knows"),
    ],
)
def test_the_least_privileges_are_chosen(processes: list[Ids], adds_capabilities: bool, expected: Privileges) -> None:
    assert decide_privileges(processes, adds_capabilities=adds_capabilities) == expected


@pytest.mark.parametrize(
    ("privileges", "expected"),
    [(OWNER, WIDEST), (AS_ROOT, WIDEST), (WIDEST, None), (Privileges("0:0", ("SYS_PTRACE", "KILL")), None)],
)
def test_the_next_wider_privileges(privileges: Privileges, expected: Privileges | None) -> None:
    assert widened(privileges) == expected


@pytest.mark.parametrize(
    ("privileges", "api_version", "expected"),
    [
        (OWNER, (1, 42), OWNER),
        (OWNER, (1, 41), Privileges("1000:100", ("SYS_PTRACE",))),
        (OWNER, (2, 0), OWNER),
        (AS_ROOT, (1, 41), AS_ROOT),
        (WIDEST, (1, 41), WIDEST),
    ],
)
def test_an_older_engines_filter_lets_read(
    privileges: Privileges, api_version: tuple[int, ...], expected: Privileges
) -> None:
    assert let_read(privileges, api_version) == expected


@pytest.mark.parametrize(
    ("privileges", "config", "expected"),
    [
        (OWNER, SidecarConfig(), OWNER),
        (WIDEST, SidecarConfig(user="2000"), Privileges("2000")),
        (OWNER, SidecarConfig(user="root"), Privileges("root", WIDEST.capabilities)),
        (OWNER, SidecarConfig(user="0:0"), WIDEST),
        (AS_ROOT, SidecarConfig(cap_add=("CAP_SYS_ADMIN",)), Privileges("0:0", ("SYS_PTRACE", "SYS_ADMIN"))),
        (WIDEST, SidecarConfig(cap_add=("kill", "SYS_PTRACE")), WIDEST),
    ],
)
def test_the_users_own_choices_win(privileges: Privileges, config: SidecarConfig, expected: Privileges) -> None:
    assert apply_config(privileges, config) == expected


LABEL = "system_u:system_r:container_t:s0:c1,c2"
LABEL_OPTIONS = ("label=user:system_u", "label=role:system_r", "label=type:container_t", "label=level:s0:c1,c2")


@pytest.mark.parametrize(
    ("label", "profile", "target_options", "expected"),
    [
        ("", "", (), ()),
        ("", "docker-default", (), ()),
        ("", "unconfined", (), ("apparmor=unconfined",)),
        ("", "shop-api", (), ("apparmor=shop-api",)),
        (LABEL, "", (), LABEL_OPTIONS),
        (LABEL, "shop-api", ("label=type:container_t",), (*LABEL_OPTIONS, "apparmor=shop-api")),
        ("", "", ("label=disable",), ("label=disable",)),
        ("", "", ("seccomp=unconfined", "label:disable"), ("label=disable",)),
    ],
)
def test_the_sidecar_gets_the_targets_label_and_profile(
    label: str, profile: str, target_options: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert security_options(label, profile, target_options) == ("no-new-privileges", *expected)
