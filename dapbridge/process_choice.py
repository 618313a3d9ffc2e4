"""Which of the target's processes is meant by `process`. Pure: a list of processes in, one of them out."""

import re
from collections.abc import Sequence

from dapbridge.agent.facts import Process
from dapbridge.errors import UserError

MAX_LISTED = 10
MAX_COMMAND_CHARS = 80


def choose_process(processes: Sequence[Process], wanted: int | str | None, main_pid: int | None) -> Process:
    """Choose by pid, by a regular expression over command lines (else over names), or the main process for None.

    Raises UserError with the candidates where not exactly one fits.
    """
    alive = [process for process in processes if not _has_ended(process)]
    if not alive:
        raise UserError("the target has no running process to attach to")
    if isinstance(wanted, str):
        return _choose_match(alive, wanted)
    pid = main_pid if wanted is None else wanted
    if pid is not None:
        return _choose_pid(processes, pid)
    if len(alive) > 1:
        raise UserError(
            f"it is not known which process is the target's main one; set 'process' to a pid of {_list(alive)}"
        )
    return alive[0]


def _choose_pid(processes: Sequence[Process], pid: int) -> Process:
    process = next((process for process in processes if process.pid == pid), None)
    if process is None:
        raise UserError(f"no process {pid} in the target; there are {_list(processes)}")
    if _has_ended(process):
        raise UserError(
            f"process {pid} ({_quote(process)}) has ended and only waits for its parent: there's nothing to debug"
        )
    return process


def _choose_match(alive: Sequence[Process], wanted: str) -> Process:
    try:
        pattern = re.compile(wanted)
    except re.error as error:
        raise UserError(f"process '{wanted}' is no regular expression: {error}") from None
    matches = [process for process in alive if pattern.search(" ".join(process.command))]
    matches = matches or [process for process in alive if pattern.search(process.name)]
    if not matches:
        raise UserError(f"no process like '{wanted}' in the target; there are {_list(alive)}")
    if len(matches) > 1:
        raise UserError(f"several processes are like '{wanted}'; set 'process' to one pid of {_list(matches)}")
    return matches[0]


def _has_ended(process: Process) -> bool:
    """Tell a zombie from a process whose main thread alone has ended."""
    return process.state in "ZX" and process.threads == 1


def _list(processes: Sequence[Process]) -> str:
    lines = [f"{process.pid} ({_quote(process)})" for process in processes[:MAX_LISTED]]
    if len(processes) > MAX_LISTED:
        lines.append(f"and {len(processes) - MAX_LISTED} more")
    return ", ".join(lines)


def _quote(process: Process) -> str:
    """Write a command line on one short line; it is the target's text and may hold anything."""
    text = " ".join(process.command) or f"[{process.name}]"
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return text if len(text) <= MAX_COMMAND_CHARS else text[: MAX_COMMAND_CHARS - 1] + "…"
