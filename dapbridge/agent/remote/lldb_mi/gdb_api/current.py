"""Where the present command looks: the session, whose target and frame everything is seen from."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import lldb

from dapbridge.agent.remote.lldb_mi.errors import MiError
from dapbridge.agent.remote.lldb_mi.gdb_api.errors import MemoryError as NoMemory
from dapbridge.agent.remote.lldb_mi.memory import Memory, write_bytes

if TYPE_CHECKING:
    from dapbridge.agent.remote.lldb_mi.session import Session

_LANGUAGES_C = frozenset({lldb.eLanguageTypeC, lldb.eLanguageTypeC89, lldb.eLanguageTypeC99, lldb.eLanguageTypeC11})


class Current:
    """The session of the command that runs now. There is one, as there is one module `gdb` for all who import it."""

    def __init__(self) -> None:
        self._session: Session | None = None
        self.may_call = False
        """Whether expressions may run the target's code."""
        self._known: dict[str, Any] = {}
        self._still: Any = None

    def bind(self, session: Session) -> None:
        """Look through this session from now on, for one command."""
        self._session = session
        self._known.clear()
        self.may_call = session.settings.get("may-call-functions") == "on"

    @property
    def session(self) -> Session:
        assert self._session is not None
        return self._session

    @property
    def memory(self) -> Memory:
        """The target's memory."""
        found: Memory = self._once("memory", lambda: Memory(self.session))
        return found

    def still_target(self) -> Any:
        """Return a target of the same modules and no process: LLDB looks at no variable of one that runs."""
        if self._still is None:
            self._still = lldb.SBDebugger.Create(False)
        target = self._still.CreateTarget(None)
        for module in self.target.module_iter():
            target.AddModule(module)
        return target

    def _once(self, name: str, find: Callable[[], Any]) -> Any:
        if name not in self._known:
            self._known[name] = find()
        return self._known[name]

    @property
    def target(self) -> Any:
        """The SBTarget."""
        return self._once("target", lambda: self.session.target)

    @property
    def process(self) -> Any:
        """The SBProcess."""
        return self._once("process", lambda: self.session.process)

    @property
    def thread(self) -> Any:
        """The SBThread. Raises MiError."""
        return self._once("thread", lambda: self.session.thread)

    @thread.setter
    def thread(self, thread: Any) -> None:
        self._known["thread"] = thread

    @property
    def frame(self) -> Any:
        """The SBFrame; an invalid one while nothing stands."""
        return self._once("frame", self._find_frame)

    def _find_frame(self) -> Any:
        try:
            return self.session.frame
        except MiError:
            return lldb.SBFrame()

    def forget_frame(self) -> None:
        """Look for the frame anew: a register was changed, which moves it."""
        self._known.pop("frame", None)

    @property
    def language(self) -> str:
        """The frame's language as gdb names it: "c", "c++" or "rust"; "" for another or none."""
        found: str = self._once("language", self._find_language)
        return found

    def _find_language(self) -> str:
        unit = self.frame.GetCompileUnit() if self.frame.IsValid() else None
        return language_of(unit) if unit is not None and unit.IsValid() else ""


current = Current()


def language_of(unit: Any) -> str:
    """Return the language of an SBCompileUnit as gdb names it."""
    language = unit.GetLanguage()
    if language == lldb.eLanguageTypeRust:
        return "rust"
    if language in _LANGUAGES_C:
        return "c"
    name = str(lldb.SBLanguageRuntime.GetNameForLanguageType(language))
    return "c++" if name.startswith("c++") else ""


def read_memory(address: int, count: int) -> bytes:
    """Return bytes of the target's memory. Raises gdb.MemoryError, with gdb's words."""
    if count <= 0:
        return b""
    data = current.memory.read(address, count)
    if len(data) < count:
        # As far as it can be read, what can't be is behind.
        raise NoMemory(f"Cannot access memory at address {address + len(data):#x}")
    return data


def write_memory(address: int, data: bytes) -> None:
    """Write bytes to the target's memory. Raises gdb.MemoryError, with gdb's words."""
    if data and not write_bytes(current.session, address, data):
        raise NoMemory(f"Cannot access memory at address {address:#x}")
