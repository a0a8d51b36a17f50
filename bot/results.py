"""What can be pressed under a job's message, from Cancel to More, and the form that Edit opens."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import discord

from bot import attachments, forms, messages, more, pages
from bot.controls import Control
from bot.forms import Form
from bot.imagine import paint
from bot.interactions import Interaction, found, person
from bot.permissions import Refused, require_look, require_press
from bot.texts import Say
from engine.types import PROMPT_LIMIT, Generation

ID = r"(?P<id>[0-9a-z]{1,13})"
_EDIT = re.compile(f"easel:edit:{ID}")

CLOSED_DM = 50007
"""Discord's code for somebody who takes no direct messages from this bot."""


class Press(Control, template=rf"easel:(?P<action>reroll|edit|more|favourite|send|delete|cancel):{ID}"):
    """Any button under a job's message. It holds an id and nothing else, so it works as long as the row exists."""

    async def pressed(self, interaction: Interaction) -> None:
        generation = await found(interaction, self.match["id"])
        await ACTIONS[self.match["action"]](interaction, generation)


async def require_more_from(interaction: Interaction, generation: Generation) -> None:
    """Whoever makes more from a picture must be who its server lets."""
    server = await interaction.client.store.guild(generation.origin.guild_id)
    require_press(person(interaction), generation, server.press)


async def reroll(interaction: Interaction, generation: Generation) -> None:
    """The same with another seed."""
    await require_more_from(interaction, generation)
    await paint(interaction, generation.request.model_copy(update={"seed": -1}), parent=generation)


async def edit(interaction: Interaction, generation: Generation) -> None:
    await require_more_from(interaction, generation)
    await interaction.response.send_modal(edit_form(generation, interaction.client.say(interaction)))


async def show_more(interaction: Interaction, generation: Generation) -> None:
    require_look(person(interaction), generation)
    await more.show(interaction, generation)


async def favourite(interaction: Interaction, generation: Generation) -> None:
    """One picture is liked or not; of several, each is asked for."""
    who, say = person(interaction), interaction.client.say(interaction)
    require_look(who, generation)
    positions = [picture.position for picture in generation.pictures if picture.deleted_at is None]
    if not positions:
        raise Refused("error-picture-gone")
    if len(positions) > 1:
        liked = {position for _, position in await interaction.client.ledger.favourites(who.id, [generation.id])}
        card = pages.favourites(generation.short_id, positions, liked, say)
    else:
        now = await turn(interaction, generation, positions[0])
        card = messages.said(say("favourite-added" if now else "favourite-removed"))
    await interaction.response.send_message(view=card, ephemeral=True)


class Like(Control, template=rf"easel:like:{ID}:(?P<position>[0-9])"):
    """One picture of several, in the answer to Favourite."""

    async def pressed(self, interaction: Interaction) -> None:
        generation = await found(interaction, self.match["id"])
        who, say = person(interaction), interaction.client.say(interaction)
        require_look(who, generation)
        await turn(interaction, generation, int(self.match["position"]))
        liked = {position for _, position in await interaction.client.ledger.favourites(who.id, [generation.id])}
        positions = [picture.position for picture in generation.pictures if picture.deleted_at is None]
        await interaction.response.edit_message(view=pages.favourites(generation.short_id, positions, liked, say))


async def turn(interaction: Interaction, generation: Generation, position: int) -> bool:
    """Makes a picture a favourite, or takes it out; returns whether it is one now. NotFound for no such picture."""
    ledger, who = interaction.client.ledger, str(interaction.user.id)
    if await ledger.set_favourite(who, generation.id, position):
        return True
    await ledger.set_favourite(who, generation.id, position, liked=False)
    return False


async def send(interaction: Interaction, generation: Generation) -> None:
    """The result as a direct message, its buttons alive there too."""
    bot, say = interaction.client, interaction.client.say(interaction)
    require_look(person(interaction), generation)
    await interaction.response.defer(ephemeral=True, thinking=True)
    post = await bot.outbox.compose(generation, attachments.DEFAULT_LIMIT, say=say)
    try:
        sent = await interaction.user.send(view=post.card, files=post.files())
    except discord.Forbidden as error:
        if error.code != CLOSED_DM:
            raise
        raise Refused("error-dm-closed") from None
    await interaction.edit_original_response(view=messages.said(say("sent-to-you", link=sent.jump_url)))


async def delete(interaction: Interaction, generation: Generation) -> None:
    """Files and messages go, the row stays."""
    require_press(person(interaction), generation)
    bot = interaction.client
    await interaction.response.defer()
    await bot.ledger.delete_pictures(generation.id)
    await interaction.delete_original_response()
    delivery = await bot.store.delivery(generation.id)
    shown = interaction.message.id if interaction.message else None
    if delivery and delivery.channel_id and delivery.message_id not in (None, shown) and not generation.origin.private:
        first = bot.get_partial_messageable(delivery.channel_id).get_partial_message(delivery.message_id)
        with suppress(discord.NotFound, discord.Forbidden):  # gone already, or out of the bot's reach by now
            await first.delete()


async def cancel(interaction: Interaction, generation: Generation) -> None:
    """Acknowledged at once; the outbox shows the end."""
    require_press(person(interaction), generation)
    await interaction.response.defer()
    await interaction.client.dispatcher.cancel(generation.id)


ACTIONS: dict[str, Callable[[Interaction, Generation], Awaitable[None]]] = {
    "reroll": reroll,
    "edit": edit,
    "more": show_more,
    "favourite": favourite,
    "send": send,
    "delete": delete,
    "cancel": cancel,
}


def edit_form(generation: Generation, say: Say) -> Form:
    """The words and the numbers of a request, to be changed and painted again."""
    request = generation.request
    form = Form(messages.custom_id("edit", generation.short_id), say("edit-title"))
    form.text("prompt", say("edit-prompt"), request.prompt, limit=PROMPT_LIMIT, long=True, needed=True)
    form.text("negative_prompt", say("edit-negative"), request.negative_prompt, limit=PROMPT_LIMIT, long=True)
    form.text("steps", say("edit-steps"), request.num_inference_steps, needed=True)
    form.text("cfg", say("edit-cfg"), f"{request.guidance_scale:g}", needed=True)
    form.text("seed", say("edit-seed"), request.seed, hint=say("edit-seed-hint"), needed=True)
    return form


async def submitted(interaction: Interaction) -> None:
    """An Edit form was sent; the answer is a new job, made from the one it was opened on."""
    data: Any = interaction.data or {}
    match = _EDIT.fullmatch(data.get("custom_id", ""))
    if match is None:
        return
    parent = await found(interaction, match["id"])
    await require_more_from(interaction, parent)
    fields = forms.values(data)
    request = interaction.client.catalog.request(
        parent.request.model,
        fields.get("prompt", ""),
        negative_prompt=fields.get("negative_prompt", ""),
        num_inference_steps=forms.whole_number("steps", fields.get("steps", "")),
        guidance_scale=forms.number("cfg", fields.get("cfg", "")),
        seed=forms.whole_number("seed", fields.get("seed", "")),
        width=parent.request.width,
        height=parent.request.height,
        num_images=parent.request.num_images,
        sampler=parent.request.sampler,
    )
    await paint(interaction, request, parent=parent)


CONTROLS: tuple[type[Control], ...] = (Press, Like)
