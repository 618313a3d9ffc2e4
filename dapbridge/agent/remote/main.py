"""The agent's start: starts a debugger, prepares this process, says hello, each with no more imports than it takes."""

from __future__ import annotations

import os
import resource
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from dapbridge.agent.remote.launching import Launched


def main(scope: dict[str, Any], silence_s: float, early_argv: list[str]) -> None:
    """Run the agent until it has let go of the target; `scope` is dapbridge.agent.facts.AgentScope.

    early_argv: a debugger that will be asked for, and is started first of all; [] for none.
    """
    signal.alarm(0)  # the bootstrap's limit for the bundle
    _prepare()
    refusal = _join(scope["join_pid"])
    early = _launch(early_argv) if early_argv and refusal is None else None

    from dapbridge.agent.remote import kernel, processes
    from dapbridge.agent.remote.stream import Stream

    # gdb leaves helpers behind that nobody else would reap (PR_SET_CHILD_SUBREAPER(2const)).
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    stream = Stream()
    if refusal is not None:
        stream.send(event="refused", text=refusal)
        stream.flush()
        sys.exit(1)
    pids = processes.target_pids(scope["container_id"], scope["main_pid"])
    found = processes.list_facts(pids)
    main_pid = processes.main_pid(found, scope["main_pid"])
    version = "{}.{}.{}".format(*sys.version_info[:3])
    stream.send(
        event="hello", hello={**processes.own_facts(), "python": version, "main_pid": main_pid, "processes": found}
    )
    stream.flush()
    # While the host is reading.
    from dapbridge.agent.remote.loop import Loop
    from dapbridge.agent.remote.rescue import Rescue
    from dapbridge.agent.remote.supervisor import Supervisor

    Supervisor(stream, Rescue(scope["container_id"], main_pid, stream.log), Loop(), silence_s, early).run()


def _prepare() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.chdir("/")
    if os.getpgrp() != os.getpid():  # a container's main process leads its session already
        # Ctrl-C in the user's terminal is the bridge's business; it must not reach the debugger.
        os.setsid()


def _join(pid: int | None) -> str | None:
    """Go on in the PID namespace of a process, if one is named; return why that can't be."""
    if pid is None:
        return None
    from dapbridge.agent.remote import namespaces

    try:
        namespaces.join(pid)
    except namespaces.JoinError as error:
        return str(error)
    return None


def _launch(argv: list[str]) -> Launched | None:
    from dapbridge.agent.remote.launching import Launched

    try:
        return Launched(argv, dict(os.environ))
    except OSError:
        # It will be told to who asks for it.
        return None
