"""Frames between the engine and its worker: a small JSON head, then raw bytes.

    4 bytes  length of the head      big-endian
    4 bytes  length of the body      big-endian
    head     JSON object, UTF-8
    body     raw bytes (a picture, a preview), mostly empty

Both directions use it. Events and errors travel as heads made here, so that what one side raises is what the other
side raises.
"""

from __future__ import annotations

import asyncio
import json
import struct
from dataclasses import dataclass
from typing import Any, BinaryIO

from engine import errors
from engine.errors import EaselError, EngineLost, InvalidRequest, ModelUnavailable, NotFound, OutOfMemory
from engine.types import Event, Loading, Picture, Progress

_LENGTHS = struct.Struct(">II")
MAX_HEAD = 1 << 20
MAX_BODY = 1 << 28
"""Bounds in bytes; a length beyond them means that the stream is out of step, not that a frame is large."""


class WireError(Exception):
    """The stream is not made of frames."""


@dataclass(frozen=True, slots=True)
class Frame:
    """`head["is"]` names the kind of frame."""

    head: dict[str, Any]
    body: bytes = b""

    def __bytes__(self) -> bytes:
        head = json.dumps(self.head, ensure_ascii=False, separators=(",", ":")).encode()
        if len(head) > MAX_HEAD or len(self.body) > MAX_BODY:
            raise WireError(f"a frame of {len(head)} + {len(self.body)} bytes is too large")
        return _LENGTHS.pack(len(head), len(self.body)) + head + self.body


def _lengths(prefix: bytes) -> tuple[int, int]:
    head, body = _LENGTHS.unpack(prefix)
    if head > MAX_HEAD or body > MAX_BODY:
        raise WireError(f"not a frame: {prefix!r}")
    return head, body


def _frame(head: bytes, body: bytes) -> Frame:
    try:
        values = json.loads(head)
    except ValueError as error:
        raise WireError(f"not a frame's head: {head[:80]!r}") from error
    if not isinstance(values, dict) or "is" not in values:
        raise WireError(f"not a frame's head: {head[:80]!r}")
    return Frame(values, body)


def read_frame(stream: BinaryIO) -> Frame | None:
    """The next frame of a blocking stream; None at its end, also where it ends within a frame (the peer died)."""
    try:
        prefix = stream.read(_LENGTHS.size)
        if len(prefix) < _LENGTHS.size:
            return None
        head_length, body_length = _lengths(prefix)
        rest = stream.read(head_length + body_length)
    except ConnectionError:
        return None
    if len(rest) < head_length + body_length:
        return None
    return _frame(rest[:head_length], rest[head_length:])


async def next_frame(stream: asyncio.StreamReader) -> Frame | None:
    """`read_frame` for asyncio."""
    try:
        head_length, body_length = _lengths(await stream.readexactly(_LENGTHS.size))
        head = await stream.readexactly(head_length)
        return _frame(head, await stream.readexactly(body_length))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


def event_frame(call: int, event: Event) -> Frame:
    """One event of the call of that number."""
    match event:
        case Loading():
            return Frame({"is": "loading", "call": call, "fraction": event.fraction, "text": event.text})
        case Progress():
            return Frame({"is": "progress", "call": call, "step": event.step, "of": event.of}, event.preview or b"")
        case Picture():
            size = {"width": event.width, "height": event.height}
            return Frame(
                {"is": "picture", "call": call, "position": event.position, "seed": event.seed} | size, event.png
            )


def frame_event(frame: Frame) -> Event:
    """The event that `event_frame` packed; WireError for any other frame."""
    head = frame.head
    match head["is"]:
        case "loading":
            return Loading(head["fraction"], head["text"])
        case "progress":
            return Progress(head["step"], head["of"], frame.body or None)
        case "picture":
            return Picture(head["position"], head["seed"], frame.body, head["width"], head["height"])
    raise WireError(f"not an event: {head['is']}")


def error_head(error: EaselError) -> dict[str, Any]:
    """An error as JSON: its code, its sentence, and what it was made of."""
    params = {
        name: value if isinstance(value, int | float | None) else str(value) for name, value in error.params.items()
    }
    return {"code": error.code, "message": str(error), "params": params}


def head_error(head: dict[str, Any]) -> EaselError:
    """The error that `error_head` packed, as the same class; an unknown code becomes the family's base."""
    params: dict[str, Any] = head.get("params", {})
    match head.get("code"):
        case InvalidRequest.code:
            return InvalidRequest(**params)
        case ModelUnavailable.code:
            return ModelUnavailable(params["key"], params["reason"], params["hint"], params.get("detail", ""))
        case OutOfMemory.code:
            return OutOfMemory(params["what_to_try"])
        case NotFound.code:
            return NotFound(**params)
        case errors.Cancelled.code:
            return errors.Cancelled(head["message"])
        case errors.GenerationFailed.code:
            return errors.GenerationFailed(head["message"])
        case EngineLost.code:
            return EngineLost(head["message"])
    return EaselError(str(head.get("message", head)))
