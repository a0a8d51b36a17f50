"""The ledger: every job and every picture, in one SQLite file with one owner and one writer.

A generation is `queued`, then `running`, then one of four ends. Every transition is one guarded UPDATE on
(id, status, attempt), so that a worker that comes late changes nothing. What `enqueue` returned cannot be lost:
it is on disk (WAL, synchronous=FULL) before anybody hears of it.
"""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import aiosqlite
from filelock import FileLock, Timeout

from engine import files, rows, schema
from engine.errors import EaselError, LedgerBusy, LimitReached, NotFound
from engine.fairness import Queued
from engine.types import Generation, GenerationRequest, IdMaker, Limit, Origin, PictureRecord, Status

FILE = "easel.sqlite3"
READERS = 3

Also = Callable[[aiosqlite.Connection, int], Awaitable[None]]
"""Writes more rows in the transaction that queues a job: `await also(connection, generation_id)`."""


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """Which generations a page of the history shows; None leaves a field open."""

    person_id: str | None = None
    guild_id: str | None = None
    model: str | None = None
    search: str | None = None
    """Words that the prompt holds, in any order."""
    favourites_of: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    status: Status | None = Status.STORED


class Ledger:
    """Opened with `async with Ledger.open(data_dir) as ledger`."""

    def __init__(
        self, data_dir: Path, writer: aiosqlite.Connection | None, readers: Sequence[aiosqlite.Connection]
    ) -> None:
        self.data_dir = data_dir
        self.boot = secrets.token_hex(8)
        self._writer = writer
        self._writing = asyncio.Lock()
        self._readers: asyncio.Queue[aiosqlite.Connection] = asyncio.Queue()
        for reader in readers:
            self._readers.put_nowait(reader)
        self._new_id = IdMaker()

    @classmethod
    @asynccontextmanager
    async def open(cls, data_dir: Path, *, owner: bool = True) -> AsyncIterator[Ledger]:
        """`owner` takes the lock beside the file (LedgerBusy where another process has it); else reading only.

        A reader of a folder without a ledger meets NotFound.
        """
        file = data_dir / FILE
        lock: FileLock | None = None
        if owner:
            await asyncio.to_thread(data_dir.mkdir, parents=True, exist_ok=True)
            lock = FileLock(data_dir / "owner.lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                raise LedgerBusy(
                    f"Another Easel (a bot, or a command) is using {data_dir}. "
                    "Stop it first, or give this one a data folder of its own."
                ) from None
        elif not file.is_file():
            raise NotFound("ledger", str(data_dir), "Nothing was painted with this data folder yet.")
        connections: list[aiosqlite.Connection] = []
        try:
            writer = None
            if owner:
                await asyncio.to_thread(_prepare, file)
                writer = await _connect(file)
                connections.append(writer)
            for _ in range(READERS):
                connections.append(await _connect(file, read_only=True))
            yield cls(data_dir, writer, connections[1:] if owner else connections)
        finally:
            for connection in connections:
                await connection.close()
            if lock is not None:
                lock.release()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[aiosqlite.Connection]:
        """The one writer, inside a transaction: committed at the end, rolled back on any error."""
        if self._writer is None:
            raise LedgerBusy("This ledger was opened for reading only.")
        async with self._writing:
            # aiosqlite runs a statement to its end even when the task that awaits it is cancelled: shielded, the
            # transaction can never stay open under the next writer.
            await asyncio.shield(self._writer.execute("BEGIN IMMEDIATE"))
            try:
                yield self._writer
            except BaseException:
                await asyncio.shield(self._writer.rollback())
                raise
            try:
                await asyncio.shield(self._writer.commit())
            except sqlite3.Error:
                await asyncio.shield(self._writer.rollback())
                raise

    @asynccontextmanager
    async def read(self) -> AsyncIterator[aiosqlite.Connection]:
        """A reader of one's own for the while; it never waits for the writer."""
        reader = await self._readers.get()
        try:
            yield reader
        finally:
            self._readers.put_nowait(reader)

    # -- a job's life

    async def enqueue(
        self,
        request: GenerationRequest,
        origin: Origin,
        *,
        key: str | None = None,
        parent_id: int | None = None,
        limits: Sequence[Limit] = (),
        also: Also | None = None,
    ) -> Generation:
        """Charges the limits and inserts the job, with its seed decided, in one transaction.

        A `key` that was seen before returns that job, and nothing is queued or charged. Raises LimitReached.
        """
        request = request.with_seed()
        now = _now()
        async with self.write() as connection:
            if key is not None:
                seen = await rows.one(connection, "SELECT id FROM generations WHERE interaction_id = ?", key)
                if seen is not None:
                    return await rows.generation(connection, int(seen[0]))
            await _charge(connection, request, origin, limits, now)
            id = self._new_id()
            await rows.insert_generation(connection, id, request, origin, key, parent_id, _stamp(now), _version())
            await connection.execute(
                "INSERT INTO prompts (rowid, words, whose) VALUES (?, ?, ?)",
                (id, schema.words_of(request.prompt), f"p{origin.person_id} g{origin.guild_id}"),
            )
            if also is not None:
                await also(connection, id)
            return await rows.generation(connection, id)

    async def lease(self, id: int) -> Generation | None:
        """queued -> running, with the next attempt; None where somebody else was faster, or it was cancelled."""
        async with self.write() as connection:
            changed = await connection.execute(
                "UPDATE generations SET status = 'running', attempt = attempt + 1, owner_boot = ?, started_at = ?,"
                " retry_at = NULL WHERE id = ? AND status = 'queued'",
                (self.boot, _stamp(_now()), id),
            )
            return await rows.generation(connection, id) if changed.rowcount else None

    async def give_back(self, id: int, attempt: int, *, count: bool = True, wait: float = 0) -> bool:
        """running -> queued, not to be leased for `wait` seconds; `count=False` where the attempt was not its fault."""
        return await self._move(
            id,
            attempt,
            "status = 'queued', attempt = attempt - ?, owner_boot = NULL, started_at = NULL, retry_at = ?",
            0 if count else 1,
            _stamp(_now() + timedelta(seconds=wait)) if wait else None,
        )

    async def store(self, id: int, attempt: int, pictures: Sequence[PictureRecord], seconds_running: float) -> bool:
        """running -> stored, with the pictures that are on disk already. False for a lease that was lost."""
        async with self.write() as connection:
            if not await _move(
                connection,
                id,
                attempt,
                "status = 'stored', finished_at = ?, seconds_running = ?",
                _stamp(_now()),
                seconds_running,
            ):
                return False
            await connection.executemany(
                "INSERT INTO pictures (generation_id, position, seed, path, bytes, sha256, width, height)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [(p.generation_id, p.position, p.seed, p.path, p.bytes, p.sha256, p.width, p.height) for p in pictures],
            )
            return True

    async def finish(
        self, id: int, attempt: int, status: Status, error: EaselError | None, seconds_running: float | None = None
    ) -> bool:
        """running -> failed, cancelled or dead. What was charged for pictures that never came is given back."""
        async with self.write() as connection:
            moved = await _move(
                connection,
                id,
                attempt,
                "status = ?, finished_at = ?, seconds_running = ?, error_code = ?, error_text = ?",
                status,
                _stamp(_now()),
                seconds_running,
                error.code if error else None,
                str(error) if error else None,
            )
            if moved:
                await _refund(connection, id)
            return moved

    async def cancel_queued(self, id: int) -> bool:
        """queued -> cancelled; False where it runs already, or is over."""
        async with self.write() as connection:
            changed = await connection.execute(
                "UPDATE generations SET status = 'cancelled', finished_at = ?, error_code = 'cancelled'"
                " WHERE id = ? AND status = 'queued'",
                (_stamp(_now()), id),
            )
            if changed.rowcount:
                await _refund(connection, id)
            return bool(changed.rowcount)

    async def _move(self, id: int, attempt: int, changes: str, *values: object) -> bool:
        async with self.write() as connection:
            return await _move(connection, id, attempt, changes, *values)

    async def expire_leases(self) -> list[int]:
        """Jobs that an earlier boot left running go back to the queue, their attempt counted; returns their ids."""
        async with self.write() as connection:
            found = await connection.execute_fetchall(
                "UPDATE generations SET status = 'queued', owner_boot = NULL, started_at = NULL"
                " WHERE finished_at IS NULL AND status = 'running' AND owner_boot IS NOT ? RETURNING id",
                (self.boot,),
            )
        return [int(row[0]) for row in found]

    # -- what is there

    async def queued(self) -> list[Queued]:
        """Every job that waits, oldest first, as the fair choice wants it."""
        async with self.read() as connection:
            found = await connection.execute_fetchall(
                "SELECT id, person_id, guild_id, model, guidance_scale, num_inference_steps, num_images, attempt,"
                " created_at, retry_at FROM generations WHERE finished_at IS NULL AND status = 'queued' ORDER BY id"
            )
        return [rows.queued(row) for row in found]

    async def get(self, id: int) -> Generation:
        async with self.read() as connection:
            return await rows.generation(connection, id)

    async def running(self) -> list[int]:
        async with self.read() as connection:
            found = await connection.execute_fetchall(
                "SELECT id FROM generations WHERE finished_at IS NULL AND status = 'running' ORDER BY id"
            )
        return [int(row[0]) for row in found]

    async def children(self, id: int, limit: int = 10) -> list[int]:
        """The generations that were made from this one, oldest first."""
        async with self.read() as connection:
            found = await connection.execute_fetchall(
                "SELECT id FROM generations WHERE parent_id = ? AND status = 'stored' ORDER BY id LIMIT ?", (id, limit)
            )
        return [int(row[0]) for row in found]

    async def history(
        self, filter: HistoryFilter | None = None, *, before: int | None = None, limit: int = 10
    ) -> list[Generation]:
        """A page, newest first. The next one begins `before` the last id of this one."""
        query, values = rows.history_query(filter or HistoryFilter(), before, limit)
        async with self.read() as connection:
            found = await connection.execute_fetchall(query, values)
            return [await rows.generation(connection, int(row[0])) for row in found]

    # -- pictures

    async def delete_pictures(self, id: int) -> list[Path]:
        """Deletes the files and marks the rows, which stay; returns the files that were there."""
        async with self.write() as connection:
            found = await connection.execute_fetchall(
                "UPDATE pictures SET deleted_at = ? WHERE generation_id = ? AND deleted_at IS NULL RETURNING path",
                (_stamp(_now()), id),
            )
        paths = [files.picture_path(self.data_dir, str(row[0])) for row in found]
        await asyncio.to_thread(_unlink, paths)
        return paths

    async def retain(self, *, keep_days: int | None = None, keep_bytes: int | None = None) -> int:
        """Deletes files that are too old or too many, oldest first, favourites exempt; returns how many."""
        doomed: list[int] = []
        loose = (
            "SELECT p.generation_id, sum(p.bytes) FROM pictures p WHERE p.deleted_at IS NULL AND NOT EXISTS"
            " (SELECT 1 FROM favourites f WHERE f.generation_id = p.generation_id AND f.position = p.position)"
        )
        async with self.read() as connection:
            if keep_days is not None:
                oldest = _stamp(_now() - timedelta(days=keep_days))
                found = await connection.execute_fetchall(
                    f"{loose} AND p.generation_id IN"
                    " (SELECT id FROM generations WHERE status = 'stored' AND created_at < ?) GROUP BY p.generation_id",
                    (oldest,),
                )
                doomed += [int(row[0]) for row in found]
            if keep_bytes is not None:
                total = await rows.one(
                    connection, "SELECT coalesce(sum(bytes), 0) FROM pictures WHERE deleted_at IS NULL"
                )
                excess = int(total[0]) - keep_bytes if total else 0
                found = await connection.execute_fetchall(f"{loose} GROUP BY p.generation_id ORDER BY p.generation_id")
                for row in found:
                    if excess <= 0:
                        break
                    excess -= int(row[1])
                    doomed.append(int(row[0]))
        return sum([len(await self._delete_loose(id)) for id in sorted(set(doomed))])

    async def _delete_loose(self, id: int) -> list[Path]:
        async with self.write() as connection:
            found = await connection.execute_fetchall(
                "UPDATE pictures SET deleted_at = ? WHERE generation_id = ? AND deleted_at IS NULL AND NOT EXISTS"
                " (SELECT 1 FROM favourites f WHERE f.generation_id = pictures.generation_id"
                " AND f.position = pictures.position) RETURNING path",
                (_stamp(_now()), id),
            )
        paths = [files.picture_path(self.data_dir, str(row[0])) for row in found]
        await asyncio.to_thread(_unlink, paths)
        return paths

    # -- what the dispatcher learns

    async def speeds(self) -> dict[str, float]:
        """Seconds that a row-step took, by model."""
        async with self.read() as connection:
            found = await connection.execute_fetchall("SELECT model, seconds_per_row_step FROM speeds")
        return {str(row[0]): float(row[1]) for row in found}

    async def learn_speed(self, model: str, seconds_per_row_step: float) -> None:
        """A running mean that forgets: a fifth of it is the newest job."""
        async with self.write() as connection:
            await connection.execute(
                "INSERT INTO speeds (model, seconds_per_row_step) VALUES (?1, ?2) ON CONFLICT (model)"
                " DO UPDATE SET seconds_per_row_step = 0.8 * seconds_per_row_step + 0.2 * ?2",
                (model, seconds_per_row_step),
            )

    # -- backup

    async def backup(self, to: Path) -> None:
        """A consistent copy of the ledger and its pictures into the folder `to`, while everything goes on."""
        await asyncio.to_thread(_backup, self.data_dir, to)


def _prepare(file: Path) -> None:
    connection = sqlite3.connect(file, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        schema.migrate(connection)
    finally:
        connection.close()


def _uri(file: Path, mode: str) -> str:
    return f"{file.absolute().as_uri()}?mode={mode}"


async def _connect(file: Path, *, read_only: bool = False) -> aiosqlite.Connection:
    uri = _uri(file, "ro" if read_only else "rw")
    connection = await aiosqlite.connect(uri, uri=True, isolation_level=None)
    await connection.execute("PRAGMA busy_timeout = 5000")
    if not read_only:
        await connection.execute("PRAGMA synchronous = FULL")
        await connection.execute("PRAGMA foreign_keys = ON")
    return connection


async def _move(connection: aiosqlite.Connection, id: int, attempt: int, changes: str, *values: object) -> bool:
    """One guarded transition of a running job."""
    changed = await connection.execute(
        f"UPDATE generations SET {changes} WHERE id = ? AND status = 'running' AND attempt = ?", (*values, id, attempt)
    )
    return bool(changed.rowcount)


async def _charge(
    connection: aiosqlite.Connection, request: GenerationRequest, origin: Origin, limits: Iterable[Limit], now: datetime
) -> None:
    """Raises LimitReached before anything is charged. Days are those of the UTC clock, also after it was set."""
    subjects = {"person": origin.person_id, "guild": origin.guild_id or "", "all": ""}
    columns = {"person": "person_id = ?", "guild": "guild_id = ?", "all": "'' = ?"}
    day = f"{now:%Y-%m-%d}"
    for limit in limits:
        subject = subjects[limit.scope]
        if limit.kind == "waiting":
            row = await rows.one(
                connection,
                f"SELECT count(*) FROM generations WHERE finished_at IS NULL AND {columns[limit.scope]}",
                subject,
            )
            if row is not None and row[0] >= limit.maximum:
                raise LimitReached(limit.scope, limit.kind, limit.maximum)
        else:
            row = await rows.one(
                connection,
                "SELECT images FROM usage WHERE scope = ? AND subject = ? AND day = ?",
                limit.scope,
                subject,
                day,
            )
            if (row[0] if row else 0) + request.num_images > limit.maximum:
                tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
                raise LimitReached(limit.scope, limit.kind, limit.maximum, (tomorrow - now).total_seconds())
    for scope, subject in subjects.items():
        if subject or scope == "all":
            await connection.execute(
                "INSERT INTO usage (scope, subject, day, images) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (scope, subject, day) DO UPDATE SET images = images + excluded.images",
                (scope, subject, day, request.num_images),
            )


async def _refund(connection: aiosqlite.Connection, id: int) -> None:
    """Gives back what a job without pictures was charged, on the day it was charged."""
    row = await rows.one(
        connection, "SELECT person_id, coalesce(guild_id, ''), num_images, created_at FROM generations WHERE id = ?", id
    )
    if row is None:
        return
    day = f"{rows.moment(row[3]):%Y-%m-%d}"
    for scope, subject in (("person", row[0]), ("guild", row[1]), ("all", "")):
        await connection.execute(
            "UPDATE usage SET images = max(0, images - ?) WHERE scope = ? AND subject = ? AND day = ?",
            (row[2], scope, subject, day),
        )


def _backup(data_dir: Path, to: Path) -> None:
    to.mkdir(parents=True, exist_ok=True)
    source = sqlite3.connect(_uri(data_dir / FILE, "ro"), uri=True)
    target = sqlite3.connect(to / FILE)
    try:
        source.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
        paths = [str(row[0]) for row in target.execute("SELECT path FROM pictures WHERE deleted_at IS NULL")]
    finally:
        source.close()
        target.close()
    for path in paths:
        files.copy_picture(data_dir, to, path)


def _unlink(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _now() -> datetime:
    return datetime.now(UTC)


def _stamp(moment: datetime) -> int:
    return rows.stamp(moment)


def _version() -> str:
    try:
        return version("easel")
    except PackageNotFoundError:
        return "source"
