"""The runtimes by their scheme, one line each; imported when first used, for their libraries are heavy."""

from importlib import import_module
from typing import cast

from dapbridge.errors import UnavailableError
from dapbridge.runtimes.base import Runtime

_RUNTIMES = {
    "docker": ("dapbridge.runtimes.docker", "DockerRuntime"),
    "pid": ("dapbridge.runtimes.pid", "PidRuntime"),
}


def make_runtime(scheme: str) -> Runtime:
    """Return a new runtime for targets of `scheme`. Raises UserError for one that is not supported."""
    if scheme not in _RUNTIMES:
        supported = ", ".join(f"{each}://" for each in _RUNTIMES)
        raise UnavailableError(f"{scheme}:// targets are not supported yet; supported are {supported}")
    module, name = _RUNTIMES[scheme]
    return cast(Runtime, getattr(import_module(module), name)())
