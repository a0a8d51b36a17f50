"""How often a message changes while a job waits and is painted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from bot.pacing import paced
from engine.dispatch import Update
from engine.types import Progress, Status

WAITS, STARTS = Update(1, Status.QUEUED), Update(1, Status.RUNNING)


async def test_the_start_of_painting_is_told_at_once_however_long_the_queue_was() -> None:
    async def updates() -> AsyncIterator[Update]:
        yield WAITS
        await asyncio.sleep(0)
        yield STARTS

    async with asyncio.timeout(5):
        shown = [update async for update in paced(updates(), interval=3600, crowd=lambda: 36_000)]
    assert shown == [WAITS, STARTS]


async def test_the_longer_the_queue_the_less_often_each_job_in_it_is_told_of() -> None:
    asked: list[float] = []
    turns = iter([1, 1, 36_000])

    def crowd() -> int:
        asked.append(next(turns))
        return int(asked[-1])

    async def updates() -> AsyncIterator[Update]:
        while len(asked) < 3:
            yield WAITS
            await asyncio.sleep(0.01)
        for _ in range(100):
            yield WAITS
        yield STARTS

    shown = [update async for update in paced(updates(), interval=0, crowd=crowd)]
    assert shown == [WAITS, WAITS, WAITS, STARTS]


async def test_a_job_that_goes_back_to_the_queue_waits_its_turn_again() -> None:
    async def updates() -> AsyncIterator[Update]:
        for update in (WAITS, STARTS, WAITS, *[Update(1, Status.RUNNING, event=Progress(1, 2))]):
            yield update
            await asyncio.sleep(0.01)

    shown = [update.status async for update in paced(updates(), interval=0, crowd=lambda: 36_000)]
    assert shown[-1] is Status.RUNNING
    assert shown[0] is Status.QUEUED
