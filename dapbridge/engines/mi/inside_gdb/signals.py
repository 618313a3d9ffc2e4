"""Runs inside gdb: what the kernel tells of the signal that the thread has got (sigaction(2), siginfo_t)."""

from typing import Any

import gdb

from .thrown import text_at

_FAULTS = {"SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGTRAP"}
_CODES = {
    ("SIGSEGV", 1): "nothing is mapped there",
    ("SIGSEGV", 2): "no permission for that access",
    ("SIGSEGV", 3): "outside of the bounds",
    ("SIGSEGV", 4): "forbidden by a protection key",
    ("SIGBUS", 1): "wrong alignment",
    ("SIGBUS", 2): "no memory behind the address: a mapped file may have become shorter",
    ("SIGBUS", 3): "an error of the object's hardware",
    ("SIGFPE", 1): "integer division by zero",
    ("SIGFPE", 2): "integer overflow",
    ("SIGFPE", 3): "floating-point division by zero",
    ("SIGFPE", 4): "floating-point overflow",
    ("SIGFPE", 5): "floating-point underflow",
    ("SIGFPE", 6): "floating-point result is inexact",
    ("SIGFPE", 7): "invalid floating-point operation",
    ("SIGILL", 1): "illegal instruction",
    ("SIGILL", 2): "illegal operand",
    ("SIGSYS", 1): "system call refused by seccomp",
}
_GENERAL_PROTECTION = 0x80
_NULL_PAGE = 0x10000


def describe(name: str) -> str:
    """Return what is to say of the signal beyond its name; "" for nothing."""
    if name == "SIGABRT" and (said := _abort_message()):
        return said
    try:
        info: Any = gdb.parse_and_eval("$_siginfo")
        code = int(info["si_code"])
        if code <= 0 and name != "SIGABRT":
            sender = int(info["_sifields"]["_kill"]["si_pid"])
            return "sent by the program itself" if sender in _own_pids() else f"sent by process {sender}"
        if name not in _FAULTS:
            return _CODES.get((name, code), "")
        reason = _CODES.get((name, code), "")
        if name not in ("SIGSEGV", "SIGBUS"):
            return reason
        if code == _GENERAL_PROTECTION:
            return "access to an address that can't exist (not canonical)"
        address = int(info["_sifields"]["_sigfault"]["si_addr"]) & (2**64 - 1)
    except gdb.error:
        return ""
    null = " (null pointer?)" if address < _NULL_PAGE else ""
    return f"access to {address:#x}{null}" + (f", {reason}" if reason and not null else "")


def _own_pids() -> set[int]:
    """Return the process's number in every PID namespace that it is in; the kernel tells the sender by the target's."""
    with open(f"/proc/{gdb.selected_inferior().pid}/status") as status:
        for line in status:
            if line.startswith("NSpid:"):
                return {int(each) for each in line.split()[1:]}
    return set()


def _abort_message() -> str:
    """Return what glibc says before it aborts, e.g. a failed assertion."""
    try:
        message = gdb.parse_and_eval("*(char **) &__abort_msg")
        # A length, then the text.
        return text_at(int(message) + 4).strip() if int(message) else ""
    except gdb.error:
        return ""
