"""`-break-insert`, `-break-delete` and what is told of breakpoints (GDB manual, "GDB/MI Breakpoint Commands")."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import lldb

from dapbridge.agent.remote.lldb_mi import conditions, hits
from dapbridge.agent.remote.lldb_mi.commands import mi_command
from dapbridge.agent.remote.lldb_mi.errors import MiError
from dapbridge.agent.remote.lldb_mi.names import without_return_type
from dapbridge.agent.remote.lldb_mi.output import Named
from dapbridge.agent.remote.lldb_mi.parsing import take_flag, take_option
from dapbridge.agent.remote.lldb_mi.session import Session

_CHANGES = (
    lldb.eBreakpointEventTypeLocationsAdded,
    lldb.eBreakpointEventTypeLocationsRemoved,
    lldb.eBreakpointEventTypeLocationsResolved,
)


@mi_command("-break-insert", needs_rest=True)
def insert(session: Session, *words: str) -> dict[str, Any]:
    """Set a breakpoint at a line, a function or an address; one that has no place yet stays pending with `-f`."""
    with untold(session):
        return _insert(session, list(words))


@contextmanager
def untold(session: Session) -> Iterator[None]:
    """Hear of no places that breakpoints find within the block: the answers tell them.

    Of a thousand breakpoints they would be read and told once more.
    """
    if session.finds_are_untold:
        yield
        return
    broadcaster = session.target.GetBroadcaster()
    session.events.StopListeningForEvents(broadcaster, lldb.SBTarget.eBroadcastBitBreakpointChanged)
    session.finds_are_untold = True
    try:
        yield
    finally:
        session.finds_are_untold = False
        session.events.StartListeningForEvents(broadcaster, lldb.SBTarget.eBroadcastBitBreakpointChanged)


def _insert(session: Session, options: list[str]) -> dict[str, Any]:
    words = " ".join(options)
    target = session.target
    condition, ignored = take_option(options, "-c") or "", int(take_option(options, "-i") or 0)
    is_disabled, may_pend, is_qualified = (take_flag(options, each) for each in ("-d", "-f", "--qualified"))
    if take_flag(options, "-h"):
        raise MiError("lldb-server has no hardware breakpoints for code")
    source, line, function = (take_option(options, each) for each in ("--source", "--line", "--function"))
    if source is not None and line is not None:
        made = target.BreakpointCreateByLocation(lldb.SBFileSpec(source, False), int(line))
        place = f"-source {source} -line {line}"
    elif function is not None:
        made = _by_function(session, function, is_qualified=is_qualified)
        place = f"-function {function}"
    elif len(options) == 1 and options[0].startswith("*"):
        made = _at_address(session, int(options[0][1:], 0))
        place = options[0]
    else:
        raise MiError(f"-break-insert: {words}")
    number = made.GetID()
    if not may_pend and made.GetNumLocations() == 0:
        target.BreakpointDelete(number)
        raise MiError(f"no code for {place}")
    try:
        conditions.check(session, made, hits.split(condition)[0])
    except MiError:
        target.BreakpointDelete(number)
        raise
    session.places[number] = place
    if is_disabled:
        leave_places(session, made)
        made.SetEnabled(False)
    hits.set_when(session, made, condition, ignored)
    return {"bkpt": describe(session, made)}


def _by_function(session: Session, name: str, *, is_qualified: bool) -> Any:
    if is_qualified:
        return _by_regex(session, f"^(.* )?{re.escape(name)}")
    made = session.target.BreakpointCreateByName(
        name, lldb.eFunctionNameTypeAuto, lldb.SBFileSpecList(), lldb.SBFileSpecList()
    )
    if made.GetNumLocations() or "::" not in name:
        return made
    found = _by_regex(session, f"(^|::| ){re.escape(name)}")
    gone = made if found.GetNumLocations() else found
    session.target.BreakpointDelete(gone.GetID())
    return found if gone is made else made


def _by_regex(session: Session, begin: str) -> Any:
    # LLDB's own names of functions have the parameters, those of Rust's a hash.
    return session.target.BreakpointCreateByRegex(rf"{begin}(<.*>)?(\(.*\).*|::h[0-9a-f]+)?$")


def _at_address(session: Session, address: int) -> Any:
    if session.process.IsValid():
        region = lldb.SBMemoryRegionInfo()
        if not session.process.GetMemoryRegionInfo(address, region).Success() or not region.IsExecutable():
            raise MiError(f"Cannot access memory at address {address:#x}: there is no code")
    return session.target.BreakpointCreateByAddress(address)


@mi_command("-break-delete", needs_rest=True)
def delete(session: Session, *numbers: str) -> dict[str, Any]:
    """Delete breakpoints and watchpoints; those that are gone already are no error."""
    for each in numbers:
        forget(session, int(each))
    return {}


def forget(session: Session, number: int) -> None:
    """Delete one."""
    session.places.pop(number, None)
    session.filters.pop(number, None)
    hits.forget(session, number)
    if session.early_watches.pop(number, None) is not None:
        return
    if (watch := session.watches.pop(number, None)) is not None:
        watch.delete(session)
    else:
        leave_places(session, session.target.FindBreakpointByID(number))
        session.target.BreakpointDelete(number)


def leave_places(session: Session, breakpoint_: Any) -> None:
    """Note the places of a breakpoint that is about to be taken out of them."""
    if session.process.IsValid():
        locations = (breakpoint_.GetLocationAtIndex(index) for index in range(breakpoint_.GetNumLocations()))
        session.left_places.update(each.GetLoadAddress() for each in locations)


@mi_command("-break-list")
def list_all(session: Session) -> dict[str, Any]:
    """List the breakpoints."""
    listed = [Named("bkpt", describe(session, each)) for each in session.target.breakpoint_iter()]
    return {"BreakpointTable": {"body": listed}}


def describe(session: Session, breakpoint_: Any) -> dict[str, Any]:
    """Return MI's tuple of a breakpoint."""
    number = breakpoint_.GetID()
    places = [_describe_place(breakpoint_.GetLocationAtIndex(index)) for index in range(breakpoint_.GetNumLocations())]
    body: dict[str, Any] = {
        "number": number,
        "type": "breakpoint",
        "disp": "keep",
        "enabled": "y" if breakpoint_.IsEnabled() else "n",
        "times": breakpoint_.GetHitCount(),
    }
    place = session.places.get(number, "")
    if not places:
        return body | {"addr": "<PENDING>", "pending": place}
    if len(places) == 1:
        return body | places[0] | {"original-location": place}
    numbered = [{"number": f"{number}.{at}"} | each for at, each in enumerate(places, 1)]
    return body | {"addr": "<MULTIPLE>", "original-location": place, "locations": numbered}


def _describe_place(location: Any) -> dict[str, Any]:
    address = location.GetAddress()
    loaded = location.GetLoadAddress()
    at = address.GetFileAddress() if loaded == lldb.LLDB_INVALID_ADDRESS else loaded
    body: dict[str, Any] = {"addr": f"0x{at:016x}"}
    if function := (address.GetFunction().GetName() or address.GetSymbol().GetName()):
        body["func"] = function
    entry = address.GetLineEntry()
    # 0 also of one that is invalid.
    if line := entry.GetLine():
        path = str(entry.GetFileSpec().fullpath)
        body |= {"file": os.path.basename(path), "fullname": path, "line": line}
    return body


def hits_of(session: Session, thread: Any) -> list[int]:
    """Return the breakpoints by whose hits a thread stands, the client's before LLDB's own."""
    if found := session.stop_hits.stopping.get(thread.GetIndexID()):
        return found
    # Those that were set on LLDB's own command line aren't asked for.
    return [each for each in hits.numbers_at(thread) if each not in session.places]


def tell_change(session: Session, event: Any) -> None:
    """Tell `=breakpoint-modified` of one whose places have changed, where the client has set it."""
    breakpoint_ = lldb.SBBreakpoint.GetBreakpointFromEvent(event)
    kind = lldb.SBBreakpoint.GetBreakpointEventTypeFromEvent(event)
    if kind in _CHANGES and breakpoint_.GetID() in session.places:
        session.output.notify("breakpoint-modified", {"bkpt": describe(session, breakpoint_)})
    elif kind == lldb.eBreakpointEventTypeRemoved and session.places.pop(breakpoint_.GetID(), None) is not None:
        # By somebody on LLDB's command line.
        hits.forget(session, breakpoint_.GetID())
        session.output.notify("breakpoint-deleted", {"id": breakpoint_.GetID()})


@mi_command("-symbol-info-functions")
def info_functions(session: Session, *words: str) -> dict[str, Any]:
    """List the functions with debug information whose names match a regular expression."""
    options = list(words)
    limit = int(take_option(options, "--max-results") or 1000)
    try:
        pattern = re.compile(take_option(options, "--name") or "")
    except re.error as error:
        raise MiError(f"Invalid regexp: {error}") from None
    names: dict[str, None] = {}
    for name in _functions(session):
        if pattern.search(name):
            names[name] = None
            if len(names) >= limit:
                break
    return {"symbols": {"debug": [{"symbols": [{"name": each} for each in names]}]}}


def _functions(session: Session) -> Iterator[str]:
    """Yield the names of the functions with debug information, as the symbol tables have them."""
    from dapbridge.agent.remote.lldb_mi.gdb_api.symbols import without_hash

    for module in session.target.module_iter():
        if not module.GetNumCompileUnits():
            continue
        for symbol in module:
            if symbol.GetType() == lldb.eSymbolTypeCode and symbol.GetStartAddress().GetFunction().IsValid():
                yield without_return_type(without_hash(str(symbol.GetName()).removeprefix("::")))
