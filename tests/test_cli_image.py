"""`dapbridge image build` against a real Docker engine; other images are left as they are."""

import io
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import docker
import pytest
from click.testing import CliRunner
from docker.models.containers import Container
from support.engine import connect

from dapbridge.cli import main
from dapbridge.runtimes.sidecar_image import image_tag

BUILD = (sys.executable, "-m", "dapbridge", "image", "build")
SLOW_BASE = "dapbridge-test-slow-base"
SLOW_DOCKERFILE = b"""FROM debian:trixie-slim
RUN printf '#!/bin/sh\\nexec sleep 300\\n' >/usr/bin/apt-get
"""


@pytest.fixture
def engine() -> Iterator[docker.DockerClient]:
    with closing(connect()) as client:
        yield client


@pytest.fixture
def slow_base(engine: docker.DockerClient) -> Iterator[str]:
    """A base image in which the build's apt-get takes minutes."""
    engine.images.build(fileobj=io.BytesIO(SLOW_DOCKERFILE), tag=SLOW_BASE, rm=True)
    yield SLOW_BASE
    engine.images.remove(SLOW_BASE)


def test_help_names_what_to_do_without_a_registry() -> None:
    result = CliRunner().invoke(main, ["image", "build", "--help"])
    assert result.exit_code == 0
    assert "--base IMAGE" in result.output
    assert "--network MODE" in result.output


def test_without_an_engine_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    result = CliRunner().invoke(main, ["image", "build"])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("Error: no Docker engine answers (DOCKER_HOST, tcp://127.0.0.1:9)")
    assert result.stderr.count("\n") == 1


@pytest.mark.docker
def test_stdout_is_the_tag_alone_and_progress_goes_to_stderr(engine: docker.DockerClient) -> None:
    done = subprocess.run(BUILD, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"{image_tag()}\n"), done.stderr
    assert "step 1/" in done.stderr
    assert engine.images.get(image_tag())


@pytest.mark.docker
def test_a_base_that_is_none_is_refused_without_a_traceback() -> None:
    done = subprocess.run([*BUILD, "--base", "No Such/Name"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Error: the sidecar image can't be built:" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.docker
def test_ctrl_c_ends_the_build_and_leaves_nothing(engine: docker.DockerClient, slow_base: str) -> None:
    before = engine.images.get(image_tag()).id
    with subprocess.Popen([*BUILD, "--base", slow_base], stdout=-1, stderr=-1, text=True) as building:
        assert building.stderr
        assert any("step 3/" in line for line in building.stderr)
        building.send_signal(signal.SIGINT)
        output, errors = building.communicate(timeout=20)
    assert (building.returncode, output, errors) == (130, "", "interrupted\n")
    for container in _containers_of(engine, slow_base):
        container.wait(condition="removed", timeout=20)
    assert engine.images.get(image_tag()).id == before


def _containers_of(engine: docker.DockerClient, image: str) -> list[Container]:
    found: list[Container] = engine.containers.list(all=True, filters={"ancestor": image}, ignore_removed=True)
    return found
