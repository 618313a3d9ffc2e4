"""The dynamic linker's names, read from real processes, honest and hostile ones."""

import contextlib
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dapbridge.agent.remote.link_map import MAX_ENTRIES, LinkMap, LinkMapError

HERE = Path(__file__).parent

pytestmark = pytest.mark.root


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


def names(pid: int) -> list[str]:
    link_map = LinkMap(pid)
    with contextlib.closing(link_map):
        return [name for name, _ in link_map.libraries()]


@pytest.fixture(scope="module")
def hostile(compiled: Callable[[str], Path]) -> str:
    return str(compiled(str(HERE / "hostile_link_map.c")))


def test_the_names_are_those_of_the_linker(hostile: str) -> None:
    loaded = subprocess.run(["ldd", hostile], check=True, capture_output=True, text=True).stdout
    with running(hostile) as pid:
        found = names(pid)
        with contextlib.closing(LinkMap(pid)) as link_map:
            assert link_map.interpreter() in found
            biases = dict(link_map.load_biases())
            assert biases[link_map.interpreter()] == link_map.interpreter_base
            assert len(set(biases.values())) == len(found)
    # ldd prints "libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x...)" and "/lib64/ld-linux-x86-64.so.2 (0x...)".
    printed = [line.split(" => ")[-1].split()[0] for line in loaded.splitlines()]
    assert sorted(found) == sorted(printed)


def test_the_address_lies_in_the_library(hostile: str) -> None:
    with running(hostile) as pid, contextlib.closing(LinkMap(pid)) as link_map:
        maps = Path(f"/proc/{pid}/maps").read_text().splitlines()
        libc, address = next(entry for entry in link_map.libraries() if "/libc.so" in entry[0])
        spans = [line.split()[0].split("-") for line in maps if line.endswith(str(Path(libc).resolve()))]
        assert any(int(start, 16) <= address < int(end, 16) for start, end in spans)


def test_a_static_program_has_none(tmp_path: Path) -> None:
    source = tmp_path / "static.c"
    source.write_text(
        '#include <stdio.h>\n#include <unistd.h>\nint main(void) { puts("tick"); fflush(stdout); pause(); }'
    )
    for option in ("-static", "-static-pie"):
        binary = tmp_path / f"static{option}"
        subprocess.run(["gcc", option, str(source), "-o", str(binary)], check=True)
        with running(str(binary)) as pid:
            assert set(names(pid)) <= {"linux-vdso.so.1"}
            with contextlib.closing(LinkMap(pid)) as link_map:
                assert link_map.interpreter() is None


@pytest.mark.parametrize("how", ["wild-next", "wild-name", "endless-name", "wild-map"])
def test_nonsense_is_an_error_and_nothing_else(hostile: str, how: str) -> None:
    with running(hostile, how) as pid, pytest.raises(LinkMapError):
        names(pid)


def test_a_cycle_ends(hostile: str) -> None:
    with running(hostile, "cycle") as pid:
        assert len(names(pid)) <= 2


def test_a_long_list_is_cut(hostile: str) -> None:
    with running(hostile, "long-list") as pid:
        assert len(names(pid)) == MAX_ENTRIES - 1


def test_a_process_without_a_program_is_an_error() -> None:
    with pytest.raises(OSError, match="No such file"):
        LinkMap(2)
