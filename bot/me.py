"""/me: one's own defaults, and one's own data, to take along or to delete."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import discord
import structlog
from discord import ButtonStyle, app_commands, ui

from bot import attachments, panels, styles
from bot.controls import Control
from bot.defaults import PersonSettings
from bot.explain import explain
from bot.forms import numbers_form, read_numbers, values
from bot.interactions import AnyCommand, Interaction, chosen, person
from bot.messages import Card, said, small
from bot.texts import Say, label
from bot.wording import size
from engine import privacy
from engine.errors import EaselError, NotFound
from engine.privacy import Kept

log = structlog.get_logger(__name__)

FILE = "easel-data.zip"

ENDING_S = 20.0
"""How long jobs may take to end that were cancelled before their data is deleted."""

_FORM = "easel:form:me"


@app_commands.command(name=label("me-name"), description=label("me-description"))
async def me(interaction: Interaction) -> None:
    who = person(interaction)
    card = await own_card(interaction, await interaction.client.store.person(who.id))
    await interaction.response.send_message(view=card, ephemeral=True)


async def own_card(interaction: Interaction, own: PersonSettings) -> Card:
    bot, say, who = interaction.client, interaction.client.say(interaction), person(interaction)
    server = await bot.store.guild(who.guild_id)
    return panels.defaults(
        "me",
        own.defaults,
        say,
        models=[spec.key for spec in bot.catalog],
        offered=styles.offered(server.styles, say),
        below=data_items(await privacy.kept(bot.ledger, who.id), say),
    )


def data_items(kept: Kept, say: Say) -> list[ui.Item[Any]]:
    told = say("me-kept", generations=kept.generations, pictures=kept.pictures, size=size(kept.bytes, say))
    return [
        ui.Separator[Any](),
        ui.TextDisplay(f"{say('me-data-title')}\n{small(told)}"),
        ui.ActionRow(
            ui.Button(custom_id="easel:me:export", label=say("button-export")),
            ui.Button(custom_id="easel:me:ask", label=say("button-erase"), style=ButtonStyle.danger),
        ),
    ]


class OwnDefault(Control, template=rf"easel:default:me:{panels.DEFAULT_FIELD}"):
    """A menu of one's own defaults, or a button under them."""

    async def pressed(self, interaction: Interaction) -> None:
        bot, who, picked = interaction.client, person(interaction), chosen(interaction)
        if self.match["field"] == "numbers":
            own = await bot.store.person(who.id)
            await interaction.response.send_modal(numbers_form(_FORM, own.defaults, bot.say(interaction)))
            return
        own = await bot.store.change_person(
            who.id, lambda old: {"defaults": panels.choose(old.defaults, self.match["field"], picked)}
        )
        await interaction.response.edit_message(view=await own_card(interaction, own))


async def submitted(interaction: Interaction) -> None:
    """The form of one's own typed defaults was sent."""
    data: Any = interaction.data or {}
    if data.get("custom_id") != _FORM:
        return
    numbers = read_numbers(values(data))
    own = await interaction.client.store.change_person(
        person(interaction).id, lambda old: {"defaults": old.defaults.model_copy(update=numbers)}
    )
    await interaction.response.edit_message(view=await own_card(interaction, own))


class DataControl(Control, template=r"easel:me:(?P<action>export|ask|erase|keep)"):
    """The buttons that concern one's own data; whose it is, is who presses."""

    async def pressed(self, interaction: Interaction) -> None:
        bot, say, who = interaction.client, interaction.client.say(interaction), person(interaction)
        match self.match["action"]:
            case "export":
                await interaction.response.defer(ephemeral=True, thinking=True)
                bot.outbox.run(lambda: send_export(interaction, who.id))
            case "ask":
                kept = await privacy.kept(bot.ledger, who.id)
                await interaction.response.edit_message(view=confirmation(kept, say))
            case "erase":
                await interaction.response.edit_message(view=said(say("me-erasing")))
                bot.outbox.run(lambda: erase(interaction, who.id))
            case _:
                card = await own_card(interaction, await bot.store.person(who.id))
                await interaction.response.edit_message(view=card)


def confirmation(kept: Kept, say: Say) -> Card:
    told = say("me-erase-ask", generations=kept.generations, pictures=kept.pictures, size=size(kept.bytes, say))
    row = ui.ActionRow[Any](
        ui.Button(custom_id="easel:me:erase", label=say("button-erase-yes"), style=ButtonStyle.danger),
        ui.Button(custom_id="easel:me:keep", label=say("button-back")),
    )
    return Card(ui.Container(ui.TextDisplay(told), row))


async def send_export(interaction: Interaction, person_id: str) -> None:
    """Everything there is of a person, in one file that fits here."""
    bot, say = interaction.client, interaction.client.say(interaction)
    own = await bot.store.person(person_id)
    limit = min(interaction.filesize_limit, attachments.REQUEST_LIMIT)
    made = await privacy.export(bot.ledger, person_id, {"settings": own.model_dump(mode="json")}, limit)
    kept = await privacy.kept(bot.ledger, person_id)
    told = say("me-export", generations=made.generations, pictures=made.pictures)
    if (made.generations, made.pictures) != (kept.generations, kept.pictures):
        told += "\n" + small(say("me-export-part", generations=kept.generations, pictures=kept.pictures))
    card = Card(ui.TextDisplay(told), ui.File(f"attachment://{FILE}"))
    try:
        await interaction.edit_original_response(view=card, attachments=[discord.File(io.BytesIO(made.data), FILE)])
    except discord.HTTPException as error:
        log.info("an export could not be handed over", error=str(error))


async def erase(interaction: Interaction, person_id: str) -> None:
    """Stops what is under way, deletes what is kept, and then the messages that show it."""
    bot, say = interaction.client, interaction.client.say(interaction)
    try:
        for id in await bot.store.open_jobs(person_id):
            await bot.dispatcher.cancel(id)
            await ended(interaction, id)
    except EaselError as error:  # the disk is full, so nothing can be deleted either
        await bot.outbox.calmly(interaction, said(explain(error, say)))
        return
    messages = await bot.store.posted(person_id)
    erased = await privacy.erase(bot.ledger, person_id)
    await bot.store.forget_person(person_id)
    left = (await privacy.kept(bot.ledger, person_id)).generations
    told = say("me-erased", generations=erased)
    if left:
        told += "\n" + small(say("me-erased-left", generations=left))
    await bot.outbox.calmly(interaction, said(told))
    await remove_messages(interaction, messages)


async def ended(interaction: Interaction, id: int) -> None:
    """Waits until a cancelled job is over, and whoever asked for it was told."""
    bot = interaction.client
    try:
        async with asyncio.timeout(ENDING_S):
            async for _ in bot.dispatcher.watch(id):
                pass
            while (delivery := await bot.store.delivery(id)) and delivery.status == "pending":  # noqa: ASYNC110
                await asyncio.sleep(0.2)
    except (TimeoutError, NotFound):
        log.info("a job had not ended when its person's data was deleted", id=id)


async def remove_messages(interaction: Interaction, posted: list[tuple[int, int]]) -> None:
    """As far as Discord lets us: where the bot is no longer, or the message is gone, the rest goes on."""
    closed: set[int] = set()
    for channel_id, message_id in posted:
        if channel_id in closed:
            continue
        message = interaction.client.get_partial_messageable(channel_id).get_partial_message(message_id)
        try:
            await message.delete()
        except discord.NotFound:
            continue
        except discord.HTTPException:
            closed.add(channel_id)  # too many refusals, and Discord shuts the bot out


COMMANDS: tuple[AnyCommand, ...] = (me,)
CONTROLS = (OwnDefault, DataControl)
