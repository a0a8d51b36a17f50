"""A dispatcher over a real ledger, for tests of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from engine import attempt, disk, dispatch
from engine.dispatch import Dispatcher
from engine.ledger import Ledger
from engine.types import Generation, GenerationRequest, Origin
from tests.fakes import FakeEngine, small_catalog

ANN, BOB = Origin("1"), Origin("2")


def ask(prompt: str = "a fox", **options: object) -> GenerationRequest:
    return small_catalog().request("tiny", prompt, **options)


@asynccontextmanager
async def running(folder: Path, engine: FakeEngine, **options: object) -> AsyncIterator[Dispatcher]:
    async with (
        Ledger.open(folder) as ledger,
        Dispatcher(ledger, engine, small_catalog(), **{"min_free_bytes": 0, "drain_s": 1.0} | options) as dispatcher,
    ):  # type: ignore[arg-type]
        yield dispatcher


async def end_of(dispatcher: Dispatcher, job: Generation) -> Generation:
    async with asyncio.timeout(10):
        async for update in dispatcher.watch(job.id):
            if update.generation is not None:
                return update.generation
    raise AssertionError("the watch ended without an end")


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits between attempts are for the world, not for tests."""
    monkeypatch.setattr(attempt, "RETRY_WAIT_S", 0.01)
    monkeypatch.setattr(disk, "FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(dispatch, "LOOK_S", 0.02)
