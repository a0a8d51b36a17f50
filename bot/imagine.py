"""/imagine: from what somebody typed to a job that is queued."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from discord import app_commands

from bot import defaults, messages, pages, styles
from bot.interactions import AnyCommand, Interaction, origin, person, places, require_files
from bot.options import ASPECT_RATIOS, Options
from bot.permissions import require_place
from bot.texts import label
from engine.errors import NotFound
from engine.ledger import HistoryFilter
from engine.types import MAX_IMAGES, MAX_SEED, PROMPT_LIMIT, Generation, GenerationRequest, Sampler, from_base36

CHOICES = 25
CHOICE_LIMIT = 100
"""Longest name and value of a choice; a longer prompt is chosen by the id of its generation."""

EARLIER = "↺ "
"""Marks a choice that names an earlier generation rather than its words."""

LOOKED_AT = 60
"""How many generations are read for the prompts that are offered again: many of them repeat."""

RATIOS = [
    app_commands.Choice(name=label(f"choice-ratio-{each.replace(':', '-')}"), value=each) for each in ASPECT_RATIOS
]


async def paint(
    interaction: Interaction,
    request: GenerationRequest,
    *,
    parent: Generation | None = None,
    private: bool | None = None,
    extra: Mapping[str, object] | None = None,
) -> None:
    """Queues the request, answers, and leaves the rest to the outbox. The row is on disk before Discord hears of it.

    `private` and `extra` are the parent's where nobody says otherwise.
    """
    bot = interaction.client
    await require_room(interaction)
    if private is None:
        private = parent is not None and parent.origin.private
    if extra is None and parent is not None:
        extra = inherited(parent, request)
    private = private or seen_by_nobody_else(interaction)
    generation = await bot.dispatcher.submit(
        request,
        origin(interaction, private=private),
        key=str(interaction.id),
        parent_id=parent.id if parent else None,
        limits=await bot.limits(interaction),
        also=bot.store.opening(interaction.token, interaction.channel_id, bot.language(interaction), extra),
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


def inherited(parent: Generation, request: GenerationRequest) -> dict[str, object]:
    """What a picture takes over from its parent: the spoiler, and what was typed where that still holds."""
    names = ("spoiler", "typed") if request.prompt == parent.request.prompt else ("spoiler",)
    return {name: parent.extra[name] for name in names if name in parent.extra}


async def require_room(interaction: Interaction) -> None:
    """Before any work is done: pictures may be asked for here, and the bot may attach them."""
    server = await interaction.client.store.guild(origin(interaction).guild_id)
    require_place(person(interaction), places(interaction), channels=server.channels, roles=server.roles)
    require_files(interaction)


def seen_by_nobody_else(interaction: Interaction) -> bool:
    """Whether Discord shows the answer to its person alone, whatever the bot asks for.

    So it does on servers where somebody brought the bot along for themselves, and may not use such apps in the open.
    """
    brought = interaction.is_user_integration() and not interaction.is_guild_integration()
    return interaction.guild_id is not None and brought and not interaction.permissions.use_external_apps


@app_commands.command(name=label("imagine-name"), description=label("imagine-description"))
@app_commands.describe(
    prompt=label("option-prompt"),
    negative_prompt=label("option-negative-prompt"),
    model=label("option-model"),
    style=label("option-style"),
    aspect_ratio=label("option-aspect-ratio"),
    count=label("option-count"),
    steps=label("option-steps"),
    cfg=label("option-cfg"),
    seed=label("option-seed"),
    sampler=label("option-sampler"),
    width=label("option-width"),
    height=label("option-height"),
    spoiler=label("option-spoiler"),
    private=label("option-private"),
)
@app_commands.rename(
    prompt=label("name-prompt"),
    negative_prompt=label("name-negative-prompt"),
    model=label("name-model"),
    style=label("name-style"),
    aspect_ratio=label("name-aspect-ratio"),
    count=label("name-count"),
    steps=label("name-steps"),
    cfg=label("name-cfg"),
    seed=label("name-seed"),
    sampler=label("name-sampler"),
    width=label("name-width"),
    height=label("name-height"),
    spoiler=label("name-spoiler"),
    private=label("name-private"),
)
@app_commands.choices(aspect_ratio=RATIOS)
async def imagine(
    interaction: Interaction,
    prompt: app_commands.Range[str, 1, PROMPT_LIMIT],
    negative_prompt: app_commands.Range[str, 0, PROMPT_LIMIT] | None = None,
    model: str | None = None,
    style: str | None = None,
    aspect_ratio: str | None = None,
    count: app_commands.Range[int, 1, MAX_IMAGES] | None = None,
    steps: app_commands.Range[int, 1, 100] | None = None,
    cfg: app_commands.Range[float, 0, 20] | None = None,
    seed: app_commands.Range[int, -1, MAX_SEED] | None = None,
    sampler: str | None = None,
    width: app_commands.Range[int, 64, 2048] | None = None,
    height: app_commands.Range[int, 64, 2048] | None = None,
    spoiler: bool = False,
    private: bool = False,
) -> None:
    bot = interaction.client
    words = await meant(interaction, prompt)
    values: dict[str, Any] = {
        "model": model,
        "style": style,
        "negative_prompt": negative_prompt,
        "num_inference_steps": steps,
        "guidance_scale": cfg,
        "width": width,
        "height": height,
        "aspect_ratio": aspect_ratio,
        "sampler": sampler,
        "num_images": count,
    }
    asked = Options.model_construct(**values)  # checked by the catalogue, whose sentences name what a model takes
    server, own = await bot.store.guild(origin(interaction).guild_id), await bot.store.person(person(interaction).id)
    request = defaults.request(
        bot.catalog, words, asked, person=own, server=server, fallback=bot.config.default_model, seed=seed
    )
    extra: dict[str, object] = {"spoiler": True} if spoiler else {}
    if request.prompt != words.strip():
        extra["typed"] = words.strip()
    await paint(interaction, request, private=private, extra=extra)


async def meant(interaction: Interaction, prompt: str) -> str:
    """What was typed, or the words of one's own earlier generation that was chosen instead."""
    if not prompt.startswith(EARLIER):
        return prompt
    try:
        earlier = await interaction.client.ledger.get(from_base36(prompt.removeprefix(EARLIER)))
    except (ValueError, NotFound):
        return prompt
    return typed(earlier) if earlier.origin.person_id == str(interaction.user.id) else prompt


def typed(generation: Generation) -> str:
    """A generation's words as its person typed them, before a style added its own."""
    words = generation.extra.get("typed")
    return words if isinstance(words, str) else generation.request.prompt


@imagine.autocomplete("prompt")
async def complete_prompt(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
    """What is typed so far, so that Enter takes it, and one's own prompts that hold its words, newest first."""
    wanted = HistoryFilter(person_id=str(interaction.user.id), search=current or None)
    offered = (
        {messages.visible(current): current} if current.strip() and messages.length(current) <= CHOICE_LIMIT else {}
    )
    for generation in await interaction.client.ledger.history(wanted, limit=LOOKED_AT):
        words = typed(generation)
        if len(offered) < CHOICES and (shown := messages.visible(words)) not in offered:
            whole = messages.length(words) <= CHOICE_LIMIT and words == shown
            offered[shown] = words if whole else f"{EARLIER}{generation.short_id}"
    return [
        app_commands.Choice(name=messages.cut(shown, CHOICE_LIMIT), value=value) for shown, value in offered.items()
    ]


@imagine.autocomplete("model")
async def complete_model(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
    """The models that fit what was typed, with their speed and quality."""
    say = interaction.client.say(interaction)
    fitting = [spec for spec in interaction.client.catalog if current.lower() in spec.key]
    return [
        app_commands.Choice(name=messages.cut(pages.model_choice(spec, say), CHOICE_LIMIT), value=spec.key)
        for spec in fitting[:CHOICES]
    ]


@imagine.autocomplete("style")
async def complete_style(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
    """The styles of this place, by any part of their name, and the way to have none."""
    bot, say = interaction.client, interaction.client.say(interaction)
    server = await bot.store.guild(origin(interaction).guild_id)
    offered = [*styles.offered(server.styles, say), (styles.NONE, say("style-none"))]
    fitting = [(key, name) for key, name in offered if current.lower() in name.lower() or current.lower() in key]
    return [
        app_commands.Choice(name=messages.cut(messages.visible(name), CHOICE_LIMIT), value=key)
        for key, name in fitting[:CHOICES]
    ]


@imagine.autocomplete("sampler")
async def complete_sampler(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
    """Those of the model, where one is chosen already."""
    catalog, chosen = interaction.client.catalog, str(getattr(interaction.namespace, "model", ""))
    names = catalog.get(chosen).ranges.samplers if chosen in catalog else tuple(Sampler)
    return [app_commands.Choice(name=name, value=name) for name in names if current.lower() in name.lower()]


COMMANDS: tuple[AnyCommand, ...] = (imagine,)
