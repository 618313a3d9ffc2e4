"""Running containers with their processes: from this host's /proc where the engine is here, else from Docker's `top`.

`top` is the engine's own look at its host's processes: nothing is started in the container, and it needs no `ps`. But
it knows neither programs nor, but for the main process, the numbers inside.
"""

import asyncio
import re
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from dapbridge.failures import find_cause
from dapbridge.runtimes.docker_client import DockerClient, DockerRefusalError
from dapbridge.runtimes.docker_target import Container, parse_container
from dapbridge.runtimes.host_processes import HostProcesses
from dapbridge.runtimes.listing import ListedProcess, ListedTarget

T = TypeVar("T")

TOP_COLUMNS = ("pid", "ppid", "uid", "gid", "stat", "args")
TOP_ARGUMENTS = f"-eo {','.join(TOP_COLUMNS)}"

_COMPOSE_PROJECT = "com.docker.compose.project"
_COMPOSE_SERVICE = "com.docker.compose.service"
_ELSEWHERE = "the engine runs on another machine or shows no /proc here: languages and most pids inside are not known"


class Running(Struct, frozen=True):
    """A container that runs: as a listing of the engine shows it, and as inspect does."""

    listed: Mapping[str, Any]
    container: Container

    @property
    def shares_host_pids(self) -> bool:
        """Its processes have the numbers of the engine's host."""
        return self.container.host_config.pid_mode == "host"

    @property
    def has_own_pids(self) -> bool:
        """Its main process is number 1 of a PID namespace of its own."""
        return not self.container.host_config.pid_mode


async def list_targets(client: DockerClient, listed: Sequence[Mapping[str, Any]]) -> list[ListedTarget]:
    """List containers with their processes, by name; those that end meanwhile are left out. Raises UserError.

    listed: the engine's listing of them.
    """
    running = await _all(_inspect(client, each) for each in listed)
    host = await asyncio.to_thread(HostProcesses)
    targets = await _all(_list_target(client, host, each) for each in running)
    return sorted(targets, key=lambda target: target.name)


async def _all(works: Iterable[Coroutine[Any, Any, T | None]]) -> list[T]:
    """Return the results that are there, of all at once. Raises the error that says most."""
    try:
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(work) for work in works]
    except ExceptionGroup as group:
        raise find_cause(group) from None
    return [result for task in running if (result := task.result()) is not None]


async def _inspect(client: DockerClient, listed: Mapping[str, Any]) -> Running | None:
    try:
        inspected = await client.call(lambda api: api.inspect_container(listed["Id"]))
    except DockerRefusalError as error:
        if error.status == 404:
            return None
        raise
    container = parse_container(inspected)
    return Running(listed, container) if container.state.pid else None


async def _list_target(client: DockerClient, host: HostProcesses, each: Running) -> ListedTarget | None:
    container = each.container
    target = _describe(each)
    on_host = await asyncio.to_thread(host.list_container, container.id, container.state.pid)
    if on_host is not None:
        return msgspec.structs.replace(target, processes=tuple(on_host)) if on_host else None
    try:
        rows = (await client.call(lambda api: api.top(container.id, TOP_ARGUMENTS)))["Processes"]
    except DockerRefusalError as error:
        # 500 as well where it ended in this moment.
        if error.status in (404, 409) or await _inspect(client, each.listed) is None:
            return None
        return msgspec.structs.replace(target, error=f"the engine can't list its processes: {error.explanation}")
    return msgspec.structs.replace(target, processes=tuple(parse_top(rows, each)), error=_ELSEWHERE)


def _describe(each: Running) -> ListedTarget:
    name = each.container.short_name
    labels = each.listed.get("Labels") or {}
    return ListedTarget(
        target=f"docker://{name}",
        name=name,
        id=each.container.id,
        image=each.listed["Image"],
        runtime="docker",
        status=each.listed["Status"],
        compose_project=labels.get(_COMPOSE_PROJECT),
        compose_service=labels.get(_COMPOSE_SERVICE),
        processes=(),
        error=None,
    )


def parse_top(rows: Sequence[Sequence[str]], each: Running) -> list[ListedProcess]:
    """Return the processes in the rows of `top` with TOP_ARGUMENTS, the main one first; other rows are left out."""
    main_pid = str(each.container.state.pid)
    inside: dict[str, int] = {}
    alive = [row for row in rows if len(row) == len(TOP_COLUMNS) and not row[4].startswith(("Z", "X"))]
    for pid, *_ in alive:
        if each.shares_host_pids and pid.isdecimal():
            inside[pid] = int(pid)
        elif each.has_own_pids and pid == main_pid:
            inside[pid] = 1
    found = []
    for pid, ppid, uid, gid, _, arguments in alive:
        # Where one argument ends and the next begins, `ps` doesn't tell.
        command = tuple(arguments.split())
        found.append(
            ListedProcess(
                process=inside.get(pid) or f"^{r' +'.join(map(re.escape, command))}$",
                pid=inside.get(pid),
                ppid=0 if pid == main_pid else inside.get(ppid),
                name=command[0].rpartition("/")[2] if command else "?",
                command=command,
                user=f"{uid}:{gid}",
                language=None,
                debug_info=None,
                main=pid == main_pid,
            )
        )
    return sorted(found, key=lambda process: not process.main)
