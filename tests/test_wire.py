"""Frames: what goes in at one end comes out at the other, however the bytes are cut."""

from __future__ import annotations

import asyncio
import io

import pytest
from hypothesis import given
from hypothesis import strategies as some

from engine import errors
from engine.types import Event, Loading, Picture, Progress
from engine.wire import Frame, WireError, error_head, event_frame, frame_event, head_error, next_frame, read_frame

heads = some.dictionaries(some.text(), some.none() | some.integers(-(2**53), 2**53) | some.text(), max_size=4)


@given(some.lists(some.tuples(heads, some.binary(max_size=200)), max_size=4))
def test_frames_are_read_back_in_order_until_the_stream_ends(contents: list[tuple[dict[str, object], bytes]]) -> None:
    frames = [Frame(head | {"is": "a test"}, body) for head, body in contents]
    stream = io.BytesIO(b"".join(map(bytes, frames)))
    assert [read_frame(stream) for _ in frames] == frames
    assert read_frame(stream) is None


async def test_asyncio_reads_a_frame_that_arrives_byte_by_byte() -> None:
    frame = Frame({"is": "picture", "prompt": "猫"}, bytes(range(256)))
    reader = asyncio.StreamReader()
    reading = asyncio.create_task(next_frame(reader))
    for byte in bytes(frame):
        reader.feed_data(bytes([byte]))
        await asyncio.sleep(0)
    reader.feed_eof()
    assert await reading == frame
    assert await next_frame(reader) is None


@pytest.mark.parametrize("length", [1, 7, 12, 20])
async def test_a_stream_cut_within_a_frame_has_ended(length: int) -> None:
    cut = bytes(Frame({"is": "beat"}, b"12345678"))[:length]
    reader = asyncio.StreamReader()
    reader.feed_data(cut)
    reader.feed_eof()
    assert read_frame(io.BytesIO(cut)) is None
    assert await next_frame(reader) is None


@pytest.mark.parametrize(
    "garbage",
    [b"Loading pipeline components... 40%", b"\0\0\0\2\0\0\0\0[]", b"\0\0\0\2\0\0\0\0{}", b"\0\0\0\1\0\0\0\0{"],
)
def test_bytes_that_are_no_frame_are_refused(garbage: bytes) -> None:
    with pytest.raises(WireError):
        read_frame(io.BytesIO(garbage))


@pytest.mark.parametrize(
    "event",
    [
        Loading(None, "Loading"),
        Loading(0.25, "Downloading"),
        Progress(1, 20),
        Progress(2, 20, b"a preview"),
        Picture(1, 8, b"a picture", 64, 32),
    ],
)
def test_an_event_survives_the_wire(event: Event) -> None:
    frame = event_frame(5, event)
    assert frame.head["call"] == 5
    assert frame_event(frame) == event


@pytest.mark.parametrize(
    "error",
    [
        errors.InvalidRequest("width", 7, "64 to 128"),
        errors.NotFound("model", "dalle", "Did you mean tiny?"),
        errors.ModelUnavailable("sdxl", "it is gated.", "Accept its licence."),
        errors.OutOfMemory("Try a smaller size."),
        errors.GenerationFailed("The model failed."),
        errors.EngineLost("The worker was lost."),
        errors.Cancelled(),
    ],
)
def test_an_error_is_raised_as_the_same_class_with_the_same_words(error: errors.EaselError) -> None:
    again = head_error(error_head(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert again.params == error.params


def test_an_error_of_a_class_that_is_not_known_keeps_its_words() -> None:
    assert str(head_error({"code": "from the future", "message": "Something new."})) == "Something new."
