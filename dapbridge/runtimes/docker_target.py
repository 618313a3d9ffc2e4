"""The target container as Docker's inspect shows it, decoded once, and whether it can be attached to."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

import msgspec
from msgspec import Struct

from dapbridge.errors import UserError
from dapbridge.runtimes.docker_context import Endpoint
from dapbridge.runtimes.privileges import Ids

TOP_COLUMNS = "ruid,euid,suid,rgid,egid,sgid"
TOP_ARGUMENTS = f"-eo pid,{TOP_COLUMNS}"
_FIRST_SUBORDINATE_ID = 100_000
"""Where the ids begin that stand for those of a user namespace (login.defs(5), SUB_UID_MIN)."""
_MAX_NAMES = 6


class State(Struct, frozen=True, rename="pascal"):
    """Docker's "State"."""

    status: str
    exit_code: int
    pid: int = 0
    paused: bool = False
    error: str = ""
    oom_killed: bool = msgspec.field(name="OOMKilled", default=False)


class HostConfig(Struct, frozen=True, rename="pascal"):
    """What of Docker's "HostConfig" a sidecar has to suit."""

    privileged: bool = False
    cap_add: tuple[str, ...] | None = None
    security_opt: tuple[str, ...] | None = None
    userns_mode: str = ""
    pid_mode: str = ""


class Container(Struct, frozen=True, rename="pascal"):
    """A container; `name` has Docker's leading slash."""

    id: str
    name: str
    state: State
    host_config: HostConfig
    process_label: str = ""
    app_armor_profile: str = ""

    @property
    def short_name(self) -> str:
        """The name as users write it."""
        return self.name.removeprefix("/")

    @property
    def adds_capabilities(self) -> bool:
        """It has more capabilities than the engine gives by default."""
        return self.host_config.privileged or bool(self.host_config.cap_add)


def parse_container(inspected: dict[str, Any]) -> Container:
    """Decode the answer of inspect."""
    return msgspec.convert(inspected, Container)


def check_attachable(container: Container) -> None:
    """Raise UserError if nothing can be debugged in the container as it is."""
    name, state = container.short_name, container.state
    if state.paused or state.status == "paused":
        # Attaching to frozen processes hangs, and giving up leaves them stopped after unpause, for good.
        raise UserError(f"container '{name}' is paused; unpause it first: docker unpause {name}")
    if state.status == "restarting":
        raise UserError(f"container '{name}' is restarting (last exit code {state.exit_code}): docker logs {name}")
    if state.status != "running":
        raise UserError(
            f"container '{name}' is not running: {_how_it_ended(state)}; start it first: docker start {name}"
        )


def _how_it_ended(state: State) -> str:
    if state.status == "created":
        return f"created, never started ({state.error})" if state.error else "created, never started"
    killed = " (out of memory)" if state.oom_killed else ""
    return f"{state.status} with exit code {state.exit_code}{killed}"


def explain_missing(name: str, running: Iterable[str], endpoint: Endpoint) -> UserError:
    """Make the error for a name that no container has, with the nearest names of running ones."""
    names = sorted(running)
    wanted = name.lower()
    near = get_close_matches(wanted, names, _MAX_NAMES, cutoff=0.6)
    near += [each for each in names if each not in near and (wanted in each.lower() or each.lower() in wanted)]
    text = f"no container named '{name}' ({endpoint.source})"
    if near:
        return UserError(f"{text}; running ones with similar names: {', '.join(near[:_MAX_NAMES])}")
    if names:
        more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
        return UserError(f"{text}; running are: {', '.join(names[:_MAX_NAMES])}{more}")
    return UserError(f"{text}; none is running there")


def parse_top(rows: Sequence[Sequence[str]]) -> list[Ids]:
    """Return the ids of each process from the rows of `top` with TOP_ARGUMENTS; [] if any is not as asked for."""
    found = []
    for _, *ids in rows:
        if len(ids) != len(TOP_COLUMNS.split(",")) or not all(each.isdecimal() for each in ids):
            return []
        numbers = [int(each) for each in ids]
        found.append(Ids(frozenset(numbers[:3]), frozenset(numbers[3:])))
    return found


def may_be_remapped(ids: Iterable[Ids]) -> bool:
    """Tell whether the ids may be those by which a host knows the ids of a user namespace."""
    return any(number >= _FIRST_SUBORDINATE_ID for each in ids for number in each.uids | each.gids)
