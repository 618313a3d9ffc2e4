"""The shadow sysroot: a directory that a debugger can take for the target's root when it looks for libraries.

With /proc/PID/root itself the target's absolute symlinks would lead into our own root, to the wrong library, silently.
Here each library stands, under every name that the target's dynamic linker and /proc/PID/maps have for it, as a link
to the resolved path below /proc/PID/root.
"""

from __future__ import annotations

import os

from dapbridge.agent.remote import rootfs
from dapbridge.agent.remote.link_map import LinkMap, LinkMapError
from dapbridge.agent.remote.processes import Mapping, mappings

_DELETED = " (deleted)"
_NO_FILES = ("/memfd:", "/SYSV", "/dev/zero", "/anon_hugepage", "[")


def link_libraries(sysroot: str, pid: int, paths: list[str]) -> tuple[dict[str, str], list[str]]:
    """Bring `sysroot` up to date for process `pid`, and for more `paths`; it may already have links.

    Returns the resolved path of each library's names, and the names whose file is out of reach. Raises OSError.
    """
    root = f"/proc/{pid}/root"
    program = rootfs.inside(root, os.readlink(f"/proc/{pid}/exe"))
    files = _mapped_files(pid, root)
    wanted = {name: _path_at(address, files) for name, address in _linker_names(pid) if not _is_vdso(name)}
    wanted.update({mapping.path: mapping.path for mapping in files if mapping.executable})
    wanted.update(dict.fromkeys(paths))

    links: dict[str, str] = {}
    missing: list[str] = []
    for name, path in wanted.items():
        resolved = _resolve(root, pid, name, path)
        # A debugger looks for a relative name by its last part, below the sysroot.
        shown = name if name.startswith("/") else os.path.basename(name)
        if resolved is not None and _link(sysroot, shown, root + resolved):
            _link(sysroot, resolved, root + resolved)
            links[name] = resolved
        else:
            missing.append(name)
    # Where a debugger looks for the program that the process becomes by an exec: it hears of that from the kernel.
    _link(sysroot, f"/proc/{pid}/exe", f"/proc/{pid}/exe")
    return {name: path for name, path in links.items() if path != program}, [
        name for name in missing if name != program
    ]


def _mapped_files(pid: int, root: str) -> list[Mapping]:
    """Return the mappings of files that have, or had, a path inside the root, with that path."""
    found = []
    for mapping in mappings(pid):
        path = rootfs.inside(root, mapping.path) if mapping.inode and mapping.path.startswith("/") else None
        if path and not path.startswith(_NO_FILES):
            mapping.path = path
            found.append(mapping)
    return found


def _linker_names(pid: int) -> list[tuple[str, int]]:
    """Return the linker's names with an address inside of each; what can be read before the first nonsense."""
    found: list[tuple[str, int]] = []
    try:
        link_map = LinkMap(pid)
    except (OSError, LinkMapError):
        return found
    try:
        found.extend((name, 0) for name in [link_map.interpreter()] if name)
        found.extend(link_map.libraries())
    except LinkMapError:
        pass
    finally:
        link_map.close()
    return found


def _path_at(address: int, files: list[Mapping]) -> str | None:
    """Return the path of the file mapped there; it stays right when a symlink of the name was switched meanwhile."""
    return next((mapping.path for mapping in files if mapping.start <= address < mapping.end), None)


def _resolve(root: str, pid: int, name: str, mapped: str | None) -> str | None:
    """Return the resolved path inside `root` of the file that the process maps (or would find) under `name`."""
    try:
        if mapped is not None:
            # The file is gone, and what stands at its path now may be a newer one: no symbols are better than wrong
            # ones.
            path = None if mapped.endswith(_DELETED) else mapped
        elif name.startswith("/"):
            path = name
        else:
            path = rootfs.inside(root, os.path.join(os.readlink(f"/proc/{pid}/cwd"), name))
        return rootfs.resolve(root, path) if path else None
    except OSError:
        return None


def _is_vdso(name: str) -> bool:
    return "/" not in name and name.startswith(("linux-vdso", "linux-gate"))


def _link(sysroot: str, name: str, target: str) -> bool:
    """Put a link at `name` below `sysroot`, so that `sysroot + name` as written leads to it; False if it can't be."""
    directory = sysroot
    try:
        *parents, last = [part for part in name.split("/") if part not in ("", ".")]
        for part in parents:
            if part == "..":
                # A link of ours as a parent would lead below /proc/PID/root; and the sysroot's own parent is not for
                # names.
                if directory == sysroot:
                    return False
                directory = os.path.dirname(directory)
                continue
            directory = f"{directory}/{part}"
            if os.path.islink(directory):
                return False
            os.makedirs(directory, mode=0o700, exist_ok=True)
        place = f"{directory}/{last}"
        if os.path.islink(place):
            if os.readlink(place) == target:
                return True
            os.unlink(place)
        os.symlink(target, place)
    except (OSError, ValueError):
        return False
    return True
