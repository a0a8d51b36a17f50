"""What a page of the history shows, and the query for it. Pure.

Each shape of question is answered by walking one index from where the page begins, so that a page costs the same
among a million rows as among a thousand.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from engine import rows, search
from engine.types import Status, first_id_at

CLOCK_SLACK = timedelta(days=2)
MAX_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """Which generations a page of the history shows; None leaves a field open."""

    person_id: str | None = None
    guild_id: str | None = None
    model: str | None = None
    search: str | None = None
    """Words that the prompt holds, in any order."""
    favourites_of: str | None = None
    private: bool | None = None
    """False: only what everybody in its place may see, for pages that are shown to others; True: only the rest."""
    since: datetime | None = None
    until: datetime | None = None
    status: Status | None = Status.STORED


def query(filter: HistoryFilter, limit: int, *, before: int | None, after: int | None) -> tuple[str, list[Any]]:
    """Ids of a page: the newest, those next `before` an id (newest first), or those next `after` it (oldest first)."""
    conditions: list[str] = []
    values: list[Any] = []

    def add(condition: str, *new: object) -> None:
        conditions.append(condition)
        values.extend(new)

    words = _words(filter)
    if words == "":  # nothing but signs: no prompt is indexed by those
        return "SELECT 0 WHERE 0", []
    if words is not None:
        source, order = "prompts AS p CROSS JOIN generations AS g ON g.id = p.rowid", "p.rowid"
        add("p.prompts MATCH ?", words)
    elif filter.favourites_of is not None:
        source, order = "favourites AS f CROSS JOIN generations AS g ON g.id = f.generation_id", "f.generation_id"
        add("f.person_id = ?", filter.favourites_of)
    else:
        source, order = "generations AS g", "g.id"
    if words is not None and filter.favourites_of is not None:
        add("EXISTS (SELECT 1 FROM favourites WHERE person_id = ? AND generation_id = p.rowid)", filter.favourites_of)
    # Constants, so that the partial indexes serve.
    if filter.status is not None:
        add(f"g.status = '{filter.status.value}'")
    if filter.private is not None:
        add(f"g.private = {filter.private:d}")
    for column in ("person_id", "guild_id", "model"):
        if (value := getattr(filter, column)) is not None:
            add(f"g.{column} = ?", value)
    # Ids rise with time, so they bound the walk; the exact times decide, since a clock may have been set back.
    # One bound each way: of two, SQLite would walk from the farther one.
    first, last = 0 if after is None else after + 1, MAX_ID if before is None else before - 1
    if filter.since is not None:
        first = max(first, first_id_at(filter.since - CLOCK_SLACK))
        add("g.created_at >= ?", rows.stamp(filter.since))
    if filter.until is not None:
        last = min(last, first_id_at(filter.until + CLOCK_SLACK) - 1)
        add("g.created_at < ?", rows.stamp(filter.until))
    add(f"{order} BETWEEN ? AND ?", first, last)
    where = " AND ".join(conditions)
    distinct = "DISTINCT " if source.startswith("favourites") else ""  # a favourite is a picture, not a generation
    direction = "ASC" if after is not None and before is None else "DESC"
    return f"SELECT {distinct}{order} FROM {source} WHERE {where} ORDER BY {order} {direction} LIMIT ?", [
        *values,
        limit,
    ]


def _words(filter: HistoryFilter) -> str | None:
    """The full-text query; None where the other indexes answer, "" where nothing can be found."""
    if filter.search is None or not filter.search.strip():
        return None
    return search.query(
        filter.search,
        person_id=filter.person_id,
        guild_id=filter.guild_id,
        model=filter.model,
        favourites_of=filter.favourites_of,
        private=filter.private,
    )
