"""The dispatcher where nothing can be written, and where it stops."""

from __future__ import annotations

import asyncio
import errno
import sqlite3
from pathlib import Path

import pytest

from engine import dispatch, files
from engine.errors import QueueClosed
from engine.ledger import Ledger
from engine.types import Status
from tests.dispatching import ANN, BOB, ask, end_of, hurry, running
from tests.fakes import FakeEngine


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


async def test_nothing_new_is_taken_while_stopping_or_with_a_full_disk(tmp_path: Path) -> None:
    async with running(tmp_path, FakeEngine(), min_free_bytes=10, free_bytes=lambda _: 9) as dispatcher:
        with pytest.raises(QueueClosed, match="disk is nearly full"):
            await dispatcher.submit(ask(), ANN)
        await dispatcher.drain(0)
    async with running(tmp_path, FakeEngine()) as dispatcher:
        await dispatcher.drain(0)
        with pytest.raises(QueueClosed, match="stopping"):
            await dispatcher.submit(ask(), ANN)


async def test_a_disk_that_fills_up_delays_the_job_until_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, refusals = files.save_picture, [errno.ENOSPC, errno.EFBIG, errno.ENOSPC, errno.ENOSPC]

    def full(*args: object) -> object:
        if refusals:
            raise OSError(refusals.pop(), "No space left on device")
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(files, "save_picture", full)
    async with running(tmp_path, FakeEngine()) as dispatcher:
        done = await end_of(dispatcher, await dispatcher.submit(ask(), ANN))
    assert (done.status, done.attempt) == (Status.STORED, 1)


async def test_a_ledger_without_room_is_waited_for_and_nothing_new_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = FakeEngine(gate=asyncio.Event())
    async with running(tmp_path, engine) as dispatcher:
        job = await dispatcher.submit(ask(), ANN)
        await engine.busy.wait()
        refused, room, real = asyncio.Event(), asyncio.Event(), Ledger.store

        async def store(ledger: Ledger, *args: object) -> bool:
            if not room.is_set():
                refused.set()
                raise sqlite3.OperationalError("database or disk is full")
            return await real(ledger, *args)  # type: ignore[arg-type]

        monkeypatch.setattr(Ledger, "store", store)
        assert engine.gate is not None
        engine.gate.set()
        await refused.wait()
        with pytest.raises(QueueClosed, match="disk is nearly full"):
            await dispatcher.submit(ask(), BOB)
        room.set()
        done = await end_of(dispatcher, job)
        assert (done.status, done.attempt) == (Status.STORED, 1)
        assert (await end_of(dispatcher, await dispatcher.submit(ask(), BOB))).status is Status.STORED


@pytest.mark.parametrize(("refused", "attempts"), [(("save_picture",), 1), (("save_picture", "give_back"), 2)])
async def test_a_stop_with_a_full_disk_ends_and_the_next_start_tries_again(
    refused: tuple[str, ...], attempts: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "LAST_WRITES_S", 0.1)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    engine = FakeEngine()
    with monkeypatch.context() as patched:
        for name in refused:
            patched.setattr(files if name == "save_picture" else Ledger, name, full)
        async with running(tmp_path, engine, drain_s=0.1) as dispatcher:
            job = await dispatcher.submit(ask(), ANN)
            await engine.busy.wait()
    async with running(tmp_path, FakeEngine()) as dispatcher:
        done = await end_of(dispatcher, job)
    assert (done.status, done.attempt) == (Status.STORED, attempts)


async def test_a_folder_that_cannot_be_written_fails_the_job_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(files, "save_picture", forbidden)
    async with running(tmp_path, FakeEngine()) as dispatcher:
        failed = await end_of(dispatcher, await dispatcher.submit(ask(), ANN))
    assert failed.status is Status.FAILED
    assert failed.error_text is not None
    assert "Permission denied" in failed.error_text


async def test_an_error_of_the_engines_line_is_not_taken_for_one_of_the_disk(tmp_path: Path) -> None:
    async with running(tmp_path, FakeEngine(errors=[ConnectionResetError()])) as dispatcher:
        failed = await end_of(dispatcher, await dispatcher.submit(ask(), ANN))
    assert failed.error_text is not None
    assert "ConnectionResetError" in failed.error_text
