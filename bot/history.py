"""/history: one's own pictures, or for moderators a person's of their server; a page at a time.

A pager's button holds the whole question (whose, which model, what words) and where the page ends, so that it works
after a restart too. Like every custom id it is only input: who may see what is checked at each press.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import discord
from discord import app_commands, ui

from bot import attachments, messages, pages
from bot.imagine import allowed, complete_model
from bot.interactions import AnyCommand, Interaction, person
from bot.permissions import require_history_of
from bot.texts import Say, label
from engine.catalog import Catalog
from engine.files import picture_path
from engine.ledger import HistoryFilter
from engine.types import Generation, from_base36, to_base36

PAGE = 5
SEARCH_LIMIT = 40
"""Longest search, since a button of at most 100 characters holds it."""


@dataclass(frozen=True, slots=True)
class Query:
    """What a page shows. `before` is the id that its first row comes before; None: the newest page."""

    person_id: str
    model: str | None = None
    search: str | None = None
    before: int | None = None

    def custom_id(self, catalog: Catalog) -> str:
        """At most 100 characters: ids in base 36, the model as a checksum of its key."""
        before = "" if self.before is None else to_base36(self.before)
        model = _checksum(self.model) if self.model and self.model in catalog else ""
        return f"hist:{before}:{to_base36(int(self.person_id))}:{model}:{self.search or ''}"

    @classmethod
    def parse(cls, match: re.Match[str], catalog: Catalog) -> Query:
        models = {_checksum(spec.key): spec.key for spec in catalog}
        return cls(
            person_id=str(from_base36(match["person"])),
            model=models.get(match["model"]),
            search=match["search"] or None,
            before=from_base36(match["before"]) if match["before"] else None,
        )


def _checksum(key: str) -> str:
    return to_base36(zlib.crc32(key.encode()))


@app_commands.command(name=label("history-name"), description=label("history-description"))
@app_commands.describe(
    model=label("option-history-model"), search=label("option-history-search"), member=label("option-history-person")
)
@app_commands.rename(model=label("name-model"), search=label("name-search"), member=label("name-person"))
@app_commands.autocomplete(model=complete_model)
async def history(
    interaction: Interaction,
    model: str | None = None,
    search: app_commands.Range[str, 1, SEARCH_LIMIT] | None = None,
    member: discord.User | None = None,
) -> None:
    who = str(member.id if member else interaction.user.id)
    if model is not None:
        interaction.client.catalog.get(model)
    query = Query(who, model, messages.visible(search) if search else None)
    require_history_of(person(interaction), query.person_id)
    await interaction.response.defer(ephemeral=True, thinking=True)
    await show_page(interaction, query)


class Pager(
    ui.DynamicItem[ui.Button[Any]],
    template=r"hist:(?P<before>[0-9a-z]{0,13}):(?P<person>[0-9a-z]{1,13}):(?P<model>[0-9a-z]{0,7}):(?P<search>.{0,80})",
):
    """Older and Newest."""

    def __init__(self, item: ui.Button[Any], match: re.Match[str]) -> None:
        super().__init__(item)
        self.match = match

    @classmethod
    async def from_custom_id(cls, interaction: Interaction, item: ui.Item[Any], match: re.Match[str], /) -> Pager:  # type: ignore[override]
        assert isinstance(item, ui.Button)
        return cls(item, match)

    async def callback(self, interaction: Interaction) -> None:  # type: ignore[override]
        try:
            query = Query.parse(self.match, interaction.client.catalog)
            require_history_of(person(interaction), query.person_id)
            await interaction.response.defer()
            await show_page(interaction, query)
        except Exception as error:
            await interaction.client.report(interaction, error)


class ShowAgain(ui.DynamicItem[ui.Select[Any]], template="easel:show"):
    """The menu under a page: posts the chosen result again, with live buttons."""

    @classmethod
    async def from_custom_id(cls, interaction: Interaction, item: ui.Item[Any], match: re.Match[str], /) -> ShowAgain:  # type: ignore[override]
        assert isinstance(item, ui.Select)
        return cls(item)

    async def callback(self, interaction: Interaction) -> None:  # type: ignore[override]
        try:
            generation = await allowed(interaction, self.item.values[0])
            await interaction.response.defer(ephemeral=generation.origin.private, thinking=True)
            post = await interaction.client.outbox.compose(generation, interaction.filesize_limit)
            await interaction.edit_original_response(view=post.card, attachments=post.files())
        except Exception as error:
            await interaction.client.report(interaction, error)


async def show_page(interaction: Interaction, query: Query) -> None:
    """Fills the deferred answer with a page; one row more than it shows tells whether there are older ones."""
    bot, say = interaction.client, interaction.client.say(interaction)
    own = query.person_id == str(interaction.user.id)
    wanted = HistoryFilter(
        person_id=query.person_id,
        guild_id=None if own else str(interaction.guild_id),
        model=query.model,
        search=query.search,
    )
    found = await bot.ledger.history(wanted, before=query.before, limit=PAGE + 1)
    rows = [row for row in found[:PAGE] if own or not row.origin.private]
    card = pages.history_page(
        rows,
        (thumbs := await thumbnails(interaction, rows)).names,
        say,
        title=title(query, own, bool(rows), say),
        pages=turning(query, found, bot.catalog, say),
    )
    await interaction.edit_original_response(view=card, attachments=thumbs.files)


def title(query: Query, own: bool, any_rows: bool, say: Say) -> str:
    heading = say("history-title", whose="own" if own else "other", person=messages.person(query.person_id))
    if any_rows:
        return heading
    if query.before is not None:
        return f"{heading}\n{say('history-no-more')}"
    return f"{heading}\n{say('history-no-match' if query.model or query.search else 'history-empty')}"


def turning(query: Query, found: Sequence[Generation], catalog: Catalog, say: Say) -> list[ui.Button[Any]]:
    """Only the buttons that lead somewhere."""
    buttons: list[ui.Button[Any]] = []
    if query.before is not None:
        newest = replace(query, before=None)
        buttons.append(ui.Button(label=say("button-newest"), custom_id=newest.custom_id(catalog)))
    if len(found) > PAGE:
        older = replace(query, before=found[PAGE - 1].id)
        buttons.append(ui.Button(label=say("button-older"), custom_id=older.custom_id(catalog)))
    return buttons


@dataclass(frozen=True, slots=True)
class Thumbnails:
    names: dict[int, str]
    files: list[discord.File]


async def thumbnails(interaction: Interaction, generations: Sequence[Generation]) -> Thumbnails:
    """A small picture for each generation whose first picture is still there."""
    data_dir = interaction.client.config.storage.data_dir
    names: dict[int, str] = {}
    files: list[discord.File] = []
    for generation in generations:
        first = next((picture for picture in generation.pictures if picture.deleted_at is None), None)
        data = await asyncio.to_thread(attachments.thumbnail, picture_path(data_dir, first.path)) if first else None
        if data is not None:
            names[generation.id] = f"{generation.short_id}.webp"
            files.append(attachments.Attachment(names[generation.id], data).file())
    return Thumbnails(names, files)


COMMANDS: tuple[AnyCommand, ...] = (history,)
