"""/imagine, and what can be pressed under its result: Reroll, Edit, Delete, Cancel."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import discord
from discord import app_commands, ui

from bot import messages, pages
from bot.interactions import AnyCommand, Interaction, origin, person
from bot.permissions import Refused, require_press
from bot.texts import Say, label
from engine.errors import InvalidRequest, NotFound
from engine.types import MAX_IMAGES, MAX_SEED, PROMPT_LIMIT, Generation, GenerationRequest, Sampler, from_base36

_ID = r"(?P<id>[0-9a-z]{1,13})"
_EDIT = re.compile(f"easel:edit:{_ID}")
_CHOICES = 25


async def paint(
    interaction: Interaction, request: GenerationRequest, *, parent: Generation | None = None, private: bool = False
) -> None:
    """Queues the request, answers, and leaves the rest to the outbox. The row is on disk before Discord hears of it."""
    bot = interaction.client
    generation = await bot.dispatcher.submit(
        request,
        origin(interaction, private=private),
        key=str(interaction.id),
        parent_id=parent.id if parent else None,
        limits=await bot.limits(interaction),
        also=bot.store.opening(interaction.token, interaction.channel_id),
    )
    try:
        answer = await interaction.response.defer(ephemeral=private, thinking=True)
    except BaseException:
        # Perhaps Discord took it and only its reply was lost: the outbox tells of the cancellation, if it can.
        await bot.dispatcher.cancel(generation.id)
        bot.outbox.follow(generation.id)
        raise
    await bot.store.acknowledged(generation.id, answer.message_id if answer else None)
    bot.outbox.follow(generation.id, filesize_limit=interaction.filesize_limit)


@app_commands.command(name=label("imagine-name"), description=label("imagine-description"))
@app_commands.describe(
    prompt=label("option-prompt"),
    negative_prompt=label("option-negative-prompt"),
    model=label("option-model"),
    steps=label("option-steps"),
    cfg=label("option-cfg"),
    width=label("option-width"),
    height=label("option-height"),
    seed=label("option-seed"),
    count=label("option-count"),
    sampler=label("option-sampler"),
)
@app_commands.rename(
    prompt=label("name-prompt"),
    negative_prompt=label("name-negative-prompt"),
    model=label("name-model"),
    steps=label("name-steps"),
    cfg=label("name-cfg"),
    width=label("name-width"),
    height=label("name-height"),
    seed=label("name-seed"),
    count=label("name-count"),
    sampler=label("name-sampler"),
)
async def imagine(
    interaction: Interaction,
    prompt: app_commands.Range[str, 1, PROMPT_LIMIT],
    negative_prompt: app_commands.Range[str, 0, PROMPT_LIMIT] | None = None,
    model: str | None = None,
    steps: app_commands.Range[int, 1, 100] | None = None,
    cfg: app_commands.Range[float, 0, 20] | None = None,
    width: app_commands.Range[int, 64, 2048] | None = None,
    height: app_commands.Range[int, 64, 2048] | None = None,
    seed: app_commands.Range[int, -1, MAX_SEED] | None = None,
    count: app_commands.Range[int, 1, MAX_IMAGES] | None = None,
    sampler: str | None = None,
) -> None:
    bot = interaction.client
    request = bot.catalog.request(
        model or await bot.default_model(interaction.guild_id),
        prompt,
        negative_prompt=negative_prompt,
        num_inference_steps=steps,
        guidance_scale=cfg,
        width=width,
        height=height,
        seed=seed,
        num_images=count,
        sampler=sampler,
    )
    await paint(interaction, request)


@imagine.autocomplete("model")
async def complete_model(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
    """The models that fit what was typed, with their speed and quality."""
    say = interaction.client.say(interaction)
    fitting = [spec for spec in interaction.client.catalog if typed.lower() in spec.key]
    return [
        app_commands.Choice(name=messages.cut(pages.model_choice(spec, say), 100), value=spec.key)
        for spec in fitting[:_CHOICES]
    ]


@imagine.autocomplete("sampler")
async def complete_sampler(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
    return [app_commands.Choice(name=name, value=name) for name in Sampler if typed.lower() in name.lower()]


class Press(ui.DynamicItem[ui.Button[Any]], template=rf"easel:(?P<action>reroll|edit|delete|cancel):{_ID}"):
    """Any button under a job's message. It holds an id and nothing else, so it works as long as the row exists."""

    def __init__(self, item: ui.Button[Any], action: str, generation_id: str) -> None:
        super().__init__(item)
        self.action, self.generation_id = action, generation_id

    @classmethod
    async def from_custom_id(cls, interaction: Interaction, item: ui.Item[Any], match: re.Match[str], /) -> Press:  # type: ignore[override]
        assert isinstance(item, ui.Button)
        return cls(item, match["action"], match["id"])

    async def callback(self, interaction: Interaction) -> None:  # type: ignore[override]
        try:
            generation = await allowed(interaction, self.generation_id)
            await ACTIONS[self.action](interaction, generation)
        except Exception as error:
            await interaction.client.report(interaction, error)


async def allowed(interaction: Interaction, short_id: str) -> Generation:
    """The generation that a custom id names, if this person may press its buttons."""
    try:
        generation = await interaction.client.ledger.get(from_base36(short_id))
    except (ValueError, NotFound):
        raise Refused("error-gone") from None
    require_press(person(interaction), generation)
    return generation


async def reroll(interaction: Interaction, generation: Generation) -> None:
    """The same with another seed."""
    request = generation.request.model_copy(update={"seed": -1})
    await paint(interaction, request, parent=generation, private=generation.origin.private)


async def edit(interaction: Interaction, generation: Generation) -> None:
    await interaction.response.send_modal(EditForm(generation, interaction.client.say(interaction)))


async def delete(interaction: Interaction, generation: Generation) -> None:
    """Files and message go, the row stays."""
    await interaction.response.defer()
    await interaction.client.ledger.delete_pictures(generation.id)
    await interaction.delete_original_response()


async def cancel(interaction: Interaction, generation: Generation) -> None:
    """Acknowledged at once; the outbox shows the end."""
    await interaction.response.defer()
    await interaction.client.dispatcher.cancel(generation.id)


ACTIONS: dict[str, Callable[[Interaction, Generation], Awaitable[None]]] = {
    "reroll": reroll,
    "edit": edit,
    "delete": delete,
    "cancel": cancel,
}


class EditForm(ui.Modal):
    """The words and the numbers of a request, to be changed and painted again."""

    def __init__(self, generation: Generation, say: Say) -> None:
        super().__init__(
            title=say("edit-title"), custom_id=messages.custom_id("edit", generation.short_id), timeout=None
        )
        request = generation.request
        self._field("prompt", say("edit-prompt"), request.prompt, long=True, limit=PROMPT_LIMIT)
        self._field(
            "negative_prompt",
            say("edit-negative"),
            request.negative_prompt,
            long=True,
            limit=PROMPT_LIMIT,
            needed=False,
        )
        self._field("steps", say("edit-steps"), str(request.num_inference_steps))
        self._field("cfg", say("edit-cfg"), f"{request.guidance_scale:g}")
        self._field("seed", say("edit-seed"), str(request.seed), hint=say("edit-seed-hint"))

    def _field(
        self,
        name: str,
        text: str,
        value: str,
        *,
        long: bool = False,
        limit: int = 20,
        needed: bool = True,
        hint: str | None = None,
    ) -> None:
        style = discord.TextStyle.paragraph if long else discord.TextStyle.short
        field = ui.TextInput[Any](custom_id=name, style=style, default=value or None, required=needed, max_length=limit)
        self.add_item(ui.Label(text=text, description=hint, component=field))

    def is_finished(self) -> bool:
        """Always: it is not listened to, and answered by `submitted` from the id it carries."""
        return True


async def submitted(interaction: Interaction) -> None:
    """An Edit form was sent; the answer is a new job, made from the one it was opened on."""
    data: Any = interaction.data or {}
    match = _EDIT.fullmatch(data.get("custom_id", ""))
    if match is None:
        return
    parent = await allowed(interaction, match["id"])
    fields = form_values(data)
    request = interaction.client.catalog.request(
        parent.request.model,
        fields.get("prompt", ""),
        negative_prompt=fields.get("negative_prompt", ""),
        num_inference_steps=whole_number("steps", fields.get("steps", "")),
        guidance_scale=number("cfg", fields.get("cfg", "")),
        seed=whole_number("seed", fields.get("seed", "")),
        width=parent.request.width,
        height=parent.request.height,
        num_images=parent.request.num_images,
        sampler=parent.request.sampler,
    )
    await paint(interaction, request, parent=parent, private=parent.origin.private)


def form_values(data: Any) -> dict[str, str]:
    """A submitted modal's text fields, by their ids. Each stands inside its label."""
    fields = [row.get("component") or {} for row in data.get("components", [])]
    return {field["custom_id"]: field.get("value") or "" for field in fields if "custom_id" in field}


def whole_number(field: str, text: str) -> int:
    try:
        return int(text.strip())
    except ValueError:
        raise InvalidRequest(field, text, "a whole number") from None


def number(field: str, text: str) -> float:
    """A decimal comma is as good as a point."""
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        raise InvalidRequest(field, text, "a number") from None


COMMANDS: tuple[AnyCommand, ...] = (imagine,)
