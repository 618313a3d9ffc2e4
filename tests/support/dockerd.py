"""Starts a Docker engine on a machine that has one installed but not running; it stays up until it is stopped by hand.

`PYTHONPATH=tests python -m support.dockerd [dockerd's own options]`, as root.
"""

import os
import select
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

LOG = Path(tempfile.gettempdir()) / "dapbridge-dockerd.log"
_ANSWER_LIMIT_S = 90
# What dockerd says when it is refused something (in a container, say), and what it can do without that.
_FALLBACKS = {
    "graphdriver": ["--storage-driver", "vfs"],
    "driver not supported": ["--storage-driver", "vfs"],
    "network controller": ["--iptables=false", "--ip6tables=false", "--bridge=none"],
}


def start(options: list[str]) -> None:
    """Start the engine and return when it answers; SystemExit with the end of its log if it does not."""
    if not options and Path("/run/systemd/system").is_dir():
        subprocess.run(["systemctl", "start", "docker"], check=True)
        return
    while True:
        pid = _start_dockerd(options)
        if pid:
            sys.stderr.write(f"dockerd runs as process {pid} and is left running (log: {LOG})\n")
            return
        log = LOG.read_text(errors="replace")
        fallback = next(
            (extra for words, extra in _FALLBACKS.items() if words in log and extra[0] not in options), None
        )
        if not fallback:
            raise SystemExit(f"dockerd did not start; the end of {LOG}:\n" + "\n".join(log.splitlines()[-20:]))
        options = options + fallback


def _start_dockerd(options: list[str]) -> int | None:
    """Return dockerd's pid once it says that it is ready (sd_notify(3)); None if it ends first or says nothing."""
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifications,
        LOG.open("wb") as log,
    ):
        notifications.bind(f"{folder}/notify")
        process = subprocess.Popen(
            ["dockerd", "--log-level=warn", *options],
            env=os.environ | {"NOTIFY_SOCKET": f"{folder}/notify"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        ended = os.pidfd_open(process.pid)
        try:
            ready, _, _ = select.select([notifications.fileno(), ended], [], [], _ANSWER_LIMIT_S)
            if notifications.fileno() in ready:
                return process.pid
            process.terminate()
            process.wait()
            return None
        finally:
            os.close(ended)


if __name__ == "__main__":
    start(sys.argv[1:])
