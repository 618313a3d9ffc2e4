"""The shadow sysroot of real processes, in a root of their own with absolute symlinks, and gdb's view of it."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dapbridge.agent.remote import shadow

HERE = Path(__file__).parent

pytestmark = pytest.mark.root


MAIN = """
#include <stdio.h>
#include <unistd.h>
int twice(int);
int main(void) {
    for (;;) {
        printf("tick %d\\n", twice(1));
        fflush(stdout);
        usleep(20000);
    }
}
"""


class Jail:
    """A root file system with a program whose libraries are all reached through absolute symlinks."""

    def __init__(self, path: Path) -> None:
        self.path = path
        for directory in ("opt/app/bin", "opt/app/lib", "srv/real", "lib64"):
            (path / directory).mkdir(parents=True)
        self._make_library()
        self._make_program()
        linker = Path("/lib64/ld-linux-x86-64.so.2")
        libc = next(Path("/lib").glob("*-linux-gnu/libc.so.6"))
        self._copy(linker, "srv/real/ld.so", f"lib64/{linker.name}")
        self._copy(libc, "srv/real/libc-other.so", "opt/app/lib/libc.so.6")

    def _make_library(self) -> None:
        source = self.path / "library.c"
        source.write_text("int twice(int n) { return 2 * n; }")
        self.library = self.path / "srv/real/libtwice.so.1"
        compile_to(self.library, str(source), "-shared", "-fPIC", "-Wl,-soname,libtwice.so")
        (self.path / "opt/app/lib/libtwice.so").symlink_to("/srv/real/libtwice.so.1")

    def _make_program(self) -> None:
        source = self.path / "main.c"
        source.write_text(MAIN)
        self.program = self.path / "opt/app/bin/main"
        compile_to(self.program, str(source), str(self.library), "-Wl,-rpath,/opt/app/bin/../lib")

    def _copy(self, source: Path, place: str, link: str) -> None:
        shutil.copy(source.resolve(), self.path / place)
        (self.path / link).symlink_to(f"/{place}")


def compile_to(binary: Path, *arguments: str) -> None:
    subprocess.run(["gcc", "-g", *arguments, "-o", str(binary)], check=True)


@pytest.fixture
def jail() -> Iterator[Jail]:
    with tempfile.TemporaryDirectory(prefix="jail-") as directory:
        yield Jail(Path(directory))


@pytest.fixture
def sysroot(tmp_path: Path) -> str:
    path = tmp_path / "sysroot"
    path.mkdir()
    return str(path)


@contextmanager
def running(*command: str) -> Iterator[int]:
    """Run a program that prints when it is ready; yield its pid."""
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline()
            yield process.pid
        finally:
            process.kill()


def test_each_name_of_the_linker_leads_to_the_file_in_the_targets_root(jail: Jail, sysroot: str) -> None:
    with running("chroot", str(jail.path), "/opt/app/bin/main") as pid:
        libraries, missing = shadow.link_libraries(sysroot, pid, [])
        assert missing == []
        assert libraries == {
            "/opt/app/bin/../lib/libtwice.so": "/srv/real/libtwice.so.1",
            "/opt/app/bin/../lib/libc.so.6": "/srv/real/libc-other.so",
            "/lib64/ld-linux-x86-64.so.2": "/srv/real/ld.so",
            "/srv/real/libtwice.so.1": "/srv/real/libtwice.so.1",
            "/srv/real/libc-other.so": "/srv/real/libc-other.so",
            "/srv/real/ld.so": "/srv/real/ld.so",
        }
        for name, resolved in libraries.items():
            assert os.path.samefile(sysroot + name, f"{jail.path}{resolved}")


def test_gdb_loads_every_library_from_the_targets_root(jail: Jail, sysroot: str) -> None:
    with running("chroot", str(jail.path), "/opt/app/bin/main") as pid:
        libraries, _ = shadow.link_libraries(sysroot, pid, [])
        commands = [f"set sysroot {sysroot}", f"file /proc/{pid}/exe", f"attach {pid}", "info sharedlibrary", "bt"]
        options = [word for command in commands for word in ("-ex", command)]
        output = subprocess.run(["gdb", "-nx", "-batch", *options], capture_output=True, text=True, check=True).stdout
        assert f"{sysroot}/opt/app/bin/../lib/libtwice.so" in output, output
        loaded = [line.split()[-1] for line in output.splitlines() if line.startswith("0x")]
        assert sorted(loaded) == sorted(sysroot + name for name in libraries if not name.startswith("/srv/")), output
        assert " in main () at " in output, output


def test_a_switched_symlink_does_not_lead_to_the_new_library(jail: Jail, sysroot: str) -> None:
    with running("chroot", str(jail.path), "/opt/app/bin/main") as pid:
        link = jail.path / "opt/app/lib/libtwice.so"
        link.unlink()
        shutil.copy(jail.library, jail.path / "srv/real/libtwice.so.2")
        link.symlink_to("/srv/real/libtwice.so.2")
        libraries, _ = shadow.link_libraries(sysroot, pid, [])
        assert libraries["/opt/app/bin/../lib/libtwice.so"] == "/srv/real/libtwice.so.1"


def test_a_replaced_library_is_missing(jail: Jail, sysroot: str) -> None:
    with running("chroot", str(jail.path), "/opt/app/bin/main") as pid:
        new = jail.path / "srv/real/new"
        shutil.copy(jail.library, new)
        new.rename(jail.library)
        libraries, missing = shadow.link_libraries(sysroot, pid, [])
        assert "/opt/app/bin/../lib/libtwice.so" in missing
        assert not any("libtwice" in name for name in libraries)
        assert not os.path.lexists(f"{sysroot}/opt/app/lib/libtwice.so")


def test_more_paths_are_linked_and_a_second_time_changes_nothing(jail: Jail, sysroot: str) -> None:
    (jail.path / "etc").symlink_to("/srv")
    with running("chroot", str(jail.path), "/opt/app/bin/main") as pid:
        first = shadow.link_libraries(sysroot, pid, ["/etc/real/ld.so", "/nope.so"])
        assert first == shadow.link_libraries(sysroot, pid, ["/etc/real/ld.so", "/nope.so"])
        assert first[0]["/etc/real/ld.so"] == "/srv/real/ld.so"
        assert first[1] == ["/nope.so"]
        assert os.path.samefile(f"{sysroot}/etc/real/ld.so", jail.path / "srv/real/ld.so")


def test_a_static_program_has_no_libraries(tmp_path: Path, sysroot: str) -> None:
    source = tmp_path / "main.c"
    source.write_text(MAIN + "int twice(int n) { return n; }")
    compile_to(tmp_path / "main", str(source), "-static")
    with running(str(tmp_path / "main")) as pid:
        assert shadow.link_libraries(sysroot, pid, []) == ({}, [])


def test_a_name_cannot_lead_out_of_the_sysroot(compiled: Callable[[str], Path], sysroot: str) -> None:
    program = compiled(str(HERE / "hostile_link_map.c"))
    with running(str(program), "escape") as pid:
        _, missing = shadow.link_libraries(sysroot, pid, [])
    assert "/../../../../../../tmp/dapbridge-escaped.so" in missing
    assert not os.path.lexists("/tmp/dapbridge-escaped.so")


def test_names_that_stand_in_each_others_way_are_missing(jail: Jail, sysroot: str) -> None:
    (jail.path / "srv/real/ld.so.d").mkdir()
    with running("chroot", str(jail.path), "/opt/app/bin/main") as pid:
        # The first makes a link, of which the second would need a directory; its own root is never written through.
        links, missing = shadow.link_libraries(sysroot, pid, ["/srv/real", "/srv/real/../real/ld.so"])
        assert "/srv/real" in missing
        assert links["/srv/real/../real/ld.so"] == "/srv/real/ld.so"


def test_nonsense_in_the_link_map_leaves_the_names_of_proc(compiled: Callable[[str], Path], sysroot: str) -> None:
    program = compiled(str(HERE / "hostile_link_map.c"))
    with running(str(program), "wild-map") as pid:
        libraries, _ = shadow.link_libraries(sysroot, pid, [])
    assert any("/libc.so" in name for name in libraries)
