"""What adapters show of the stacks of a target whose C library is not the sidecar's, compared with what is true.

The target is the fixture `threads`. All look at the same one, one after the other; the threads that are compared never
leave their places. What is true is what gdb shows, with the target's own libraries.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dap_contenders import INITIALIZE, Adapter
from lean_client import LeanClient, SilentError
from scene import WrongFactsError
from support.targets import DockerTarget

STANDING = ("threads", "in-condition", "in-poll", "in-recv", "in-sleep")
"""The main thread, which sleeps nearly always, and those that wait in the C library for ever."""

PAUSE_LIMIT_S = 10.0

_NAMELESS = re.compile(r"\?+|0x[0-9a-fA-F]+|___lldb_unnamed_symbol\d*")
_STARTS = ("main", "start", "clone", "clone3")


@dataclass(frozen=True)
class Frame:
    """A frame: where it stands in memory, its function ("" where no name was shown), whether it has a source."""

    address: int
    function: str
    has_source: bool


Stacks = Mapping[str, Sequence[Frame]]
"""Stacks by the threads' names, the innermost frame first."""


@dataclass(frozen=True)
class Score:
    """How much of what is true a contender shows.

    unwound: threads whose stack reaches the function that the thread has started with, of `threads`.
    right: frames in libraries with the name that they have, of `named`; wrong: with another one.
    """

    unwound: int
    threads: int
    right: int
    named: int
    wrong: int


def read(adapter: Adapter, target: DockerTarget) -> dict[str, list[Frame]]:
    """Attach, have the target stand, return all its stacks, detach."""
    with adapter.open(target) as client:
        client.request("initialize", **INITIALIZE)
        attach = client.send("attach", **adapter.attach_arguments(target))
        client.event("initialized")
        client.request("configurationDone")
        client.response(attach)
        if adapter.stands_after_attach:
            client.event("stopped")
        else:
            pause(client, adapter.pauses)
        stacks = {}
        for thread in client.request("threads")["threads"]:
            asked = {"threadId": thread["id"], "startFrame": 0, "levels": 0}
            frames = client.request("stackTrace", **asked)["stackFrames"]
            # dapbridge adds the thread's number.
            stacks[thread["name"].partition(" (")[0]] = [_to_frame(each) for each in frames]
        client.request("disconnect", terminateDebuggee=False)
    return stacks


def pause(client: LeanClient, attempts: int) -> None:
    """Have the target stand, which may be asked for so many times. Raises SilentError where none is heard."""
    thread_id = client.request("threads")["threads"][0]["id"]
    for attempt in range(attempts, 0, -1):
        client.request("pause", threadId=thread_id)
        try:
            client.event("stopped", PAUSE_LIMIT_S)
            return
        except SilentError:
            if attempt == 1:
                raise


def _to_frame(frame: Mapping[str, object]) -> Frame:
    has_source = isinstance(source := frame.get("source"), dict) and bool(source.get("path"))
    return Frame(int(str(frame["instructionPointerReference"]), 16), plain_name(str(frame["name"])), has_source)


def plain_name(name: str) -> str:
    """Return a function's name without the library's behind it and the underscores before it; "" where it is none."""
    # `(anonymous namespace)` is a part of a name, ` (libc.so.6)` is not.
    name = name.partition(" (lib")[0]
    return "" if _NAMELESS.fullmatch(name) else name.lstrip("_")


def score(stacks: Stacks, truth: Stacks) -> Score:
    """Compare stacks with the true ones."""
    right = named = wrong = 0
    for thread in STANDING:
        shown = {each.address: each.function for each in stacks.get(thread, ())}
        for frame in truth[thread]:
            if frame.function and not frame.has_source:
                function = shown.get(frame.address, "")
                named += 1
                right += function == frame.function
                wrong += function not in ("", frame.function)
    unwound = sum(_reaches_start(stacks.get(thread, ())) for thread in truth)
    return Score(unwound, len(truth), right, named, wrong)


def check_truth(truth: Stacks) -> None:
    """Raise WrongFactsError unless what is taken for the truth has all threads, and each from its start on."""
    short = [thread for thread, stack in truth.items() if not _reaches_start(stack)]
    if short or not truth.keys() >= set(STANDING):
        raise WrongFactsError(f"threads {sorted(truth)}, not unwound: {short}")


def _reaches_start(stack: Sequence[Frame]) -> bool:
    return bool(stack) and stack[-1].function in _STARTS


def to_markdown(stacks: Mapping[str, Stacks], truth_name: str) -> str:
    """Return the tables: how much of the truth each contender shows, and both ends of each stack that stands."""
    truth = stacks[truth_name]
    lines = ["| shown by | threads unwound to their start | library functions named right | named wrong |"]
    lines.append("| --- | ---: | ---: | ---: |")
    for name, of_one in stacks.items():
        found = score(of_one, truth)
        counts = f"{found.unwound} of {found.threads} | {found.right} of {found.named} | {found.wrong}"
        lines.append(f"| {name} | {counts} |")
    lines += ["", "| thread | " + " | ".join(stacks) + " |", "| --- |" + " --- |" * len(stacks)]
    for thread in STANDING:
        cells = [_ends_of(of_one.get(thread, ())) for of_one in stacks.values()]
        lines.append(f"| `{thread}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def _ends_of(stack: Sequence[Frame]) -> str:
    """Return the first and the last function of a stack, and how many frames it has."""
    if not stack:
        return "nothing"
    ends = [f"`{stack[index].function}`" if stack[index].function else "?" for index in (0, -1)]
    return f"{' … '.join(ends)} ({len(stack)})" if len(stack) > 1 else f"{ends[0]} (1)"
