"""Drill 12: one person queues five hundred jobs, nine queue one each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from engine.dispatch import Dispatcher
from engine.ledger import Ledger
from engine.types import Origin
from tests.fakes import FakeEngine, small_catalog


async def test_nine_people_start_within_ten_dispatches_behind_a_queue_of_five_hundred(
    tmp_path: Path, figure: Callable[[str], None]
) -> None:
    catalog, gate = small_catalog(), asyncio.Event()
    engine = FakeEngine(gate=gate)
    async with Ledger.open(tmp_path) as ledger, Dispatcher(ledger, engine, catalog, min_free_bytes=0) as dispatcher:

        async def ask(person: str) -> int:
            request = catalog.request("tiny", f"a fox for {person}")
            return (await dispatcher.submit(request, Origin(person, guild_id="1"))).id

        for _ in range(500):
            await ask("glutton")
        others = [await ask(f"person {number}") for number in range(9)]
        before = len(engine.started)
        async with dispatcher.subscribe() as finals:
            gate.set()
            async for _ in finals:
                if set(others) <= set(engine.started):
                    break
        dispatches = [engine.started.index(job) - before + 1 for job in others]
        await dispatcher.drain(0)
    figure(f"fairness: 500 jobs of one person, 1 each of nine: they started as dispatches {sorted(dispatches)}")
    assert max(dispatches) <= 10
