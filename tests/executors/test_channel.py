"""Sending objects between two processes."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from diascope.executors import channel
from diascope.executors.channel import Channel, connected_sockets
from diascope.sample import Item, Sample

Ends = tuple[Channel, Channel]


@pytest.fixture
def ends() -> Iterator[Ends]:
    one, other = map(Channel, connected_sockets())
    yield one, other
    one.close()
    other.close()


def passed(ends: Ends, value: Any) -> Any:
    sender = threading.Thread(target=ends[0].send, args=(value,))
    sender.start()
    received = ends[1].receive()
    sender.join()
    return received


@pytest.mark.parametrize(
    "pixels",
    [
        np.arange(24, dtype=np.uint8).reshape(2, 4, 3),
        np.arange(5_000_000, dtype=np.uint16).reshape(2000, 2500, 1),
        np.asfortranarray(np.random.default_rng(0).random((64, 48, 3), np.float32)),
        np.arange(48, dtype=np.int16).reshape(4, 4, 3)[::2, ::-1],
    ],
    ids=["small", "larger than the socket holds", "Fortran order", "not contiguous"],
)
def test_pixels_arrive_unchanged(ends: Ends, pixels: Any) -> None:
    pixels.flags.writeable = False
    (got,) = passed(ends, [Sample(Item("a", "/a"), pixels, trace=("read",))])
    np.testing.assert_array_equal(got.pixels, pixels)
    assert got.pixels.dtype == pixels.dtype
    assert got.pixels.flags.f_contiguous == pixels.flags.f_contiguous
    assert (got.item, got.trace) == (Item("a", "/a"), ("read",))


def test_received_arrays_are_writable(ends: Ends) -> None:
    got = passed(ends, np.zeros(3))
    got += 1
    assert got.tolist() == [1, 1, 1]


def test_objects_without_arrays_arrive_too(ends: Ends) -> None:
    assert passed(ends, None) is None
    assert passed(ends, {"read": (1.0, 2.0)}) == {"read": (1.0, 2.0)}


def test_the_sockets_have_large_buffers_on_any_system(monkeypatch: pytest.MonkeyPatch) -> None:
    made = socket.socketpair()
    for end in made:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    monkeypatch.setattr(socket, "socketpair", lambda: made)
    one, other = connected_sockets()
    with one, other:
        other.setblocking(False)
        assert other.send(bytes(100_000)) == 100_000  # macOS takes 8 KB by default


def test_a_closed_end_raises_eof_error(ends: Ends) -> None:
    ends[0].close()
    with pytest.raises(EOFError, match="the other end of the channel is gone"):
        ends[1].receive()


def test_an_end_closed_in_the_middle_of_an_object_raises_eof_error() -> None:
    ours, theirs = connected_sockets()
    theirs.sendall(b"\x05\x00\x00")
    theirs.close()
    with ours, pytest.raises(EOFError):
        Channel(ours).receive()


def test_a_pause_of_the_machine_counts_as_one_second_at_most(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    def paused(_: object, seconds: float) -> bool:
        waited.append(seconds)  # however long it took by the clock
        return len(waited) > 2

    monkeypatch.setattr(channel, "wait", paused)
    ends[0].send("late")
    assert ends[1].receive(timeout_s=2.5) == "late"
    assert waited[:3] == [1.0, 1.0, 0.5]


def test_an_object_that_is_late_is_an_error_and_can_be_received_later(ends: Ends) -> None:
    with pytest.raises(TimeoutError, match=r"nothing came for 0\.01 seconds"):
        ends[1].receive(timeout_s=0.01)
    ends[0].send("late")
    assert ends[1].receive(timeout_s=0.01) == "late"


def test_an_object_that_arrives_only_in_part_is_an_error() -> None:
    ours, theirs = connected_sockets()
    with theirs:
        receiver = Channel(ours)
        theirs.sendall(b"\x05\x00\x00")
        with pytest.raises(TimeoutError, match=r"nothing came for 0\.01 seconds"):
            receiver.receive(timeout_s=0.01)
        receiver.close()
