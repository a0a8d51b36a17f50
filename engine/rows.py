"""Rows of the ledger as values of `engine.types`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import aiosqlite

from engine.errors import NotFound
from engine.fairness import Queued
from engine.types import (
    Generation,
    GenerationRequest,
    Origin,
    PictureRecord,
    Sampler,
    Status,
    row_steps,
    to_base36,
)

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


QUEUED = (
    "id, person_id, guild_id, model, guidance_scale, num_inference_steps, num_images, attempt, created_at, retry_at,"
    " width, height"
)
"""The columns that `queued` reads."""


def queued(row: Sequence[Any]) -> Queued:
    id, person_id, guild_id, model, guidance_scale, steps, images, attempt, created_at, retry_at, width, height = row
    return Queued(
        id=id,
        person_id=person_id,
        guild_id=guild_id,
        model=model,
        row_steps=row_steps(guidance_scale, steps, images),
        attempt=attempt,
        created_at=moment(created_at),
        retry_at=_maybe(retry_at),
        pixels=width * height,
    )
