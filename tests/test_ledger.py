"""The ledger, on real SQLite files."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine import schema
from engine.database import FILE
from engine.errors import (
    Cancelled,
    ConfigError,
    EaselError,
    LedgerBroken,
    LedgerBusy,
    LedgerTooNew,
    LimitReached,
    NotFound,
)
from engine.files import picture_path, save_picture
from engine.ledger import Ledger
from engine.types import Generation, GenerationRequest, Limit, Origin, Picture, Status, first_id_at
from tests.fakes import paint, small_catalog

ANN = Origin("1", "10", "100")
BOB = Origin("2", "10", "100")


def ask(prompt: str = "a fox", **options: object) -> GenerationRequest:
    return small_catalog().request("tiny", prompt, **options)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    async with Ledger.open(tmp_path) as ledger:
        yield ledger


async def stored(ledger: Ledger, prompt: str = "a fox", origin: Origin = ANN, **options: object) -> Generation:
    """A job that went all the way, with its files."""
    job = await ledger.enqueue(ask(prompt, **options), origin)
    leased = await ledger.lease(job.id)
    assert leased is not None
    records = []
    for position in range(job.request.num_images):
        seed = job.request.seed + position
        picture = Picture(position, seed, paint(job.request, seed), 64, 64)
        records.append(save_picture(ledger.data_dir, job.id, picture, job.created_at))
    assert await ledger.store(job.id, leased.attempt, records, 1.5)
    return await ledger.get(job.id)


async def test_a_job_is_queued_leased_and_stored_with_its_pictures(ledger: Ledger) -> None:
    done = await stored(ledger, num_images=2, seed=7)
    assert (done.status, done.attempt, done.seconds_running) == (Status.STORED, 1, 1.5)
    assert [picture.seed for picture in done.pictures] == [7, 8]
    for picture in done.pictures:
        assert picture_path(ledger.data_dir, picture.path).read_bytes() == paint(done.request, picture.seed)
    assert await ledger.queued() == []


async def test_the_seed_is_decided_before_the_job_is_queued(ledger: Ledger) -> None:
    job = await ledger.enqueue(ask(seed=-1), ANN)
    assert job.request.seed >= 0
    assert (await ledger.get(job.id)).request == job.request


async def test_the_same_key_is_the_same_job_and_is_charged_once(ledger: Ledger) -> None:
    limits = [Limit("person", "images_a_day", 1)]
    first = await ledger.enqueue(ask(), ANN, key="interaction", limits=limits)
    again = await ledger.enqueue(ask("something else"), ANN, key="interaction", limits=limits)
    assert again == first


async def test_a_late_worker_changes_nothing(ledger: Ledger) -> None:
    job = await ledger.enqueue(ask(), ANN)
    first = await ledger.lease(job.id)
    assert first is not None
    assert await ledger.give_back(job.id, first.attempt)
    second = await ledger.lease(job.id)
    assert second is not None
    assert second.attempt == 2
    assert not await ledger.store(job.id, first.attempt, [], 1.0)
    assert not await ledger.finish(job.id, first.attempt, Status.FAILED, None)
    assert (await ledger.get(job.id)).status is Status.RUNNING
    assert await ledger.finish(job.id, second.attempt, Status.CANCELLED, Cancelled())
    assert await ledger.lease(job.id) is None


async def test_two_who_lease_at_once_do_not_both_get_it(ledger: Ledger) -> None:
    job = await ledger.enqueue(ask(), ANN)
    leases = await asyncio.gather(*(ledger.lease(job.id) for _ in range(10)))
    assert sum(lease is not None for lease in leases) == 1


async def test_leases_die_with_the_boot(tmp_path: Path) -> None:
    async with Ledger.open(tmp_path) as ledger:
        job = await ledger.enqueue(ask(), ANN)
        await ledger.lease(job.id)
    async with Ledger.open(tmp_path) as ledger:
        assert await ledger.expire_leases() == [job.id]
        again = await ledger.lease(job.id)
        assert again is not None
        assert again.attempt == 2
        assert await ledger.expire_leases() == []


async def test_a_second_owner_is_refused_and_a_reader_is_not(ledger: Ledger) -> None:
    job = await ledger.enqueue(ask(), ANN)
    with pytest.raises(LedgerBusy, match="Stop it first"):
        async with Ledger.open(ledger.data_dir):
            pass
    async with Ledger.open(ledger.data_dir, owner=False) as reader:
        assert (await reader.get(job.id)).request == job.request
        with pytest.raises(LedgerBusy):
            await reader.lease(job.id)


async def test_a_folder_without_a_ledger_has_no_history(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="Nothing was painted"):
        async with Ledger.open(tmp_path, owner=False):
            pass


async def test_a_file_from_the_future_is_refused(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / FILE)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(LedgerTooNew, match="Update Easel"):
        async with Ledger.open(tmp_path):
            pass


async def test_limits_are_charged_with_the_job_and_given_back_with_nothing_painted(ledger: Ledger) -> None:
    limits = [Limit("person", "images_a_day", 3), Limit("person", "waiting", 2)]
    job = await ledger.enqueue(ask(num_images=2), ANN, limits=limits)
    with pytest.raises(LimitReached, match="3 pictures a day"):
        await ledger.enqueue(ask(num_images=2), ANN, limits=limits)
    await ledger.enqueue(ask(num_images=2), BOB, limits=limits)
    await ledger.enqueue(ask(), ANN, limits=limits)
    with pytest.raises(LimitReached) as refused:
        await ledger.enqueue(ask(), ANN, limits=limits)
    assert refused.value.retry_after is not None
    assert await ledger.cancel_queued(job.id)
    await ledger.enqueue(ask(num_images=2), ANN, limits=limits)
    with pytest.raises(LimitReached, match="2 jobs at a time"):
        await ledger.enqueue(ask(), ANN, limits=[Limit("person", "waiting", 2)])


async def test_a_hundred_who_ask_at_once_never_pass_the_limit(ledger: Ledger) -> None:
    limits = [Limit("guild", "waiting", 20)]
    asked = [ledger.enqueue(ask(), Origin(str(i), "10"), limits=limits) for i in range(100)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(answer, Generation) for answer in answers) == 20
    assert len({job.id for job in await ledger.queued()}) == 20


async def test_what_fails_beside_the_job_takes_the_job_with_it(ledger: Ledger) -> None:
    async def also(connection: object, id: int) -> None:
        raise ValueError("no room for the delivery")

    with pytest.raises(ValueError, match="no room"):
        await ledger.enqueue(ask(), ANN, also=also)
    assert await ledger.queued() == []
    await ledger.enqueue(ask(), ANN)


async def test_a_task_cancelled_while_it_writes_leaves_the_writer_usable(ledger: Ledger) -> None:
    async def also(connection: object, id: int) -> None:
        await asyncio.sleep(10)

    task = asyncio.create_task(ledger.enqueue(ask(), ANN, also=also))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await ledger.enqueue(ask(), ANN)).status is Status.QUEUED


async def test_deleting_removes_the_files_and_keeps_the_row(ledger: Ledger) -> None:
    done = await stored(ledger, num_images=2)
    removed = await ledger.delete_pictures(done.id)
    assert len(removed) == 2
    assert not any(path.exists() for path in removed)
    assert all(picture.deleted_at for picture in (await ledger.get(done.id)).pictures)
    assert await ledger.delete_pictures(done.id) == []


async def test_a_backup_opens_as_a_ledger_with_its_pictures(ledger: Ledger, tmp_path: Path) -> None:
    done = await stored(ledger)
    copy = tmp_path / "copy"
    await asyncio.gather(ledger.backup(copy), *(ledger.enqueue(ask(), ANN) for _ in range(20)))
    async with Ledger.open(copy) as restored:
        same = await restored.get(done.id)
        assert same == done
        assert picture_path(copy, same.pictures[0].path).read_bytes() == paint(done.request, done.pictures[0].seed)


async def test_a_backup_is_made_beside_a_running_owner(ledger: Ledger, tmp_path: Path) -> None:
    done = await stored(ledger)
    async with Ledger.open(ledger.data_dir, owner=False) as reader:
        await reader.backup(tmp_path / "copy")
    async with Ledger.open(tmp_path / "copy", owner=False) as copy:
        assert await copy.get(done.id) == done


async def test_a_backup_that_was_cut_short_is_not_taken_for_a_whole_one(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stored(ledger)

    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("engine.files.copy_picture", no_room)
        with pytest.raises(EaselError, match="No space"):
            await ledger.backup(tmp_path / "copy")
    assert not (tmp_path / "copy" / FILE).exists()
    await ledger.backup(tmp_path / "copy")
    assert (tmp_path / "copy" / FILE).exists()


async def test_a_folder_in_use_is_no_place_for_a_backup(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="in use"):
        await ledger.backup(ledger.data_dir)
    async with Ledger.open(tmp_path / "other"):
        with pytest.raises(ConfigError, match="in use"):
            await ledger.backup(tmp_path / "other")


async def test_a_task_cancelled_at_any_moment_leaves_a_whole_job_or_none(ledger: Ledger) -> None:
    for moment in range(60):
        task = asyncio.create_task(ledger.enqueue(ask(num_images=2), ANN))
        for _ in range(moment % 20):
            await asyncio.sleep(0)
        await asyncio.sleep(moment // 20 / 1000)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await ledger.enqueue(ask(num_images=2), ANN)
    jobs = await ledger.queued()
    async with ledger.read() as connection:
        [(used,)] = await connection.execute_fetchall("SELECT images FROM usage WHERE scope = 'person'")
        [(words,)] = await connection.execute_fetchall("SELECT count(*) FROM prompts WHERE prompts MATCH 'fox'")
    assert used == 2 * len(jobs)
    assert words == len(jobs) >= 1


async def test_a_file_without_room_refuses_new_jobs_keeps_the_old_and_recovers(ledger: Ledger) -> None:
    first = await ledger.enqueue(ask(), ANN)
    async with ledger.write() as connection:
        await connection.execute("PRAGMA max_page_count = 1")  # SQLite makes that: as many as there are
    asked = [ledger.enqueue(ask("x " * 900), BOB) for _ in range(20)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert "database or disk is full" in map(str, answers)
    async with ledger.write() as connection:
        await connection.execute("PRAGMA max_page_count = 1000000")
    assert (await ledger.enqueue(ask(), ANN)).status is Status.QUEUED
    assert (await ledger.get(first.id)).status is Status.QUEUED
    async with ledger.read() as connection:
        assert list(await connection.execute_fetchall("PRAGMA integrity_check")) == [("ok",)]


async def test_ids_go_on_rising_when_the_clock_was_set_back_between_two_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Ledger.open(tmp_path) as ledger:
        before = await ledger.enqueue(ask(), ANN)
    yesterday = time.time_ns() - 86_400 * 10**9
    monkeypatch.setattr("engine.types.time.time_ns", lambda: yesterday)
    async with Ledger.open(tmp_path) as ledger:
        assert (await ledger.enqueue(ask(), ANN)).id > before.id


async def test_a_clock_set_back_a_day_finds_the_day_as_it_was_left(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = [Limit("person", "images_a_day", 1)]
    now = datetime.now(UTC)
    await ledger.enqueue(ask(), ANN, limits=limits)
    monkeypatch.setattr("engine.ledger._now", lambda: now + timedelta(days=1))
    await ledger.enqueue(ask(), ANN, limits=limits)
    monkeypatch.setattr("engine.ledger._now", lambda: now)
    with pytest.raises(LimitReached):
        await ledger.enqueue(ask(), ANN, limits=limits)


async def test_what_is_too_old_is_deleted_and_what_is_liked_is_not(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=10)
    with monkeypatch.context() as then:
        then.setattr("engine.ledger._now", lambda: long_ago)
        then.setattr(ledger, "_new_id", iter(range(first_id_at(long_ago), 2**62)).__next__)
        old, liked = await stored(ledger), await stored(ledger)
    new = await stored(ledger)
    await ledger.set_favourite("9", liked.id, 0)
    assert await ledger.retain(keep_days=30) == 0
    assert await ledger.retain(keep_days=7) == 1
    gone = {id: (await ledger.get(id)).pictures[0].deleted_at is not None for id in (old.id, liked.id, new.id)}
    assert gone == {old.id: True, liked.id: False, new.id: False}


async def test_retention_by_bytes_deletes_the_oldest_until_the_rest_fits(ledger: Ledger) -> None:
    made = [await stored(ledger, seed=7) for _ in range(5)]
    each = made[0].pictures[0].bytes
    assert await ledger.retain(keep_bytes=5 * each) == 0
    assert await ledger.retain(keep_bytes=3 * each - 1) == 3
    left = [job.id for job in made if (await ledger.get(job.id)).pictures[0].deleted_at is None]
    assert left == [job.id for job in made[3:]]


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED, Status.DEAD])
async def test_a_job_that_ends_without_a_picture_leaves_no_file(ledger: Ledger, status: Status) -> None:
    job = await ledger.enqueue(ask(num_images=2), ANN)
    leased = await ledger.lease(job.id)
    assert leased is not None
    record = save_picture(ledger.data_dir, job.id, Picture(1, 1, b"half of it", 64, 64), job.created_at)
    await ledger.finish(job.id, leased.attempt, status, Cancelled())
    assert not picture_path(ledger.data_dir, record.path).exists()


async def test_a_damaged_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"this is not a ledger " * 100)
    for owner in (True, False):
        with pytest.raises(LedgerBroken, match="put a backup in its place"):
            async with Ledger.open(tmp_path, owner=owner):
                pass


async def test_a_reader_refuses_files_of_other_versions_too(tmp_path: Path) -> None:
    for version, error in ((0, ConfigError), (999, LedgerTooNew)):
        with closing(sqlite3.connect(tmp_path / FILE)) as connection:
            connection.execute(f"PRAGMA user_version = {version}")
            connection.execute("CREATE TABLE IF NOT EXISTS something (x)")
        with pytest.raises(error):
            async with Ledger.open(tmp_path, owner=False):
                pass


async def test_a_data_folder_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ConfigError, match=r"storage\.data_dir"):
        async with Ledger.open(tmp_path / "file" / "data"):
            pass


def test_an_interrupted_migration_leaves_the_file_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        schema.migrate(connection)
        broken = "CREATE TABLE half (x); INSERT INTO nowhere VALUES (1);"
        monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, broken))
        with pytest.raises(sqlite3.OperationalError, match="nowhere"):
            schema.migrate(connection)
        assert schema.check(connection) == len(schema.MIGRATIONS) - 1
        assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'half'").fetchone() == (0,)
