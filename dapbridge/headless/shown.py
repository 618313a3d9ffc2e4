"""How reports for people write what was seen: on single lines, with nothing in them that a terminal or a CI takes for
a command. Names and values are the target's, which may be hostile. Pure."""

import os
import re
from collections.abc import Iterator, Sequence

from dapbridge.headless.happenings import Frame, Hit, Thread, Variable

MAX_THREADS = 40

_COMMAND = re.compile(r"^(\s*)::")


def plain(text: str) -> str:
    """Return a text without control characters, and without what CI logs take for commands."""
    shown = "".join(each if each.isprintable() else " " for each in text).replace("##[", "# #[")
    return _COMMAND.sub(r"\1: :", shown)


def short_path(path: str, folder: str | None = None) -> str:
    """Return a path as seen from `folder` (the current one) if it lies below."""
    base = os.path.abspath(folder or os.curdir)
    return os.path.relpath(path, base) if path.startswith(base.rstrip("/") + "/") else path


def frame_lines(frames: Sequence[Frame], folder: str | None = None) -> list[str]:
    """Return a stack, a line a frame."""
    lines = []
    for level, frame in enumerate(frames):
        place = f"  {short_path(frame.path, folder)}:{frame.line}" if frame.path else ""
        lines.append(plain(f"#{level:<2} {frame.function}{place}"))
    return lines


def thread_title(thread: Thread) -> str:
    """Return how a thread is called."""
    return plain(f"thread {thread.id} {thread.name}".rstrip())


def variable_lines(variables: Sequence[Variable], indent: str = "") -> Iterator[str]:
    """Yield variables with what is in them, a line each."""
    for each in variables:
        if each.error is not None:
            yield plain(f"{indent}{each.name}: {each.error}")
            continue
        type_ = f"  {each.type}" if each.type else ""
        yield plain(f"{indent}{each.name} = {each.value}{type_}")
        if not _says_all(each):
            yield from variable_lines(each.children, indent + "  ")


def _says_all(variable: Variable) -> bool:
    """Tell whether a value's own line shows all that is in it."""
    whole = variable.value.startswith(("{", "[", "(")) and "…" not in variable.value
    return whole and not any(each.children for each in variable.children)


def hit_lines(hit: Hit, folder: str | None = None) -> Iterator[str]:
    """Yield what was seen at a hit."""
    if hit.thread:
        yield from frame_lines(hit.thread.frames, folder)
        if hit.thread.more_frames:
            yield "…"
        yield from variable_lines([*hit.captures, *hit.variables])
    for thread in hit.threads[:MAX_THREADS]:
        yield thread_title(thread)
        yield from (f"  {line}" for line in frame_lines(thread.frames, folder))
    if len(hit.threads) > MAX_THREADS:
        yield f"… and {len(hit.threads) - MAX_THREADS} more threads"
    if hit.incomplete:
        yield plain(f"not complete: {hit.incomplete}")
