"""The target's programs and libraries: only what lies in its root, and only the very file that it has mapped.

LLDB asks for each module by the name that the target's linker knows. Left alone it would take the sidecar's own file of
that name, silently. So there is always an answer: the resolved path below /proc/PID/root if the build id in memory is
the file's, else the mapped file itself where the kernel shows it, else an empty ELF file, which has no symbols rather
than wrong ones.
"""

from __future__ import annotations

import os
import struct
from contextlib import closing, suppress
from typing import Any

import lldb

from dapbridge.agent.remote import processes, rootfs
from dapbridge.agent.remote.link_map import LinkMap, LinkMapError
from dapbridge.agent.remote.lldb_mi.session import Session

_DELETED = " (deleted)"
_PT_NOTE = 4
_NT_GNU_BUILD_ID = 3
_MAX_HEADERS = 256
_MAX_NOTES = 1 << 16
_ELF_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")


class Locator:
    """Finds the files of one process's modules."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._told: set[str] = set()
        self._empty: str | None = None

    def forget(self) -> None:
        """The process has become another program."""
        self._told.clear()

    def locate(self, spec: Any, module: Any, symbols: Any) -> Any:
        """LLDB's callback, in a thread of its own: put the file of `spec` into `module`."""
        name = str(spec.GetFileSpec().fullpath or "")
        if not name.startswith("/"):
            # A needed library's bare name, or no file at all, such as the vDSO.
            return lldb.SBError("no path")
        path = self.find(name) or self._empty_file()
        module.SetDirectory(os.path.dirname(path))
        module.SetFilename(os.path.basename(path))
        return lldb.SBError()

    def find(self, name: str) -> str | None:
        """Return where the file of a module is, None (and say why) for one that can't be trusted."""
        if name.startswith(("/proc/", self._session.root)):
            return name
        try:
            path = self._session.root + rootfs.resolve(self._session.root, name)
        except OSError as error:
            mapping = self._find_mapping(self._session.root + name)
            problem = f"it is not in the target's root ({error.strerror})"
        else:
            mapping = self._find_mapping(path)
            problem = self._problem_of(path, mapping)
            if not problem:
                return path
        if mapping is not None and (loaded := self._loaded_file(mapping)):
            return loaded
        if name not in self._told:
            self._told.add(name)
            text = f"{name} has no symbols: {problem}"
            self._session.post(lambda: self._session.output.notice("x-warning", {"text": text}))
        return None

    def _problem_of(self, path: str, mapping: Any) -> str:
        """Say why a file isn't what the process has mapped; "" if it is, as far as that can be known."""
        if mapping is None:
            # Not mapped yet, or under a name of its own.
            return ""
        if mapping.path.endswith(_DELETED):
            return "it was deleted or replaced since it was loaded"
        in_file, in_memory = _build_id_in_file(path), _build_id_in_memory(self._session.pid, mapping.start)
        if in_file != in_memory:
            return f"the file's build id is {in_file or 'missing'}, that of the loaded one {in_memory or 'missing'}"
        return ""

    def _loaded_file(self, mapping: Any) -> str | None:
        """Return where the kernel shows the very file that is mapped; None where we may not look, or it isn't."""
        path = f"/proc/{self._session.pid}/map_files/{mapping.start:x}-{mapping.end:x}"
        try:
            in_file = _build_id_in_file(path)
        except OSError:
            # It takes the capability SYS_ADMIN.
            return None
        return path if in_file and in_file == _build_id_in_memory(self._session.pid, mapping.start) else None

    def _find_mapping(self, path: str) -> Any:
        """Return the mapping of a file's beginning, None where there is none."""
        inside = path.removeprefix(self._session.root)
        wanted = (inside, inside + _DELETED)
        for mapping in processes.mappings(self._session.pid):
            if mapping.inode and not mapping.offset and mapping.path.startswith("/"):
                found = rootfs.inside(self._session.root, mapping.path)
                if found in wanted:
                    mapping.path = found
                    return mapping
        return None

    def _empty_file(self) -> str:
        if self._empty is None:
            import tempfile

            fd, self._empty = tempfile.mkstemp(prefix="dapbridge-empty-")
            machine = {"x86_64": 62, "aarch64": 183}.get(os.uname().machine, 0)
            ident = b"\x7fELF\x02\x01\x01" + bytes(9)
            os.write(fd, _ELF_HEADER.pack(ident, 3, machine, 1, 0, 0, 0, 0, 64, 56, 0, 64, 0, 0))
            os.close(fd)
        return self._empty


def linker_names(pid: int) -> list[str]:
    """Return the linker's names of the process's libraries in the order of their loading, its own behind them.

    What can't be read is left out.
    """
    found: list[str] = []
    try:
        link_map = LinkMap(pid)
    except (OSError, LinkMapError):
        return found
    with closing(link_map):
        with suppress(LinkMapError):
            found.extend(name for name, _ in link_map.libraries())
        with suppress(LinkMapError):
            found.append(link_map.interpreter() or "")
    return [name for name in dict.fromkeys(found) if name.startswith("/")]


def read_ahead(session: Session, locator: Locator) -> None:
    """Read the symbols of what is loaded now, so that the target doesn't stand for that at the attach."""
    for name in linker_names(session.pid):
        spec = module_spec(locator, name)
        if spec is None:
            continue
        module = lldb.SBModule(spec)
        module.FindSymbol("_dl_debug_state")
        session.keep.append(module)


def module_spec(locator: Locator, name: str) -> Any:
    """Return what LLDB is to know of a module, by the linker's name; None where no file can be trusted."""
    path = locator.find(name)
    if path is None:
        return None
    spec = lldb.SBModuleSpec()
    spec.SetFileSpec(lldb.SBFileSpec(path))
    # By this name LLDB will look for it.
    spec.SetPlatformFileSpec(lldb.SBFileSpec(name))
    return spec


def _build_id_in_file(path: str) -> str | None:
    with open(path, "rb") as file:
        return _build_id(lambda size, at: os.pread(file.fileno(), size, at))


def _build_id_in_memory(pid: int, start: int) -> str | None:
    fd = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _build_id(lambda size, at: os.pread(fd, size, start + at))
    except OSError:
        return None
    finally:
        os.close(fd)


def _build_id(read: Any) -> str | None:
    """Return the build id out of an ELF file's beginning, which is the same on disk and in memory."""
    header = read(_ELF_HEADER.size, 0)
    if len(header) < _ELF_HEADER.size or header[:4] != b"\x7fELF" or header[4] != 2:
        return None
    fields = _ELF_HEADER.unpack(header)
    offset, size, count = fields[5], fields[9], fields[10]
    if size != _PROGRAM_HEADER.size or count > _MAX_HEADERS:
        return None
    table = read(size * count, offset)
    for kind, _, place, _, _, length, _, _ in _PROGRAM_HEADER.iter_unpack(table[: len(table) // size * size]):
        if kind == _PT_NOTE and (found := _find_note(read(min(length, _MAX_NOTES), place))):
            return found
    return None


def _find_note(data: bytes) -> str | None:
    at = 0
    while at + 12 <= len(data):
        name_size, size, kind = struct.unpack_from("<III", data, at)
        name_at = at + 12
        at = name_at + (name_size + 3 & ~3)
        if kind == _NT_GNU_BUILD_ID and data[name_at : name_at + name_size] == b"GNU\0":
            return data[at : at + size].hex()
        at += size + 3 & ~3
    return None
