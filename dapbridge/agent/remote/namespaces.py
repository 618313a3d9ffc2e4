"""Joins the PID namespace of a process, with a /proc of it in a mount namespace of our own."""

from __future__ import annotations

import os
import signal

from dapbridge.agent.remote import kernel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


class JoinError(Exception):
    """The namespace can't be joined; the text says why in the user's words."""


def join(pid: int) -> None:
    """Go on in the PID namespace of process `pid`; return at once where that is ours already. Raises JoinError.

    Only a child can be in another PID namespace: this process forks and stays behind, waiting for it.
    """
    try:
        if os.readlink(f"/proc/{pid}/ns/pid") == os.readlink("/proc/self/ns/pid"):
            return
        namespace = os.open(f"/proc/{pid}/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    except PermissionError as error:
        raise JoinError(f"can't look into process {pid}: the capability SYS_PTRACE is missing, run as root") from error
    except OSError as error:
        raise JoinError(f"there is no process {pid}") from error
    try:
        kernel.setns(namespace, kernel.CLONE_NEWPID)
        child = os.fork()
        if child:
            _wait_for(child)
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGTERM)
        _mount_own_proc()
    except OSError as error:
        missing = "the capability SYS_ADMIN is missing, run as root" if isinstance(error, PermissionError) else error
        raise JoinError(f"can't join the PID namespace of process {pid}: {missing}") from error
    finally:
        os.close(namespace)


def _mount_own_proc() -> None:
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.mount("none", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("proc", "/proc", "proc", kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC)


def _wait_for(child: int) -> NoReturn:
    """Stand for the child before our own parent: pass signals on to it, and end as it ends."""
    for number in ENDING_SIGNALS:
        signal.signal(number, lambda number, _: os.kill(child, number))
    # The stream is the child's: its end must be seen at both sides when the child ends.
    for fd in (0, 1):
        os.close(fd)
    status = os.waitpid(child, 0)[1]
    os._exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
