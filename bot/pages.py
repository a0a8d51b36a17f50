"""The longer pages: history, models, queue. Pure, and within Discord's limits, like `bot.messages`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import discord
from discord import ButtonStyle, ui

from bot.messages import (
    TEXT_LIMIT,
    Card,
    alt_text,
    button,
    cut,
    facts,
    hidden,
    length,
    place,
    plain,
    short,
    small,
    visible,
)
from bot.metadata import Parameters
from bot.texts import Say
from bot.wording import best_for, size
from engine.catalog import ModelSpec
from engine.dispatch import Position
from engine.samplers import Ways
from engine.types import Generation, GenerationRequest, ModelState, Status

QUEUE_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Row:
    """A generation on a page of the history. `picture` is the attached file's name, `link` leads to its message."""

    generation: Generation
    picture: str | None = None
    link: str | None = None
    liked: bool = False


def history_page(rows: Sequence[Row], say: Say, *, title: str, turning: Sequence[ui.Button[Any]] = ()) -> Card:
    """A gallery of somebody's pictures, what each of them is, a menu to show one again, and the pager's buttons."""
    items: list[ui.Item[Any]] = [ui.TextDisplay(title)]
    shown = [
        discord.MediaGalleryItem(
            f"attachment://{row.picture}",
            description=alt_text(row.generation.request.prompt),
            spoiler=hidden(row.generation),
        )
        for row in rows
        if row.picture
    ]
    if shown:
        items.append(ui.MediaGallery(*shown))
    if rows:
        items.append(ui.TextDisplay("\n".join(history_line(row, say) for row in rows)))
        items.append(ui.ActionRow(menu_of([row.generation for row in rows], "easel:show", say)))
    if turning:
        items.append(ui.ActionRow(*turning))
    return Card(ui.Container(*items))


def history_line(row: Row, say: Say) -> str:
    generation = row.generation
    when = discord.utils.format_dt(generation.created_at, "R")
    details = [plain(generation.request.model, 80), when, short(generation.id)]
    if row.link:
        details.append(f"[{say('history-jump')}]({row.link})")
    if generation.pictures and all(picture.deleted_at for picture in generation.pictures):
        details.append(say("history-deleted"))
    star = "⭐ " if row.liked else ""
    return f"{star}**{plain(generation.request.prompt, 120)}**\n{small(' · '.join(details))}"


def menu_of(generations: Sequence[Generation], custom_id: str, say: Say) -> ui.Select[Any]:
    """A menu that names generations by their words; its values are their ids."""
    options = [
        discord.SelectOption(
            label=cut(visible(generation.request.prompt), 100),
            value=generation.short_id,
            description=cut(f"{generation.request.model} · {generation.short_id}", 100),
        )
        for generation in generations
    ]
    return ui.Select(custom_id=custom_id, placeholder=cut(say("show-again"), 150), options=options)


def favourites(short_id: str, positions: Sequence[int], liked: Collection[int], say: Say) -> Card:
    """Asks which pictures of several are liked; those that are have their star lit."""
    row = ui.ActionRow[Any](
        *(
            ui.Button(
                custom_id=f"easel:like:{short_id}:{position}",
                label=str(position + 1),
                emoji="⭐" if position in liked else None,
                style=ButtonStyle.success if position in liked else ButtonStyle.secondary,
            )
            for position in positions
        )
    )
    return Card(ui.TextDisplay(say("favourite-which")), row)


@dataclass(frozen=True, slots=True)
class Relative:
    """What a picture was made from, or what was made from it; `link` leads to its message."""

    generation: Generation
    link: str | None = None


COMMAND_SHOWN = 1900
RELATIVES_SHOWN = 6


def command_of(request: GenerationRequest, say: Say) -> str:
    """The request as the /imagine that makes it again, with the options' names as this person's Discord has them."""
    values: dict[str, object] = {
        "name-prompt": visible(request.prompt),
        "name-negative-prompt": visible(request.negative_prompt),
        "name-model": request.model,
        "name-steps": request.num_inference_steps,
        "name-cfg": f"{request.guidance_scale:g}",
        "name-seed": request.seed,
        "name-sampler": request.sampler,
        "name-width": request.width,
        "name-height": request.height,
        "name-count": request.num_images,
    }
    options = " ".join(f"{say(name)}:{value}" for name, value in values.items() if value != "")
    return f"/{say('imagine-name')} {options}"


def too_long(command: str) -> bool:
    """Whether it goes along as a file, since a message does not hold it."""
    return length(command) > COMMAND_SHOWN


def more(
    generation: Generation,
    command: str,
    files: Sequence[str],
    say: Say,
    *,
    parents: Sequence[Relative] = (),
    children: Sequence[Relative] = (),
    missing: int = 0,
) -> Card:
    """Everything about one generation, for whoever asked. `files` are attached; `missing` originals are too large."""
    fenced = cut(command, COMMAND_SHOWN).replace("```", "`\u200b``")
    lines = [
        say("more-title", id=short(generation.id)),
        small(facts(generation, say)),
        small(discord.utils.format_dt(generation.created_at, "f")),
        say("more-command"),
        f"```\n{fenced}\n```",
    ]
    notes = [small(say("more-too-large", count=missing))] if missing else []
    if generation.pictures and all(picture.deleted_at for picture in generation.pictures):
        notes.append(small(say("picture-gone")))
    family = [say("more-parent"), *map(_relative, parents)] if parents else []
    if children:
        family += [say("more-children", count=len(children)), *map(_relative, children[:RELATIVES_SHOWN])]
    items: list[ui.Item[Any]] = [ui.TextDisplay("\n".join([*lines, *notes]))]
    items += [ui.File(f"attachment://{name}") for name in files]
    if family:
        relatives = [each.generation for each in (*parents, *children)]
        items.append(ui.TextDisplay("\n".join(family)))
        items.append(ui.ActionRow(menu_of(relatives[:25], "easel:show:quiet", say)))
    return Card(ui.Container(*items))


def _relative(relative: Relative) -> str:
    name = short(relative.generation.id)
    named = f"[{name}]({relative.link})" if relative.link else name
    return f"• {named} {plain(relative.generation.request.prompt, 60)}"


def parameters(found: Sequence[Parameters], say: Say) -> Card:
    """What some pictures say of how they were made."""
    share = 3000 // max(1, len(found))
    texts = []
    for read in found:
        lines = [f"**{plain(read.generator, 40)}**", plain(read.prompt, share * 2 // 3)]
        if read.negative_prompt:
            lines.append(small(say("negative", negative=plain(read.negative_prompt, share // 4))))
        facts = [say("fact", name=say(f"field-{name}"), value=plain(value, 60)) for name, value in read.values.items()]
        texts.append("\n".join([*lines, small(" · ".join(facts))]))
    return Card(ui.Container(*(ui.TextDisplay(text) for text in texts)))


def stars(value: int) -> str:
    """A grade from 1 to 5."""
    return "●" * value + "○" * (5 - value)


def model_choice(spec: ModelSpec, say: Say) -> str:
    """A model in one line, for autocompletion, where no markdown is read."""
    return say("model-choice", key=spec.key, speed=str(spec.speed), quality=str(spec.quality), best=best_for(spec, say))


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
    refresh = ui.Button[Any](custom_id="easel:models", label=say("button-refresh"), emoji="🔄")
    return Card(ui.TextDisplay("\n".join(lines)), ui.ActionRow(refresh))


def model_line(spec: ModelSpec, state: ModelState | None, default: bool, say: Say) -> str:
    name = say(
        "models-line", key=plain(spec.key, 130), default="yes" if default else "no", state=model_state(state, say)
    )
    grades = say(
        "models-grades",
        speed=stars(spec.speed),
        quality=stars(spec.quality),
        size=size(spec.size_bytes, say) if spec.size_bytes else "none",
        best=plain(best_for(spec, say), 220) if spec.best_for else "none",
    )
    return f"{name}\n{small(grades)}"


def model_info(spec: ModelSpec, state: ModelState | None, default: bool, known: Ways | None, say: Say) -> Card:
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
        *([] if spec.guidable else [say("model-no-negative")]),
        *model_ways(known, say),
    ]
    if spec.licence:
        lines.append(say("model-licence", licence=plain(spec.licence, 100), gated="yes" if spec.gated else "no"))
    if not spec.repository.startswith("/"):  # a path of the machine is nobody's business
        lines.append(small(say("model-family", family=spec.family, repository=plain(spec.repository, 300))))
    return Card(ui.TextDisplay("\n".join(lines)))


def model_ways(known: Ways | None, say: Say) -> list[str]:
    """Which samplers share the engine with other people's pictures, and which are diffusers' own."""
    if known is None:
        return [say("model-ways-unknown")]
    lines = []
    if known.stepped:
        lines.append(say("model-stepped", samplers=plain(", ".join(known.stepped), 200)))
    if known.called:
        lines.append(say("model-called", samplers=plain(", ".join(known.called), 200)))
    return lines or [say("model-own-sampler")]


def span(bounds: tuple[float, float]) -> str:
    low, high = bounds
    return f"{low:g}" if low == high else f"{low:g}–{high:g}"


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
