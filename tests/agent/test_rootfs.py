"""In-root paths, against the kernel's own openat2(RESOLVE_IN_ROOT) as the judge."""

import ctypes
import errno
import os
import struct
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dapbridge.agent.remote import rootfs

SYS_OPENAT2 = 437
RESOLVE_NO_MAGICLINKS, RESOLVE_IN_ROOT = 0x02, 0x10
_libc = ctypes.CDLL(None, use_errno=True)


def kernel_resolve(root: str, path: str) -> str | int:
    """Return what the kernel makes of the path inside the root, or its errno."""
    how = struct.pack("QQQ", os.O_PATH | os.O_CLOEXEC, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
    root_fd = os.open(root, os.O_PATH)
    fd = _libc.syscall(SYS_OPENAT2, root_fd, os.fsencode(path), how, len(how))
    error = ctypes.get_errno()
    os.close(root_fd)
    if fd < 0:
        return error
    found = os.readlink(f"/proc/self/fd/{fd}").removeprefix(os.path.realpath(root)) or "/"
    os.close(fd)
    return found


def own_resolve(root: str, path: str) -> str | int:
    try:
        return rootfs.resolve(root, path)
    except OSError as error:
        return error.errno or 0


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("outside")
    root = tmp_path / "root"
    for directory in ("etc", "usr/lib", "srv/app"):
        (root / directory).mkdir(parents=True)
    (root / "etc/passwd").write_text("inside")
    (root / "usr/lib/libx.so.1.2").write_text("library")
    (root / "lib").symlink_to("/usr/lib")
    (root / "usr/lib/libx.so").symlink_to("/lib/libx.so.1.2")
    (root / "srv/up").symlink_to("../../../../../etc/passwd")
    (root / "srv/absolute").symlink_to("/etc/passwd")
    (root / "srv/outside").symlink_to(tmp_path / "secret")
    (root / "srv/loop").symlink_to("/srv/loop2")
    (root / "srv/loop2").symlink_to("loop")
    (root / "srv/slash").symlink_to("/etc/passwd/")
    return root


@pytest.mark.parametrize(
    ("path", "resolved"),
    [
        ("/", "/"),
        ("/..", "/"),
        ("/lib/libx.so", "/usr/lib/libx.so.1.2"),
        ("/lib/../lib/./libx.so", "/usr/lib/libx.so.1.2"),
        ("//etc///passwd", "/etc/passwd"),
        ("/srv/up", "/etc/passwd"),
        ("/srv/absolute", "/etc/passwd"),
        ("/../../../etc/passwd", "/etc/passwd"),
        ("/etc/", "/etc"),
        ("/srv/outside", errno.ENOENT),
        ("/srv/loop", errno.ELOOP),
        ("/etc/passwd/", errno.ENOTDIR),
        ("/etc/passwd/..", errno.ENOTDIR),
        ("/etc/passwd/x", errno.ENOTDIR),
        ("/srv/slash", errno.ENOTDIR),
        ("/nothing", errno.ENOENT),
    ],
)
def test_a_path_is_resolved_as_the_kernel_would_inside_the_root(root: Path, path: str, resolved: str | int) -> None:
    assert own_resolve(str(root), path) == resolved == kernel_resolve(str(root), path)


NAMES = st.sampled_from(["a", "b", "c", "..", ".", ""])
PATHS = st.lists(NAMES, min_size=1, max_size=6).map("/".join)
LINKS = st.tuples(st.booleans(), PATHS).map(lambda link: ("/" if link[0] else "") + (link[1].strip("/") or "a"))


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["a", "b", "c", "a/a", "a/b", "b/c"]), st.none() | LINKS), PATHS)
def test_any_tree_is_walked_as_by_the_kernel(tree: dict[str, str | None], path: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        root = f"{directory}/root"
        os.makedirs(f"{root}/a")
        os.makedirs(f"{root}/b")
        Path(directory, "c").write_text("outside")
        for name, link in tree.items():
            place = f"{root}/{name}"
            if os.path.lexists(place) or not os.path.isdir(os.path.dirname(place)):
                continue
            if link is None:
                Path(place).write_text("inside")
            else:
                os.symlink(link, place)
        assert own_resolve(root, f"/{path}") == kernel_resolve(root, f"/{path}")


def test_only_regular_files_are_opened(root: Path) -> None:
    os.mkfifo(root / "fifo")
    (root / "null").symlink_to("/fifo")
    for path in ("/fifo", "/null", "/etc"):
        with pytest.raises(OSError, match="not a regular file"):
            rootfs.open_file(str(root), path)


def test_a_file_is_read_from_inside_the_root(root: Path) -> None:
    fd = rootfs.open_file(str(root), "/srv/up")
    assert os.read(fd, 100) == b"inside"
    os.close(fd)


def test_magic_links_of_proc_lead_nowhere_outside(root: Path) -> None:
    fd = os.open(root.parent / "secret", os.O_RDONLY)
    (root / "proc").mkdir()
    (root / "proc/fd").symlink_to(f"/proc/self/fd/{fd}")
    assert own_resolve(str(root), "/proc/fd") == errno.ENOENT
    # In a root that has a /proc, the link is only a text, which names nothing inside of that root.
    assert own_resolve("/", f"/proc/self/fd/{fd}") == str(root.parent / "secret")
    os.close(fd)


def test_no_descriptor_is_left_open(root: Path) -> None:
    before = os.listdir("/proc/self/fd")
    for path in ("/lib/libx.so", "/srv/loop", "/etc/passwd/x", "/nothing"):
        own_resolve(str(root), path)
    assert os.listdir("/proc/self/fd") == before


def test_a_path_of_proc_is_turned_into_one_inside_a_chroot(tmp_path: Path) -> None:
    root = tmp_path / "link-to-root"
    root.symlink_to("/srv/jail")
    assert rootfs.inside(str(root), "/srv/jail/lib/x.so") == "/lib/x.so"
    assert rootfs.inside(str(root), "/srv/jail") == "/"
    assert rootfs.inside(str(root), "/srv/jailer/x.so") is None
    assert rootfs.inside("/proc/self/root", "/lib/x.so") == "/lib/x.so"
