"""The full-text index of prompts, kept beside their rows, and the favourites, which are tags in it.

The index holds no text of its own (`content = ''`), so an entry is changed by naming all that it held before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import rows, search
from engine.errors import NotFound
from engine.types import to_base36

if TYPE_CHECKING:
    import aiosqlite

    from engine.types import GenerationRequest, Origin


async def add(connection: aiosqlite.Connection, id: int, request: GenerationRequest, origin: Origin) -> None:
    tokens = search.tokens(
        request.prompt,
        person_id=origin.person_id,
        guild_id=origin.guild_id,
        model=request.model,
        private=origin.private,
    )
    await connection.execute("INSERT INTO prompts (rowid, tokens) VALUES (?, ?)", (id, tokens))


async def set_favourite(
    connection: aiosqlite.Connection, person_id: str, id: int, position: int, liked: bool, now: int
) -> bool:
    """Whether that changed anything. Raises NotFound where there is no such picture."""
    known = "SELECT 1 FROM pictures WHERE generation_id = ? AND position = ?"
    if await rows.one(connection, known, id, position) is None:
        raise NotFound("picture", f"{to_base36(id)}-{position}")
    before = await _entry(connection, id)
    if liked:
        changed = await connection.execute(
            "INSERT OR IGNORE INTO favourites (person_id, generation_id, position, created_at) VALUES (?, ?, ?, ?)",
            (person_id, id, position, now),
        )
    else:
        changed = await connection.execute(
            "DELETE FROM favourites WHERE person_id = ? AND generation_id = ? AND position = ?",
            (person_id, id, position),
        )
    after = await _entry(connection, id)
    if after != before:
        await connection.execute("INSERT INTO prompts (prompts, rowid, tokens) VALUES ('delete', ?, ?)", (id, before))
        await connection.execute("INSERT INTO prompts (rowid, tokens) VALUES (?, ?)", (id, after))
    return changed.rowcount > 0


async def remove(connection: aiosqlite.Connection, id: int) -> None:
    """Before the generation's row is deleted, which tells what the index holds of it."""
    await connection.execute(
        "INSERT INTO prompts (prompts, rowid, tokens) VALUES ('delete', ?, ?)", (id, await _entry(connection, id))
    )


async def _entry(connection: aiosqlite.Connection, id: int) -> str:
    """What the index holds of a generation now."""
    found = await rows.generation(connection, id)
    people = await connection.execute_fetchall(
        "SELECT DISTINCT person_id FROM favourites WHERE generation_id = ? ORDER BY person_id", (id,)
    )
    return search.tokens(
        found.request.prompt,
        person_id=found.origin.person_id,
        guild_id=found.origin.guild_id,
        model=found.request.model,
        private=found.origin.private,
        favourites_of=[str(row[0]) for row in people],
    )
