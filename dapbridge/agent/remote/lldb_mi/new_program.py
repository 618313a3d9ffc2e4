"""An exec: LLDB is shown the new program, and told of each library that its linker loads.

LLDB (19) forgets its modules then. It looks for the new program by its path in the sidecar, and having found none it
follows the linker no more. So both is done here: the program is opened here, and a breakpoint stands where the linker
calls a debugger (`_dl_debug_state`), at which the libraries are those of its link map.
"""

from __future__ import annotations

import os
import sys
from contextlib import closing
from typing import Any

from dapbridge.agent.remote.link_map import LinkMap, LinkMapError
from dapbridge.agent.remote.lldb_mi import breakpoints, hits, signals
from dapbridge.agent.remote.lldb_mi.files import module_spec
from dapbridge.agent.remote.lldb_mi.session import Session

_LINKER_CALLS = "_dl_debug_state"


def take_over(session: Session) -> None:
    """Read the symbols of what the process has become; it stands before the first of its instructions."""
    _drop_addresses(session)
    session.locator.forget()
    session.patched.clear()
    session.left_places.clear()
    signals.apply(session)
    try:
        _show(session)
    except (OSError, LinkMapError) as error:
        sys.stderr.write(f"the new program can't be read: {error}\n")


def _drop_addresses(session: Session) -> None:
    """Delete what was set for an address of the old program, and so for none of the new one."""
    addressed = [number for number, place in session.places.items() if place.startswith("*")]
    for number in [*addressed, *session.watches]:
        breakpoints.forget(session, number)
        session.output.notify("breakpoint-deleted", {"id": number})


def _show(session: Session) -> None:
    # By this path there is no other program as long as it is open; of /proc/PID/exe LLDB would have the old one.
    fd = os.open(f"/proc/{session.pid}/exe", os.O_RDONLY | os.O_CLOEXEC)
    target = session.target
    program = target.AddModule(f"/proc/self/fd/{fd}", None, None)
    with closing(LinkMap(session.pid)) as link_map:
        target.SetModuleLoadAddress(program, link_map.load_bias)
        linker = link_map.interpreter()
        if linker is None:
            return
        _Libraries(session).watch(linker, link_map.interpreter_base)


class _Libraries:
    """The libraries of the new program, as its linker has them; of None no file can be trusted."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._modules: dict[tuple[str, int], Any] = {}

    def watch(self, linker: str, base: int) -> None:
        """Keep them up to date from now on, where only the linker is there yet."""
        session = self._session
        module = self._modules[linker, base] = self._add(linker, base)
        if module is None:
            return
        place = module.FindSymbol(_LINKER_CALLS).GetStartAddress()
        made = session.target.BreakpointCreateBySBAddress(place)
        # Nobody's that is asked for.
        session.places[made.GetID()] = f"-function {_LINKER_CALLS}"
        hits.decide(session, made, self._on_linker)

    def _on_linker(self, frame: Any) -> bool:
        try:
            with closing(LinkMap(self._session.pid)) as link_map:
                now = {(name, bias) for name, bias in link_map.load_biases() if name.startswith("/")}
        except (OSError, LinkMapError) as error:
            sys.stderr.write(f"the libraries can't be listed: {error}\n")
            return False
        for gone in self._modules.keys() - now:
            if (module := self._modules.pop(gone)) is not None:
                self._session.target.RemoveModule(module)
        for name, bias in now - self._modules.keys():
            self._modules[name, bias] = self._add(name, bias)
        return False

    def _add(self, name: str, bias: int) -> Any:
        spec = module_spec(self._session.locator, name)
        if spec is None:
            return None
        module = self._session.target.AddModule(spec)
        if not module.IsValid():
            return None
        self._session.target.SetModuleLoadAddress(module, bias)
        return module
