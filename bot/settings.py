"""/settings: what the managers of a server decide there, as a panel of menus, buttons and forms.

Each press asks again whether the person may manage the server: a panel stays open longer than a right lasts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from discord import app_commands

from bot import panels, styles
from bot.controls import Control
from bot.defaults import GuildSettings
from bot.forms import MODEL_DECIDES, numbers_form, read_numbers, values
from bot.interactions import AnyCommand, Interaction, chosen, person
from bot.messages import Card
from bot.permissions import require_manager
from bot.texts import label

_FORM = "easel:form:server"


@app_commands.command(name=label("settings-name"), description=label("settings-description"))
@app_commands.guild_install()
@app_commands.guild_only()
@app_commands.default_permissions(manage_guild=True)
async def settings(interaction: Interaction) -> None:
    guild_id = require_manager(person(interaction))
    card = server_card(interaction, await interaction.client.store.guild(guild_id))
    await interaction.response.send_message(view=card, ephemeral=True)


def server_card(interaction: Interaction, kept: GuildSettings) -> Card:
    """The panel's first page. Discord refuses defaults that are gone, so only those that are there are named."""
    texts, guild = interaction.client.texts, interaction.guild
    return panels.server(
        kept,
        interaction.client.say(interaction),
        name=guild.name if guild else "",
        languages=[(tag, texts.speaker(tag)("language")) for tag in texts.languages],
        channels=[int(id) for id in kept.channels if guild and guild.get_channel(int(id))],
        roles=[int(id) for id in kept.roles if guild and guild.get_role(int(id))],
    )


CHANGES: dict[str, Callable[[GuildSettings, list[str]], Mapping[str, object]]] = {
    "press": lambda old, values: {"press": values[0]},
    "channels": lambda old, values: {"channels": values},
    "roles": lambda old, values: {"roles": values},
    "language": lambda old, values: {"language": None if values[0] == MODEL_DECIDES else values[0]},
    "preview": lambda old, values: {"preview": not old.preview},
}
"""What each control of the first page changes."""


class ServerControl(Control, template=r"easel:server:(?P<field>press|channels|roles|language|preview)"):
    async def pressed(self, interaction: Interaction) -> None:
        guild_id, picked = require_manager(person(interaction)), chosen(interaction)
        change = CHANGES[self.match["field"]]
        kept = await interaction.client.store.change_guild(guild_id, lambda old: change(old, picked))
        await interaction.response.edit_message(view=server_card(interaction, kept))


class Turn(Control, template=r"easel:panel:(?P<page>server|defaults|styles)"):
    """Leads to another page of the panel."""

    async def pressed(self, interaction: Interaction) -> None:
        bot = interaction.client
        kept = await bot.store.guild(require_manager(person(interaction)))
        match self.match["page"]:
            case "defaults":
                card = defaults_card(interaction, kept)
            case "styles":
                card = panels.style_list(kept.styles, bot.say(interaction))
            case _:
                card = server_card(interaction, kept)
        await interaction.response.edit_message(view=card)


def defaults_card(interaction: Interaction, kept: GuildSettings) -> Card:
    bot, say = interaction.client, interaction.client.say(interaction)
    return panels.defaults(
        "server",
        kept.defaults,
        say,
        models=[spec.key for spec in bot.catalog],
        offered=styles.offered(kept.styles, say),
    )


class ServerDefault(Control, template=rf"easel:default:server:{panels.DEFAULT_FIELD}"):
    """A menu of the server's defaults, or a button under them."""

    async def pressed(self, interaction: Interaction) -> None:
        bot, picked = interaction.client, chosen(interaction)
        guild_id = require_manager(person(interaction))
        if self.match["field"] == "numbers":
            kept = await bot.store.guild(guild_id)
            await interaction.response.send_modal(numbers_form(_FORM, kept.defaults, bot.say(interaction)))
            return
        kept = await bot.store.change_guild(
            guild_id, lambda old: {"defaults": panels.choose(old.defaults, self.match["field"], picked)}
        )
        await interaction.response.edit_message(view=defaults_card(interaction, kept))


async def submitted(interaction: Interaction) -> None:
    """The form of the server's typed defaults was sent."""
    data: Any = interaction.data or {}
    if data.get("custom_id") != _FORM:
        return
    guild_id = require_manager(person(interaction))
    numbers = read_numbers(values(data))
    kept = await interaction.client.store.change_guild(
        guild_id, lambda old: {"defaults": old.defaults.model_copy(update=numbers)}
    )
    await interaction.response.edit_message(view=defaults_card(interaction, kept))


COMMANDS: tuple[AnyCommand, ...] = (settings,)
CONTROLS = (ServerControl, ServerDefault, Turn)
