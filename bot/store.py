"""What is Discord's alone: the outbox of deliveries and the servers' settings, in the ledger's own transactions."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeVar

import aiosqlite
import structlog
from pydantic import BaseModel, ValidationError

from bot.defaults import GuildSettings, PersonSettings
from bot.permissions import LimitKind, LimitRule, LimitScope
from engine.ledger import Ledger

TOKEN_LIFE = timedelta(minutes=14, seconds=30)
"""How long an interaction's token is used; Discord drops it after 15 minutes."""

log = structlog.get_logger(__name__)

Kept = TypeVar("Kept", bound=BaseModel)

DeliveryStatus = Literal["pending", "sent", "undeliverable"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One row of the outbox. `token` is None once it expired or is not needed any more."""

    generation_id: int
    status: DeliveryStatus
    acknowledged: bool
    token: str | None
    channel_id: int | None
    message_id: int | None
    attempt: int
    locale: str | None = None


class Store:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._languages: dict[str, str | None] = {}

    # -- the outbox

    def opening(
        self,
        token: str,
        channel_id: int | None,
        locale: str | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> Callable[[aiosqlite.Connection, int], Awaitable[None]]:
        """Writes the delivery's row in the transaction that queues its job. `locale` is the language of its words.

        `extra` is what only Discord knows of the job, and is kept with it: spoiler, and the words before a style.
        """

        async def also(connection: aiosqlite.Connection, generation_id: int) -> None:
            await connection.execute(
                "INSERT INTO deliveries (generation_id, interaction_token, token_expires_at, channel_id, locale)"
                " VALUES (?, ?, ?, ?, ?)",
                (generation_id, token, _stamp(_now() + TOKEN_LIFE), _text(channel_id), locale),
            )
            if extra:
                await connection.execute(
                    "UPDATE generations SET extra = ? WHERE id = ?",
                    (json.dumps(extra, ensure_ascii=False), generation_id),
                )

        return also

    async def acknowledged(self, generation_id: int, message_id: int | None) -> None:
        """Discord took our first answer; the message's id lets us edit it after the token is gone."""
        async with self._ledger.write() as connection:
            await connection.execute(
                "UPDATE deliveries SET acknowledged_at = ?, message_id = coalesce(?, message_id)"
                " WHERE generation_id = ?",
                (_stamp(_now()), _text(message_id), generation_id),
            )

    async def delivery(self, generation_id: int) -> Delivery | None:
        async with self._ledger.read() as connection:
            rows = await connection.execute_fetchall(f"{_DELIVERIES} WHERE generation_id = ?", (generation_id,))
        return next((_delivery(row) for row in rows), None)

    async def pending(self) -> list[Delivery]:
        """What is still owed, oldest first."""
        async with self._ledger.read() as connection:
            rows = await connection.execute_fetchall(f"{_DELIVERIES} WHERE status = 'pending' ORDER BY generation_id")
        return [_delivery(row) for row in rows]

    async def trying(self, generation_id: int) -> None:
        """Written before a new message is sent, so that a crash in between is known to have perhaps sent it."""
        await self._update(generation_id, "attempt = attempt + 1")

    async def sent(self, generation_id: int, channel_id: int | None, message_id: int | None) -> None:
        await self._update(
            generation_id,
            "status = 'sent', interaction_token = NULL, last_error = NULL,"
            " channel_id = coalesce(?, channel_id), message_id = coalesce(?, message_id)",
            _text(channel_id),
            _text(message_id),
        )

    async def undeliverable(self, generation_id: int, reason: str) -> None:
        """Kept in the history only."""
        await self._update(
            generation_id, "status = 'undeliverable', interaction_token = NULL, last_error = ?", reason[:500]
        )

    async def failed_try(self, generation_id: int, reason: str) -> None:
        await self._update(generation_id, "last_error = ?", reason[:500])

    async def _update(self, generation_id: int, changes: str, *values: object) -> None:
        async with self._ledger.write() as connection:
            await connection.execute(
                f"UPDATE deliveries SET {changes} WHERE generation_id = ? AND status = 'pending'",
                (*values, generation_id),
            )

    # -- settings of servers and people

    async def guild(self, guild_id: str | None) -> GuildSettings:
        """A server's settings; what nobody set, and everything outside of servers, is as by default."""
        return await self._settings(GuildSettings, "guild", guild_id)

    async def change_guild(
        self, guild_id: str, change: Callable[[GuildSettings], Mapping[str, object]]
    ) -> GuildSettings:
        """Sets the fields that `change` returns, from the settings as they are at that moment."""
        changed = await self._change(GuildSettings, "guild", guild_id, change)
        self._languages[guild_id] = changed.language
        return changed

    async def person(self, person_id: str) -> PersonSettings:
        return await self._settings(PersonSettings, "person", person_id)

    async def change_person(
        self, person_id: str, change: Callable[[PersonSettings], Mapping[str, object]]
    ) -> PersonSettings:
        return await self._change(PersonSettings, "person", person_id, change)

    async def default_model(self, guild_id: str | None) -> str | None:
        """The server's own default, None where nobody chose one."""
        return (await self.guild(guild_id)).defaults.model

    def language(self, guild_id: str | None) -> str | None:
        """A server's language, as `load_languages` and every change since say; at hand for each message."""
        return self._languages.get(guild_id) if guild_id is not None else None

    async def load_languages(self) -> None:
        async with self._ledger.read() as connection:
            rows = await connection.execute_fetchall(
                "SELECT guild_id, value FROM guild_settings WHERE name = 'language'"
            )
        self._languages = {str(guild_id): json.loads(value) for guild_id, value in rows}

    async def _settings(self, kind: type[Kept], scope: str, id: str | None) -> Kept:
        if id is None:
            return kind()
        async with self._ledger.read() as connection:
            return await _read_settings(connection, kind, scope, id)

    async def _change(
        self, kind: type[Kept], scope: str, id: str, change: Callable[[Kept], Mapping[str, object]]
    ) -> Kept:
        async with self._ledger.write() as connection:
            before = await _read_settings(connection, kind, scope, id)
            after = kind.model_validate(before.model_dump() | dict(change(before)))
            rows = after.model_dump(mode="json", exclude_defaults=True)
            await connection.execute(f"DELETE FROM {scope}_settings WHERE {scope}_id = ?", (id,))
            await connection.executemany(
                f"INSERT INTO {scope}_settings ({scope}_id, name, value) VALUES (?, ?, ?)",
                [(id, name, json.dumps(value, ensure_ascii=False)) for name, value in rows.items()],
            )
        return after

    async def forget_person(self, person_id: str) -> None:
        """Their settings; `engine.privacy` deletes the rest."""
        async with self._ledger.write() as connection:
            await connection.execute("DELETE FROM person_settings WHERE person_id = ?", (person_id,))

    async def posted(self, person_id: str) -> list[tuple[int, int]]:
        """Channels and messages that show a person's results, newest first."""
        async with self._ledger.read() as connection:
            rows = await connection.execute_fetchall(
                "SELECT d.channel_id, d.message_id FROM deliveries AS d JOIN generations AS g ON g.id = d.generation_id"
                " WHERE g.person_id = ? AND d.channel_id IS NOT NULL AND d.message_id IS NOT NULL ORDER BY g.id DESC",
                (person_id,),
            )
        return [(int(channel_id), int(message_id)) for channel_id, message_id in rows]

    # -- limits that admins set

    async def limit_rules(self, guild_id: str | None) -> list[LimitRule]:
        if guild_id is None:
            return []
        async with self._ledger.read() as connection:
            rows = await connection.execute_fetchall(
                "SELECT scope, subject, kind, maximum FROM limits WHERE guild_id = ? ORDER BY scope, subject, kind",
                (guild_id,),
            )
        return [LimitRule(*row) for row in rows]

    async def set_limit(self, guild_id: str, rule: LimitRule) -> None:
        async with self._ledger.write() as connection:
            await connection.execute(
                "INSERT INTO limits (guild_id, scope, subject, kind, maximum) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (guild_id, scope, subject, kind) DO UPDATE SET maximum = excluded.maximum",
                (guild_id, rule.scope, rule.subject, rule.kind, rule.maximum),
            )

    async def clear_limit(self, guild_id: str, scope: LimitScope, subject: str, kind: LimitKind) -> bool:
        """Whether there was one."""
        async with self._ledger.write() as connection:
            cursor = await connection.execute(
                "DELETE FROM limits WHERE guild_id = ? AND scope = ? AND subject = ? AND kind = ?",
                (guild_id, scope, subject, kind),
            )
            return cursor.rowcount > 0

    # -- the queue, as one person and one server see it

    async def open_jobs(self, person_id: str) -> list[int]:
        """Ids of this person's jobs that wait or are painted, oldest first."""
        async with self._ledger.read() as connection:
            rows = await connection.execute_fetchall(
                "SELECT id FROM generations WHERE status IN ('queued', 'running') AND person_id = ? ORDER BY id",
                (person_id,),
            )
        return [int(row[0]) for row in rows]

    async def open_counts(self, guild_id: str | None) -> tuple[int, int]:
        """How many jobs of this server wait, and how many are painted; of everybody outside of servers."""
        async with self._ledger.read() as connection:
            rows = await connection.execute_fetchall(
                "SELECT total(status = 'queued'), total(status = 'running') FROM generations"
                " WHERE status IN ('queued', 'running') AND (guild_id = ? OR ? IS NULL)",
                (guild_id, guild_id),
            )
        [(waiting, running)] = rows
        return int(waiting), int(running)


async def _read_settings(connection: aiosqlite.Connection, kind: type[Kept], scope: str, id: str) -> Kept:
    """Rows that do not fit any more, such as a sampler that an update took away, are passed over."""
    rows = await connection.execute_fetchall(f"SELECT name, value FROM {scope}_settings WHERE {scope}_id = ?", (id,))
    values = {str(name): json.loads(value) for name, value in rows}
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        broken = {str(problem["loc"][0]) for problem in error.errors()}
        log.warning("settings passed over", scope=scope, id=id, names=sorted(broken))
        return kind.model_validate({name: value for name, value in values.items() if name not in broken})


_DELIVERIES = (
    "SELECT generation_id, status, acknowledged_at, interaction_token, token_expires_at,"
    " channel_id, message_id, attempt, locale FROM deliveries"
)


def _delivery(row: Any) -> Delivery:
    generation_id, status, acknowledged_at, token, expires_at, channel_id, message_id, attempt, locale = row
    alive = token is not None and _stamp(_now()) < expires_at
    return Delivery(
        generation_id=generation_id,
        status=status,
        acknowledged=acknowledged_at is not None,
        token=token if alive else None,
        channel_id=None if channel_id is None else int(channel_id),
        message_id=None if message_id is None else int(message_id),
        attempt=attempt,
        locale=locale,
    )


def _now() -> datetime:
    return datetime.now(UTC)


def _stamp(moment: datetime) -> int:
    """Microseconds since 1970, as every time in the ledger."""
    return round(moment.timestamp() * 1_000_000)


def _text(snowflake: int | None) -> str | None:
    return None if snowflake is None else str(snowflake)
