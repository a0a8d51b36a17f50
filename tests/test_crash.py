"""Kill -9 at every commit and every rename of a small day: what somebody was told holds, and nothing lies around."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from engine.dispatch import Dispatcher
from engine.files import picture_path
from engine.ledger import Ledger
from engine.types import Status
from tests.fakes import FakeEngine, small_catalog

MOMENTS = [f"{when} commit {n}" for n in range(1, 13) for when in ("before", "after")]
MOMENTS += [f"{when} rename {n}" for n in range(1, 5) for when in ("before", "after")]


async def live_until(moment: str, data_dir: Path) -> tuple[int, list[tuple[str, int]]]:
    """The exit code of the day, and what was told until then."""
    command = (sys.executable, "-m", "tests.crash_child", str(data_dir), moment)
    process = await asyncio.create_subprocess_exec(
        *command, cwd=Path(__file__).parents[1], stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        output, _ = await process.communicate()
    assert process.returncode is not None
    words = [line.split(maxsplit=1) for line in output.decode().splitlines() if not line.startswith("the end")]
    return process.returncode, [(what, int(id)) for what, id in words]


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["never", *MOMENTS])
async def test_what_was_told_holds_after_a_kill(moment: str, tmp_path: Path) -> None:
    code, told = await live_until(moment, tmp_path)
    assert code == (0 if moment == "never" else -9)
    queued, cancelled, stored, deleted = (
        {id for what, id in told if what == kind} for kind in ("queued", "cancelled", "stored", "deleted")
    )
    async with Ledger.open(tmp_path) as ledger:
        async with (
            Dispatcher(ledger, FakeEngine(), small_catalog(), min_free_bytes=0) as dispatcher,
            asyncio.timeout(20),
        ):
            for id in [*await ledger.running(), *(job.id for job in await ledger.queued())]:
                async for _ in dispatcher.watch(id):
                    pass
        async with ledger.read() as connection:
            assert list(await connection.execute_fetchall("PRAGMA integrity_check")) == [("ok",)]
            found = await connection.execute_fetchall("SELECT id FROM generations ORDER BY id")
        jobs = {int(id): await ledger.get(int(id)) for (id,) in found}
    assert queued <= jobs.keys()
    assert len(jobs) - len(queued) in (0, 1), "more jobs than were asked for"
    assert all(jobs[id].status is Status.CANCELLED for id in cancelled)
    assert all(jobs[id].status is Status.STORED for id in stored)
    assert all(job.status in (Status.STORED, Status.CANCELLED) and job.attempt <= 2 for job in jobs.values())
    pictures = [picture for job in jobs.values() for picture in job.pictures]
    assert all(picture.deleted_at for picture in pictures if picture.generation_id in deleted)
    recorded = {picture_path(tmp_path, picture.path) for picture in pictures if not picture.deleted_at}
    there = {path for path in (tmp_path / "pictures").rglob("*") if path.is_file()}
    assert there <= recorded, "files that nobody knows of"
    missing = {path for path in recorded if not path.exists()}
    # A kill in the middle of deleting: the files are gone first, and pressing Delete again finishes it.
    assert not missing or (len(missing) == 2 and moment.startswith("before commit") and not deleted)
