import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dapbridge.errors import ProtocolError
from dapbridge.runtimes.docker_frames import FrameDecoder


def frame(stream: int, data: bytes) -> bytes:
    return struct.pack(">B3xI", stream, len(data)) + data


def decode(*chunks: bytes) -> tuple[bytes, bytes]:
    """Return all of stdout and all of stderr."""
    decoder = FrameDecoder()
    outputs = [output for chunk in chunks for output in decoder.receive_data(chunk)]
    return tuple(b"".join(each.data for each in outputs if each.is_stderr == is_stderr) for is_stderr in (False, True))


STREAM = frame(1, b"hello ") + frame(2, b"oops") + frame(1, b"") + frame(1, b"world")


def test_whole_frames_are_parted_by_stream() -> None:
    assert decode(STREAM) == (b"hello world", b"oops")


def test_the_stream_may_come_byte_by_byte() -> None:
    assert decode(*(STREAM[i : i + 1] for i in range(len(STREAM)))) == (b"hello world", b"oops")


def test_data_is_passed_on_before_its_frame_is_whole() -> None:
    assert decode(frame(1, b"hello world")[:13]) == (b"hello", b"")


@given(
    frames=st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=50))),
    cuts=st.lists(st.integers(min_value=0, max_value=400)),
)
def test_any_frames_cut_anywhere_come_out_intact(frames: list[tuple[int, bytes]], cuts: list[int]) -> None:
    stream = b"".join(frame(number, data) for number, data in frames)
    edges = [0, *sorted(cuts), len(stream)]
    chunks = [stream[start:end] for start, end in pairwise(edges)]
    expected = tuple(b"".join(data for number, data in frames if number == wanted) for wanted in (1, 2))
    assert decode(*chunks) == expected


@pytest.mark.parametrize("bad", [b"HTTP/1.1 200 OK", b"\x01\x00\x00\x01\x00\x00\x00\x01x"])
def test_bytes_that_are_no_frame_are_a_protocol_error(bad: bytes) -> None:
    with pytest.raises(ProtocolError, match="no Docker stream header"):
        decode(bad)
