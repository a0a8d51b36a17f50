"""What Discord shows: generations and updates in, Components V2 messages out. Pure; sends nothing.

Every message stays within Discord's limits whatever people type: 40 components, 4000 characters of text in all,
alternative texts of 1024, custom ids of 100.

What people typed reaches a message only through `plain`, `alt_text` or a modal's own fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import discord
from discord import ButtonStyle, ui

from bot.explain import explain as explain
from bot.explain import reason, stage
from bot.texts import Say
from bot.wording import TEXT_LIMIT as TEXT_LIMIT
from bot.wording import alt_text as alt_text
from bot.wording import begin as begin
from bot.wording import cut as cut
from bot.wording import duration as duration
from bot.wording import length as length
from bot.wording import plain as plain
from bot.wording import visible as visible
from engine.dispatch import Position, Update
from engine.types import MAX_IMAGES, Generation, GenerationRequest, Loading, Progress, Status, to_base36

BAR_LENGTH = 16


class Card(ui.LayoutView):
    """A message. Nobody listens to it: its buttons hold an id, and `bot.results` knows them by their pattern."""

    def __init__(self, *items: ui.Item[Any]) -> None:
        super().__init__(timeout=None)
        for item in items:
            self.add_item(item)

    def is_finished(self) -> bool:
        """Always: discord.py keeps no view that is finished, so that memory stays flat."""
        return True


def short(generation_id: int) -> str:
    """A generation's id as text that can stand in a sentence or a link."""
    return f"`{to_base36(generation_id)}`"


def custom_id(action: str, generation_id: str) -> str:
    return f"easel:{action}:{generation_id}"


def button(
    action: str, short_id: str, say: Say, emoji: str, style: ButtonStyle = ButtonStyle.secondary
) -> ui.Button[Any]:
    return ui.Button(custom_id=custom_id(action, short_id), label=say(f"button-{action}"), emoji=emoji, style=style)


def small(text: str) -> str:
    """Discord's subtext."""
    return f"-# {text}"


def person(person_id: str) -> str:
    """A mention, which pings nobody since the client allows none; the shell has a name instead."""
    return f"<@{person_id}>" if person_id.isdecimal() else plain(person_id, 40)


def headline(request: GenerationRequest, person_id: str) -> str:
    return f"**{plain(request.prompt)}** · {person(person_id)}"


def facts(generation: Generation, say: Say) -> str:
    request = generation.request
    return say(
        "facts",
        model=plain(request.model, 80),
        sampler=plain(request.sampler, 40),
        steps=request.num_inference_steps,
        cfg=f"{request.guidance_scale:g}",
        size=f"{request.width}×{request.height}",
        seed=str(request.seed),
        time=duration(generation.seconds_running or 0, say),
    )


def result(
    generation: Generation,
    names: Sequence[str],
    say: Say,
    *,
    gone: bool = False,
    notes: Iterable[str] = (),
    parent_link: str | None = None,
) -> Card:
    """A finished generation. `names` are the attached files, in the order of its pictures. `gone`: none is kept."""
    request = generation.request
    lines = [small(facts(generation, say))]
    if request.negative_prompt:
        lines.append(small(say("negative", negative=plain(request.negative_prompt, 300))))
    if generation.parent_id is not None and parent_link:
        lines.append(small(say("reroll-of", parent=parent_link)))
    if gone:
        notes = [*notes, say("picture-gone")]
    lines += [small(note) for note in notes]
    items: list[ui.Item[Any]] = [ui.TextDisplay(headline(request, generation.origin.person_id))]
    if names:
        items.append(gallery(names[:MAX_IMAGES], request.prompt, spoiler=hidden(generation)))
    items.append(ui.TextDisplay("\n".join(lines)))
    return Card(ui.Container(*items, *_result_buttons(generation.short_id, say)))


def hidden(generation: Generation) -> bool:
    """Whether its pictures are shown behind a spoiler."""
    return generation.extra.get("spoiler") is True


def gallery(names: Iterable[str], prompt: str, *, spoiler: bool = False) -> ui.MediaGallery[Any]:
    """Attached pictures, described by the words that made them."""
    described = alt_text(prompt)
    return ui.MediaGallery(
        *(discord.MediaGalleryItem(f"attachment://{name}", description=described, spoiler=spoiler) for name in names)
    )


def _result_buttons(short_id: str, say: Say) -> tuple[ui.ActionRow[Any], ui.ActionRow[Any]]:
    return (
        ui.ActionRow(
            button("reroll", short_id, say, "🎲"),
            button("edit", short_id, say, "✏️"),
            button("more", short_id, say, "🔎"),
        ),
        ui.ActionRow(
            button("favourite", short_id, say, "⭐"),
            button("send", short_id, say, "✉️"),
            button("delete", short_id, say, "🗑️"),
        ),
    )


def progress(
    update: Update,
    request: GenerationRequest,
    person_id: str,
    say: Say,
    *,
    note: str = "",
    preview: str | None = None,
    spoiler: bool = False,
) -> Card:
    """A job that waits or is painted, with its Cancel button. `preview` is the attached file of a sketch."""
    lines = [headline(request, person_id), _where(update, say)]
    if note:
        lines.append(small(note))
    items: list[ui.Item[Any]] = [ui.TextDisplay("\n".join(lines))]
    if preview is not None:
        items.append(gallery([preview], request.prompt, spoiler=spoiler))
    cancel = button("cancel", to_base36(update.id), say, "🛑")
    return Card(ui.Container(*items, ui.ActionRow(cancel)))


def _where(update: Update, say: Say) -> str:
    if update.status is Status.QUEUED:
        return place(update.position, say)
    match update.event:
        case Progress(step=step, of=of):
            return f"{bar(step / of if of else 0)} {say('painting-step', step=str(step), of=str(of))}"
        case Loading(fraction=fraction, text=text):
            words = say("painting-loading", text=stage(text, say))
            return f"{bar(fraction)} {words}" if fraction is not None else words
        case _:
            return say("painting-starts")


def place(position: Position | None, say: Say) -> str:
    """Where in the queue, and for how long."""
    ahead = position.ahead if position else 0
    where = say("queue-ahead", ahead=ahead) if ahead else say("queue-next")
    if position is None or position.seconds is None or position.seconds < 2:
        return where
    return say("queue-expected", where=where, time=duration(position.seconds, say))


def bar(fraction: float) -> str:
    full = round(min(max(fraction, 0.0), 1.0) * BAR_LENGTH)
    return "▰" * full + "▱" * (BAR_LENGTH - full)


def ended(generation: Generation, say: Say, *, note: str = "") -> Card:
    """A job that ended without a picture, and what to do about it."""
    match generation.status:
        case Status.CANCELLED:
            text = say("cancelled")
        case Status.DEAD:
            text = say("dead", attempts=str(generation.attempt))
        case _:
            text = say("failed", reason=reason(generation, say))
    lines = [headline(generation.request, generation.origin.person_id), text]
    if note:
        lines.append(small(note))
    row = ui.ActionRow(button("reroll", generation.short_id, say, "🎲"), button("edit", generation.short_id, say, "✏️"))
    return Card(ui.Container(ui.TextDisplay("\n".join(lines)), row))


def said(text: str) -> Card:
    """A message of words alone."""
    return Card(ui.TextDisplay(cut(text, TEXT_LIMIT)))


def loading(key: str, event: Loading, say: Say) -> Card:
    words = say("model-loading", key=plain(key, 130), text=stage(event.text, say))
    return said(f"{bar(event.fraction)} {words}" if event.fraction is not None else words)
