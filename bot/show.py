"""/show: an old result comes back, with live buttons. Also what the menus under /history and More do."""

from __future__ import annotations

from discord import app_commands

from bot import messages
from bot.controls import Control
from bot.imagine import CHOICE_LIMIT, CHOICES
from bot.interactions import AnyCommand, Interaction, chosen, found, person, require_files, sees
from bot.permissions import require_look
from bot.texts import label
from engine.dispatch import Update
from engine.ledger import HistoryFilter
from engine.types import Generation


@app_commands.command(name=label("show-name"), description=label("show-description"))
@app_commands.describe(id=label("option-show-id"), private=label("option-private"))
@app_commands.rename(id=label("name-id"), private=label("name-private"))
async def show(interaction: Interaction, id: app_commands.Range[str, 1, 40], private: bool = False) -> None:
    generation = await found(interaction, id)
    await post(interaction, generation, private=private)


@show.autocomplete("id")
async def complete_id(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
    """One's own newest results, by their words."""
    wanted = HistoryFilter(person_id=str(interaction.user.id), search=current or None)
    return [
        app_commands.Choice(
            name=messages.cut(f"{each.short_id} · {messages.visible(each.request.prompt)}", CHOICE_LIMIT),
            value=each.short_id,
        )
        for each in await interaction.client.ledger.history(wanted, limit=CHOICES)
    ]


class ShowAgain(Control, template=r"easel:show(?P<quiet>:quiet)?"):
    """A menu of results: posts the chosen one again; `quiet` shows it to the person alone."""

    async def pressed(self, interaction: Interaction) -> None:
        generation = await found(interaction, chosen(interaction)[0])
        await post(interaction, generation, private=self.match["quiet"] is not None)


async def post(interaction: Interaction, generation: Generation, *, private: bool) -> None:
    """Answers with a result as it is now, whatever became of it."""
    bot, say = interaction.client, interaction.client.say(interaction)
    require_look(person(interaction), generation, sees=sees(interaction, generation))
    require_files(interaction)
    await interaction.response.defer(ephemeral=private or generation.origin.private, thinking=True)
    if generation.status.final:
        result = await bot.outbox.compose(generation, interaction.filesize_limit, say=say)
        await interaction.edit_original_response(view=result.card, attachments=result.files())
    else:
        now = Update(generation.id, generation.status, position=bot.dispatcher.position(generation.id))
        card = messages.progress(now, generation.request, generation.origin.person_id, say)
        await interaction.edit_original_response(view=card)


COMMANDS: tuple[AnyCommand, ...] = (show,)
CONTROLS: tuple[type[Control], ...] = (ShowAgain,)
