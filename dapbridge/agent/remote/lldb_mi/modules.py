"""The program, its libraries, and the sources that their debug info names. The target may run meanwhile."""

from __future__ import annotations

from typing import Any

import lldb

from dapbridge.agent.remote import processes
from dapbridge.agent.remote.lldb_mi.commands import mi_command
from dapbridge.agent.remote.lldb_mi.files import linker_names
from dapbridge.agent.remote.lldb_mi.names import path_of
from dapbridge.agent.remote.lldb_mi.session import Session


@mi_command("-file-list-shared-libraries")
def list_libraries(session: Session) -> dict[str, Any]:
    """List the libraries as MI has them, by their paths in the target."""
    return {"shared-libraries": [library_fields(session, module) for module in libraries(session)]}


def libraries(session: Session) -> list[Any]:
    """List the modules that are libraries of the target's root, in the order of their loading."""
    target = session.target
    found = []
    for index in range(1, target.GetNumModules()):
        module = target.GetModuleAtIndex(index)
        # The vDSO has no file, nor what LLDB has compiled itself.
        if path_of(module.GetFileSpec()).startswith("/"):
            found.append(module)
    # Newer ones than LLDB 19 load them side by side.
    order = {name: at for at, name in enumerate(linker_names(session.pid))}
    return sorted(found, key=lambda each: order.get(path_in_target(session, each), len(order)))


def path_in_target(session: Session, module: Any) -> str:
    """Return the path of a module in the target."""
    path = path_of(module.GetPlatformFileSpec()) or path_of(module.GetFileSpec())
    return path.removeprefix(session.root)


def library_fields(session: Session, module: Any) -> dict[str, Any]:
    """Return a library as MI has it."""
    path = path_in_target(session, module)
    begin, end = code_range(session, module)
    ranges = [{"from": f"{begin:#x}", "to": f"{end:#x}"}] if begin else [{}]
    return {
        "id": path,
        "target-name": path,
        "host-name": path_of(module.GetFileSpec()),
        "symbols-loaded": "1",
        "thread-group": "i1",
        "ranges": ranges,
    }


def code_range(session: Session, module: Any) -> tuple[int, int]:
    """Return where a module's code is in memory; zeros where it isn't."""
    for index in range(module.GetNumSections()):
        section = module.GetSectionAtIndex(index)
        address = section.GetLoadAddress(session.target)
        if address != lldb.LLDB_INVALID_ADDRESS and section.GetPermissions() & lldb.ePermissionsExecutable:
            return address, address + section.GetByteSize()
    return 0, 0


@mi_command("-x-modules")
def x_modules(session: Session, *places: str) -> dict[str, Any]:
    """Return the program's facts and those of each library, named by its file and an address in it, in order."""
    target = session.target
    by_file = {path_of(module.GetFileSpec()): module for module in libraries(session)}
    program = target.GetModuleAtIndex(0)
    mapped = list(processes.mappings(session.pid))
    found = [_facts(program) | _around(mapped, code_range(session, program)[0])]
    for file, address in zip(places[0::2], places[1::2], strict=True):
        module = by_file.get(file)
        facts = {"is_read": False, "has_debug_info": False} if module is None else _facts(module)
        found.append(facts | _around(mapped, int(address, 0)))
    return {"modules": found}


def _facts(module: Any) -> dict[str, Any]:
    file, symbols = path_of(module.GetFileSpec()), path_of(module.GetSymbolFileSpec())
    facts: dict[str, Any] = {"is_read": module.GetNumSymbols() > 0 or module.GetNumSections() > 0}
    facts["has_debug_info"] = bool(module.GetNumCompileUnits())
    if build_id := str(module.GetUUIDString() or "").replace("-", "").lower():
        facts["build_id"] = build_id
    if symbols and symbols != file:
        facts["debug_file"] = symbols
    return facts


def _around(mapped: list[Any], address: int) -> dict[str, int]:
    """Return where the file that is mapped at an address begins and ends; {} where none is."""
    at = next((index for index, each in enumerate(mapped) if address and each.start <= address < each.end), -1)
    if at < 0:
        return {}
    first = last = at
    while first and mapped[first - 1].inode == mapped[at].inode and mapped[first - 1].path == mapped[at].path:
        first -= 1
    while (
        last + 1 < len(mapped)
        and mapped[last + 1].inode == mapped[at].inode
        and (mapped[last + 1].path == mapped[at].path)
    ):
        last += 1
    return {"begin": mapped[first].start, "end": mapped[last].end}


@mi_command("-x-sources")
def x_sources(session: Session) -> dict[str, Any]:
    """Return the full names of all sources, sorted."""
    return {"sources": sorted(set(_sources(session)))}


@mi_command("-file-list-exec-source-files")
def list_sources(session: Session, *words: str) -> dict[str, Any]:
    """List the sources as MI has them, those that the last word fits if there is one (a regular expression)."""
    import re

    pattern = re.compile(words[-1]) if words and not words[-1].startswith("--") else None
    by_name = "--basename" in words
    paths = sorted(set(_sources(session)))
    if pattern is not None:
        paths = [each for each in paths if pattern.search(each.rpartition("/")[2] if by_name else each)]
    return {"files": [{"file": each, "fullname": each} for each in paths]}


def _sources(session: Session) -> list[str]:
    found: list[str] = []
    target = session.target
    for module in target.module_iter():
        for index in range(module.GetNumCompileUnits()):
            found += _sources_of(module.GetCompileUnitAtIndex(index))
    return found


def _sources_of(unit: Any) -> list[str]:
    paths = [path_of(unit.GetFileSpec())]
    paths += [path_of(unit.GetSupportFileAtIndex(index)) for index in range(unit.GetNumSupportFiles())]
    return [each for each in paths if each.startswith("/") and not each.endswith(">")]
