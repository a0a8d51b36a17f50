"""Limits: what a job is charged when it is queued, and what comes back when nothing was painted.

Days are those of the UTC clock. A clock that is set forward begins a day with nothing used; one that is set back
finds the day it returns to as it was left.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from engine import rows
from engine.errors import LimitReached
from engine.types import GenerationRequest, Limit, Origin

if TYPE_CHECKING:
    import aiosqlite

_OPEN = "SELECT count(*) FROM generations WHERE status IN ('queued', 'running')"
_WHOSE = {"person": " AND person_id = ?", "guild": " AND guild_id = ?", "all": " AND ? = ''"}


async def charge(
    connection: aiosqlite.Connection, request: GenerationRequest, origin: Origin, limits: Iterable[Limit], now: datetime
) -> None:
    """Raises LimitReached before anything is charged."""
    subjects = _subjects(origin.person_id, origin.guild_id)
    for limit in limits:
        subject = subjects.get(limit.scope)
        if subject is None:  # a server's limit, asked for outside of servers
            continue
        if limit.kind == "waiting":
            row = await rows.one(connection, _OPEN + _WHOSE[limit.scope], subject)
            if row is not None and row[0] >= limit.maximum:
                raise LimitReached(limit.scope, limit.kind, limit.maximum)
        else:
            row = await rows.one(
                connection,
                "SELECT images FROM usage WHERE scope = ? AND subject = ? AND day = ?",
                limit.scope,
                subject,
                _day(now),
            )
            if (row[0] if row else 0) + request.num_images > limit.maximum:
                tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
                raise LimitReached(limit.scope, limit.kind, limit.maximum, (tomorrow - now).total_seconds())
    await connection.executemany(
        "INSERT INTO usage (scope, subject, day, images) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (scope, subject, day) DO UPDATE SET images = images + excluded.images",
        [(scope, subject, _day(now), request.num_images) for scope, subject in subjects.items()],
    )


async def refund(connection: aiosqlite.Connection, id: int) -> None:
    """Gives back what a job was charged, on the day it was charged."""
    row = await rows.one(
        connection, "SELECT person_id, guild_id, num_images, created_at FROM generations WHERE id = ?", id
    )
    if row is None:
        return
    person_id, guild_id, images, created_at = row
    await connection.executemany(
        "UPDATE usage SET images = max(0, images - ?) WHERE scope = ? AND subject = ? AND day = ?",
        [(images, *subject, _day(rows.moment(created_at))) for subject in _subjects(person_id, guild_id).items()],
    )


def _subjects(person_id: str, guild_id: str | None) -> dict[str, str]:
    """Whose use counts, by scope."""
    subjects = {"person": person_id, "all": ""}
    return subjects if guild_id is None else subjects | {"guild": guild_id}


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"
