"""The agent's start: prepares this process, says hello, and only then imports the rest, while the host is reading."""

from __future__ import annotations

import os
import resource
import signal
import sys

from dapbridge.agent.remote import kernel, namespaces, processes
from dapbridge.agent.remote.stream import Stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from dapbridge.agent.remote.launching import Launched


def main(scope: dict[str, Any], silence_s: float, early_argv: list[str]) -> None:
    """Run the agent until it has let go of the target; `scope` is dapbridge.agent.facts.AgentScope.

    early_argv: a debugger that will be asked for, and is started first of all; [] for none.
    """
    signal.alarm(0)  # the bootstrap's limit for the bundle
    stream = _prepare(scope["join_pid"])
    early = _launch(early_argv) if early_argv else None
    pids = processes.target_pids(scope["container_id"], scope["main_pid"])
    found = processes.list_facts(pids)
    main_pid = processes.main_pid(found, scope["main_pid"])
    version = "{}.{}.{}".format(*sys.version_info[:3])
    stream.send(
        event="hello", hello={**processes.own_facts(), "python": version, "main_pid": main_pid, "processes": found}
    )
    stream.flush()

    from dapbridge.agent.remote.loop import Loop
    from dapbridge.agent.remote.rescue import Rescue
    from dapbridge.agent.remote.supervisor import Supervisor

    Supervisor(stream, Rescue(scope["container_id"], main_pid, stream.log), Loop(), silence_s, early).run()


def _launch(argv: list[str]) -> Launched | None:
    from dapbridge.agent.remote.launching import Launched

    try:
        return Launched(argv, dict(os.environ))
    except OSError:
        # It will be told to who asks for it.
        return None


def _prepare(join_pid: int | None) -> Stream:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.chdir("/")
    if os.getpgrp() != os.getpid():  # a container's main process leads its session already
        # Ctrl-C in the user's terminal is the bridge's business; it must not reach the debugger.
        os.setsid()
    refusal = None
    if join_pid is not None:
        try:
            namespaces.join(join_pid)
        except namespaces.JoinError as error:
            refusal = str(error)
    # gdb leaves helpers behind that nobody else would reap (PR_SET_CHILD_SUBREAPER(2const)).
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    stream = Stream()
    if refusal is not None:
        stream.send(event="refused", text=refusal)
        stream.flush()
        sys.exit(1)
    return stream
