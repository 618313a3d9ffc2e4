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


class Jail:
    """A root file system whose own library, and its libc, are reached through absolute symlinks only."""

    def __init__(self, path: Path) -> None:
        self.path = path
        for directory in ("opt/app/bin", "opt/app/lib", "srv/real", "lib64"):
            (path / directory).mkdir(parents=True)
        source = path / "library.c"
        source.write_text("int twice(int n) { return 2 * n; }")
        library = path / "srv/real/libtwice.so.1"
        subprocess.run(["gcc", "-g", "-shared", "-fPIC", str(source), "-o", str(library)], check=True)
        (path / "opt/app/lib/libtwice.so").symlink_to("/srv/real/libtwice.so.1")
        main = path / "main.c"
        main.write_text(
            "#include <stdio.h>\n#include <unistd.h>\nint twice(int);\n"
            "int main(void) { for (;;) { printf(\"tick %d\\n\", twice(1)); fflush(stdout); usleep(20000); } }"
        )
        self.program = path / "opt/app/bin/main"
        subprocess.run(
            ["gcc", "-g", str(main), str(library), "-Wl,-rpath,$ORIGIN/../lib", "-o", str(self.program)], check=True
        )
        # The soname is the file it was linked with: make the program ask for the link.
        subprocess.run(["gcc", "-g", str(main), "-L", str(path / "opt/app/lib"), "-ltwice", "-Wl,-rpath,$ORIGIN/../lib", "-o", str(self.program)], check=True)
        interpreter = Path("/lib64/ld-linux-x86-64.so.2")
        shutil.copy(interpreter.resolve(), path / "srv/real/ld.so")
        (path / "lib64" / interpreter.name).symlink_to("/srv/real/ld.so")
        libc = next(Path("/lib").glob("*-linux-gnu/libc.so.6"))
        shutil.copy(libc, path / "srv/real/libc-other.so")
        (path / "opt/app/lib/libc.so.6").symlink_to("/srv/real/libc-other.so")


@pytest.fixture
def jail() -> Iterator[Jail]:
    with tempfile.TemporaryDirectory(prefix="jail-") as directory:
        yield Jail(Path(directory))


@contextmanager
def running(*command: str) -> Iterator[int]:
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline()
            yield process.pid
        finally:
            process.kill()
