"""What whoever runs the bot has to know, told in Discord: models that cannot be used, and jobs that were given up.

It listens beside the outbox and never in its way: members get their answer whether or not a notice gets through. Here,
and in the log, stand the paths of the server that members do not read.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

import aiohttp
import discord
import structlog

from bot import messages
from bot.texts import Say
from bot.wording import plain
from engine.dispatch import Dispatcher, Update
from engine.errors import ModelUnavailable
from engine.types import Status

if TYPE_CHECKING:
    from bot.client import EaselBot

log = structlog.get_logger(__name__)

EVERY_S = 3600.0
"""Between two notices of one kind about one model; what happens in between is counted."""

_SHOWN = 900
"""Longest reason and longest detail."""

_UNTOLD = (discord.HTTPException, aiohttp.ClientError, TimeoutError, OSError)


@dataclass(frozen=True, slots=True)
class Notice:
    """`key` is that of its text in the catalogue, `values` what is put in."""

    key: str
    model: str
    values: dict[str, str]


def worth_telling(update: Update) -> Notice | None:
    """What an end means for whoever runs the bot; None for what they need not know."""
    generation, error = update.generation, update.error
    if generation is None:
        return None
    model, job = generation.request.model, messages.short(generation.id)
    if isinstance(error, ModelUnavailable):
        reason = plain(f"{error.reason} {error.hint}".strip(), _SHOWN)
        detail = plain(error.detail, _SHOWN) if error.detail else "none"
        return Notice("notice-model", model, {"reason": reason, "detail": detail, "job": job})
    if generation.status is Status.DEAD:
        reason = plain(generation.error_text or "", _SHOWN)
        return Notice("notice-dead", model, {"reason": reason, "job": job})
    return None


class Pace:
    """Lets one notice of each kind and model through every `EVERY_S` seconds, and counts the others."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told_at: dict[tuple[str, str], float] = {}
        self._untold: dict[tuple[str, str], int] = {}

    def due(self, notice: Notice) -> int | None:
        """How many like it were not told since the last one; None: it is not told either."""
        what, now = (notice.key, notice.model), self._clock()
        if now - self._told_at.get(what, now - EVERY_S) < EVERY_S:
            self._untold[what] = self._untold.get(what, 0) + 1
            return None
        self._told_at[what] = now
        return self._untold.pop(what, 0)


class Notices:
    """`async with bot.notices`: from then on. They go to the configured channel, else to the application's owners."""

    def __init__(
        self,
        bot: EaselBot,
        dispatcher: Dispatcher,
        speaker: Callable[[str | None], Say],
        *,
        channel_id: int | None = None,
        pace: Pace | None = None,
    ) -> None:
        self._bot, self._dispatcher, self._speaker, self._channel_id = bot, dispatcher, speaker, channel_id
        self._pace = pace or Pace()
        self._open = AsyncExitStack()
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Notices:
        ends = await self._open.enter_async_context(self._dispatcher.subscribe())
        self._listening = asyncio.create_task(self._listen(ends), name="notices")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait((self._listening,))
        await self._open.aclose()

    async def _listen(self, ends: AsyncIterator[Update]) -> None:
        await self._bot.connected.wait()
        async for update in ends:
            notice = worth_telling(update)
            if notice is None or (untold := self._pace.due(notice)) is None:
                continue
            try:
                await self._tell(notice, untold)
            except Exception as error:
                log.error("a notice could not be told", notice=notice.key, model=notice.model, exc_info=error)

    async def _tell(self, notice: Notice, untold: int) -> None:
        """In the configured channel, where that can be; else to the owners, directly."""
        if self._channel_id is not None:
            try:
                channel = self._bot.get_channel(self._channel_id) or await self._bot.fetch_channel(self._channel_id)
                guild = getattr(channel, "guild", None)
                words = self._words(notice, untold, str(guild.preferred_locale) if guild else None)
                await self._bot.get_partial_messageable(self._channel_id).send(view=messages.said(words))
                return
            except _UNTOLD as error:
                log.error("discord.admin_channel_id cannot be used", channel_id=self._channel_id, error=str(error))
        for id in await self._owners():
            try:
                channel = await self._bot.create_dm(discord.Object(id))
                await channel.send(view=messages.said(self._words(notice, untold, None)))
            except _UNTOLD as error:
                log.error("a notice could not be told", notice=notice.key, model=notice.model, error=str(error))

    def _words(self, notice: Notice, untold: int, locale: str | None) -> str:
        return self._speaker(locale)(notice.key, model=plain(notice.model), untold=untold, **notice.values)

    async def _owners(self) -> list[int]:
        info = await self._bot.application_info()
        if info.team is None:
            return [info.owner.id]
        admins = [member.id for member in info.team.members if member.role is discord.TeamMemberRole.admin]
        return list(dict.fromkeys([*filter(None, (info.team.owner_id,)), *admins]))
