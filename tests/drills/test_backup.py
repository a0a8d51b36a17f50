"""Drill 13: a backup while pictures are painted, and going on from it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from engine import schema
from engine.dispatch import Dispatcher
from engine.errors import LedgerTooNew
from engine.files import picture_path
from engine.ledger import FILE, HistoryFilter, Ledger
from engine.types import Origin, Status
from tests.fakes import FakeEngine, small_catalog


async def test_a_backup_taken_under_load_is_whole_and_goes_on(tmp_path: Path, figure: Callable[[str], None]) -> None:
    catalog = small_catalog()
    backup = tmp_path / "backup"
    async with (
        Ledger.open(tmp_path / "data") as ledger,
        Dispatcher(ledger, FakeEngine(slots=2, step_s=0.005), catalog, min_free_bytes=0) as dispatcher,
    ):
        for number in range(60):
            request = catalog.request("tiny", f"fox no {number}", num_images=2)
            await dispatcher.submit(request, Origin(f"person {number % 5}"))
        async with dispatcher.subscribe() as ends:
            async for _ in ends:
                if len(await ledger.history(limit=100)) >= 20:
                    break
        await ledger.backup(backup)
        await dispatcher.drain(0)
    async with Ledger.open(backup) as ledger:
        with closing(sqlite3.connect(backup / FILE)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        stored = await ledger.history(limit=100)
        pictures = [picture for generation in stored for picture in generation.pictures]
        assert len(stored) >= 20
        assert all(picture_path(backup, p.path).stat().st_size == p.bytes for p in pictures)
        left = len(await ledger.queued()) + len(await ledger.running())
        assert len(stored) + left == 60
        async with (
            asyncio.timeout(60),
            Dispatcher(ledger, FakeEngine(slots=2), catalog, min_free_bytes=0) as dispatcher,
            dispatcher.subscribe() as ends,
        ):
            while len(await ledger.history(HistoryFilter(status=Status.STORED), limit=100)) < 60:
                await anext(ends)
    figure(f"backup under load: {len(stored)} stored with {len(pictures)} pictures, {left} still open, all 60 ended")


@pytest.mark.parametrize("version", range(len(schema.MIGRATIONS)))
async def test_a_ledger_of_every_released_schema_is_brought_up_to_date(version: int, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as connection:
        schema.migrate(connection, version)
        assert schema.check(connection) == version
    catalog = small_catalog()
    async with Ledger.open(tmp_path) as ledger:
        queued = await ledger.enqueue(catalog.request("tiny", "a fox"), Origin("ada"))
        assert (await ledger.get(queued.id)).status is Status.QUEUED


async def test_a_ledger_from_the_future_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        connection.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS) + 1}")
    with pytest.raises(LedgerTooNew, match="Update Easel"):
        async with Ledger.open(tmp_path):
            pass
