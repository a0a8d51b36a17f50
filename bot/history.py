"""/history: one's own pictures, or for moderators a person's of their server; a gallery, a page at a time.

A pager's button holds the whole question (whose, which model, which days, what words) and where the page ends, so that
it works after a restart too. Like every custom id it is only input: who may see what is checked at each press.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

import discord
from discord import app_commands, ui

from bot import attachments, links, messages, pages
from bot.controls import Control
from bot.imagine import complete_model
from bot.interactions import AnyCommand, Interaction, person
from bot.permissions import require_history_of
from bot.texts import Say, label
from engine.catalog import Catalog
from engine.errors import InvalidRequest
from engine.files import picture_path
from engine.ledger import HistoryFilter
from engine.types import Generation, from_base36, to_base36

PAGE = 6
SEARCH_LIMIT = 40
"""Longest search, since a button of at most 100 characters holds it."""

THUMBNAIL_SIDE = 320

Turn = Literal["", "b", "a"]


@dataclass(frozen=True, slots=True)
class Query:
    """What a page shows: the newest, or those next before ("b") or after ("a") the id `cursor`."""

    person_id: str
    model: str | None = None
    search: str | None = None
    favourites: bool = False
    since: date | None = None
    until: date | None = None
    turn: Turn = ""
    cursor: int = 0

    @property
    def filtered(self) -> bool:
        return bool(self.model or self.search or self.favourites or self.since or self.until)

    def custom_id(self, catalog: Catalog) -> str:
        """At most 100 characters: ids and days in base 36, the model as a checksum of its key."""
        where = f"{self.turn}{to_base36(self.cursor)}" if self.turn else ""
        model = _checksum(self.model) if self.model and self.model in catalog else ""
        liked = "f" if self.favourites else ""
        days = f"{_written(self.since)}:{_written(self.until)}"
        return f"hist:{where}:{to_base36(int(self.person_id))}:{model}:{liked}:{days}:{self.search or ''}"

    @classmethod
    def parse(cls, match: re.Match[str], catalog: Catalog) -> Query:
        models = {_checksum(spec.key): spec.key for spec in catalog}
        turn: Turn = "a" if match["turn"] == "a" else "b" if match["turn"] else ""
        return cls(
            person_id=str(from_base36(match["person"])),
            model=models.get(match["model"]),
            search=match["search"] or None,
            favourites=bool(match["liked"]),
            since=_read(match["since"]),
            until=_read(match["until"]),
            turn=turn,
            cursor=from_base36(match["cursor"]) if turn else 0,
        )

    def filter(self, *, own: bool, viewer_id: str, guild_id: str | None) -> HistoryFilter:
        """One's own favourites are whoever's; what others see of somebody is their server's, and nothing private."""
        return HistoryFilter(
            person_id=None if own and self.favourites else self.person_id,
            guild_id=None if own else guild_id,
            model=self.model,
            search=self.search,
            favourites_of=viewer_id if self.favourites else None,
            private=None if own else False,
            since=_midnight(self.since) if self.since else None,
            until=_midnight(self.until) + timedelta(days=1) if self.until else None,
        )


def _checksum(key: str) -> str:
    return to_base36(zlib.crc32(key.encode()))


def _written(day: date | None) -> str:
    return to_base36(day.toordinal()) if day else ""


def _read(text: str) -> date | None:
    """None also for what is no day: a custom id is only input."""
    number = int(text, 36) if text else 0
    return date.fromordinal(number) if 0 < number < date.max.toordinal() else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def day_of(field: str, text: str | None) -> date | None:
    """A day as it is typed, such as 2026-11-23."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        example = datetime.now(UTC).date().isoformat()
        raise InvalidRequest(field, text, f"a day such as {example}", rule="example", example=example) from None


@app_commands.command(name=label("history-name"), description=label("history-description"))
@app_commands.describe(
    search=label("option-history-search"),
    model=label("option-history-model"),
    favourites=label("option-history-favourites"),
    since=label("option-history-since"),
    until=label("option-history-until"),
    member=label("option-history-person"),
)
@app_commands.rename(
    search=label("name-search"),
    model=label("name-model"),
    favourites=label("name-favourites"),
    since=label("name-since"),
    until=label("name-until"),
    member=label("name-person"),
)
@app_commands.autocomplete(model=complete_model)
async def history(
    interaction: Interaction,
    search: app_commands.Range[str, 1, SEARCH_LIMIT] | None = None,
    model: str | None = None,
    favourites: bool = False,
    since: str | None = None,
    until: str | None = None,
    member: discord.User | None = None,
) -> None:
    if model is not None:
        interaction.client.catalog.get(model)
    query = Query(
        person_id=str(member.id if member else interaction.user.id),
        model=model,
        search=messages.begin(messages.visible(search), SEARCH_LIMIT) if search else None,
        favourites=favourites,
        since=day_of("since", since),
        until=day_of("until", until),
    )
    require_history_of(person(interaction), query.person_id)
    await interaction.response.defer(ephemeral=True, thinking=True)
    await show_page(interaction, query)


@history.autocomplete("since")
@history.autocomplete("until")
async def complete_day(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
    """Days that people mean often; any other is typed."""
    say, today = interaction.client.say(interaction), datetime.now(UTC).date()
    days = [today - timedelta(days=back) for back in (0, 1, 7, 30)] + [
        today.replace(day=1),
        today.replace(month=1, day=1),
    ]
    offered = {day.isoformat(): say("days-ago", days=(today - day).days) for day in sorted(set(days), reverse=True)}
    return [
        app_commands.Choice(name=messages.cut(f"{day} · {words}", 100), value=day)
        for day, words in offered.items()
        if current.lower() in f"{day} {words}".lower()
    ]


class Pager(
    Control,
    template=r"hist:(?P<turn>[ab]?)(?P<cursor>[0-9a-z]{0,13}):(?P<person>[0-9a-z]{1,13}):(?P<model>[0-9a-z]{0,7})"
    r":(?P<liked>f?):(?P<since>[0-9a-z]{0,4}):(?P<until>[0-9a-z]{0,4}):(?P<search>.{0,40})",
):
    """Older, Newer, Newest and Favourites."""

    async def pressed(self, interaction: Interaction) -> None:
        query = Query.parse(self.match, interaction.client.catalog)
        require_history_of(person(interaction), query.person_id)
        await interaction.response.defer()
        await show_page(interaction, query)


async def show_page(interaction: Interaction, query: Query) -> None:
    """Fills the deferred answer with a page."""
    bot, say = interaction.client, interaction.client.say(interaction)
    viewer = str(interaction.user.id)
    own = query.person_id == viewer
    wanted = query.filter(own=own, viewer_id=viewer, guild_id=person(interaction).guild_id)
    found, newer, older = await read_page(interaction, query, wanted)
    favourites = await bot.ledger.favourites(viewer, [each.id for each in found])
    liked = {id for id, _ in favourites}
    thumbs = await thumbnails(interaction, found, favourites if query.favourites else frozenset())
    rows = [
        pages.Row(
            each,
            picture=thumbs.names.get(each.id),
            link=await links.jump(bot.store, each),
            liked=each.id in liked,
        )
        for each in found
    ]
    card = pages.history_page(
        rows,
        say,
        title=title(query, own, bool(found), say),
        turning=turning(query, found, newer, older, bot.catalog, say),
    )
    await interaction.edit_original_response(view=card, attachments=thumbs.files)


async def read_page(
    interaction: Interaction, query: Query, wanted: HistoryFilter
) -> tuple[list[Generation], bool, bool]:
    """The page's rows, newest first, and whether there are newer and older ones: one row more than shown tells."""
    ledger = interaction.client.ledger
    if query.turn == "a":
        found = await ledger.history(wanted, after=query.cursor, limit=PAGE + 1)
        if len(found) > PAGE:
            return found[1:], True, True
    before = query.cursor if query.turn == "b" else None
    found = await ledger.history(wanted, before=before, limit=PAGE + 1)
    return found[:PAGE], before is not None, len(found) > PAGE


def title(query: Query, own: bool, any_rows: bool, say: Say) -> str:
    lines = [say("history-title", whose="own" if own else "other", person=messages.person(query.person_id))]
    if filters := named(query, say):
        lines.append(messages.small(" · ".join(filters)))
    if not any_rows:
        empty = "history-no-more" if query.turn else "history-no-match" if query.filtered else "history-empty"
        lines.append(say(empty))
    return "\n".join(lines)


def named(query: Query, say: Say) -> list[str]:
    """The filters that are on, as people read them."""
    values = {
        "name-search": query.search and messages.plain(query.search),
        "name-model": query.model and messages.plain(query.model, 80),
        "name-since": query.since and query.since.isoformat(),
        "name-until": query.until and query.until.isoformat(),
    }
    found = [say("fact", name=say(name), value=value) for name, value in values.items() if value]
    return [say("button-favourites"), *found] if query.favourites else found


def turning(
    query: Query, found: Sequence[Generation], newer: bool, older: bool, catalog: Catalog, say: Say
) -> list[ui.Button[Any]]:
    """Only the buttons that lead somewhere."""
    newest = replace(query, turn="", cursor=0)

    def button(key: str, to: Query, style: discord.ButtonStyle = discord.ButtonStyle.secondary) -> ui.Button[Any]:
        return ui.Button(label=say(key), custom_id=to.custom_id(catalog), style=style)

    buttons: list[ui.Button[Any]] = []
    if newer:
        buttons.append(button("button-newest", newest))
        if found:
            buttons.append(button("button-newer", replace(query, turn="a", cursor=found[0].id)))
    if older:
        buttons.append(button("button-older", replace(query, turn="b", cursor=found[-1].id)))
    if found or query.favourites:
        style = discord.ButtonStyle.success if query.favourites else discord.ButtonStyle.secondary
        buttons.append(button("button-favourites", replace(newest, favourites=not query.favourites), style))
    return buttons


@dataclass(frozen=True, slots=True)
class Thumbnails:
    names: dict[int, str]
    files: list[discord.File]


async def thumbnails(
    interaction: Interaction, generations: Sequence[Generation], favourites: Collection[tuple[int, int]]
) -> Thumbnails:
    """One small picture for each generation that still has one: the first, or the first of the favourites."""
    data_dir = interaction.client.config.storage.data_dir
    names: dict[int, str] = {}
    files: list[discord.File] = []
    for generation in generations:
        kept = [picture for picture in generation.pictures if picture.deleted_at is None]
        if not kept:
            continue
        liked = [picture for picture in kept if (generation.id, picture.position) in favourites]
        path = picture_path(data_dir, (liked or kept)[0].path)
        data = await asyncio.to_thread(attachments.thumbnail, path, THUMBNAIL_SIDE)
        if data is not None:
            names[generation.id] = f"{generation.short_id}.webp"
            files.append(attachments.Attachment(names[generation.id], data).file())
    return Thumbnails(names, files)


COMMANDS: tuple[AnyCommand, ...] = (history,)
CONTROLS: tuple[type[Control], ...] = (Pager,)
