"""More: everything that made a picture, the original files, and what it was made from and became."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bot import links, pages
from bot.attachments import REQUEST_LIMIT, Attachment
from bot.interactions import Interaction, person, sees
from engine.errors import NotFound
from engine.files import picture_path
from engine.types import Generation

CHILDREN = 10
"""How many of a picture's children are named."""


async def show(interaction: Interaction, generation: Generation) -> None:
    bot, say = interaction.client, interaction.client.say(interaction)
    await interaction.response.defer(ephemeral=True, thinking=True)
    parents = await relatives(interaction, [generation.parent_id] if generation.parent_id else [])
    children = await relatives(interaction, await bot.ledger.children(generation.id, CHILDREN))
    originals = await asyncio.to_thread(
        load_originals, bot.config.storage.data_dir, generation, interaction.filesize_limit
    )
    command = pages.command_of(generation.request, bot.texts.speaker(str(interaction.locale)))
    files = list(originals)
    if pages.too_long(command):
        files.append(Attachment(f"{generation.short_id}.txt", command.encode()))
    card = pages.more(
        generation,
        command,
        [file.name for file in files],
        say,
        parents=parents,
        children=children,
        missing=sum(picture.deleted_at is None for picture in generation.pictures) - len(originals),
    )
    await interaction.edit_original_response(view=card, attachments=[file.file() for file in files])


async def relatives(interaction: Interaction, ids: list[int]) -> list[pages.Relative]:
    """Those of these generations that whoever asks may see."""
    found: list[pages.Relative] = []
    for id in ids:
        try:
            generation = await interaction.client.ledger.get(id)
        except NotFound:  # its owner took all their data away
            continue
        own = generation.origin.person_id == person(interaction).id
        if own or (not generation.origin.private and sees(interaction, generation)):
            found.append(pages.Relative(generation, await links.jump(interaction.client.store, generation)))
    return found


def load_originals(data_dir: Path, generation: Generation, limit: int) -> list[Attachment]:
    """The PNG files as they were painted, each of at most `limit` bytes and as many as Discord takes at once."""
    found: list[Attachment] = []
    room = REQUEST_LIMIT
    for picture in generation.pictures:
        if picture.deleted_at is not None or picture.bytes > min(limit, room):
            continue
        try:
            png = picture_path(data_dir, picture.path).read_bytes()
        except FileNotFoundError:
            continue
        room -= len(png)
        found.append(Attachment(f"{generation.short_id}-{picture.position}.png", png))
    return found
