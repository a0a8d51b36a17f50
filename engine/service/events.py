"""Server-sent events: what a stream looks like, and that its source is closed with its reader."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from fastapi.responses import StreamingResponse
from starlette.types import Send

from engine.service.problems import told

PING_S = 15.0
"""A stream that has nothing to say says so, before a proxy takes it for dead."""

Named = tuple[str, dict[str, Any]]
"""An event's name and its data."""

_EVENT = {
    "type": "object",
    "properties": {"event": {"type": "string"}, "data": {"type": "string", "contentMediaType": "application/json"}},
    "required": ["event", "data"],
}
STREAM: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {"schema": _EVENT}}}}
"""`responses=` of a route that gives a stream."""

_pumps: set[asyncio.Task[None]] = set()
"""Held here, since the event loop holds its tasks weakly."""


class EventStream(StreamingResponse):
    """Sends each event as it comes. An error in the middle becomes the event `error`, the last one."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncGenerator[Named], status_code: int = 200) -> None:
        self._lines = _lines(events)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(self._lines, status_code, headers)

    async def stream_response(self, send: Send) -> None:
        async with aclosing(self._lines):  # also where sending fails: what is not read any more shall end now
            await super().stream_response(send)


async def _lines(events: AsyncGenerator[Named]) -> AsyncGenerator[bytes]:
    """Each event as bytes.

    The source runs in a task of its own: a reader that leaves is cancelled again and again by the server until it is
    gone, and the source shall clean up in peace.
    """
    ready: asyncio.Queue[Named | None] = asyncio.Queue(1)

    async def pump() -> None:
        try:
            async with aclosing(events):
                async for event in events:
                    await ready.put(event)
        except Exception as error:
            await ready.put(("error", {"error": told(error)}))
        await ready.put(None)

    task = asyncio.create_task(pump(), name="events")
    _pumps.add(task)
    task.add_done_callback(_pumps.discard)
    try:
        while True:
            try:
                async with asyncio.timeout(PING_S):
                    event = await ready.get()
            except TimeoutError:
                yield b": still here\n\n"
                continue
            if event is None:
                return
            yield written(*event)
    finally:
        task.cancel()


def written(name: str, data: dict[str, Any]) -> bytes:
    """As https://html.spec.whatwg.org/multipage/server-sent-events.html wants it: JSON has no line ends of its own."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()
