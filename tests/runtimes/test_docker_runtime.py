"""The Docker runtime against a real engine; a stand-in runs where the agent would: cat, or a shell."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import docker
import msgspec
import pytest
from docker.models.containers import Container
from docker_targets import BASE, StartTarget, sidecars_of
from support.engine import bounding_set

from dapbridge.config import SidecarConfig
from dapbridge.errors import UserError
from dapbridge.runtimes.base import Sidecar
from dapbridge.runtimes.docker import DockerRuntime
from dapbridge.runtimes.docker_sidecar import DockerSidecar
from dapbridge.transport import Transport

pytestmark = pytest.mark.docker

REPOSITORY = Path(__file__).resolve().parents[2]
STAND_IN = SidecarConfig(image=BASE, pull="never")
LOOK_AROUND = """
grep -E '^(Cap|NoNewPrivs|Uid|Gid|Groups)' /proc/self/status
echo "interfaces $(tail -n +3 /proc/self/net/dev | cut -d: -f1 | tr -d ' ' | tr '\\n' ' ')"
touch /etc/written 2>/dev/null && echo root writable || echo root read-only
touch /tmp/written && echo tmp writable
cp /bin/true /tmp/true && { /tmp/true 2>/dev/null && echo tmp exec || echo tmp noexec; }
echo "core $(ulimit -c) $(ulimit -Hc)"
echo "target $(tr '\\0' ' ' < /proc/1/cmdline)"
"""


@asynccontextmanager
async def runtime(*argv: str) -> AsyncIterator[DockerRuntime]:
    made = DockerRuntime(argv or ("cat",))
    try:
        yield made
    finally:
        await made.aclose()


@asynccontextmanager
async def sidecar(
    target: Container, argv: Sequence[str] = ("cat",), config: SidecarConfig = STAND_IN, wider: bool = False
) -> AsyncIterator[DockerSidecar]:
    async with runtime(*argv) as docker_runtime:
        started = await docker_runtime.start_sidecar(str(target.name), config, lambda _: None, wider=wider)
        try:
            yield started
        finally:
            await started.aclose()


async def read_all(transport: Transport) -> bytes:
    chunks = []
    while chunk := await transport.read():
        chunks.append(chunk)
    return b"".join(chunks)


async def read_exactly(transport: Transport, size: int) -> bytes:
    data = bytearray()
    while len(data) < size and (chunk := await transport.read()):
        data += chunk
    return bytes(data)


async def refusal(name: str, config: SidecarConfig = STAND_IN) -> str:
    """Return the text with which the runtime refuses to start a sidecar."""
    async with runtime() as docker_runtime:
        with pytest.raises(UserError) as caught:
            await docker_runtime.start_sidecar(name, config, lambda _: None)
        return str(caught.value)


class TestRefusals:
    async def test_no_such_container_names_the_nearest_ones(self, start_target: StartTarget) -> None:
        target = start_target()
        text = await refusal(f"{target.name}x")
        assert text.startswith(f"no container named '{target.name}x' (docker context 'default'); running ones")
        assert str(target.name) in text

    async def test_an_ended_container_with_its_exit_code(self, start_target: StartTarget) -> None:
        target = start_target("sh", "-c", "exit 3")
        target.wait()
        text = f"container '{target.name}' is not running: exited with exit code 3; start it first: docker start"
        assert await refusal(str(target.name)) == f"{text} {target.name}"

    async def test_a_container_that_never_started(self, start_target: StartTarget) -> None:
        assert "is not running: created, never started" in await refusal(str(start_target(run=False).name))

    async def test_a_paused_container_before_anything_is_started(
        self, engine: docker.DockerClient, start_target: StartTarget
    ) -> None:
        target = start_target()
        target.pause()
        text = f"container '{target.name}' is paused; unpause it first: docker unpause {target.name}"
        assert await refusal(str(target.name)) == text
        assert sidecars_of(engine, target) == []
        target.unpause()

    async def test_an_engine_that_is_not_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent")
        text = "no Docker engine answers (DOCKER_HOST, unix:///nonexistent): No such file or directory; is it running"
        assert text in await refusal("api")

    async def test_an_engine_that_refuses_connections(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
        assert "(DOCKER_HOST, tcp://127.0.0.1:1): Connection refused; is it running" in await refusal("api")

    async def test_an_engine_on_an_unknown_host(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DOCKER_HOST", "tcp://engine.invalid:2375")
        assert "the host of the Docker engine (DOCKER_HOST, tcp://engine.invalid:2375)" in await refusal("api")

    @pytest.mark.root
    def test_a_socket_that_is_not_for_this_user(self) -> None:
        code = (
            "import asyncio, os; from dapbridge.runtimes.docker import DockerRuntime\n"
            "os.setgid(65534); os.setuid(65534); os.environ['HOME'] = '/nonexistent'\n"
            "asyncio.run(DockerRuntime().targets())"
        )
        outcome = subprocess.run(
            [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, timeout=30, check=False
        )
        assert (
            "UnavailableError: permission denied on the Docker engine's socket (docker context 'default'"
            in outcome.stderr
        )
        assert "for uid 65534: add yourself to the group 'docker'" in outcome.stderr

    async def test_ssh_without_the_extra(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DOCKER_HOST", "ssh://someone@engine.invalid")
        monkeypatch.setitem(sys.modules, "paramiko", None)
        assert "needs an extra of dapbridge: pip install 'dapbridge[ssh]'" in await refusal("api")

    async def test_an_image_that_is_missing_and_not_to_be_pulled(self, start_target: StartTarget) -> None:
        text = await refusal(str(start_target().name), SidecarConfig(image="no/such:image", pull="never"))
        assert text.startswith("the sidecar image 'no/such:image' is missing (docker context 'default'")

    async def test_an_image_that_can_not_be_pulled(self, start_target: StartTarget) -> None:
        text = await refusal(str(start_target().name), SidecarConfig(image="registry.invalid/no/such:image"))
        assert text.startswith("the sidecar image 'registry.invalid/no/such:image' can't be pulled: ")

    async def test_an_image_without_the_agents_python_leaves_nothing(
        self, engine: docker.DockerClient, start_target: StartTarget
    ) -> None:
        target = start_target()
        with pytest.raises(UserError) as caught:
            async with sidecar(target, ["no-such-program"]):
                pass
        text = f"the sidecar for container '{target.name}' does not start from image '{BASE}':"
        assert str(caught.value).startswith(text)
        assert "no-such-program" in str(caught.value)
        assert sidecars_of(engine, target) == []


class TestContainer:
    @pytest.mark.parametrize(
        ("options", "wider", "user", "capabilities"),
        [
            pytest.param({"user": "1000:1000"}, False, "1000:1000", [], id="user"),
            pytest.param({"user": "1000:7"}, False, "1000:7", [], id="user and group"),
            pytest.param({"user": "100000:100000"}, False, "100000:100000", [], id="user that may be a remapped one"),
            pytest.param({}, False, "0:0", ["SYS_PTRACE"], id="root"),
            pytest.param({"user": "1000:1000"}, True, "0:0", ["SYS_PTRACE", "DAC_OVERRIDE", "KILL"], id="widened"),
            pytest.param(
                {"user": "1000:1000", "cap_add": ["NET_ADMIN"]},
                False,
                "0:0",
                ["SYS_PTRACE", "DAC_OVERRIDE", "KILL"],
                id="user with capabilities",
            ),
        ],
    )
    async def test_it_has_the_least_rights_as_inspected_and_from_inside(
        self,
        engine: docker.DockerClient,
        start_target: StartTarget,
        options: dict[str, Any],
        wider: bool,
        user: str,
        capabilities: list[str],
    ) -> None:
        target = start_target("sleep", "600", **options)
        async with sidecar(target, ["sh", "-c", f"{LOOK_AROUND} cat"], wider=wider) as started:
            inspected = engine.api.inspect_container(started.container_id)
            await started.transport.aclose()
            # The look around was written before the end of the stream could be noticed.
        self.assert_inspected(inspected, target, user, capabilities)
        async with sidecar(target, ["sh", "-c", LOOK_AROUND], wider=wider) as started:
            words = (await read_all(started.transport)).decode()
        self.assert_inside(words, user, capabilities)
        assert "target /sbin/docker-init -- sleep 600" in words
        assert sidecars_of(engine, target) == []

    def assert_inspected(
        self, inspected: dict[str, Any], target: Container, user: str, capabilities: list[str]
    ) -> None:
        host_config, config = inspected["HostConfig"], inspected["Config"]
        assert host_config["PidMode"] == f"container:{target.id}"
        assert host_config["NetworkMode"] == "none"
        assert config["NetworkDisabled"] is True
        assert host_config["CapDrop"] == ["ALL"]
        assert sorted(host_config["CapAdd"] or []) == sorted(capabilities or bounding_set())
        assert host_config["ReadonlyRootfs"] is True
        assert host_config["Tmpfs"] == {"/tmp": "mode=1777,noexec,nosuid,nodev"}
        assert host_config["SecurityOpt"] == ["no-new-privileges"]
        assert host_config["LogConfig"]["Type"] == "none"
        assert host_config["Ulimits"] == [{"Name": "core", "Soft": 0, "Hard": 0}]
        assert host_config["AutoRemove"] is True
        assert host_config["RestartPolicy"]["Name"] in ("", "no")
        assert host_config["Privileged"] is False
        assert (config["OpenStdin"], config["StdinOnce"], config["Tty"]) == (True, True, False)
        assert config["User"] == user
        assert config["Labels"]["dapbridge.target"] == target.id
        assert config["Labels"]["dapbridge.target-name"] == target.name
        assert config["Labels"].keys() >= {"dapbridge", "dapbridge.session"}
        assert inspected["Name"].startswith(f"/dapbridge-{target.name}-")

    def assert_inside(self, words: str, user: str, capabilities: list[str]) -> None:
        bits = {"DAC_OVERRIDE": 1, "KILL": 5, "SYS_PTRACE": 19}
        mask = f"{sum(1 << bits[name] for name in capabilities):016x}"
        bounding = f"{sum(1 << bits[name] for name in capabilities or bounding_set()):016x}"
        uid, gid = user.split(":")
        sets = {"Inh": "0" * 16, "Prm": mask, "Eff": mask, "Bnd": bounding, "Amb": "0" * 16}
        assert "".join(f"Cap{name}:\t{value}\n" for name, value in sets.items()) + "NoNewPrivs:\t1" in words
        assert f"Uid:\t{uid}\t{uid}\t{uid}\t{uid}\nGid:\t{gid}\t{gid}\t{gid}\t{gid}\n" in words
        for line in ("interfaces lo ", "root read-only", "tmp writable", "tmp noexec", "core 0 0"):
            assert f"\n{line}\n" in words

    async def test_processes_of_two_users_are_found_whoever_the_image_says(self, start_target: StartTarget) -> None:
        target = start_target("sh", "-c", "setpriv --reuid 33 --regid 33 --clear-groups sleep 600 & sleep 600 & wait")
        while len(target.top()["Processes"]) < 4:
            await asyncio.sleep(0.05)
        async with sidecar(target) as started:
            assert (started.privileges.user, started.can_widen) == ("0:0", False)
            assert started.privileges.capabilities == ("SYS_PTRACE", "DAC_OVERRIDE", "KILL")

    async def test_the_users_own_user_and_capabilities_win(
        self, engine: docker.DockerClient, start_target: StartTarget
    ) -> None:
        config = msgspec.structs.replace(STAND_IN, user="4711:42", cap_add=("NET_RAW",))
        async with sidecar(start_target(), config=config) as started:
            inspected = engine.api.inspect_container(started.container_id)
            assert inspected["Config"]["User"] == "4711:42"
            assert inspected["HostConfig"]["CapAdd"] in (["NET_RAW"], ["CAP_NET_RAW"])
            assert not started.can_widen

    @pytest.mark.parametrize("pid_mode", ["host", "container"])
    async def test_a_target_in_another_pid_namespace_is_joined_there(
        self, start_target: StartTarget, pid_mode: str
    ) -> None:
        mode = "host" if pid_mode == "host" else f"container:{start_target().id}"
        target = start_target("sleep", "601", init=False, pid_mode=mode)
        words = "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"
        async with sidecar(target, ["sh", "-c", words]) as started:
            assert started.scope.container_id == target.id
            assert b"sleep 601" in await read_all(started.transport)

    async def test_an_id_prefix_is_a_name_too(self, start_target: StartTarget) -> None:
        target = start_target()
        async with runtime() as docker_runtime:
            started = await docker_runtime.start_sidecar(str(target.id)[:10], STAND_IN, lambda _: None)
            assert started.scope.container_id == target.id
            await started.aclose()


class TestStream:
    async def test_10_mb_go_through_both_ways_intact(self, start_target: StartTarget) -> None:
        sent = os.urandom(10 * 1024 * 1024)
        async with sidecar(start_target()) as started, asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(read_exactly(started.transport, len(sent)))
            for start in range(0, len(sent), 1 << 16):
                started.transport.write(sent[start : start + (1 << 16)])
                await started.transport.drain()
            assert await reading == sent

    async def test_a_reader_that_waits_holds_the_writer_back(self, start_target: StartTarget) -> None:
        async with sidecar(start_target()) as started:
            written = 0
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2):
                    while written < 1 << 30:
                        started.transport.write(bytes(1 << 20))
                        await started.transport.drain()
                        written += 1 << 20
            assert written < 64 << 20

    async def test_stderr_goes_to_the_log_and_not_into_the_stream(
        self, start_target: StartTarget, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with sidecar(start_target(), ["sh", "-c", "echo oops >&2; echo fine"]) as started:
            assert await read_all(started.transport) == b"fine\n"
        assert "sidecar: oops" in caplog.messages

    async def test_the_stream_ends_with_the_sidecar_and_later_calls_do_nothing(self, start_target: StartTarget) -> None:
        async with sidecar(start_target(), ["true"]) as started:
            assert await read_all(started.transport) == b""
            assert await started.transport.read() == b""
            started.transport.write(b"x")
            await started.transport.drain()
            await started.transport.aclose()
            await started.transport.aclose()
            started.transport.write(b"x")
            await started.transport.drain()
            assert await started.transport.read() == b""


class TestEnd:
    async def test_closing_the_stream_ends_the_sidecar(
        self, engine: docker.DockerClient, start_target: StartTarget
    ) -> None:
        target = start_target()
        async with sidecar(target) as started:
            assert len(sidecars_of(engine, target)) == 1
            await started.aclose()
            assert sidecars_of(engine, target) == []
            await started.aclose()
        assert target.status == "running"

    def test_kill_9_of_the_bridge_ends_the_sidecar(
        self, engine: docker.DockerClient, start_target: StartTarget
    ) -> None:
        target = start_target()
        code = (
            "import asyncio; from dapbridge.runtimes.docker import DockerRuntime\n"
            "from dapbridge.config import SidecarConfig\n"
            "async def main():\n"
            f"    config = SidecarConfig(image={BASE!r}, pull='never')\n"
            f"    sidecar = await DockerRuntime(['cat']).start_sidecar({target.name!r}, config, lambda _: None)\n"
            "    sidecar.transport.write(b'ready\\n')\n"
            "    print(await sidecar.transport.read(), flush=True)\n"
            "    await sidecar.transport.read()\n"
            "asyncio.run(main())"
        )
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=REPOSITORY) as bridge:
            assert bridge.stdout is not None
            assert bridge.stdout.readline() == b"b'ready\\n'\n"
            (left,) = sidecars_of(engine, target)
            bridge.send_signal(signal.SIGKILL)
        # Waits for the event; it is an error when that does not come.
        wait_removed(engine, left)
        assert target.status == "running"

    async def test_a_sidecar_that_ignores_the_end_is_asked_by_sigterm(
        self, engine: docker.DockerClient, start_target: StartTarget, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("dapbridge.runtimes.docker_sidecar._END_LIMIT_S", 0.5)
        target = start_target()
        deaf = "trap 'exit 0' TERM; echo ready; while :; do sleep 0.1; done"
        async with sidecar(target, ["sh", "-c", deaf]) as started:
            assert await started.transport.read() == b"ready\n"
        assert sidecars_of(engine, target) == []

    @pytest.mark.parametrize("delay_ms", [0, 5, 15, 30, 60, 100, 150, 200, 300, 400])
    async def test_a_cancelled_start_leaves_nothing(
        self, engine: docker.DockerClient, start_target: StartTarget, delay_ms: int
    ) -> None:
        target = start_target()
        async with runtime() as docker_runtime:
            try:
                async with asyncio.timeout(delay_ms / 1000):
                    started: Sidecar | None = None
                    started = await docker_runtime.start_sidecar(str(target.name), STAND_IN, lambda _: None)
            except TimeoutError:
                pass
            if started:
                await started.aclose()
        await until(lambda: sidecars_of(engine, target) == [])

    @pytest.mark.parametrize("auto_remove", [False, True])
    async def test_the_targets_exit_code_is_known_after_its_end(
        self, start_target: StartTarget, auto_remove: bool
    ) -> None:
        # PID 1 ignores signals that it does not handle.
        command = "trap 'exit 42' TERM; while :; do sleep 0.1; done"
        target = start_target("sh", "-c", command, init=False, auto_remove=auto_remove)
        async with sidecar(target) as started:
            assert await started.target_exit_code() is None
            target.kill("TERM")
            assert await read_all(started.transport) == b""
            assert await started.target_exit_code() == 42

    async def test_a_running_target_has_no_exit_code_when_its_sidecar_ends(self, start_target: StartTarget) -> None:
        async with sidecar(start_target(), ["true"]) as started:
            assert await read_all(started.transport) == b""
            assert await started.target_exit_code() is None


class TestCleanup:
    async def test_dead_ones_are_removed_and_live_ones_left(
        self, engine: docker.DockerClient, start_target: StartTarget
    ) -> None:
        target = start_target()
        async with sidecar(target) as started, runtime() as docker_runtime:
            ended = make_left_over(engine, target, "gone/1 1")
            ended.start()
            ended.wait()
            unknown = make_left_over(engine, target, "other-machine/1 1")
            by_state = {each.id: (each.state, each.live) for each in await docker_runtime.sidecars()}
            assert by_state[started.container_id] == ("running", True)
            assert by_state[ended.id] == ("exited", False)
            assert by_state[unknown.id] == ("created", True)
            outcomes = await outcomes_of(docker_runtime, target, end_live=False)
            assert outcomes == {started.container_id: "left", ended.id: "removed", unknown.id: "left"}
            outcomes = await outcomes_of(docker_runtime, target, end_live=True)
            assert outcomes == {started.container_id: "ended", unknown.id: "removed"}
        assert sidecars_of(engine, target) == []

    @pytest.mark.parametrize(("on_sigterm", "outcome"), [("exit 0", "ended"), ("", "killed")])
    async def test_a_live_one_is_ended_by_its_agent_and_by_force_only_when_that_has_had_its_time(
        self,
        engine: docker.DockerClient,
        start_target: StartTarget,
        monkeypatch: pytest.MonkeyPatch,
        on_sigterm: str,
        outcome: str,
    ) -> None:
        monkeypatch.setattr("dapbridge.runtimes.docker_sidecar.LET_GO_LIMIT_S", 1.0)
        target = start_target()
        agent = f"trap '{on_sigterm}' TERM; echo ready; while :; do sleep 0.1; done"
        async with sidecar(target, ["sh", "-c", agent]) as started, runtime() as docker_runtime:
            assert await started.transport.read() == b"ready\n"
            assert await outcomes_of(docker_runtime, target, end_live=True) == {started.container_id: outcome}
        assert sidecars_of(engine, target) == []

    async def test_sidecars_are_no_targets(self, start_target: StartTarget) -> None:
        target = start_target()
        async with sidecar(target), runtime() as docker_runtime:
            found = {each.name: each for each in await docker_runtime.targets()}
        assert (found[str(target.name)].uri, found[str(target.name)].image) == (f"docker://{target.name}", BASE)
        assert not [name for name in found if name.startswith(f"dapbridge-{target.name}")]


async def outcomes_of(docker_runtime: DockerRuntime, target: Container, *, end_live: bool) -> dict[str, str]:
    """Clean up among the sidecars of one target only: others are other people's."""
    found = [each for each in await docker_runtime.sidecars() if each.target_id == target.id]
    cleaned = await docker_runtime.clean_up(found, end_live=end_live)
    return {each.sidecar.id: each.outcome for each in cleaned}


def make_left_over(engine: docker.DockerClient, target: Container, session: str) -> Container:
    labels = {"dapbridge": "0", "dapbridge.target": str(target.id), "dapbridge.session": session}
    made: Container = engine.containers.create(BASE, ["true"], network_mode="none", labels=labels)
    return made


def wait_removed(engine: docker.DockerClient, container: Container) -> None:
    try:
        container.wait(condition="removed", timeout=20)
    except docker.errors.NotFound:
        return


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what no event tells: threads that still clean up after a cancellation."""
    async with asyncio.timeout(10):
        while not await asyncio.to_thread(condition):
            await asyncio.sleep(0.05)
