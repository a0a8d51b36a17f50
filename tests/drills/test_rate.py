"""Discord takes fifty requests a second from a bot: progress must never use them up, however long the queue is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from tests.drills.easel import bot_here, settled, until
from tests.fakes import FakeEngine, small_catalog
from tests.wire import Channel, Guild, WireDiscord

PEOPLE = 150
GLOBAL_LIMIT = 50


async def test_the_progress_of_a_long_queue_leaves_room_for_everything_else(
    wire: WireDiscord, guild: Guild, room: Channel, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    people = [wire.add_member(guild, f"Person {number}") for number in range(PEOPLE)]
    engine = FakeEngine(step_s=0.1, gate=asyncio.Event())
    assert engine.gate is not None
    async with bot_here(wire, tmp_path, engine, small_catalog()) as easel:
        for person in people:
            await wire.slash(person, room, "imagine", prompt="a fox", steps=1)
            await asyncio.sleep(0.03)
        began = time.monotonic()
        engine.gate.set()
        await until(lambda: settled(easel.ledger.data_dir), 120, "every end to be delivered")
    wire.judge.calls[:] = [call for call in wire.judge.calls if call.at > began]
    figure(
        f"{PEOPLE} jobs that wait: {len(wire.judge.calls)} requests in {time.monotonic() - began:.0f} s,"
        f" {wire.judge.busiest_second} in the busiest second"
    )
    assert len(wire.judge.results()) == PEOPLE
    assert wire.judge.busiest_second < GLOBAL_LIMIT
    wire.judge.assert_clean()
