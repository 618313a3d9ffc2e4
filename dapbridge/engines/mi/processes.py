"""The processes that are debugged: the one attached to, and its forks as `followFork` has it. DAP `process`."""

import logging

from dapbridge.agent.client import Child
from dapbridge.agent.facts import Process
from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi.context import Context
from dapbridge.errors import DapbridgeError
from dapbridge.mi.commands import command
from dapbridge.mi.records import Payload

log = logging.getLogger(__name__)

_ELF_CLASS = 4
_POINTER_BITS = {1: 32, 2: 64}


class ProcessTable:
    """What the debugger holds, by its own names of processes ("i1"), oldest first; `debugger` is its process."""

    def __init__(self, debugger: Child) -> None:
        self.debugger = debugger
        self.last_exited = 0
        self.vfork_told = False
        self._pids: dict[str, int] = {}

    @property
    def groups(self) -> list[str]:
        return list(self._pids)

    def add(self, group: str, pid: int) -> None:
        self._pids[group] = pid

    def replace(self, pids: dict[str, int]) -> None:
        """Take the debugger's own list."""
        self._pids = pids

    def remove(self, group: str) -> int | None:
        """Note that one has ended or was let go; return its pid."""
        pid = self._pids.pop(group, None)
        self.last_exited = pid or self.last_exited
        return pid


def on_started(context: Context, payload: Payload) -> None:
    """`=thread-group-started`: the process that is attached to, or a fork that the debugger goes with."""
    pid = int(payload["pid"])
    context.processes.add(str(payload["id"]), pid)
    if context.attached:
        context.tasks.create_task(_follow(context, pid))


def on_exited(context: Context, payload: Payload) -> None:
    """`=thread-group-exited`: a process has ended, or the debugger has let it go."""
    pid = context.processes.remove(str(payload["id"]))
    if pid is not None:
        context.libraries.leave(pid)


def on_last_thread_exited(context: Context, payload: Payload) -> bool:
    """Let the others go on where one of several processes has ended; return whether there are others."""
    thread_id = context.threads.first
    if not context.processes.groups or thread_id is None:
        return False
    code = int(str(payload.get("exit-code", "0")), 8)
    how = f"was ended by {payload['signal-name']}" if "signal-name" in payload else f"has ended with exit code {code}"
    _say(context, f"process {context.processes.last_exited} {how}")
    go_on(context, thread_id)
    return True


def on_vfork(context: Context, payload: Payload) -> None:
    """`*stopped` by a vfork: the child isn't followed.

    gdb (16) follows it only at the risk that everything stands for ever: when it stops the target for another reason
    before the child has its own program, it doesn't get it going again.
    """
    if not context.processes.vfork_told:
        context.processes.vfork_told = True
        _say(context, f"process {payload.get('newpid')} runs on by itself, like every child of a vfork or posix_spawn")
    with context.debugger.burst():
        context.debugger.send("-gdb-set detach-on-fork on")
        _resume(context)
        context.debugger.send("-gdb-set detach-on-fork off")


def go_on(context: Context, thread_id: int) -> None:
    """Let the target go on after a stop that the client knows nothing of, unless it waits for one."""
    with context.debugger.burst():
        # The selected one may have ended.
        context.debugger.send(command("thread-select", thread_id))
        _resume(context)


def _resume(context: Context) -> None:
    context.debugger.send("-exec-continue")
    if context.pause_wanted:
        # This stop has swallowed the interrupt.
        context.debugger.send("-exec-interrupt")


async def tell_attached(context: Context) -> None:
    """Tell the client of the process that it has attached to."""
    await _tell(context, context.process)


async def tell_new_program(context: Context, pid: int) -> None:
    """Tell the client that a process has become another program. Raises UserError where it has ended meanwhile."""
    await context.processes.debugger.look_after(pid)
    process = (await context.agent.inspect(pid)).process
    if pid == context.process.pid:
        context.process = process
    _say(context, f"process {pid} has become another program: {process.exe or process.name}")
    await _tell(context, process)


async def _follow(context: Context, pid: int) -> None:
    """Look after a fork as after its parent, and tell the client of it."""
    parent = context.process
    alone = context.config.follow_fork == "child"
    context.libraries.follow(pid, alone=alone)
    try:
        await context.processes.debugger.look_after(pid, parent.pid)
        process = (await context.agent.inspect(pid)).process
    except DapbridgeError as error:
        log.info("process %d has ended before it was looked at: %s", pid, error)
        return
    if alone:
        context.process = process
        _say(context, f"debugging goes on with process {pid}, a fork of {parent.pid}, which goes its own way")
    else:
        _say(context, f"process {pid} is debugged too, a fork of {process.ppid}")
    await _tell(context, process)


async def _tell(context: Context, process: Process) -> None:
    body: JsonObject = {
        "name": process.exe or process.name,
        # The pid in the target's own eyes.
        "systemProcessId": process.pid,
        # Also on this host: the pid is one of another namespace, which nobody may take for one of the host's.
        "isLocalProcess": False,
        "startMethod": "attach",
    }
    if bits := await _find_pointer_bits(context, process.pid):
        body["pointerSize"] = bits
    context.tell("process", body)


def _say(context: Context, text: str) -> None:
    context.tell("output", {"category": "console", "output": f"{text}\n"})


async def _find_pointer_bits(context: Context, pid: int) -> int | None:
    try:
        header = await context.agent.read_file(pid, None, 0, _ELF_CLASS + 1)
    except DapbridgeError:
        return None
    return _POINTER_BITS.get(header[_ELF_CLASS]) if len(header) > _ELF_CLASS else None
