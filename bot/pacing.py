"""How often a message changes while work goes on: seldom enough for Discord's limits, and never late at the end."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import suppress

from engine.dispatch import Update
from engine.types import Event, Loading, Status

PROGRESS_INTERVAL_S = 2.5
"""Between two edits of one message."""


QUEUE_EDITS_PER_S = 10.0
"""For all jobs that wait, together: Discord takes 50 requests a second, and results and answers need them more."""


async def paced(
    updates: AsyncIterator[Update], interval: float, crowd: Callable[[], int] = lambda: 1
) -> AsyncGenerator[Update, None]:
    """The newest update at most every `interval` seconds; the first one of painting and the final one at once.

    A job that waits among `crowd()` others is told of less often, the longer the queue. A reader beside keeps taking,
    so that what is shown is never older than what is known.
    """
    newest: list[Update] = []
    news = asyncio.Event()
    started = asyncio.Event()
    final = asyncio.Event()

    async def read() -> None:
        try:
            async for update in updates:
                newest[:] = [update]
                if update.generation is not None:
                    final.set()
                if update.status is Status.QUEUED:
                    started.clear()
                else:
                    started.set()
                news.set()
        finally:
            final.set()
            started.set()
            news.set()

    reader = asyncio.create_task(read())
    try:
        while True:
            await news.wait()
            news.clear()
            waits = False
            if newest:
                update = newest.pop()
                waits = update.status is Status.QUEUED
                yield update
            if final.is_set() and not newest:
                await reader
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(max(interval, crowd() / QUEUE_EDITS_PER_S) if waits else interval):
                    await (started if waits else final).wait()
    finally:
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)


async def sparse(events: AsyncIterator[Event]) -> AsyncIterator[Loading]:
    """What is worth an edit: the first word of loading, and then one every few seconds."""
    shown = -math.inf
    async for event in events:
        if isinstance(event, Loading) and time.monotonic() - shown >= PROGRESS_INTERVAL_S:
            yield event
            shown = time.monotonic()
