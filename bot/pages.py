"""The longer pages: history, models, queue. Pure, and within Discord's limits, like `bot.messages`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import discord
from discord import ui

from bot.messages import TEXT_LIMIT, Card, alt_text, button, cut, facts, length, place, plain, short, small, visible
from bot.texts import Say
from engine.catalog import ModelSpec
from engine.dispatch import Position
from engine.types import Generation, ModelState, Status

QUEUE_SHOWN = 8


def history_page(
    generations: Sequence[Generation],
    thumbnails: dict[int, str],
    say: Say,
    *,
    title: str,
    pages: Sequence[ui.Button[Any]] = (),
) -> Card:
    """Some of somebody's generations with a small picture each, a menu to show one again, and the pager's buttons."""
    items: list[ui.Item[Any]] = [ui.TextDisplay(title)]
    for generation in generations:
        text = history_line(generation, say)
        name = thumbnails.get(generation.id)
        if name:
            picture = ui.Thumbnail[Any](f"attachment://{name}", description=alt_text(generation.request.prompt))
            items.append(ui.Section(text, accessory=picture))
        else:
            items.append(ui.TextDisplay(text))
    if generations:
        options = [
            discord.SelectOption(
                label=cut(visible(generation.request.prompt), 100),
                value=generation.short_id,
                description=cut(f"{generation.request.model} · {generation.short_id}", 100),
            )
            for generation in generations
        ]
        items.append(
            ui.ActionRow(ui.Select[Any](custom_id="easel:show", placeholder=say("show-again"), options=options))
        )
    if pages:
        items.append(ui.ActionRow(*pages))
    return Card(*items)


def history_line(generation: Generation, say: Say) -> str:
    lines = [f"**{plain(generation.request.prompt, 200)}**", small(facts(generation, say))]
    when = discord.utils.format_dt(generation.created_at, "R")
    lines.append(small(f"{when} · {short(generation.id)}"))
    if generation.pictures and all(picture.deleted_at for picture in generation.pictures):
        lines.append(small(say("picture-gone")))
    return "\n".join(lines)


def stars(value: int) -> str:
    """A grade from 1 to 5."""
    return "●" * value + "○" * (5 - value)


def model_choice(spec: ModelSpec, say: Say) -> str:
    """A model in one line, for autocompletion, where no markdown is read."""
    return say("model-choice", key=spec.key, speed=str(spec.speed), quality=str(spec.quality), best=spec.best_for)


def model_state(state: ModelState | None, say: Say) -> str:
    if state is None:
        return say("state-missing")
    if state.state == "loading" and state.fraction is not None:
        return say("state-loading-share", share=str(round(state.fraction * 100)))
    if state.state == "broken":
        return say("state-broken", detail=plain(state.detail, 200))
    return say(f"state-{state.state.replace(' ', '-')}")


def model_list(specs: Sequence[ModelSpec], states: dict[str, ModelState], default: str, say: Say) -> Card:
    """The table of models, as long as a message takes."""
    lines = [say("models-title")]
    room = TEXT_LIMIT - length(lines[0]) - 100
    for index, spec in enumerate(specs):
        text = model_line(spec, states.get(spec.key), spec.key == default, say)
        room -= length(text) + 1
        if room < 0:
            lines.append(small(say("models-more", count=str(len(specs) - index))))
            break
        lines.append(text)
    return Card(ui.TextDisplay("\n".join(lines)))


def model_line(spec: ModelSpec, state: ModelState | None, default: bool, say: Say) -> str:
    name = say(
        "models-line", key=plain(spec.key, 130), default="yes" if default else "no", state=model_state(state, say)
    )
    grades = say(
        "models-grades",
        speed=stars(spec.speed),
        quality=stars(spec.quality),
        size=gigabytes(spec.size_bytes) if spec.size_bytes else "none",
        best=plain(spec.best_for, 220) if spec.best_for else "none",
    )
    return f"{name}\n{small(grades)}"


def model_info(spec: ModelSpec, state: ModelState | None, default: bool, say: Say) -> Card:
    ranges, usual = spec.ranges, spec.defaults
    low, high = ranges.size
    sizes = f"{low}" if low == high else f"{low}–{high} (×{ranges.size_multiple})"
    lines = [
        model_line(spec, state, default, say),
        say(
            "model-defaults",
            steps=usual.num_inference_steps,
            cfg=f"{usual.guidance_scale:g}",
            width=str(usual.width),
            height=str(usual.height),
            sampler=plain(usual.sampler, 40),
        ),
        say("model-ranges", steps=span(ranges.num_inference_steps), cfg=span(ranges.guidance_scale), sizes=sizes),
    ]
    if not spec.repository.startswith("/"):  # a path of the machine is nobody's business
        lines.append(small(say("model-family", family=spec.family, repository=plain(spec.repository, 300))))
    return Card(ui.TextDisplay("\n".join(lines)))


def span(bounds: tuple[float, float]) -> str:
    low, high = bounds
    return f"{low:g}" if low == high else f"{low:g}–{high:g}"


def gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{max(1, round(size / 1e6))} MB"


def queue_page(mine: Sequence[tuple[Generation, Position | None]], waiting: int, running: int, say: Say) -> Card:
    """One's own jobs with their places, each with a Cancel button, and how busy the server is."""
    lines = [say("queue-title"), say("queue-server", waiting=waiting, running=str(running))]
    items: list[ui.Item[Any]] = [ui.TextDisplay("\n".join(lines))]
    for generation, position in mine[:QUEUE_SHOWN]:
        where = say("queue-line-running") if generation.status is Status.RUNNING else place(position, say)
        text = f"**{plain(generation.request.prompt, 200)}** · {short(generation.id)}\n{small(where)}"
        items.append(ui.Section(text, accessory=button("cancel", generation.short_id, say, "🛑")))
    if len(mine) > QUEUE_SHOWN:
        items.append(ui.TextDisplay(small(say("queue-more", count=str(len(mine) - QUEUE_SHOWN)))))
    if not mine:
        items.append(ui.TextDisplay(say("queue-empty")))
    return Card(*items)
