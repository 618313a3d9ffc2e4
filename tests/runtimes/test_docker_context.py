import hashlib
import json
from pathlib import Path

import pytest

from dapbridge.errors import UserError
from dapbridge.runtimes.docker_context import DEFAULT_HOST, find_endpoint


class CliFolder:
    """A configuration of the Docker CLI, as the CLI writes it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def use(self, name: str) -> None:
        (self.path / "config.json").write_text(json.dumps({"auths": {}, "currentContext": name}))

    def create(self, name: str, host: str, certificates: tuple[str, ...] = (), skip_tls_verify: bool = False) -> None:
        context_id = hashlib.sha256(name.encode()).hexdigest()
        meta = self.path / "contexts/meta" / context_id
        meta.mkdir(parents=True)
        endpoint = {"Host": host, "SkipTLSVerify": skip_tls_verify}
        content = {"Name": name, "Metadata": {"Description": ""}, "Endpoints": {"docker": endpoint}}
        (meta / "meta.json").write_text(json.dumps(content))
        if certificates:
            make_certificates(self.path / "contexts/tls" / context_id / "docker", certificates)


def make_certificates(folder: Path, names: tuple[str, ...] = ("ca", "cert", "key")) -> None:
    folder.mkdir(parents=True)
    for name in names:
        (folder / f"{name}.pem").write_text("")


@pytest.fixture(autouse=True)
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliFolder:
    """An empty configuration of the Docker CLI, and an environment that says nothing."""
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return CliFolder(tmp_path)


def test_without_any_choice_it_is_the_default_context() -> None:
    endpoint = find_endpoint()
    assert (endpoint.source, endpoint.host, endpoint.tls) == ("docker context 'default'", DEFAULT_HOST, None)


def test_the_current_context_of_the_cli_is_used(cli: CliFolder) -> None:
    cli.create("far", "tcp://far.example:2375")
    cli.use("far")
    assert str(find_endpoint()) == "docker context 'far', tcp://far.example:2375"


def test_docker_context_wins_over_the_current_one(cli: CliFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.create("far", "tcp://far.example:2375")
    cli.create("near", "unix:///run/near.sock")
    cli.use("far")
    monkeypatch.setenv("DOCKER_CONTEXT", "near")
    assert str(find_endpoint()) == "docker context 'near', unix:///run/near.sock"


def test_docker_context_counts_where_the_cli_has_no_config_file(
    cli: CliFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli.create("near", "unix:///run/near.sock")
    monkeypatch.setenv("DOCKER_CONTEXT", "near")
    assert find_endpoint().host == "unix:///run/near.sock"


def test_docker_host_wins_over_every_context(cli: CliFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.use("no-such")
    monkeypatch.setenv("DOCKER_CONTEXT", "no-such")
    monkeypatch.setenv("DOCKER_HOST", "ssh://me@far.example")
    assert str(find_endpoint()) == "DOCKER_HOST, ssh://me@far.example"


@pytest.mark.parametrize("skip_tls_verify", [False, True])
def test_the_certificates_of_a_context_are_used(cli: CliFolder, skip_tls_verify: bool) -> None:
    cli.create("far", "tcp://far.example:2376", ("ca", "cert", "key"), skip_tls_verify)
    cli.use("far")
    tls = find_endpoint().tls
    assert tls.verify is not skip_tls_verify
    assert [Path(each).name for each in (tls.ca_cert, *tls.cert)] == ["ca.pem", "cert.pem", "key.pem"]


def test_a_context_may_have_a_ca_only(cli: CliFolder) -> None:
    cli.create("far", "tcp://far.example:2376", ("ca",))
    cli.use("far")
    tls = find_endpoint().tls
    assert (Path(tls.ca_cert).name, tls.cert, tls.verify) == ("ca.pem", None, True)


def test_the_certificates_of_the_environment_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_certificates(tmp_path / "certificates")
    monkeypatch.setenv("DOCKER_HOST", "tcp://far.example:2376")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path / "certificates"))
    assert find_endpoint().tls.ca_cert == str(tmp_path / "certificates/ca.pem")


def test_missing_certificates_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://far.example:2376")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match=r"^the Docker client's certificates \(DOCKER_CERT_PATH\) are not complete: "):
        find_endpoint()


def test_an_unknown_context_is_refused_with_the_known_ones(cli: CliFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.create("near", "unix:///run/near.sock")
    monkeypatch.setenv("DOCKER_CONTEXT", "far")
    with pytest.raises(
        UserError, match=r"no docker context 'far' \(named by DOCKER_CONTEXT\); there are: default, near$"
    ):
        find_endpoint()
    monkeypatch.delenv("DOCKER_CONTEXT")
    cli.use("far")
    with pytest.raises(
        UserError, match=r"no docker context 'far' \(named by .*/config.json\); there are: default, near$"
    ):
        find_endpoint()


@pytest.mark.parametrize("content", ["{", "[]", '{"currentContext": 1}'])
def test_a_broken_config_file_is_said(cli: CliFolder, content: str) -> None:
    (cli.path / "config.json").write_text(content)
    with pytest.raises(UserError, match=r"^the Docker client's configuration can't be read: .*/config.json: "):
        find_endpoint()


def test_a_context_without_an_engine_is_said(cli: CliFolder) -> None:
    cli.create("far", "")
    cli.use("far")
    with pytest.raises(UserError, match=r"^docker context 'far' names no Docker engine"):
        find_endpoint()
