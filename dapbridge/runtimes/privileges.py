"""Least privilege: which user and capabilities let a sidecar trace a target, and no more. Pure.

ptrace(2) wants a tracer of the target's uid and gid (real, effective, saved) or SYS_PTRACE; opening another uid's
/proc/PID/mem wants DAC_OVERRIDE, and stopping its threads, a tgkill(SIGSTOP), wants KILL. What no look from outside
shows (a process that is not dumpable or holds file capabilities) is found by the agent, which then can't read
/proc/PID/exe: the sidecar is started again with `widened` privileges.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from dapbridge.config import SidecarConfig


class Privileges(Struct, frozen=True):
    """What a sidecar runs as: `user` is UID:GID, or what the user wrote; capabilities are named without CAP_."""

    user: str
    capabilities: tuple[str, ...] = ()


class Ids(Struct, frozen=True):
    """All of a process's user ids and group ids: real, effective, saved."""

    uids: frozenset[int]
    gids: frozenset[int]


_ROOT = "0:0"
AS_ROOT = Privileges(_ROOT, ("SYS_PTRACE",))
WIDEST = Privileges(_ROOT, ("SYS_PTRACE", "DAC_OVERRIDE", "KILL"))


def decide_privileges(processes: Sequence[Ids], *, adds_capabilities: bool) -> Privileges:
    """Return the least privileges for a target with these processes.

    processes: ids as the engine's user namespace shows them; empty where nobody knows.
    adds_capabilities: the container has more than the engine's default set.
    """
    uids = frozenset[int]().union(*(each.uids for each in processes))
    gids = frozenset[int]().union(*(each.gids for each in processes))
    if uids == {0}:
        return AS_ROOT
    if len(uids) == len(gids) == 1 and not adds_capabilities:
        return Privileges(f"{min(uids)}:{min(gids)}")
    return WIDEST


def widened(privileges: Privileges) -> Privileges | None:
    """Return the next wider privileges; None where these are the widest or the user's own choice."""
    return WIDEST if privileges == AS_ROOT or not privileges.capabilities else None


def apply_config(privileges: Privileges, config: SidecarConfig) -> Privileges:
    """Return the privileges with the user's own choices, which win.

    A user of one's own gets what root needs where it is root: no other user gets an effective capability from Docker.
    """
    if config.user is not None:
        is_root = config.user.partition(":")[0] in ("0", "root")
        privileges = Privileges(config.user, WIDEST.capabilities if is_root else ())
    extra = (name.upper().removeprefix("CAP_") for name in config.cap_add)
    return Privileges(privileges.user, tuple(dict.fromkeys((*privileges.capabilities, *extra))))


def let_read(privileges: Privileges, api_version: tuple[int, ...]) -> Privileges:
    """Return privileges by which the engine's filter of system calls lets a debugger read memory in one go.

    That is `process_vm_readv`, without which delve reads word by word, in twice the time. Since Docker 23.0 (API 1.42)
    the default filter lets everybody call it, before only who has SYS_PTRACE in the bounding set. There it gives a user
    other than root nothing else: the effective set stays empty, and there are no new privileges.
    """
    if privileges.capabilities or api_version >= (1, 42):
        return privileges
    return Privileges(privileges.user, ("SYS_PTRACE",))


def security_options(process_label: str, apparmor_profile: str, target_options: Iterable[str]) -> tuple[str, ...]:
    """Return the sidecar's `--security-opt`: no new privileges; the target's own SELinux label and AppArmor profile.

    target_options: the target's own, as Docker's inspect shows them ("label=disable", "label:disable").
    """
    options = ["no-new-privileges"]
    if process_label.count(":") >= 3:
        # The level may hold colons itself: "user:role:type:s0:c1,c2".
        fields = zip(("user", "role", "type", "level"), process_label.split(":", 3), strict=True)
        options += [f"label={field}:{value}" for field, value in fields]
    elif any(option.replace(":", "=", 1) == "label=disable" for option in target_options):
        options.append("label=disable")
    if apparmor_profile not in ("", "docker-default"):
        options.append(f"apparmor={apparmor_profile}")
    return tuple(options)
