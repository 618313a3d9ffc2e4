"""An exec: the target stands until the debugger has the new program's symbols, then it goes on by itself.

The debugger must take the program's file from the target's root, never one of its own by the same path: it looks below
the sysroot, where the agent has put a link. Where it finds none, it is told the file; breakpoints of the old program
would else be written into the new one.
"""

import logging

from dapbridge.engines.mi import processes
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.threads import ask_names
from dapbridge.errors import DapbridgeError
from dapbridge.mi.commands import command
from dapbridge.mi.records import Payload

log = logging.getLogger(__name__)


def on_exec(context: Context, payload: Payload) -> None:
    """`*stopped` by an exec."""
    context.debugger.forget()
    context.tasks.create_task(_take_over(context, int(payload["thread-id"])))


async def _take_over(context: Context, thread_id: int) -> None:
    pid = None
    try:
        await ask_names(context)
        pid = context.threads.pid_of(thread_id) or context.process.pid
        await _load(context, thread_id, pid)
    except DapbridgeError as error:
        log.warning("the new program has no symbols: %s", error)
        # Better none than the old one's.
        context.debugger.send(command("file-exec-and-symbols", thread=thread_id))
    processes.go_on(context, thread_id)
    if pid is not None:
        try:
            await processes.tell_new_program(context, pid)
        except DapbridgeError as error:
            log.info("process %d has ended right after its exec: %s", pid, error)


async def _load(context: Context, thread_id: int, pid: int) -> None:
    await context.libraries.prepare_new_program(pid)
    # The dynamic linker is there now, whose breakpoint tells of libraries to come.
    context.libraries.load()
    if not await _has_program(context, pid):
        await context.debugger.send(command("file-exec-and-symbols", f"/proc/{pid}/exe", thread=thread_id))
        context.libraries.load()
    context.libraries.changed.set()


async def _has_program(context: Context, pid: int) -> bool:
    answer = await context.debugger.send("-list-thread-groups")
    groups = [each for each in answer.get("groups", []) if "pid" in each]
    # An older gdb has given the process another name.
    context.processes.replace({str(each["id"]): int(each["pid"]) for each in groups})
    return any("executable" in each for each in groups if each["pid"] == str(pid))
