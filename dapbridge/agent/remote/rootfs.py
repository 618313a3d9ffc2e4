"""Paths of the target, walked inside its own root file system.

The target is not trusted: its symlinks must never lead out of its root, and an absolute one below /proc/PID/root
would be followed by the kernel from OUR root. So each component is opened without following, and links are followed
here. Every step holds a directory open, so a tree that changes meanwhile changes the answer but never the border.
"""

from __future__ import annotations

import errno
import os
import stat

MAX_LINKS = 40
_WALK = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


def resolve(root: str, path: str) -> str:
    """Return the absolute path inside `root` (e.g. "/proc/7/root") without a symlink in it. Raises OSError."""
    fd, resolved = _walk(root, path)
    os.close(fd)
    return resolved


def open_file(root: str, path: str) -> int:
    """Open the regular file at `path` inside `root` for reading. Raises OSError."""
    fd, resolved = _walk(root, path)
    try:
        # Only now: opening a FIFO or a device for reading is something that others notice.
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", resolved)
        return os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(fd)


def inside(root: str, path: str) -> str | None:
    """Turn a path as /proc shows it into one inside `root`, None for one outside; they differ for a chrooted target."""
    prefix = os.readlink(root).rstrip("/")
    if not prefix:
        return path
    return path[len(prefix) :] or "/" if (path + "/").startswith(prefix + "/") else None


def _walk(root: str, path: str) -> tuple[int, str]:
    """Return an O_PATH descriptor of what `path` leads to, and its name inside `root`."""
    if not path.startswith("/"):
        raise OSError(errno.EINVAL, "not an absolute path", path)
    todo = path.split("/")[::-1]
    names: list[str] = []
    fds = [os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)]
    links = 0
    try:
        while todo:
            name = todo.pop()
            if name in ("", ".", ".."):
                if not stat.S_ISDIR(os.fstat(fds[-1]).st_mode):
                    raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
                if name == ".." and names:
                    names.pop()
                    os.close(fds.pop())
                continue
            fd = os.open(name, _WALK, dir_fd=fds[-1])
            fds.append(fd)
            if not stat.S_ISLNK(os.fstat(fd).st_mode):
                names.append(name)
                continue
            links += 1
            if links > MAX_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
            target = os.readlink("", dir_fd=fd)
            os.close(fds.pop())
            if target.startswith("/"):
                names.clear()
                _close_all(fds, keep=1)
            todo.extend(target.split("/")[::-1])
        return os.dup(fds[-1]), "/" + "/".join(names)
    finally:
        _close_all(fds, keep=0)


def _close_all(fds: list[int], keep: int) -> None:
    while len(fds) > keep:
        os.close(fds.pop())
