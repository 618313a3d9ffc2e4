import pytest
from hypothesis import given
from hypothesis import strategies as st

from dapbridge.dap.framing import MAX_BODY_BYTES, MAX_HEADER_BYTES, FrameReader, format_frame
from dapbridge.errors import ProtocolError


def read(*chunks: bytes) -> list[bytes]:
    reader = FrameReader()
    return [body for chunk in chunks for body in reader.receive_data(chunk)]


def one_by_one(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


def test_whole_frame() -> None:
    assert read(b"Content-Length: 2\r\n\r\n{}") == [b"{}"]


def test_byte_by_byte() -> None:
    assert read(*one_by_one(format_frame(b'{"a":1}') + format_frame(b"") + format_frame(b"x"))) == [
        b'{"a":1}',
        b"",
        b"x",
    ]


def test_a_tail_waits_for_its_rest() -> None:
    reader = FrameReader()
    assert list(reader.receive_data(format_frame(b"one") + b"Content-Le")) == [b"one"]
    assert list(reader.receive_data(b"ngth: 3\r\n\r\ntw")) == []
    assert list(reader.receive_data(b"o")) == [b"two"]


def test_bytes_are_taken_even_if_nobody_iterates() -> None:
    reader = FrameReader()
    reader.receive_data(format_frame(b"one"))
    assert list(reader.receive_data(format_frame(b"two"))) == [b"one", b"two"]


@pytest.mark.parametrize(
    "header",
    [
        b"content-length: 2\r\n\r\n",
        b"CONTENT-LENGTH:2\r\n\r\n",
        b"Content-Length:   2  \r\n\r\n",
        b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: 2\r\n\r\n",
        b"Content-Length: 2\r\nX-Other: a:b\r\n\r\n",
        b"Content-Length: 2\n\n",
    ],
)
def test_headers_that_are_understood(header: bytes) -> None:
    assert read(header + b"{}" + format_frame(b"next")) == [b"{}", b"next"]
    assert read(*one_by_one(header + b"{}")) == [b"{}"]


@pytest.mark.parametrize(
    ("header", "what"),
    [
        (b"GET / HTTP/1.1\r\n", "without a colon: 'GET / HTTP/1.1'"),
        (b"\r\n", "without Content-Length"),
        (b"Content-Type: x\r\n\r\n", "without Content-Length"),
        (b"Content-Length: two\r\n", "'two'"),
        (b"Content-Length: -1\r\n", "'-1'"),
        (b"Content-Length: +1\r\n", "not a number"),
        (b"Content-Length: 1_0\r\n", "not a number"),
        (b"Content-Length:\r\n", "not a number"),
        (b"Content-Length: %d\r\n" % (MAX_BODY_BYTES + 1), str(MAX_BODY_BYTES)),
        (b"Content-Length: " + b"9" * 5000 + b"\r\n", "not a number"),
        (b"Content-Length: 1\r\nContent-Length: 2\r\n", "two Content-Length"),
        (b"x" * (MAX_HEADER_BYTES + 1), f"{MAX_HEADER_BYTES} bytes"),
        (b"a: b\r\n" * MAX_HEADER_BYTES, f"{MAX_HEADER_BYTES} bytes"),
    ],
)
def test_headers_that_break_the_framing(header: bytes, what: str) -> None:
    with pytest.raises(ProtocolError, match=what):
        read(header)
    with pytest.raises(ProtocolError, match=what):
        read(*one_by_one(header))


def test_frames_before_the_break_are_given_first() -> None:
    frames = FrameReader().receive_data(format_frame(b"good") + b"nonsense\r\n")
    assert next(frames) == b"good"
    with pytest.raises(ProtocolError):
        next(frames)


def test_the_largest_header_and_body_are_taken() -> None:
    padding = b"X: " + b"x" * (MAX_HEADER_BYTES - len(b"X: \r\nContent-Length: 1\r\n\r\n")) + b"\r\n"
    assert read(padding + b"Content-Length: 1\r\n\r\n!") == [b"!"]
    with pytest.raises(ProtocolError):
        read(b"x" + padding + b"Content-Length: 1\r\n\r\n!")
    assert [len(body) for body in read(b"Content-Length: %d\r\n\r\n" % MAX_BODY_BYTES, bytes(MAX_BODY_BYTES))] == [
        MAX_BODY_BYTES
    ]


@given(st.lists(st.binary(max_size=50), max_size=5), st.data())
def test_round_trip_however_it_is_cut(bodies: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(map(format_frame, bodies))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    chunks = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert read(*chunks) == bodies
