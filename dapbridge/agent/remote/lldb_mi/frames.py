"""Stacks: `-x-frames`, where a function or file of many frames is told once, and what MI has to count and list them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from dapbridge.agent.remote.lldb_mi import looking
from dapbridge.agent.remote.lldb_mi.commands import mi_command
from dapbridge.agent.remote.lldb_mi.gdb_api.current import current
from dapbridge.agent.remote.lldb_mi.gdb_api.outermost import is_main, main_range
from dapbridge.agent.remote.lldb_mi.gdb_api.symbols import without_hash
from dapbridge.agent.remote.lldb_mi.gdb_api.types import Type
from dapbridge.agent.remote.lldb_mi.names import path_of, without_return_type
from dapbridge.agent.remote.lldb_mi.output import Named
from dapbridge.agent.remote.lldb_mi.session import Session

SIGNAL_FRAME = "<signal handler called>"
_TRAMPOLINES = re.compile(r"__restore_rt\Z|__kernel_rt_sigreturn\Z|_?_?vdso_rt_sigreturn\Z")
_FUNCTION_TYPE = re.compile(r"(?<=[\w>*&]) \((?=[^()]*\)[>,])")
_MAX_FRAMES = 1 << 20
_MOV_15_RAX_SYSCALL = bytes.fromhex("48c7c00f0000000f05")
"""What a signal handler returns to on x86-64: rt_sigreturn(2)."""


class _Texts:
    """Texts by their places in a list; None is at no place."""

    def __init__(self) -> None:
        self.all: list[str] = []
        self._places: dict[str, int] = {}

    def place(self, text: str | None) -> int | None:
        if text is None:
            return None
        found = self._places.get(text)
        if found is None:
            found = self._places[text] = len(self.all)
            self.all.append(text)
        return found


@mi_command("-x-frames")
def x_frames(session: Session, low: str, high: str) -> dict[str, Any]:
    """Return the frames from level `low` to `high` as `rows` of address, function, file, line, library."""
    current.bind(session)
    rows = _Rows(session)
    for frame in frames_between(session, int(low), int(high) + 1):
        rows.add(frame)
    return {"low": int(low), "rows": rows.all, "texts": rows.texts.all}


class _Rows:
    """The rows of consecutive frames. What stands at the same place as another one is looked up once: recursions."""

    def __init__(self, session: Session) -> None:
        self.all: list[list[Any]] = []
        self.texts = _Texts()
        self._session = session
        self._known: dict[tuple[int, tuple[int, ...], bool], list[Any]] = {}
        self._inside: tuple[int, ...] | None = None
        """Where the frames stand that are inlined into the next one; None if that isn't known."""
        self._after_signal = False

    def add(self, frame: Any) -> None:
        pc, inside = frame.GetPC(), self._inside
        row = None if inside is None else self._known.get((pc, inside, self._after_signal))
        if row is None:
            row = _row(self._session, frame, self.texts)
            if inside is not None:
                self._known[pc, inside, self._after_signal] = row
        self.all.append(row)
        self._after_signal = row[1] is not None and self.texts.all[row[1]] == SIGNAL_FRAME
        if not frame.IsInlined():
            self._inside = ()
        elif inside is not None:
            self._inside = (*inside, pc)


def _row(session: Session, frame: Any, texts: _Texts) -> list[Any]:
    pc = pc_of(frame)
    name = function_of(frame)
    entry = frame.GetLineEntry()
    if not entry.IsValid() or not entry.GetLine():
        return [pc, texts.place(name), None, 0, texts.place(library_of(session, frame))]
    return [pc, texts.place(name), texts.place(path_of(entry.GetFileSpec())), int(entry.GetLine()), None]


def pc_of(frame: Any) -> int:
    """Return where a frame stands; that of what is inlined into a function is where this function stands."""
    while frame.GetFrameID():
        inner = frame.GetThread().GetFrameAtIndex(frame.GetFrameID() - 1)
        if not inner.IsInlined():
            break
        frame = inner
    return int(frame.GetPC())


def function_of(frame: Any) -> str | None:
    """Return the name of a frame's function, or what it is instead; None where it has none."""
    name = frame.GetFunctionName()
    if name is None or frame.GetSymbol().IsSynthetic():
        return SIGNAL_FRAME if is_signal_frame(frame) else None
    if _TRAMPOLINES.match(name) or (frame.GetFrameID() and is_signal_frame(frame)):
        return SIGNAL_FRAME
    # LLDB writes the type of a function in another one's arguments with a space, and the program without.
    return _FUNCTION_TYPE.sub("(", without_return_type(without_hash(str(name).removeprefix("::"))))


def is_signal_frame(frame: Any) -> bool:
    """Tell whether the kernel has made a frame, to call a signal handler."""
    if frame.GetFunction().IsValid() or not frame.GetFrameID():
        return False
    return current.memory.read_as_it_is(frame.GetPC(), len(_MOV_15_RAX_SYSCALL)) == _MOV_15_RAX_SYSCALL


def library_of(session: Session, frame: Any) -> str | None:
    """Return the path in the target of the library that a frame is in; None for the program itself."""
    module = frame.GetModule()
    if not module.IsValid() or module == session.target.GetModuleAtIndex(0):
        return None
    path = path_of(module.GetPlatformFileSpec()) or path_of(module.GetFileSpec())
    return path.removeprefix(session.root) or None


def frames_between(session: Session, low: int, high: int) -> Iterator[Any]:
    """Yield the frames of the thread from level `low` up to `high`, that one not included."""
    thread = session.thread
    main = main_range(session)
    for level in range(high):
        # Asked for one by one: to count them all would unwind them all.
        frame = thread.GetFrameAtIndex(level)
        if not frame.IsValid():
            return
        if level >= low:
            yield frame
        if is_main(main, frame):
            return


@mi_command("-stack-info-depth")
def stack_info_depth(session: Session, limit: str = "") -> dict[str, Any]:
    """Return how deep the stack is, at most `limit`."""
    return {"depth": sum(1 for _ in frames_between(session, 0, int(limit) if limit else _MAX_FRAMES))}


@mi_command("-stack-list-frames")
def stack_list_frames(session: Session, low: str = "0", high: str = "-1") -> dict[str, Any]:
    """List frames as MI has them."""
    current.bind(session)
    end = int(high) + 1 if int(high) >= 0 else _MAX_FRAMES
    return {"stack": [Named("frame", frame_fields(session, frame)) for frame in frames_between(session, int(low), end)]}


def frame_fields(session: Session, frame: Any) -> dict[str, Any]:
    """Return a frame as MI has it (GDB manual, "GDB/MI Frame Information")."""
    entry = frame.GetLineEntry()
    has_line = entry.IsValid() and bool(entry.GetLine())
    path = path_of(entry.GetFileSpec()) if has_line else None
    return {
        "level": frame.GetFrameID(),
        "addr": f"0x{pc_of(frame):016x}",
        "func": function_of(frame),
        "file": path,
        "fullname": path,
        "line": entry.GetLine() if has_line else None,
        "from": None if has_line else library_of(session, frame),
    }


@mi_command("-stack-list-arguments")
def stack_list_arguments(session: Session, option: str, low: str, high: str) -> dict[str, Any]:
    """List the arguments of frames: `--simple-values` with types, and values of all that is simple."""
    current.bind(session)
    looking.part("values")
    found = []
    for frame in frames_between(session, int(low), int(high) + 1):
        session.wanted_frame = frame.GetFrameID()
        current.bind(session)
        arguments = [_argument(sb, option) for sb in frame.GetVariables(True, False, False, False)]
        found.append({"level": frame.GetFrameID(), "args": arguments})
    return {"stack-args": found}


def _argument(sb: Any, option: str) -> dict[str, Any]:
    static = sb.GetStaticValue()
    type_ = Type(static.GetType())
    body: dict[str, Any] = {"name": str(sb.GetName() or "?").removeprefix("::")}
    if option == "--simple-values":
        body["type"] = str(type_)
    if option != "--no-values" and (option == "--all-values" or type_.strip_typedefs().is_scalar):
        body["value"] = looking.summary_of(static)
    return body
