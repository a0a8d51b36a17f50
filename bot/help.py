"""/help: what the bot can do, with tips for prompts."""

from __future__ import annotations

from discord import app_commands

from bot import messages
from bot.interactions import AnyCommand, Interaction
from bot.texts import label
from bot.wording import best_for


@app_commands.command(name=label("help-name"), description=label("help-description"))
async def show_help(interaction: Interaction) -> None:
    bot, say = interaction.client, interaction.client.say(interaction)
    spec = bot.catalog.get(await bot.default_model(interaction.guild_id))
    here = say("help-default", model=messages.plain(spec.key), best=messages.plain(best_for(spec, say)))
    await interaction.response.send_message(view=messages.said(f"{say('help-text')}\n\n{here}"), ephemeral=True)


COMMANDS: tuple[AnyCommand, ...] = (show_help,)
