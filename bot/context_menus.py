"""What a right click on a message offers: Parameters of its pictures, and Run again."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import discord
from discord import app_commands

from bot import defaults, metadata, pages
from bot.cdn import LIMIT_BYTES, TIMEOUT_S
from bot.defaults import PersonSettings
from bot.imagine import paint
from bot.interactions import AnyCommand, Interaction, found, origin, person
from bot.metadata import Parameters
from bot.options import Options
from bot.permissions import Refused, require_look
from bot.results import reroll
from bot.styles import NONE
from bot.texts import label
from engine.images import NotAPicture
from engine.types import MAX_IMAGES, PROMPT_LIMIT, Generation

_OURS = re.compile(r"easel:(?:reroll|edit):([0-9a-z]{1,13})")

READING_S = 20.0
"""How long the pictures of a message may take to be read, where Discord has its first answer already."""


@app_commands.context_menu(name=label("menu-parameters-name"))
async def parameters(interaction: Interaction, message: discord.Message) -> None:
    await interaction.response.defer(ephemeral=True, thinking=True)
    say = interaction.client.say(interaction)
    read = await read_message(interaction, message, timeout=READING_S)
    await interaction.edit_original_response(view=pages.parameters(read, say))


@app_commands.context_menu(name=label("menu-run-again-name"))
async def run_again(interaction: Interaction, message: discord.Message) -> None:
    """A result of ours is rerolled; of another picture, everything that is known here is taken over but the seed."""
    bot = interaction.client
    if (generation := await own_result(interaction, message)) is not None:
        await reroll(interaction, generation)
        return
    read, *_ = await read_message(interaction, message, most=1, timeout=TIMEOUT_S)
    if not read.prompt.strip():
        raise Refused("error-no-parameters")
    # As defaults, so that what does not fit a model of this catalogue is passed over.
    known = metadata.options(read, bot.catalog)
    request = defaults.request(
        bot.catalog,
        read.prompt[:PROMPT_LIMIT],
        Options(style=NONE, model=known.model, negative_prompt=known.negative_prompt or ""),
        person=PersonSettings(defaults=known),
        server=await bot.store.guild(origin(interaction).guild_id),
        fallback=bot.config.default_model,
    )
    await paint(interaction, request)


async def own_result(interaction: Interaction, message: discord.Message) -> Generation | None:
    """The generation that a message of ours shows, known by its buttons."""
    if interaction.client.user is None or message.author.id != interaction.client.user.id:
        return None
    for part in components(message):
        if match := _OURS.fullmatch(getattr(part, "custom_id", None) or ""):
            generation = await found(interaction, match[1])
            require_look(person(interaction), generation)
            return generation
    return None


async def read_message(
    interaction: Interaction, message: discord.Message, *, most: int = MAX_IMAGES, timeout: float
) -> list[Parameters]:
    """What the first pictures of a message say of themselves. Raises Refused where none says anything."""
    if (generation := await own_result(interaction, message)) is not None:
        seeds = [picture.seed for picture in generation.pictures] or [generation.request.seed]
        return [metadata.of_request(generation.request, seed) for seed in seeds[:1]]
    urls = list(dict.fromkeys(pictures(message)))
    if not urls:
        raise Refused("error-no-picture")
    ours = [url for url in urls if interaction.client.cdn.serves(url)]
    if not ours:
        raise Refused("error-picture-elsewhere")
    read: list[Parameters] = []
    try:
        async with asyncio.timeout(timeout):
            for url in ours[:MAX_IMAGES]:
                one = await read_picture(interaction, url, timeout)
                if one is not None:
                    read.append(one)
                if len(read) == most:
                    break
    except TimeoutError:
        raise Refused("error-picture-unread") from None
    if not read:
        raise Refused("error-no-parameters")
    return read


async def read_picture(interaction: Interaction, url: str, timeout: float) -> Parameters | None:
    data = await interaction.client.cdn.read(url, timeout=timeout)
    try:
        return await asyncio.to_thread(metadata.read, data)
    except NotAPicture:
        return None


def pictures(message: discord.Message) -> Iterator[str]:
    """The addresses of the files that a message shows; those in its components are not among its attachments."""
    for attachment in message.attachments:
        if (attachment.content_type or "image/").startswith("image/") and attachment.size <= LIMIT_BYTES:
            yield attachment.url
    for part in components(message):
        media: list[Any] = [getattr(part, "media", None)]
        media += [item.media for item in getattr(part, "items", ())]
        yield from (item.url for item in media if item is not None and item.url)


def components(message: discord.Message) -> Iterator[Any]:
    """Every component of a message, however deep it lies."""
    waiting: list[Any] = list(message.components)
    while waiting:
        part = waiting.pop(0)
        yield part
        waiting += getattr(part, "children", ())
        if (accessory := getattr(part, "accessory", None)) is not None:
            waiting.append(accessory)


COMMANDS: tuple[AnyCommand, ...] = (parameters, run_again)
