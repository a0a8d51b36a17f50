"""Drill 10: the clock jumps by a day, forwards and backwards, while jobs wait and run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from types import SimpleNamespace

import pytest

import bot.store
import engine.dispatch
import engine.ledger
import engine.types
from tests.drills.easel import bot_here, results_of, rows, settled, until
from tests.fakes import FakeEngine, small_catalog
from tests.wire import Channel, Guild, WireDiscord

DAY_S = 86_400


@pytest.mark.parametrize("days", [1, -1])
async def test_a_jump_of_a_day_changes_no_order_and_loses_nothing(
    days: int,
    wire: WireDiscord,
    guild: Guild,
    room: Channel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    figure: Callable[[str], None],
) -> None:
    people = [wire.add_member(guild, f"Person {number}") for number in range(6)]
    painter = FakeEngine(gate=asyncio.Event())
    assert painter.gate is not None
    async with bot_here(wire, tmp_path, painter, small_catalog()) as easel:
        asked = {}
        for number, person in enumerate(people[:3]):
            asked[f"fox no {number}x"] = await wire.slash(person, room, "imagine", prompt=f"fox no {number}x")
        await until(lambda: painter.active, 10, "the first job to run")
        jump(monkeypatch, days * DAY_S)
        for number, person in enumerate(people[3:], 3):
            asked[f"fox no {number}x"] = await wire.slash(person, room, "imagine", prompt=f"fox no {number}x")
        painter.gate.set()
        await until(lambda: settled(easel.ledger.data_dir), 60, "every end to be delivered")
        jobs = rows(easel.ledger.data_dir, "SELECT id, prompt, status, seconds_running FROM generations ORDER BY id")
    figure(
        f"clock {days:+d} day: {len(jobs)} jobs stored in order, longest {max(j[3] for j in jobs):.1f} s on the clock"
    )
    assert [prompt for _, prompt, _, _ in jobs] == list(asked), "ids no longer rise"
    assert painter.started == [id for id, *_ in jobs]
    assert {status for _, _, status, _ in jobs} == {"stored"}
    assert all(0 <= seconds < 60 for *_, seconds in jobs)
    for prompt, invocation in asked.items():
        assert len(results_of(wire.judge, invocation, prompt)) == 1
    wire.judge.assert_clean()


def jump(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Moves the clock on the wall, as Easel sees it; the monotonic one stays."""

    class Moved(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + timedelta(seconds=seconds)

    for module in (bot.store, engine.ledger, engine.dispatch):
        monkeypatch.setattr(module, "datetime", Moved)
    moved = SimpleNamespace(time_ns=lambda: time.time_ns() + int(seconds * 1e9))
    monkeypatch.setattr(engine.types, "time", moved)
