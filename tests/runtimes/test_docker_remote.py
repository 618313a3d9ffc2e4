"""The Docker runtime over TCP and TLS: the local engine behind a little proxy."""

import asyncio
import hashlib
import json
import os
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import docker
import pytest
from docker_targets import BASE, StartTarget, sidecars_of

from dapbridge.config import SidecarConfig
from dapbridge.errors import UserError
from dapbridge.runtimes.docker import DockerRuntime
from dapbridge.runtimes.docker_context import DEFAULT_HOST

pytestmark = pytest.mark.docker

STAND_IN = SidecarConfig(image=BASE, pull="never")


@asynccontextmanager
async def proxied(certificates: Path | None) -> AsyncIterator[int]:
    """Serve the local engine on a TCP port; certificates: over TLS, for clients with a certificate."""
    tls = None
    if certificates:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificates / "ca.pem")
        tls.verify_mode = ssl.CERT_REQUIRED
        tls.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    engine_reader, engine_writer = await asyncio.open_unix_connection(DEFAULT_HOST.removeprefix("unix://"))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(copy(reader, engine_writer))
        tasks.create_task(copy(engine_reader, writer))


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def serve_without_pings(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve the local engine as a proxy that lets no ping through."""
    request = await reader.readuntil(b"\r\n\r\n")
    while request.startswith(b"GET /_ping "):
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        request = await reader.readuntil(b"\r\n\r\n")
    engine_reader, engine_writer = await asyncio.open_unix_connection(DEFAULT_HOST.removeprefix("unix://"))
    engine_writer.write(request)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(copy(reader, engine_writer))
        tasks.create_task(copy(engine_reader, writer))


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that is its own authority, for server and client alike."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def other_certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another authority's."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


def make_certificates(folder: Path) -> Path:
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout key.pem -out cert.pem -subj /CN=localhost"
        " -addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    (folder / "ca.pem").write_bytes((folder / "cert.pem").read_bytes())
    return folder


@asynccontextmanager
async def remote_runtime(
    kind: str, certificates: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[DockerRuntime]:
    """Make a runtime for the docker context 'far': the local engine by `kind`, "tcp" or "tls"."""
    async with proxied(certificates if kind == "tls" else None) as port:
        context_id = hashlib.sha256(b"far").hexdigest()
        meta = folder / "contexts/meta" / context_id
        meta.mkdir(parents=True)
        content = {"Name": "far", "Metadata": {}, "Endpoints": {"docker": {"Host": f"tcp://127.0.0.1:{port}"}}}
        (meta / "meta.json").write_text(json.dumps(content))
        if kind == "tls":
            (folder / "contexts/tls" / context_id).mkdir(parents=True)
            (folder / "contexts/tls" / context_id / "docker").symlink_to(certificates)
        monkeypatch.setenv("DOCKER_CONFIG", str(folder))
        monkeypatch.setenv("DOCKER_CONTEXT", "far")
        monkeypatch.delenv("DOCKER_HOST", raising=False)
        runtime = DockerRuntime(["cat"])
        try:
            yield runtime
        finally:
            await runtime.aclose()


@pytest.mark.parametrize("kind", ["tcp", "tls"])
async def test_a_sidecar_of_a_remote_engine_streams_and_ends(
    engine: docker.DockerClient,
    start_target: StartTarget,
    certificates: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    target = start_target()
    sent = os.urandom(5 * 1024 * 1024)
    async with remote_runtime(kind, certificates, tmp_path, monkeypatch) as runtime:
        sidecar = await runtime.start_sidecar(str(target.name), STAND_IN, lambda _: None)
        received = bytearray()

        async def receive() -> None:
            while len(received) < len(sent) and (chunk := await sidecar.transport.read()):
                received.extend(chunk)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(receive())
            for start in range(0, len(sent), 1 << 16):
                sidecar.transport.write(sent[start : start + (1 << 16)])
                await sidecar.transport.drain()
        assert received == sent
        await sidecar.aclose()
        assert sidecars_of(engine, target) == []


async def test_an_engine_of_another_authority_is_not_trusted(
    certificates: Path, other_certificates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with remote_runtime("tls", certificates, tmp_path, monkeypatch) as runtime:
        link = next((tmp_path / "contexts/tls").glob("*/docker"))
        link.unlink()
        link.symlink_to(other_certificates)
        with pytest.raises(UserError) as caught:
            await runtime.targets()
    assert str(caught.value).startswith("no trusted connection to the Docker engine (docker context 'far', tcp://127.")
    assert "certificate verify failed" in str(caught.value)


async def test_an_engine_that_answers_no_ping_is_asked_for_its_version(
    start_target: StartTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = start_target()
    server = await asyncio.start_server(serve_without_pings, "127.0.0.1", 0)
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    runtime = DockerRuntime()
    try:
        assert target.name in [each.name for each in await runtime.targets()]
    finally:
        await runtime.aclose()
        server.close()
