"""C5: what the event loop notices of an engine that starts, loads and paints."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

from engine.catalog import TINY_FOLDER, Catalog
from engine.config import EngineConfig
from engine.local import LocalEngine
from engine.types import Picture
from tests.bench.arms import Goal, Report, percentile, report

TICK_S = 0.005


@contextlib.asynccontextmanager
async def watched(lags: list[float]) -> AsyncIterator[None]:
    """Adds to `lags`, in milliseconds, by how much each tick of the loop is late."""

    async def tick() -> None:
        while True:
            due = time.perf_counter() + TICK_S
            await asyncio.sleep(TICK_S)
            lags.append(1000 * (time.perf_counter() - due))

    ticking = asyncio.create_task(tick())
    try:
        yield
    finally:
        ticking.cancel()


def spec_in(folder: Path) -> Catalog:
    """The embedded model alone; where it is not there, one of its classes with random weights."""
    spec = next(iter(Catalog()))
    if not (TINY_FOLDER / "model_index.json").is_file():
        from tests.tinypipes import save_sd

        spec = spec.model_copy(update={"repository": str(save_sd(folder))})
    return Catalog([spec])


async def busy(catalog: Catalog, lags: list[float], pictures: int) -> None:
    """An engine from its start to its end, with previews, and as many pictures at once."""
    async with watched(lags), LocalEngine(EngineConfig(device="cpu"), catalog) as engine:

        async def paint(seed: int) -> None:
            request = catalog.request("tiny", "a red fox", seed=seed)
            found = [event async for event in engine.generate(seed, request) if isinstance(event, Picture)]
            assert len(found) == 1, "the engine painted nothing"

        await asyncio.gather(*(paint(seed + 1) for seed in range(pictures)))


async def idle(lags: list[float], seconds: float) -> None:
    async with watched(lags):
        await asyncio.sleep(seconds)


def c5(folder: Path, *, rounds: int = 2, seconds: float = 4.0, pictures: int = 6) -> Report:
    catalog = spec_in(folder)
    quiet: list[float] = []
    working: list[float] = []

    async def measure() -> None:
        for _ in range(rounds):
            await idle(quiet, seconds)
            await busy(catalog, working, pictures)

    asyncio.run(measure())
    p99 = {"idle": percentile(quiet, 99), "busy": percentile(working, 99)}
    figures = {"busy p99 − idle p99, ms": (p99["busy"] - p99["idle"], Goal(at_most=10))}
    arms = {
        name: {"ticks": len(lags), "p50_ms": percentile(lags, 50), "p99_ms": p99[name], "worst_ms": max(lags)}
        for name, lags in (("idle", quiet), ("busy", working))
    }
    return report(figures, arms, pictures=rounds * pictures)
