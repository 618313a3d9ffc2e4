"""`dapbridge` for an editor, with everything that the two say to each other kept: the first half of a transcript.

    python -m support.recording FILE ARGUMENTS...

runs `dapbridge ARGUMENTS`; what it serves is written to FILE, a JSON object a line. Editors are pointed at a script
that does so (`write_script`). `python -m support.transcripts` makes a transcript for the tests of it.
"""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

from dapbridge.dap.framing import FrameReader

TESTS = Path(__file__).resolve().parents[1]


def write_script(folder: Path, recorded: Path) -> Path:
    """Write a program `dapbridge` that records into the file `recorded`; return it."""
    script = folder / "dapbridge"
    script.write_text(
        f'#!/bin/sh\nPYTHONPATH="{TESTS}" exec "{sys.executable}" -m support.recording "{recorded}" "$@"\n'
    )
    script.chmod(0o755)
    return script


def main() -> int:
    """Run dapbridge, and record if it serves."""
    file, *arguments = sys.argv[1:]
    command = [sys.executable, "-m", "dapbridge", *arguments]
    if arguments[:1] != ["serve"]:
        os.execv(command[0], command)
    lock = threading.Lock()
    with (
        open(file, "w") as recorded,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as served,
    ):
        assert served.stdin
        assert served.stdout

        def copy(source: int, target: int, sender: str) -> None:
            frames = FrameReader()
            while data := os.read(source, 1 << 16):
                with lock:
                    for body in frames.receive_data(data):
                        recorded.write(json.dumps({"from": sender, "message": json.loads(body)}) + "\n")
                    recorded.flush()
                os.write(target, data)
            os.close(target)

        copying = threading.Thread(target=copy, args=(served.stdout.fileno(), os.dup(1), "adapter"))
        copying.start()
        client = threading.Thread(target=copy, args=(0, os.dup(served.stdin.fileno()), "client"), daemon=True)
        served.stdin.close()
        client.start()
        served.wait()
        copying.join()
    return served.returncode


if __name__ == "__main__":
    sys.exit(main())
