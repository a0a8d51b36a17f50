"""Drill 7: the disk is full. What runs waits, what is new is refused politely, and all goes on once there is room."""

from __future__ import annotations

import asyncio
import io
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.drills.easel import BotProcess, bot_here, results_of, rows, settled, until
from tests.fakes import FakeEngine, small_catalog
from tests.wire import Channel, Member, WireDiscord

Figure = Callable[[str], None]


async def test_a_database_that_cannot_grow_refuses_new_jobs_and_keeps_the_one_that_runs(
    wire: WireDiscord, ada: Member, room: Channel, tmp_path: Path, figure: Figure
) -> None:
    """SQLITE_FULL, by `PRAGMA max_page_count`."""
    engine = FakeEngine(gate=asyncio.Event())
    assert engine.gate is not None
    async with bot_here(wire, tmp_path, engine, small_catalog()) as easel:
        running = await wire.slash(ada, room, "imagine", prompt="fox no 1x")
        await until(lambda: engine.active, 10, "the job to run")
        refused = 0
        async with easel.ledger.write() as connection:
            pages = [row[0] for row in await connection.execute_fetchall("PRAGMA page_count")]
        assert easel.ledger._writer is not None
        await easel.ledger._writer.execute(f"PRAGMA max_page_count = {pages[0]}")
        while refused < 3:
            asked = await wire.slash(ada, room, "imagine", prompt="y" * 1500)
            refused += asked.answer == 4
            if asked.answer == 4:
                assert asked.ephemeral
                assert "was not taken" in (await asked.message()).text
        await easel.ledger._writer.execute("PRAGMA max_page_count = 1000000")
        engine.gate.set()
        await until(lambda: settled(easel.ledger.data_dir), 60, "every end to be delivered")
        assert len(results_of(wire.judge, running, "fox no 1x")) == 1
        after = await wire.slash(ada, room, "imagine", prompt="fox no 2x")
        await after.result()
    figure(f"SQLITE_FULL: {refused} refused politely, the running one delivered, the next one painted")
    wire.judge.assert_clean()


async def test_files_that_cannot_grow_refuse_new_jobs_and_keep_the_one_that_runs(
    wire: WireDiscord, ada: Member, room: Channel, tmp_path: Path, figure: Figure
) -> None:
    """EFBIG, by RLIMIT_FSIZE of the running process: pictures, ledger and logs cannot be written."""
    async with BotProcess(wire, tmp_path) as easel:
        assert easel.process is not None
        running = await wire.slash(ada, room, "imagine", prompt="slow fox no 1x", steps=20)
        await until(easel.tries, 30, "the job to run")
        unlimited = resource.RLIM_INFINITY
        resource.prlimit(easel.process.pid, resource.RLIMIT_FSIZE, (2048, unlimited))
        asked = await wire.slash(ada, room, "imagine", prompt="fox no 2x")
        assert asked.answer == 4
        assert asked.ephemeral
        words = (await asked.message()).text
        await asyncio.sleep(3)
        assert not wire.judge.results()
        resource.prlimit(easel.process.pid, resource.RLIMIT_FSIZE, (unlimited, unlimited))
        message = await running.result(60)
        await until(lambda: settled(tmp_path / "data"), 60, "every end to be delivered")
        assert wire.judge.results() == [message]
        after = await wire.slash(ada, room, "imagine", prompt="fox no 3x")
        await after.result()
        assert easel.rows("PRAGMA integrity_check") == [("ok",)]
    figure(f"EFBIG: refused with {words[:60]!r}…, the running one delivered afterwards, the next one painted")
    wire.judge.assert_clean()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mounting, check=False).returncode:
        pytest.skip("a tmpfs cannot be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def fill(file: Path) -> None:
    """Writes until nothing more fits."""
    with file.open("wb", buffering=0) as stream, pytest.raises(OSError, match="No space left"):
        _write_on(stream)


def _write_on(stream: io.RawIOBase) -> None:
    while True:
        stream.write(bytes(4096))


async def test_a_disk_without_room_refuses_new_jobs_until_there_is_some(
    wire: WireDiscord, ada: Member, room: Channel, small_disk: Path, figure: Figure
) -> None:
    """ENOSPC, on a small tmpfs."""
    engine = FakeEngine(gate=asyncio.Event())
    assert engine.gate is not None
    async with bot_here(wire, small_disk, engine, small_catalog()) as easel:
        running = await wire.slash(ada, room, "imagine", prompt="fox no 1x")
        await until(lambda: engine.active, 10, "the job to run")
        fill(small_disk / "fill")
        asked = await wire.slash(ada, room, "imagine", prompt="y" * 1500)
        engine.gate.set()
        await asyncio.sleep(1)
        assert asked.answer == 4
        assert not wire.judge.results()
        (small_disk / "fill").unlink()
        await until(lambda: settled(easel.ledger.data_dir), 60, "every end to be delivered")
        assert len(results_of(wire.judge, running, "fox no 1x")) == 1
        assert rows(easel.ledger.data_dir, "PRAGMA integrity_check") == [("ok",)]
    figure("ENOSPC: refused politely, the running one delivered once there was room")
    wire.judge.assert_clean()
