"""Rows of the ledger as values of `engine.types`, and the queries of the history."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import aiosqlite

from engine import search
from engine.errors import NotFound
from engine.fairness import Queued
from engine.types import (
    Generation,
    GenerationRequest,
    Origin,
    PictureRecord,
    Sampler,
    Status,
    first_id_at,
    row_steps,
    to_base36,
)

if TYPE_CHECKING:
    from engine.ledger import HistoryFilter

CLOCK_SLACK = timedelta(days=2)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_REQUEST = ", ".join(GenerationRequest.model_fields)
_PLACES = ", ".join("?" for _ in GenerationRequest.model_fields)


def stamp(moment: datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment(stamp: int) -> datetime:
    return _EPOCH + timedelta(microseconds=stamp)


def _maybe(stamp: int | None) -> datetime | None:
    return None if stamp is None else moment(stamp)


async def one(connection: aiosqlite.Connection, query: str, *values: object) -> sqlite3.Row | None:
    """The first row of a query."""
    async with connection.execute(query, values) as cursor:
        return await cursor.fetchone()


async def insert_generation(
    connection: aiosqlite.Connection,
    id: int,
    request: GenerationRequest,
    origin: Origin,
    key: str | None,
    parent_id: int | None,
    created_at: int,
    version: str,
) -> None:
    await connection.execute(
        "INSERT INTO generations (id, interaction_id, status, parent_id, person_id, guild_id, channel_id, private,"
        f" created_at, easel_version, {_REQUEST}) VALUES (?, ?, 'queued', ?, ?, ?, ?, ?, ?, ?, {_PLACES})",
        (
            id,
            key,
            parent_id,
            origin.person_id,
            origin.guild_id,
            origin.channel_id,
            origin.private,
            created_at,
            version,
            *request.model_dump(mode="json").values(),
        ),
    )


async def generation(connection: aiosqlite.Connection, id: int) -> Generation:
    """One generation with its pictures; NotFound where there is none of that id."""
    for found in await generations(connection, [id]):
        return found
    raise NotFound("generation", to_base36(id))


async def generations(connection: aiosqlite.Connection, ids: Sequence[int]) -> list[Generation]:
    """Those that are there, newest first, with their pictures."""
    places = ", ".join("?" for _ in ids)
    # The rows first: pictures are written with the status `stored`, so what is stored has them.
    found = await connection.execute_fetchall(
        "SELECT id, status, person_id, guild_id, channel_id, private, attempt, created_at, started_at, finished_at,"
        f" seconds_running, parent_id, error_code, error_text, extra, {_REQUEST} FROM generations"
        f" WHERE id IN ({places}) ORDER BY id DESC",
        ids,
    )
    pictures: dict[int, list[PictureRecord]] = {}
    for row in await connection.execute_fetchall(
        "SELECT generation_id, position, seed, path, bytes, sha256, width, height, deleted_at FROM pictures"
        f" WHERE generation_id IN ({places}) ORDER BY generation_id, position",
        ids,
    ):
        pictures.setdefault(row[0], []).append(_picture(row))
    return [_generation(row, pictures.get(row[0], ()) if row[1] == Status.STORED else ()) for row in found]


def _generation(row: sqlite3.Row, pictures: Sequence[PictureRecord]) -> Generation:
    values = dict(zip(GenerationRequest.model_fields, row[15:], strict=True))
    return Generation(
        id=row[0],
        status=Status(row[1]),
        # What the ledger holds was checked when it was queued: ranges that changed since must not hide it.
        request=GenerationRequest.model_construct(**values | {"sampler": Sampler(values["sampler"])}),
        origin=Origin(row[2], row[3], row[4], bool(row[5])),
        attempt=row[6],
        created_at=moment(row[7]),
        started_at=_maybe(row[8]),
        finished_at=_maybe(row[9]),
        seconds_running=row[10],
        parent_id=row[11],
        error_code=row[12],
        error_text=row[13],
        pictures=tuple(pictures),
        extra=json.loads(row[14]),
    )


def _picture(row: sqlite3.Row) -> PictureRecord:
    id, position, seed, path, size, sha256, width, height, deleted_at = row
    return PictureRecord(id, position, seed, path, size, sha256, width, height, _maybe(deleted_at))


def queued(row: sqlite3.Row) -> Queued:
    id, person_id, guild_id, model, guidance_scale, steps, images, attempt, created_at, retry_at = row
    return Queued(
        id=id,
        person_id=person_id,
        guild_id=guild_id,
        model=model,
        row_steps=row_steps(guidance_scale, steps, images),
        attempt=attempt,
        created_at=moment(created_at),
        retry_at=_maybe(retry_at),
    )


def history_query(filter: HistoryFilter, before: int | None, limit: int) -> tuple[str, list[Any]]:
    """Ids of a page, newest first. Each shape is answered by walking one index backwards from `before`."""
    conditions: list[str] = []
    values: list[Any] = []

    def add(condition: str, *new: object) -> None:
        conditions.append(condition)
        values.extend(new)

    words = ""
    if filter.search is not None and filter.search.strip():
        words = search.query(filter.search, person_id=filter.person_id, guild_id=filter.guild_id, model=filter.model)
        if not words:  # nothing but signs: no prompt is indexed by those
            return "SELECT 0 WHERE 0", []
    if filter.favourites_of is not None:
        # A person has far fewer favourites than a common word has matches: the words are looked up for each.
        source, order = "favourites AS f CROSS JOIN generations AS g ON g.id = f.generation_id", "f.generation_id"
        add("f.person_id = ?", filter.favourites_of)
        if words:
            add("EXISTS (SELECT 1 FROM prompts WHERE prompts MATCH ? AND rowid = f.generation_id)", words)
    elif words:
        source, order = "prompts AS p CROSS JOIN generations AS g ON g.id = p.rowid", "p.rowid"
        add("p.prompts MATCH ?", words)
    else:
        source, order = "generations AS g", "g.id"
    if filter.status is not None:
        # A constant, so that the partial indexes serve.
        add(f"g.status = '{filter.status.value}'")
    for column in ("person_id", "guild_id", "model"):
        if (value := getattr(filter, column)) is not None:
            add(f"g.{column} = ?", value)
    # Ids rise with time, so they bound the walk; the exact times decide, since a clock may have been set back.
    if filter.since is not None:
        add(f"{order} >= ?", first_id_at(filter.since - CLOCK_SLACK))
        add("g.created_at >= ?", stamp(filter.since))
    if filter.until is not None:
        add(f"{order} < ?", first_id_at(filter.until + CLOCK_SLACK))
        add("g.created_at < ?", stamp(filter.until))
    if before is not None:
        add(f"{order} < ?", before)
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    distinct = "DISTINCT " if filter.favourites_of is not None else ""
    return f"SELECT {distinct}{order} FROM {source}{where} ORDER BY {order} DESC LIMIT ?", [*values, limit]
