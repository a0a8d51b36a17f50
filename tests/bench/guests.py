"""C8: somebody who asks for one picture while another has asked for twenty."""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path

from engine.config import EngineConfig
from engine.dispatch import Dispatcher
from engine.ledger import Ledger
from engine.local import LocalEngine
from engine.types import Origin, Status
from tests.bench.arms import Goal, Report, report
from tests.bench.lag import spec_in

HOG, GUEST = Origin("hog", guild_id="1"), Origin("guest", guild_id="1")


async def latencies(folder: Path, rounds: int, jobs: int) -> dict[str, list[float]]:
    """Seconds of the guest's picture, alone and beside the other's, in turns; ledger, dispatcher, worker are real."""
    catalog = spec_in(folder)
    found: dict[str, list[float]] = {"alone": [], "beside": []}
    async with (
        LocalEngine(EngineConfig(device="cpu"), catalog) as engine,
        Ledger.open(folder / "data") as ledger,
        Dispatcher(ledger, engine, catalog, min_free_bytes=0) as dispatcher,
    ):

        async def submit(origin: Origin, seed: int) -> int:
            request = catalog.request("tiny", "a red fox", seed=seed)
            return (await dispatcher.submit(request, origin)).id

        async def painted(id: int) -> None:
            async for update in dispatcher.watch(id):
                if update.status.final:
                    assert update.status is Status.STORED, f"it was {update.status}"

        async def guest(seed: int) -> float:
            began = time.perf_counter()
            await painted(await submit(GUEST, seed))
            return time.perf_counter() - began

        await guest(0)  # loads the model
        for number in range(rounds):
            found["alone"].append(await guest(1000 + number))
            first, *others = [await submit(HOG, 2000 + number * jobs + each) for each in range(jobs)]
            await painted(first)  # they are under way, and the guest comes in their midst
            found["beside"].append(await guest(3000 + number))
            waiting = [id for id in others if not (await ledger.get(id)).status.final]
            assert waiting, "the other's pictures were done before the guest's"
            for id in waiting:
                await dispatcher.cancel(id)
            await guest(4000 + number)  # until what was under way has ended
    return found


def c8(folder: Path, *, rounds: int = 4, jobs: int = 20) -> Report:
    found = asyncio.run(latencies(folder, rounds, jobs))
    alone, beside = (statistics.median(found[name]) for name in ("alone", "beside"))
    figures = {"latency beside twenty ÷ alone": (beside / alone, Goal(at_most=2))}
    return report(figures, {"alone, s": round(alone, 3), "beside, s": round(beside, 3)}, rounds=rounds)
