"""The ledger: every job and every picture, in one SQLite file with one owner and one writer.

A generation is `queued`, then `running`, then one of four ends. Every transition is one guarded UPDATE on
(id, status, attempt), so that a worker that comes late changes nothing. What `enqueue` returned cannot be lost:
it is on disk (WAL, synchronous=FULL) before anybody hears of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import math
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import aiosqlite

from engine import charges, database, files, history, index, rows
from engine.backup import Backup, backup
from engine.database import FILE as FILE
from engine.database import to_the_end
from engine.errors import EaselError, LedgerBusy, NotFound
from engine.fairness import Queued
from engine.history import HistoryFilter as HistoryFilter
from engine.types import Generation, GenerationRequest, IdMaker, Limit, Origin, PictureRecord, Status, first_id_at

READERS = 3

Also = Callable[[aiosqlite.Connection, int], Awaitable[None]]
"""Writes more rows in the transaction that queues a job: `await also(connection, generation_id)`."""


class Ledger:
    """Opened with `async with Ledger.open(data_dir) as ledger`."""

    def __init__(
        self,
        data_dir: Path,
        writer: aiosqlite.Connection | None,
        readers: Sequence[aiosqlite.Connection],
        newest_id: int,
    ) -> None:
        self.data_dir = data_dir
        self.boot = secrets.token_hex(8)
        self._writer = writer
        self._writing = asyncio.Lock()
        self._readers: asyncio.Queue[aiosqlite.Connection] = asyncio.Queue()
        for reader in readers:
            self._readers.put_nowait(reader)
        self._new_id = IdMaker(after=newest_id)

    @classmethod
    @asynccontextmanager
    async def open(cls, data_dir: Path, *, owner: bool = True) -> AsyncIterator[Ledger]:
        """`owner` takes the lock beside the file (LedgerBusy where another process has it); else reading only.

        Raises NotFound where there is nothing to read, LedgerTooNew, LedgerBroken, and ConfigError for a folder
        that cannot be written.
        """
        file = data_dir / FILE
        async with contextlib.AsyncExitStack() as stack:
            if owner:
                stack.enter_context(database.owned(data_dir))
            elif not file.is_file():
                raise NotFound("ledger", str(data_dir), "Nothing was painted with this data folder yet.")
            newest_id = await asyncio.to_thread(database.prepare if owner else database.inspect, file)
            writer = await stack.enter_async_context(database.connected(file)) if owner else None
            readers = [
                await stack.enter_async_context(database.connected(file, read_only=True)) for _ in range(READERS)
            ]
            yield cls(data_dir, writer, readers, newest_id)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[aiosqlite.Connection]:
        """The one writer, inside a transaction: committed at the end, rolled back on any error."""
        if self._writer is None:
            raise LedgerBusy("This ledger was opened for reading only.")
        async with self._writing:
            try:
                await to_the_end(self._writer.execute("BEGIN IMMEDIATE"))
                yield self._writer
                await to_the_end(self._writer.commit())
            except BaseException:
                await to_the_end(self._writer.rollback())  # nothing, where the commit was through
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
            await charges.charge(connection, request, origin, limits, now)
            id = self._new_id()
            await rows.insert_generation(connection, id, request, origin, key, parent_id, _stamp(now), _version())
            await index.add(connection, id, request, origin)
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
        """running -> queued, not to be leased for `wait` seconds. False for a lease that was lost.

        `count=False` where the attempt was not the job's fault: its number is used again.
        """
        async with self.write() as connection:
            return await self._move(
                connection,
                id,
                attempt,
                "status = 'queued', attempt = attempt - ?, owner_boot = NULL, started_at = NULL, retry_at = ?",
                0 if count else 1,
                _stamp(_now() + timedelta(seconds=wait)) if wait else None,
            )

    async def store(self, id: int, attempt: int, pictures: Sequence[PictureRecord], seconds_running: float) -> bool:
        """running -> stored, with the pictures that are on disk already. False for a lease that was lost."""
        async with self.write() as connection:
            changes = "status = 'stored', finished_at = ?, seconds_running = ?"
            if not await self._move(connection, id, attempt, changes, _stamp(_now()), seconds_running):
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
        """running -> failed, cancelled or dead. False for a lease that was lost.

        What failed costs nobody anything; what was cancelled while it was painted did cost the engine, and stays
        charged: else a day's limit would be passed by cancelling at the last preview.
        """
        async with self.write() as connection:
            changes = (
                "status = ?, finished_at = ?, seconds_running = ?, error_code = ?, error_text = ?,"
                " extra = json_patch(extra, ?)"
            )
            code, text = (error.code, str(error)) if error else (None, None)
            # For other languages; never with what only whoever runs Easel shall read.
            params = {name: value for name, value in error.params.items() if name != "detail"} if error else None
            made_of = json.dumps({"error": params} if params else {}, default=str)
            moved = await self._move(
                connection, id, attempt, changes, status, _stamp(_now()), seconds_running, code, text, made_of
            )
            if moved and status is not Status.CANCELLED:
                await charges.refund(connection, id)
            if moved:
                await self._discard(connection, id)
            return moved

    async def cancel_queued(self, id: int) -> bool:
        """queued -> cancelled, and nothing is charged; False where it runs already, or is over."""
        async with self.write() as connection:
            changed = await connection.execute(
                "UPDATE generations SET status = 'cancelled', finished_at = ?, error_code = 'cancelled'"
                " WHERE id = ? AND status = 'queued'",
                (_stamp(_now()), id),
            )
            if changed.rowcount:
                await charges.refund(connection, id)
                await self._discard(connection, id)
            return bool(changed.rowcount)

    async def _move(
        self, connection: aiosqlite.Connection, id: int, attempt: int, changes: str, *values: object
    ) -> bool:
        """One guarded transition of a job that this boot leased."""
        changed = await connection.execute(
            f"UPDATE generations SET {changes} WHERE id = ? AND status = 'running' AND attempt = ? AND owner_boot = ?",
            (*values, id, attempt, self.boot),
        )
        return bool(changed.rowcount)

    async def _discard(self, connection: aiosqlite.Connection, id: int) -> None:
        """Removes picture files that an attempt left which was stopped before it could write their rows."""
        job = await rows.generation(connection, id)
        paths = [files.relative_path(id, position, job.created_at) for position in range(job.request.num_images)]
        await asyncio.to_thread(files.remove_pictures, self.data_dir, paths)

    async def expire_leases(self) -> list[int]:
        """Jobs that an earlier boot left running go back to the queue, their attempt counted; returns their ids."""
        async with self.write() as connection:
            found = await connection.execute_fetchall(
                "UPDATE generations SET status = 'queued', owner_boot = NULL, started_at = NULL"
                " WHERE status = 'running' AND owner_boot IS NOT ? RETURNING id",
                (self.boot,),
            )
            ids = [int(row[0]) for row in found]
            for id in ids:
                await self._discard(connection, id)
        return ids

    # -- what is there

    async def queued(self) -> list[Queued]:
        """Every job that waits, oldest first, as the fair choice wants it."""
        async with self.read() as connection:
            found = await connection.execute_fetchall(
                f"SELECT {rows.QUEUED} FROM generations WHERE finished_at IS NULL AND status = 'queued' ORDER BY id"
            )
        return [rows.queued(row) for row in found]

    async def started_since(self, moment: datetime, limit: int = 10_000) -> list[tuple[datetime, Queued]]:
        """The jobs that were leased since then and not given back, with when, oldest first; the newest `limit`."""
        async with self.read() as connection:
            found = await connection.execute_fetchall(
                f"SELECT started_at, {rows.QUEUED} FROM generations WHERE started_at >= ?"
                " ORDER BY started_at DESC LIMIT ?",
                (_stamp(moment), limit),
            )
        return [(rows.moment(row[0]), rows.queued(row[1:])) for row in reversed(list(found))]

    async def get(self, id: int) -> Generation:
        async with self.read() as connection:
            return await rows.generation(connection, id)

    async def find(self, key: str) -> Generation | None:
        """The job that was queued under that key."""
        async with self.read() as connection:
            found = await rows.one(connection, "SELECT id FROM generations WHERE interaction_id = ?", key)
            return None if found is None else await rows.generation(connection, int(found[0]))

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
        self,
        filter: HistoryFilter | None = None,
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int = 10,
    ) -> list[Generation]:
        """A page, newest first.

        The next older one comes `before` the last id of this one, the next newer one `after` its first id: that
        gives those nearest to it, so that turning back shows the page that one came from.
        """
        query, values = history.query(filter or HistoryFilter(), limit, before=before, after=after)
        async with self.read() as connection:
            found = await connection.execute_fetchall(query, values)
            return await rows.generations(connection, [int(row[0]) for row in found])

    # -- pictures

    async def set_favourite(self, person_id: str, id: int, position: int, liked: bool = True) -> bool:
        """Whether that changed anything. Raises NotFound where there is no such picture."""
        async with self.write() as connection:
            return await index.set_favourite(connection, person_id, id, position, liked, _stamp(_now()))

    async def favourites(self, person_id: str, ids: Sequence[int]) -> set[tuple[int, int]]:
        """Which pictures of these generations a person likes, as (id, position)."""
        async with self.read() as connection:
            found = await connection.execute_fetchall(
                "SELECT generation_id, position FROM favourites WHERE person_id = ?"
                f" AND generation_id IN ({', '.join('?' for _ in ids)})",
                (person_id, *ids),
            )
        return {(int(id), int(position)) for id, position in found}

    async def delete_pictures(self, id: int) -> list[Path]:
        """Deletes the files and marks the rows, which stay; returns the paths that were marked.

        The files go before the rows are committed: a crash in between leaves a row without a file, never a file
        that somebody was told is gone.
        """
        return await self._delete("generation_id = ?", id)

    async def retain(self, *, keep_days: int | None = None, keep_bytes: int | None = None) -> int:
        """Deletes files that are too old or too many, oldest first, favourites exempt; returns how many."""
        removed = 0
        if keep_days is not None:
            since = _now() - timedelta(days=keep_days)
            too_old = "g.created_at < ? AND p.generation_id < ?"  # the ids only bound the walk
            while ids := await self._oldest_loose(too_old, _stamp(since), first_id_at(since)):
                removed += await self._delete_loose(ids)
        if keep_bytes is not None:
            while (excess := await self._bytes_kept() - keep_bytes) > 0 and (ids := await self._oldest_loose("1")):
                removed += await self._delete_loose(ids, excess)
        return removed

    async def _bytes_kept(self) -> int:
        async with self.read() as connection:
            row = await rows.one(connection, "SELECT coalesce(sum(bytes), 0) FROM pictures WHERE deleted_at IS NULL")
        return int(row[0]) if row else 0

    async def _oldest_loose(self, condition: str, *values: object, limit: int = 100) -> list[tuple[int, int]]:
        """The oldest generations with files that are nobody's favourites, and the bytes of those."""
        async with self.read() as connection:
            found = await connection.execute_fetchall(
                "SELECT p.generation_id, sum(p.bytes) FROM pictures AS p CROSS JOIN generations AS g"
                f" ON g.id = p.generation_id WHERE p.deleted_at IS NULL AND {condition} AND NOT EXISTS (SELECT 1"
                " FROM favourites AS f WHERE f.generation_id = p.generation_id AND f.position = p.position)"
                " GROUP BY p.generation_id ORDER BY p.generation_id LIMIT ?",
                (*values, limit),
            )
        return [(int(id), int(size)) for id, size in found]

    async def _delete_loose(self, generations: Iterable[tuple[int, int]], excess: float = math.inf) -> int:
        """Deletes, in this order, until `excess` bytes are gone; asked again then, since a like may have come."""
        removed = 0
        for id, size in generations:
            if excess <= 0:
                break
            excess -= size
            removed += len(
                await self._delete(
                    "generation_id = ? AND NOT EXISTS (SELECT 1 FROM favourites AS f"
                    " WHERE f.generation_id = pictures.generation_id AND f.position = pictures.position)",
                    id,
                )
            )
        return removed

    async def _delete(self, condition: str, *values: object) -> list[Path]:
        async with self.write() as connection:
            found = await connection.execute_fetchall(
                f"UPDATE pictures SET deleted_at = ? WHERE deleted_at IS NULL AND {condition} RETURNING path",
                (_stamp(_now()), *values),
            )
            paths = [str(row[0]) for row in found]
            await asyncio.to_thread(files.remove_pictures, self.data_dir, paths)
        return [files.picture_path(self.data_dir, path) for path in paths]

    # -- what the dispatcher learns

    async def speeds(self) -> dict[str, float]:
        """Seconds that a unit of `fairness.Queued.work` took, by model."""
        async with self.read() as connection:
            found = await connection.execute_fetchall("SELECT model, seconds_per_work FROM speeds")
        return {str(row[0]): float(row[1]) for row in found}

    async def learn_speed(self, model: str, seconds_per_work: float) -> float:
        """A running mean that forgets: a fifth of it is the newest job. Returns it."""
        async with self.write() as connection:
            found = await connection.execute_fetchall(
                "INSERT INTO speeds (model, seconds_per_work) VALUES (?1, ?2) ON CONFLICT (model)"
                " DO UPDATE SET seconds_per_work = 0.8 * seconds_per_work + 0.2 * ?2 RETURNING seconds_per_work",
                (model, seconds_per_work),
            )
        return float(next(iter(found))[0])

    # -- backup

    async def backup(self, to: Path) -> Backup:
        """A consistent copy of the ledger and its pictures, while everything goes on: see `engine.backup`."""
        return await asyncio.to_thread(backup, self.data_dir, to)


def _now() -> datetime:
    return datetime.now(UTC)


def _stamp(moment: datetime) -> int:
    return rows.stamp(moment)


@functools.cache
def _version() -> str:
    """Of this Easel; read from its package once, since each enqueue writes it."""
    try:
        return version("easel")
    except PackageNotFoundError:
        return "source"
