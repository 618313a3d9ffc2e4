import pytest

from dapbridge.errors import UserError
from dapbridge.listening import (
    TcpAddress,
    UnixAddress,
    format_address,
    is_reachable_by_others,
    open_sockets,
    parse_listen,
)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:4711", TcpAddress("127.0.0.1", 4711)),
        ("localhost:0", TcpAddress("localhost", 0)),
        ("[::1]:4711", TcpAddress("::1", 4711)),
        ("unix:/run/user/1000/dapbridge.sock", UnixAddress("/run/user/1000/dapbridge.sock")),
        ("unix:relative", UnixAddress("relative")),
    ],
)
def test_addresses(text: str, address: TcpAddress | UnixAddress) -> None:
    assert parse_listen(text) == address


@pytest.mark.parametrize("text", ["", ":", "4711", ":4711", "host:", "host:port", "host:-1", "host:65536", "unix:"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(UserError, match="HOST:PORT"):
        parse_listen(text)


def test_a_name_with_several_addresses_listens_at_one_port() -> None:
    with open_sockets(TcpAddress("localhost", 0)) as sockets:
        assert len({opened.getsockname()[1] for opened in sockets}) == 1
        assert all(format_address(opened).startswith(("127.0.0.1:", "[::1]:")) for opened in sockets)
        assert not any(map(is_reachable_by_others, sockets))


def test_any_address_is_reachable_by_others() -> None:
    with open_sockets(TcpAddress("0.0.0.0", 0)) as [opened]:
        assert is_reachable_by_others(opened)


def test_a_port_in_use_is_said() -> None:
    with open_sockets(TcpAddress("127.0.0.1", 0)) as [opened]:
        port = opened.getsockname()[1]
        with (
            pytest.raises(UserError, match=f"can't listen on 127.0.0.1:{port}: Address already in use"),
            open_sockets(TcpAddress("127.0.0.1", port)),
        ):
            pass
