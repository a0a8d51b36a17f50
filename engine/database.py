"""The ledger's file: who owns it, how it is opened and brought up to date."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import TypeVar

import aiosqlite

from engine import files, schema
from engine.errors import ConfigError, LedgerBroken, LedgerBusy

T = TypeVar("T")

FILE = "easel.sqlite3"


async def to_the_end(work: Awaitable[T]) -> T:
    """Awaits `work` also while the task is being cancelled, and lets the cancellation on only then.

    A connection runs what it was given whether or not somebody still waits: walking away from a BEGIN would leave
    a transaction open under the next writer.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait((task,))
        if not task.cancelled():
            task.exception()  # seen; that of the cancellation goes first
        raise


def owned(data_dir: Path) -> AbstractContextManager[None]:
    """Holds the lock beside the file. Raises LedgerBusy and ConfigError."""
    return files.locked(
        data_dir,
        "owner.lock",
        LedgerBusy(
            f"Another Easel (a bot, or a command) is using {data_dir}. "
            "Stop it first, or give this one a data folder of its own."
        ),
    )


def prepare(file: Path) -> int:
    """Makes the file, or brings it up to date; returns its newest id."""
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection, _broken_is_said(file):
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        schema.migrate(connection)
        return _newest_id(connection)


def inspect(file: Path) -> int:
    """Refuses a file that this version cannot read; returns its newest id."""
    with contextlib.closing(sqlite3.connect(address(file, "ro"), uri=True)) as connection, _broken_is_said(file):
        if schema.check(connection) < len(schema.MIGRATIONS):
            raise ConfigError(f"{file} is of an older version. Start Easel's bot once: it brings the file up to date.")
        return _newest_id(connection)


def _newest_id(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(max(id), 0) FROM generations").fetchone()[0])


@contextlib.contextmanager
def _broken_is_said(file: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError:
        raise  # the disk, or a lock: the file itself may be well
    except sqlite3.DatabaseError as error:
        raise LedgerBroken(
            f"{file} is damaged or not a ledger ({error}). Move it away and put a backup in its place; "
            "the pictures beside it are as they were."
        ) from error


def address(file: Path, mode: str) -> str:
    """The file for SQLite, opened as `ro` or `rw`: never made where there is none."""
    return f"{file.absolute().as_uri()}?mode={mode}"


@asynccontextmanager
async def connected(file: Path, *, read_only: bool = False) -> AsyncIterator[aiosqlite.Connection]:
    """A connection in autocommit mode: transactions are begun and ended by name."""
    uri = address(file, "ro" if read_only else "rw")
    async with aiosqlite.connect(uri, uri=True, isolation_level=None) as connection:
        await connection.execute("PRAGMA busy_timeout = 5000")
        if not read_only:
            await connection.execute("PRAGMA synchronous = FULL")
            await connection.execute("PRAGMA foreign_keys = ON")
        yield connection
