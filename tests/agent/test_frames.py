"""The channels over one stream."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dapbridge.agent.frames import CLOSE, CONTROL, CREDIT, DATA, MAX_CHUNK, MAX_CONTROL, WINDOW, Channels, FrameError

Received = list[tuple[int, bytes | None]]


def frame(kind: int, channel: int, payload: bytes = b"") -> bytes:
    return struct.pack("!BII", kind, channel, len(payload)) + payload


def pair(*channels: int) -> tuple[Channels, Channels]:
    sides = Channels(), Channels()
    for side in sides:
        for channel in channels:
            side.open(channel)
    return sides


def all_data(side: Channels) -> bytes:
    return b"".join(iter(side.data_to_send, b""))


def joined(received: Received, channel: int) -> bytes:
    return b"".join(payload or b"" for number, payload in received if number == channel)


def example() -> tuple[bytes, Received]:
    sender = pair(2)[0]
    sender.send_control(b'{"a": 1}')
    sender.send(2, b"hello")
    sender.close(2)
    return all_data(sender), [(CONTROL, b'{"a": 1}'), (2, b"hello"), (2, None)]


def test_whole() -> None:
    data, events = example()
    assert list(pair(2)[1].receive_data(data)) == events


def test_byte_by_byte() -> None:
    data, events = example()
    receiver = pair(2)[1]
    assert [event for byte in data for event in receiver.receive_data(bytes([byte]))] == events


def test_with_a_tail() -> None:
    data, events = example()
    tail = frame(DATA, CONTROL, b"late")
    receiver = pair(2)[1]
    assert list(receiver.receive_data(data + tail[:5])) == events
    assert list(receiver.receive_data(tail[5:])) == [(CONTROL, b"late")]


@given(
    st.lists(st.tuples(st.sampled_from([CONTROL, 2, 3]), st.binary(max_size=200)), max_size=30),
    st.integers(1, 300),
)
def test_round_trip_in_any_pieces(sent: list[tuple[int, bytes]], piece: int) -> None:
    sender, receiver = pair(2, 3)
    received: Received = []
    for channel, data in sent:
        if channel == CONTROL:
            sender.send_control(data)
        else:
            sender.send(channel, data)
    stream = all_data(sender)
    for start in range(0, len(stream), piece):
        received += list(receiver.receive_data(stream[start : start + piece]))
    assert [data for channel, data in received if channel == CONTROL] == [d for c, d in sent if c == CONTROL]
    for channel in (2, 3):
        assert joined(received, channel) == b"".join(d for c, d in sent if c == channel)
    assert not sender.has_unsent()


def test_what_has_no_credit_waits_until_the_peer_has_consumed() -> None:
    sender, receiver = pair(2)
    content = bytes(range(256)) * (WINDOW // 100)
    sender.send(2, content)
    received = list(receiver.receive_data(all_data(sender)))
    assert len(joined(received, 2)) == WINDOW
    assert sender.room(2) == 0
    assert sender.has_unsent()
    while sender.has_unsent():
        receiver.consume(2, WINDOW // 2)
        list(sender.receive_data(all_data(receiver)))
        received += list(receiver.receive_data(all_data(sender)))
    assert joined(received, 2) == content


def test_the_close_comes_after_all_that_waited_for_credit() -> None:
    sender, receiver = pair(2)
    sender.send(2, b"x" * (WINDOW + 1))
    sender.close(2)
    assert (2, None) not in list(receiver.receive_data(all_data(sender)))
    receiver.consume(2, WINDOW)
    list(sender.receive_data(all_data(receiver)))
    assert list(receiver.receive_data(all_data(sender))) == [(2, b"x"), (2, None)]


def test_credit_that_comes_after_the_close_does_not_close_again() -> None:
    sender, receiver = pair(2)
    sender.send(2, b"x" * WINDOW)
    sender.close(2)
    received = list(receiver.receive_data(all_data(sender)))
    assert received[-1] == (2, None)
    receiver.consume(2, WINDOW)
    list(sender.receive_data(all_data(receiver)))
    assert all_data(sender) == b""


def test_control_overtakes_a_flood() -> None:
    sender, receiver = pair(2)
    sender.send(2, b"x" * WINDOW)
    first = sender.data_to_send()
    sender.send_control(b"now")
    second = list(receiver.receive_data(first + sender.data_to_send()))
    assert [channel for channel, _ in second] == [2, CONTROL, 2]


def test_control_needs_no_credit() -> None:
    sender, receiver = pair(2)
    sender.send(2, b"x" * 2 * WINDOW)
    all_data(sender)
    sender.send_control(b"now")
    assert list(receiver.receive_data(sender.data_to_send())) == [(CONTROL, b"now")]


def test_a_flood_on_one_channel_delays_another_by_one_chunk() -> None:
    sender, receiver = pair(2, 3)
    sender.send(2, b"x" * WINDOW)
    sender.send(3, b"quick")
    events = list(receiver.receive_data(sender.data_to_send()))
    assert events == [(2, b"x" * MAX_CHUNK), (3, b"quick")]


def test_small_writes_share_a_frame() -> None:
    sender, receiver = pair(2)
    for number in range(10):
        sender.send(2, b"%d" % number)
    assert list(receiver.receive_data(all_data(sender))) == [(2, b"0123456789")]


def test_a_channel_closed_by_both_can_be_opened_again() -> None:
    one, other = pair(2)
    one.close(2)
    list(other.receive_data(all_data(one)))
    other.close(2)
    list(one.receive_data(all_data(other)))
    one.open(2)
    other.open(2)
    one.send(2, b"again")
    assert list(other.receive_data(all_data(one))) == [(2, b"again")]


def test_what_comes_on_a_channel_that_is_not_open_is_ignored() -> None:
    receiver = Channels()
    late = frame(DATA, 7, b"late") + frame(CREDIT, 7, struct.pack("!I", 5)) + frame(CLOSE, 7)
    assert list(receiver.receive_data(late + frame(DATA, CONTROL, b"x"))) == [(CONTROL, b"x")]
    receiver.send(7, b"x")
    receiver.close(7)
    assert receiver.data_to_send() == b""


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (frame(9, 2), "no frame of kind 9"),
        (frame(CLOSE, CONTROL), "no frame of kind 2 can come on channel 0"),
        (frame(CREDIT, 2, b"\0" * 3), "can't have 3 bytes"),
        (frame(CLOSE, 2, b"x"), "can't have 1 bytes"),
        (struct.pack("!BII", DATA, 2, MAX_CHUNK + 1), f"can't have {MAX_CHUNK + 1} bytes"),
        (struct.pack("!BII", DATA, CONTROL, MAX_CONTROL + 1), f"can't have {MAX_CONTROL + 1} bytes"),
        (frame(CREDIT, 2, struct.pack("!I", 5)), "credit for 5 bytes that it had not sent"),
        (frame(CLOSE, 2) + frame(DATA, 2, b"x"), "was closed, and more came"),
        (frame(DATA, 2, b"x" * MAX_CHUNK) * (WINDOW // MAX_CHUNK + 1), f"{MAX_CHUNK} bytes more than its credit"),
    ],
)
def test_what_breaks_the_rules_is_refused(data: bytes, text: str) -> None:
    with pytest.raises(FrameError, match=text):
        list(pair(2)[1].receive_data(data))


@given(st.binary(max_size=100))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    with contextlib.suppress(FrameError):
        list(pair(2)[1].receive_data(data))


def test_a_control_message_may_open_the_channel_of_the_frame_behind_it() -> None:
    sender, receiver = pair()
    sender.open(2)
    sender.send_control(b"open 2")
    sender.send(2, b"at once")

    received = []
    for channel, payload in receiver.receive_data(all_data(sender)):
        if payload == b"open 2":
            receiver.open(2)
        received.append((channel, payload))

    assert received == [(CONTROL, b"open 2"), (2, b"at once")]
