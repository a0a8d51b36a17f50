"""What handlers read from an interaction: who acts, from where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands

from bot.permissions import Person, Refused
from engine.errors import NotFound
from engine.types import Generation, Origin, from_base36

if TYPE_CHECKING:
    from bot.client import EaselBot

    Interaction = discord.Interaction[EaselBot]
else:
    Interaction = discord.Interaction

AnyCommand = app_commands.Command[Any, ..., Any] | app_commands.Group | app_commands.ContextMenu


def person(interaction: Interaction) -> Person:
    """Who acts, with the rights that Discord says they have in this channel."""
    rights = interaction.permissions
    in_server = interaction.guild_id is not None
    return Person(
        id=str(interaction.user.id),
        guild_id=_text(interaction.guild_id),
        role_ids=frozenset(str(role.id) for role in getattr(interaction.user, "roles", ())),
        manage_messages=in_server and (rights.administrator or rights.manage_messages),
        manage_guild=in_server and (rights.administrator or rights.manage_guild),
    )


def origin(interaction: Interaction, *, private: bool = False) -> Origin:
    return Origin(str(interaction.user.id), _text(interaction.guild_id), _text(interaction.channel_id), private)


def places(interaction: Interaction) -> frozenset[str]:
    """Ids of the channel, of the one that a thread hangs on, and of their category."""
    channel = interaction.channel
    found = (interaction.channel_id, getattr(channel, "parent_id", None), getattr(channel, "category_id", None))
    return frozenset(str(id) for id in found if id is not None)


def sees(interaction: Interaction, generation: Generation) -> bool:
    """Whether whoever acts may read the channel that a picture was asked for in, as far as the bot knows it."""
    origin = generation.origin
    if origin.channel_id == _text(interaction.channel_id):
        return True
    if interaction.guild is None or origin.guild_id != str(interaction.guild.id) or origin.channel_id is None:
        return False
    channel, member = interaction.guild.get_channel_or_thread(int(origin.channel_id)), interaction.user
    if channel is None or not isinstance(member, discord.Member):
        return False
    if isinstance(channel, discord.Thread) and channel.is_private():
        return False
    return channel.permissions_for(member).view_channel


def require_files(interaction: Interaction) -> None:
    """Where the bot may not attach files, nothing that ends in a picture is begun."""
    if interaction.guild_id is not None and not interaction.app_permissions.attach_files:
        raise Refused("error-no-files")


async def found(interaction: Interaction, short_id: str) -> Generation:
    """The generation that an id names, as a custom id or a person says it."""
    try:
        return await interaction.client.ledger.get(from_base36(short_id.strip().strip("`").lower()))
    except (ValueError, NotFound):
        raise Refused("error-gone") from None


def chosen(interaction: Interaction) -> list[str]:
    """The values of the menu that was used; ids, where people, roles or channels are chosen."""
    data: Any = interaction.data or {}
    return [str(value) for value in data.get("values", [])]


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
