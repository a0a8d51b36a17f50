"""/model: the models and their state for everyone; use, load and unload for those who may manage the server."""

from __future__ import annotations

import asyncio

import discord
from discord import app_commands

from bot import messages, pages
from bot.controls import Control
from bot.imagine import complete_model
from bot.interactions import AnyCommand, Interaction, person
from bot.pacing import PROGRESS_INTERVAL_S, sparse
from bot.permissions import require_manager
from bot.store import TOKEN_LIFE
from bot.texts import label
from engine import hub
from engine.errors import EaselError
from engine.samplers import ways
from engine.types import ModelState

model = app_commands.Group(name=label("model-name"), description=label("model-description"))

END_S = 30.0
"""How long Discord may take to show how it ended."""


async def states(interaction: Interaction) -> dict[str, ModelState]:
    return {state.key: state for state in await interaction.client.engine.models()}


@model.command(name=label("model-list-name"), description=label("model-list-description"))
async def list_models(interaction: Interaction) -> None:
    await interaction.response.defer(ephemeral=True, thinking=True)
    now = await states(interaction)
    await interaction.edit_original_response(view=await table(interaction, now))
    if on_its_way(now):
        interaction.client.outbox.run(lambda: keep_table(interaction, now))


async def table(interaction: Interaction, now: dict[str, ModelState]) -> messages.Card:
    bot = interaction.client
    default = await bot.default_model(interaction.guild_id)
    return pages.model_list(list(bot.catalog), now, default, bot.say(interaction))


def on_its_way(now: dict[str, ModelState]) -> bool:
    return any(state.state == "loading" for state in now.values())


async def keep_table(interaction: Interaction, shown: dict[str, ModelState]) -> None:
    """Shows how far a model is until it is there, as long as Discord lets the answer be edited."""
    until = interaction.created_at + TOKEN_LIFE
    while on_its_way(shown) and discord.utils.utcnow() < until:
        await asyncio.sleep(PROGRESS_INTERVAL_S)
        now = await states(interaction)
        if now != shown:
            await interaction.client.outbox.calmly(interaction, await table(interaction, now))
        shown = now


class Refresh(Control, template="easel:models"):
    """The table as it is now."""

    async def pressed(self, interaction: Interaction) -> None:
        await interaction.response.defer()
        await interaction.edit_original_response(view=await table(interaction, await states(interaction)))


@model.command(name=label("model-info-name"), description=label("model-info-description"))
@app_commands.describe(key=label("option-model-key"))
@app_commands.rename(key=label("name-model"))
@app_commands.autocomplete(key=complete_model)
async def info(interaction: Interaction, key: str) -> None:
    bot, say = interaction.client, interaction.client.say(interaction)
    spec = bot.catalog.get(key)
    await interaction.response.defer(ephemeral=True, thinking=True)
    default = await bot.default_model(interaction.guild_id)
    schedule = await asyncio.to_thread(hub.noise_schedule, spec, bot.config.engine.models_dir)
    state = (await states(interaction)).get(spec.key)
    card = pages.model_info(spec, state, spec.key == default, ways(spec, schedule), say)
    await interaction.edit_original_response(view=card)


@model.command(name=label("model-use-name"), description=label("model-use-description"))
@app_commands.describe(key=label("option-model-key"))
@app_commands.rename(key=label("name-model"))
@app_commands.autocomplete(key=complete_model)
async def use(interaction: Interaction, key: str) -> None:
    guild_id = require_manager(person(interaction))
    spec = interaction.client.catalog.get(key)
    await interaction.client.store.change_guild(
        guild_id, lambda old: {"defaults": old.defaults.model_copy(update={"model": spec.key})}
    )
    text = interaction.client.say(interaction)("model-used", key=messages.plain(spec.key))
    await interaction.response.send_message(view=messages.said(text))


@model.command(name=label("model-load-name"), description=label("model-load-description"))
@app_commands.describe(key=label("option-model-key"))
@app_commands.rename(key=label("name-model"))
@app_commands.autocomplete(key=complete_model)
async def load(interaction: Interaction, key: str) -> None:
    """Answers at once; the loading, which may be a long download, goes on beside."""
    require_manager(person(interaction))
    spec = interaction.client.catalog.get(key)
    await interaction.response.defer(ephemeral=True, thinking=True)
    interaction.client.outbox.run(lambda: show_loading(interaction, spec.key))


@model.command(name=label("model-unload-name"), description=label("model-unload-description"))
@app_commands.describe(key=label("option-model-key"))
@app_commands.rename(key=label("name-model"))
@app_commands.autocomplete(key=complete_model)
async def unload(interaction: Interaction, key: str) -> None:
    """Answers at once; the worker may have to finish what it paints before."""
    require_manager(person(interaction))
    spec = interaction.client.catalog.get(key)
    await interaction.response.defer(ephemeral=True, thinking=True)
    interaction.client.outbox.run(lambda: show_unloading(interaction, spec.key))


async def show_loading(interaction: Interaction, key: str) -> None:
    """The model's way into memory, in the answer to /model load."""
    outbox, say = interaction.client.outbox, interaction.client.say(interaction)
    try:
        async for event in sparse(interaction.client.engine.load(key)):
            await outbox.calmly(interaction, messages.loading(key, event, say))
        end = say("model-loaded", key=messages.plain(key))
    except EaselError as error:
        end = messages.explain(error, say)
    await outbox.calmly(interaction, messages.said(end), within=END_S)


async def show_unloading(interaction: Interaction, key: str) -> None:
    outbox, say = interaction.client.outbox, interaction.client.say(interaction)
    try:
        await interaction.client.engine.unload(key)
        end = say("model-unloaded", key=messages.plain(key))
    except EaselError as error:
        end = messages.explain(error, say)
    await outbox.calmly(interaction, messages.said(end), within=END_S)


COMMANDS: tuple[AnyCommand, ...] = (model,)
CONTROLS = (Refresh,)
