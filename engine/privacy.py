"""One person's data: how much there is, taken along as a file, or taken away for good."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine import files, index, rows
from engine.ledger import Ledger
from engine.types import Generation, to_base36

BATCH = 50

FULL = 0.9
"""A file is taken for full at this share of its limit: the archive's own table is still to be written."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the ledger holds of a person. `bytes` are those of the pictures whose files are there."""

    generations: int
    pictures: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Export:
    """A zip file, and how much of what is kept went into it."""

    data: bytes
    generations: int
    pictures: int


async def kept(ledger: Ledger, person_id: str) -> Kept:
    async with ledger.read() as connection:
        row = await rows.one(
            connection,
            "SELECT count(DISTINCT g.id), count(p.position), coalesce(sum(p.bytes), 0) FROM generations AS g"
            " LEFT JOIN pictures AS p ON p.generation_id = g.id AND p.deleted_at IS NULL WHERE g.person_id = ?",
            person_id,
        )
    assert row is not None
    return Kept(int(row[0]), int(row[1]), int(row[2]))


async def export(ledger: Ledger, person_id: str, also: dict[str, Any], limit: int) -> Export:
    """`about.json` with `also` in it, `generations.jsonl`, and pictures: newest first, as many as `limit` bytes take.

    Nothing of other people is in it.
    """
    file = io.BytesIO()
    described, pictures = 0, 0
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        favourites = await _favourites(ledger, person_id)
        archive.writestr("about.json", _json(also | {"person_id": person_id, "favourites": favourites}))
        with archive.open("generations.jsonl", "w") as lines:
            async for page in _pages(ledger, person_id):
                for generation in page:
                    lines.write((_json(_described(generation)) + "\n").encode())
                described += len(page)
                if file.tell() > limit * FULL:
                    break
        room = int(limit * FULL) - file.tell()
        async for page in _pages(ledger, person_id):
            paths = [picture.path for one in page for picture in one.pictures if picture.deleted_at is None]
            for path in paths:
                data = await asyncio.to_thread(_read, files.picture_path(ledger.data_dir, path))
                if data is not None and len(data) <= room:
                    archive.writestr(zipfile.ZipInfo(path), data)  # PNG is compressed already
                    room -= len(data)
                    pictures += 1
            if room < limit * 0.01:
                break
    return Export(file.getvalue(), described, pictures)


async def erase(ledger: Ledger, person_id: str) -> int:
    """Deletes a person's finished generations with their files, and their favourites; returns how many generations.

    What is still on its way to them stays: cancel it first, and call again. Of the counts behind daily limits only
    today's stay, since deleting must not be a way around them.
    """
    erased = 0
    async with ledger.read() as connection:
        liked = await connection.execute_fetchall(
            "SELECT generation_id, position FROM favourites WHERE person_id = ?", (person_id,)
        )
    for id, position in liked:
        await ledger.set_favourite(person_id, int(id), int(position), liked=False)
    for batch in await _finished(ledger, person_id):
        async with ledger.write() as connection:
            for id in batch:
                generation = await rows.generation(connection, id)
                paths = [
                    files.relative_path(id, position, generation.created_at)
                    for position in range(generation.request.num_images)
                ]
                await asyncio.to_thread(files.remove_pictures, ledger.data_dir, paths)
                await index.remove(connection, id)
                await connection.execute("DELETE FROM generations WHERE id = ?", (id,))
        erased += len(batch)
    async with ledger.write() as connection:
        await connection.execute(
            "DELETE FROM usage WHERE scope = 'person' AND subject = ? AND day < ?",
            (person_id, f"{datetime.now(UTC):%Y-%m-%d}"),
        )
    return erased


async def _finished(ledger: Ledger, person_id: str) -> list[list[int]]:
    """Ids in batches, without those that are painted, wait, or are being delivered."""
    async with ledger.read() as connection:
        found = await connection.execute_fetchall(
            "SELECT g.id FROM generations AS g LEFT JOIN deliveries AS d ON d.generation_id = g.id"
            " WHERE g.person_id = ? AND g.finished_at IS NOT NULL AND coalesce(d.status, 'sent') != 'pending'"
            " ORDER BY g.id",
            (person_id,),
        )
    ids = [int(row[0]) for row in found]
    return [ids[start : start + BATCH] for start in range(0, len(ids), BATCH)]


async def _pages(ledger: Ledger, person_id: str) -> AsyncIterator[Sequence[Generation]]:
    """All of a person's generations, whatever became of them, newest first."""
    async with ledger.read() as connection:
        found = await connection.execute_fetchall(
            "SELECT id FROM generations WHERE person_id = ? ORDER BY id DESC", (person_id,)
        )
    ids = [int(row[0]) for row in found]
    for start in range(0, len(ids), BATCH):
        async with ledger.read() as connection:
            page = await rows.generations(connection, ids[start : start + BATCH])
        yield page


async def _favourites(ledger: Ledger, person_id: str) -> list[str]:
    async with ledger.read() as connection:
        found = await connection.execute_fetchall(
            "SELECT generation_id, position FROM favourites WHERE person_id = ? ORDER BY generation_id, position",
            (person_id,),
        )
    return [f"{to_base36(int(id))}-{position}" for id, position in found]


def _described(generation: Generation) -> dict[str, Any]:
    return {
        "id": generation.short_id,
        "status": generation.status,
        **generation.request.model_dump(mode="json"),
        "created_at": generation.created_at.isoformat(),
        "finished_at": generation.finished_at.isoformat() if generation.finished_at else None,
        "seconds_running": generation.seconds_running,
        "server_id": generation.origin.guild_id,
        "channel_id": generation.origin.channel_id,
        "private": generation.origin.private,
        "error": generation.error_text,
        "pictures": [
            {"file": picture.path, "seed": picture.seed, "deleted": picture.deleted_at is not None}
            for picture in generation.pictures
        ],
    }


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _read(path: Path) -> bytes | None:
    """None for a file that was deleted meanwhile."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
