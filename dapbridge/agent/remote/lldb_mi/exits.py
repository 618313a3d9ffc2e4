"""The end of the target's process: its exit code, or the signal that has ended it."""

from __future__ import annotations

import re
from contextlib import suppress

from dapbridge.agent.remote.lldb_mi import signals
from dapbridge.agent.remote.lldb_mi.errors import MiError
from dapbridge.agent.remote.lldb_mi.session import Session

_SIGNALLED = re.compile(r"read packet: \$X([0-9a-f]{2})")


def tell(session: Session) -> None:
    """Tell that the process has ended, and how."""
    status = session.process.GetExitStatus()
    output = session.output
    if status < 0:
        # lldb-server is gone: what comes of that is its keeper's.
        return
    for number in session.threads:
        output.notify("thread-exited", {"id": number, "group-id": "i1"})
    session.threads.clear()
    if name := _signal(session):
        output.notify("thread-group-exited", {"id": "i1"})
        output.exec_async("stopped", {"reason": "exited-signalled", "signal-name": name})
        return
    output.notify("thread-group-exited", {"id": "i1", "exit-code": f"{status:o}"})
    if status:
        output.exec_async("stopped", {"reason": "exited", "exit-code": f"{status:02o}"})
    else:
        output.exec_async("stopped", {"reason": "exited-normally"})


def _signal(session: Session) -> str:
    """Return the name of the signal that has ended the process; "" where it has ended by itself.

    LLDB takes the signal's number for an exit code; lldb-server's last packet tells them apart.
    """
    history = ""
    with suppress(MiError):
        history = session.run_console("process plugin packet history")
    found = _SIGNALLED.findall(history)
    return signals.name_of(session, int(found[-1], 16)) if found else ""
