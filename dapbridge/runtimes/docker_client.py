"""The Docker engine's control calls: the SDK's blocking client in threads, its exceptions in the user's words.

A call that is cancelled runs on in its thread, for nothing can stop it; what it made is then undone there.
"""

import asyncio
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from importlib import import_module
from typing import Any, TypeVar

import docker
import requests
from docker.errors import APIError, DockerException

from dapbridge.errors import UnavailableError, UserError
from dapbridge.runtimes.docker_context import Endpoint, find_endpoint

T = TypeVar("T")

_CALL_TIMEOUT_S = 60


class DockerRefusalError(UserError):
    """The engine's answer to a call is an error; `status` is its HTTP status, `explanation` its own words."""

    def __init__(self, status: int, explanation: str, endpoint: Endpoint) -> None:
        super().__init__(f"Docker refuses: {explanation} ({endpoint})")
        self.status = status
        self.explanation = explanation


class DockerClient:
    """A connected client; safe for several calls at once."""

    def __init__(self, endpoint: Endpoint, api: docker.APIClient) -> None:
        self.endpoint = endpoint
        self.api = api

    @classmethod
    async def connect(cls) -> "DockerClient":
        """Connect to the engine that the user means. Raises UserError: unreachable, not permitted, badly configured."""
        endpoint = find_endpoint()
        return cls(endpoint, await asyncio.wrap_future(_run_in_thread(lambda: _connect(endpoint), daemon=True)))

    @property
    def api_version(self) -> tuple[int, ...]:
        """The version of the API that is spoken with the engine."""
        return tuple(int(each) for each in self.api.api_version.split("."))

    async def call(
        self, function: Callable[[docker.APIClient], T], undo: Callable[[docker.APIClient, T], object] | None = None
    ) -> T:
        """Run `function` with the SDK's client in a thread.

        undo: called with the result if this call was cancelled meanwhile. Raises UserError, DockerRefusalError.
        """

        def run() -> T:
            with translated(self.endpoint):
                return function(self.api)

        def undo_unseen(unseen: "Future[T]") -> None:
            if undo is not None and not unseen.cancelled() and unseen.exception() is None:
                undo(self.api, unseen.result())

        # What may have to be undone keeps the interpreter from exiting; a long build or pull must not.
        future = _run_in_thread(run, daemon=undo is None)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            future.add_done_callback(undo_unseen)
            raise

    def close(self) -> None:
        """Free the connections; calls that still run end by themselves."""
        self.api.close()


def _run_in_thread(function: Callable[[], T], *, daemon: bool) -> "Future[T]":
    """Run `function` in a thread of its own: a slow engine must not use up the event loop's."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            result = function()
        except BaseException as error:  # noqa: BLE001 - it is raised where the future is awaited
            future.set_exception(error)
        else:
            future.set_result(result)

    future.set_running_or_notify_cancel()
    threading.Thread(target=run, name="docker-call", daemon=daemon).start()
    return future


@contextmanager
def translated(endpoint: Endpoint) -> Iterator[None]:
    """Turn the SDK's exceptions into UserErrors."""
    try:
        yield
    except APIError as error:
        raise DockerRefusalError(error.status_code or 0, error.explanation or str(error), endpoint) from error
    except (DockerException, requests.RequestException) as error:
        raise UnavailableError(_explain(error, endpoint)) from error


class _Api(docker.APIClient):
    """The SDK's client, whose TLS trusts what its endpoint says and nothing else, and which connects quickly."""

    def _retrieve_server_version(self) -> str:
        # As the Docker CLI asks. For /version the engine starts programs, which takes several times as long.
        try:
            pong = self.get(f"{self.base_url}/_ping", timeout=self.timeout)
        except Exception as error:
            raise DockerException(f"no answer to a ping: {error}") from error
        version: str = pong.headers.get("Api-Version") or self.version(api_version=False)["ApiVersion"]
        return version

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        # REQUESTS_CA_BUNDLE, meant for other servers, would win over the engine's own CA.
        own = self.verify if verify is None else verify
        return super().merge_environment_settings(url, proxies, stream, own, cert)


def _connect(endpoint: Endpoint) -> docker.APIClient:
    if endpoint.host.startswith("ssh://"):
        return _connect_ssh(endpoint)
    with translated(endpoint):
        return _Api(base_url=endpoint.host, tls=endpoint.tls or False, timeout=_CALL_TIMEOUT_S)


def _connect_ssh(endpoint: Endpoint) -> docker.APIClient:
    try:
        paramiko: Any = import_module("paramiko")
    except ImportError as error:
        raise UnavailableError(
            f"Docker over ssh ({endpoint}) needs an extra of dapbridge: pip install 'dapbridge[ssh]'"
        ) from error
    try:
        with translated(endpoint):
            return _Api(base_url=endpoint.host, timeout=_CALL_TIMEOUT_S)
    except (paramiko.SSHException, OSError) as error:
        raise UnavailableError(
            f"no ssh connection to the Docker engine ({endpoint}): {error}; check that 'ssh HOST docker version' works"
            " without a question and that the host's key is in ~/.ssh/known_hosts"
        ) from error


def _explain(error: BaseException, endpoint: Endpoint) -> str:
    root = _root_cause(error)
    match root:
        case PermissionError():
            return (
                f"permission denied on the Docker engine's socket ({endpoint}) for uid {os.geteuid()}:"
                " add yourself to the group 'docker' (sudo usermod -aG docker $USER, then log in again) or use sudo"
            )
        case TimeoutError() | requests.Timeout():
            return f"the Docker engine ({endpoint}) does not answer in time: check that it is up (docker version)"
        case socket.gaierror():
            return f"the host of the Docker engine ({endpoint}) is unknown: check DOCKER_HOST and 'docker context ls'"
        case ssl.SSLError():
            return f"no trusted connection to the Docker engine ({endpoint}): {root}; check its certificates"
        case OSError():
            reason = root.strerror or str(root)
            return f"no Docker engine answers ({endpoint}): {reason}; is it running, and is this the one you mean?"
    return f"the Docker engine ({endpoint}) can't be used: {root}"


def _root_cause(error: BaseException) -> BaseException:
    """Return what lies beneath the HTTP libraries' wrappers, which hold their cause in any of three places."""
    nested = [argument for argument in error.args if isinstance(argument, BaseException)]
    reason = getattr(error, "reason", None)
    deeper = error.__cause__ or (nested[-1] if nested else None) or (reason if isinstance(reason, Exception) else None)
    return error if deeper is None or isinstance(error, requests.Timeout) else _root_cause(deeper)
