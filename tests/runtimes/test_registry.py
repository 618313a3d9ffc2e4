import subprocess
import sys

import pytest

from dapbridge.errors import UserError
from dapbridge.runtimes import make_runtime


@pytest.mark.parametrize(("scheme", "name"), [("docker", "DockerRuntime"), ("pid", "PidRuntime")])
async def test_a_supported_scheme_gives_its_runtime(scheme: str, name: str) -> None:
    runtime = make_runtime(scheme)
    assert type(runtime).__name__ == name
    await runtime.aclose()


@pytest.mark.parametrize("scheme", ["podman", "containerd", "k8s", "compose"])
def test_a_later_scheme_is_refused_with_those_that_are_supported(scheme: str) -> None:
    with pytest.raises(
        UserError, match=f"^{scheme}:// targets are not supported yet; supported are docker://, pid://$"
    ):
        make_runtime(scheme)


def test_the_docker_sdk_is_not_loaded_before_it_is_needed() -> None:
    code = "import sys, dapbridge.runtimes; sys.exit('docker' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_dockers_runtime_does_not_wait_for_what_reads_programs() -> None:
    code = "import sys, dapbridge.runtimes.docker; sys.exit('elftools' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
