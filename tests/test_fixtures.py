"""The fixtures are what the tests take them for: the images, how they run, their debug info, their marks."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from signal import SIGSEGV, SIGSTOP

import pytest
from elftools.elf.elffile import ELFFile
from support import procfs
from support.engine import connect
from support.gauge import Gauge
from support.images import fixtures, image
from support.marks import PROGRAMS, mark, marks
from support.targets import DockerTarget, Target, running, running_process

PROGRAM_NAMES = sorted(path.name for path in PROGRAMS.iterdir())


def leave_zombie(pid: int) -> None:
    """Leave an orphan that the target's first process will never reap, as a debugger's helper would."""
    orphan = 'import os; os.fork() or os.execlp("true", "true")'
    subprocess.run(["nsenter", f"--target={pid}", "--pid", sys.executable, "-c", orphan], check=True)


def in_root(target: Target, path: str) -> Path:
    return Path(f"/proc/{target.pid}/root{path}")


def compilation_units(binary: Path) -> Iterator[tuple[str, str]]:
    """Yield the comp dir and the name of every compilation unit with debug info."""
    with binary.open("rb") as file:
        for unit in ELFFile(file).get_dwarf_info().iter_CUs():
            attributes = unit.get_top_DIE().attributes
            yield attributes["DW_AT_comp_dir"].value.decode(), attributes["DW_AT_name"].value.decode()


def mapped_libraries(target: Target) -> set[str]:
    lines = procfs.read(target.pid, "maps").splitlines()
    return {path for line in lines if ".so" in (path := line.split()[-1])}


@pytest.mark.parametrize("program", PROGRAM_NAMES)
def test_every_program_has_marks_told_apart(program: str) -> None:
    assert marks(program)


def test_mark_names_its_line() -> None:
    lines = (PROGRAMS / "spin.c").read_text().splitlines()
    assert lines[mark("spin.c", "loop") - 1].strip() == "counter++;  // BP: loop"


def test_unknown_mark_is_answered_with_those_that_exist() -> None:
    with pytest.raises(KeyError, match=r"plugin\.c has no mark 'nowhere'; it has transform"):
        mark("plugin.c", "nowhere")


@pytest.mark.docker
@pytest.mark.root
class TestImages:
    # In go_headless it is a debugger that has started the program.
    @pytest.mark.parametrize("fixture", [name for name in fixtures() if name != "go_headless"])
    async def test_runs_unprivileged_and_without_a_shell(self, fixture: str) -> None:
        async with running(fixture) as target:
            await target.assert_runs_on()
            status = procfs.read(target.pid, "status").split("\n")
            assert "Uid:\t1000\t1000\t1000\t1000" in status
            assert "CapEff:\t0000000000000000" in status
            assert not in_root(target, "/bin/sh").exists()
            assert os.path.basename(os.readlink(f"/proc/{target.pid}/exe")) == fixture

    # Go's compiler names its units by their packages.
    @pytest.mark.parametrize(
        "fixture", [name for name in fixtures() if not name.endswith("_stripped") and not name.startswith("go_")]
    )
    async def test_debug_info_names_the_build_machine(self, fixture: str) -> None:
        async with running(fixture) as target:
            units = set(compilation_units(Path(f"/proc/{target.pid}/exe")))
        # rustc names its units behind the source's name.
        own = {folder for folder, name in units if (PROGRAMS / name.partition("/@/")[0]).is_file()}
        assert own == {"/build/src"}

    async def test_image_is_built_once(self) -> None:
        with closing(connect()) as client:
            tag = image(client, "spin")
            first = client.images.get(tag).id
            assert image(client, "spin") == tag
            assert client.images.get(tag).id == first

    @pytest.mark.parametrize("fixture", ["threads", "ticker"])
    async def test_root_file_system_is_read_only(self, fixture: str) -> None:
        async with running(fixture) as target:
            mounts = procfs.read(target.pid, "mounts").splitlines()
        (root,) = (line.split() for line in mounts if line.split()[1] == "/")
        assert "ro" in root[3].split(",")

    async def test_libstdcxx_is_reached_through_an_absolute_symlink(self) -> None:
        async with running("threads") as target:
            link = in_root(target, "/srv/lib/libstdc++.so.6").readlink()
            assert link.parent == Path("/srv/lib/real")
            assert str(link) in mapped_libraries(target)

    async def test_libc_is_another_than_the_sidecars(self) -> None:
        async with running("threads") as target:
            (libc,) = (path for path in mapped_libraries(target) if Path(path).name == "libc.so.6")
            contents = in_root(target, libc).read_bytes()
        assert b"GNU C Library" in contents
        assert b"stable release version 2.36" in contents

    async def test_threads_has_threads_standing_in_libc(self) -> None:
        async with running("threads") as target:
            names = {procfs.name(tid) for tid in target.states()}
        assert {"threads", "in-condition", "in-poll", "in-recv", "in-sleep", "thrower", "worker-0", "worker-9"} <= names

    async def test_pair_has_two_processes_told_apart_by_their_command_lines(self) -> None:
        async with running("pair") as target:
            commands = [procfs.command(pid) for pid in target.pids()]
            threads = {len(procfs.thread_states(pid)) for pid in target.pids()}
        assert sorted(commands) == [["/pair", "child"], ["/pair", "parent"]]
        assert threads == {2}

    async def test_host_loads_the_plugin_when_told(self) -> None:
        async with running("host") as target:
            assert "/srv/lib/libplugin.so" not in mapped_libraries(target)
            target.trigger()
            await target.lines.wait_for("tick ", count=2)
            assert "/srv/lib/libplugin.so" in mapped_libraries(target)

    @pytest.mark.parametrize(
        ("fixture", "command", "code"),
        [
            ("exit", [], 7),
            ("crash", [], 128 + SIGSEGV),
            # The kernel keeps SIGABRT from PID 1, so abort() goes on to an instruction that is not allowed.
            ("crash", ["abort", "/tmp/trigger"], 128 + SIGSEGV),
        ],
    )
    async def test_ends_when_told(self, fixture: str, command: list[str], code: int) -> None:
        async with running(fixture, *command) as target:
            target.trigger()
            assert await target.wait_exit() == code

    async def test_ticker_has_23_threads_and_sees_that_it_stood_still(self) -> None:
        async with running("ticker") as target:
            assert len(target.states()) == 23
            gauge = Gauge(target.pid)
            try:
                before = gauge.read()
                target.container.pause()
                await target_stands(target)
                target.container.unpause()
                await target.assert_runs_on()
                after = gauge.read()
                gauge.reset()
                await target.lines.wait_for("tick ")
                assert after.ticks > before.ticks
                assert gauge.stood_still_ns() < after.largest_gap_ns
            finally:
                gauge.close()


async def target_stands(target: DockerTarget) -> None:
    with pytest.raises(AssertionError, match="printed no 'tick '"):
        await target.assert_runs_on(limit_s=1)


@pytest.mark.docker
@pytest.mark.root
class TestTargets:
    async def test_target_is_gone_afterwards(self) -> None:
        async with running("spin") as target:
            await target.assert_runs_on()
        with closing(connect()) as client:
            assert not client.containers.list(all=True, filters={"name": target.name})
        assert procfs.pid_namespace(target.pid) is None

    async def test_clean_target_passes_the_check(self) -> None:
        async with running("threads") as target:
            await target.assert_let_go()
            assert set(target.states().values()) <= {"R", "S"}
            assert target.tracer_pids() == set()

    async def test_left_sidecar_is_seen(self) -> None:
        async with running("spin") as target:
            async with running("spin", labels=["dapbridge"], pid_mode=f"container:{target.id}") as left:
                assert left.id in {each.id for each in target.sidecars()}
                with pytest.raises(AssertionError, match=f"sidecar {left.name} is left"):
                    await target.assert_let_go(limit_s=0.5)
            await target.assert_let_go()

    async def test_zombie_is_seen(self, compiled: Callable[[str], Path]) -> None:
        async with running_process(compiled("pair.c"), "parent") as target:
            assert not target.zombies()
            leave_zombie(target.pid)
            # The orphan ends a moment after who made it.
            async with asyncio.timeout(10):
                while list(target.zombies().values()) != ["true"]:
                    await asyncio.sleep(0.01)
            with pytest.raises(AssertionError, match=r"left in the PID namespace of .* 'true, Z'"):
                await target.assert_let_go(limit_s=1)

    async def test_stopped_target_is_seen(self, compiled: Callable[[str], Path]) -> None:
        async with running_process(compiled("spin.c")) as target:
            os.kill(target.pid, SIGSTOP)
            with pytest.raises(AssertionError, match=rf"printed no 'tick ' for 1 s: threads {{{target.pid}: 'T'}}"):
                await target.assert_runs_on(limit_s=1)

    @pytest.mark.parametrize("pid_mode", ["host", "container"])
    async def test_shared_pid_namespace_shows_only_the_targets_processes(self, pid_mode: str) -> None:
        async with running("spin") as other:
            mode = "host" if pid_mode == "host" else f"container:{other.name}"
            async with running("pair", pid_mode=mode) as target:
                assert len(target.pids()) == 2
                namespace = procfs.own_pid_namespace() if pid_mode == "host" else procfs.pid_namespace(other.pid)
                assert procfs.pid_namespace(target.pid) == namespace
                await target.assert_let_go()


@pytest.mark.root
@pytest.mark.parametrize("own_namespaces", [True, False])
@pytest.mark.parametrize("user", [None, 1000])
async def test_process_target(compiled: Callable[[str], Path], own_namespaces: bool, user: int | None) -> None:
    async with running_process(compiled("spin.c"), own_namespaces=own_namespaces, user=user) as target:
        await target.assert_let_go()
        assert (procfs.pid_namespace(target.pid) != procfs.own_pid_namespace()) == own_namespaces
        assert f"Uid:\t{user or 0}\t" in procfs.read(target.pid, "status")
        assert ("/build/src", "spin.c") in set(compilation_units(Path(f"/proc/{target.pid}/exe")))
