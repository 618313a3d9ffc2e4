"""Which Docker engine is meant: DOCKER_HOST, DOCKER_CONTEXT, the current context of the Docker CLI, the default socket.

In that order, as the Docker CLI has it. It opens no connection. The contexts' files are read here, for the SDK finds
none where the CLI has no config.json yet, forgets a CA without a client certificate, and takes the default socket for a
context that it does not find.
"""

import hashlib
import os
from pathlib import Path
from typing import Any

import msgspec
from docker.errors import TLSParameterError
from docker.tls import TLSConfig
from docker.utils import kwargs_from_env
from msgspec import Struct

from dapbridge.errors import UnavailableError

DEFAULT_HOST = "unix:///var/run/docker.sock"
_DEFAULT_CONTEXT = "default"


class Endpoint(Struct, frozen=True):
    """A Docker engine: what to say of it and how to connect.

    source: where it comes from, for texts: "docker context 'default'", "DOCKER_HOST". tls: the SDK's TLSConfig or None.
    """

    source: str
    host: str
    tls: Any = None

    def __str__(self) -> str:
        return f"{self.source}, {self.host}"


class _CliConfig(Struct, rename="camel"):
    current_context: str = ""


class _ContextEndpoint(Struct, rename="pascal"):
    host: str = ""
    skip_tls_verify: bool = msgspec.field(name="SkipTLSVerify", default=False)


class _Context(Struct, rename="pascal"):
    name: str
    endpoints: dict[str, _ContextEndpoint]


def find_endpoint() -> Endpoint:
    """Return the engine that the Docker CLI would use. Raises UserError: no such context, TLS files missing."""
    try:
        from_environment = kwargs_from_env()
    except TLSParameterError as error:
        raise UnavailableError(
            f"the Docker client's certificates (DOCKER_CERT_PATH) are not complete: {error.msg}"
        ) from error
    if host := from_environment.get("base_url"):
        return Endpoint("DOCKER_HOST", host, from_environment.get("tls"))
    folder = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    config = folder / "config.json"
    chosen = os.environ.get("DOCKER_CONTEXT")
    name = chosen or (_read(config, _CliConfig).current_context if config.exists() else "") or _DEFAULT_CONTEXT
    if name == _DEFAULT_CONTEXT:
        return Endpoint(f"docker context '{name}'", DEFAULT_HOST)
    return _endpoint_of_context(folder / "contexts", name, "DOCKER_CONTEXT" if chosen else str(config))


def _endpoint_of_context(folder: Path, name: str, chosen_by: str) -> Endpoint:
    context_id = hashlib.sha256(name.encode()).hexdigest()
    meta = folder / "meta" / context_id / "meta.json"
    if not meta.exists():
        names = sorted(_read(each, _Context).name for each in folder.glob("meta/*/meta.json"))
        known = ", ".join([_DEFAULT_CONTEXT, *names])
        raise UnavailableError(f"there is no docker context '{name}' (named by {chosen_by}); there are: {known}")
    endpoint = _read(meta, _Context).endpoints.get("docker", _ContextEndpoint())
    if not endpoint.host:
        raise UnavailableError(f"docker context '{name}' names no Docker engine: docker context inspect {name}")
    tls = _load_tls(folder / "tls" / context_id / "docker", verify=not endpoint.skip_tls_verify)
    return Endpoint(f"docker context '{name}'", endpoint.host, tls)


def _load_tls(folder: Path, *, verify: bool) -> TLSConfig | None:
    ca, cert, key = (str(path) if (path := folder / f"{name}.pem").exists() else None for name in ("ca", "cert", "key"))
    if not (ca or cert):
        return None
    return TLSConfig(client_cert=(cert, key) if cert and key else None, ca_cert=ca, verify=verify)


def _read(path: Path, kind: type[msgspec.Struct]) -> Any:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError) as error:
        raise UnavailableError(f"the Docker client's configuration can't be read: {path}: {error}") from error
