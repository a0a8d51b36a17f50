"""What can be pressed under a result, by whom, and after a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot import messages
from tests.journeys.world import BUTTONS, Painter, buttons_of, filled, gallery_of, open_world, text_of


async def test_a_reroll_keeps_everything_but_the_seed_and_names_its_parent(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        first = await world.imagine("a red fox", seed=7, steps=9, cfg=2.5, count=2, negative_prompt="dog")
        parent = await world.latest()
        again = await world.ann.click(first.response, label="Reroll")
        await world.done()

        child = await world.latest()
        assert child.parent_id == parent.id
        assert child.request.seed != 7
        assert child.request.model_copy(update={"seed": 7}) == parent.request
        assert len(gallery_of(again.response)) == 2
        assert f"Made from [`{parent.short_id}`](https://discord.com/channels/{world.guild.id}/" in text_of(
            again.response
        )
        assert gallery_of(first.response), "the first one stays"


async def test_edit_opens_with_what_was_asked_and_paints_what_was_changed(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        first = await world.imagine("a red fox", seed=7, steps=9, cfg=2.5, width=512)
        parent = await world.latest()
        form = await world.ann.click(first.response, label="Edit")
        assert filled(form) == {"prompt": "a red fox", "negative_prompt": "", "steps": "9", "cfg": "2.5", "seed": "7"}

        changed = {"prompt": "a blue fox", "negative_prompt": "snow", "steps": "5", "cfg": "3,5", "seed": "8"}
        again = await world.ann.submit_modal(form, changed)
        await world.done()
        child = await world.latest()
        assert child.parent_id == parent.id
        assert (child.request.prompt, child.request.negative_prompt) == ("a blue fox", "snow")
        assert (child.request.num_inference_steps, child.request.guidance_scale, child.request.seed) == (5, 3.5, 8)
        assert "a blue fox" in text_of(again.response)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("steps", "many", "**steps**: many does not fit. Allowed: a whole number."),
        ("steps", "4000", "**steps**: 4000 does not fit."),
        ("cfg", "high", "**cfg**: high does not fit. Allowed: a number."),
        ("cfg", "nan", "**cfg**: nan does not fit."),
        ("seed", "1.5", "**seed**: 1.5 does not fit. Allowed: a whole number."),
        ("seed", "99999999999", "**seed**: 99999999999 does not fit."),
    ],
)
async def test_a_form_that_does_not_fit_is_explained(tmp_path: Path, field: str, value: str, words: str) -> None:
    async with open_world(tmp_path) as world:
        first = await world.imagine()
        form = await world.ann.click(first.response, label="Edit")
        refusal = await world.ann.submit_modal(form, filled(form) | {field: value})
        assert refusal.ephemeral
        assert words in text_of(refusal.response)
        assert len(world.painter.painted) == 1


async def test_delete_takes_the_message_and_the_file_and_keeps_the_row(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        result = await world.imagine()
        [picture] = (await world.latest()).pictures
        assert (tmp_path / picture.path).exists()
        await world.ann.click(result.response, label="Delete")

        assert result.response is None
        assert not (tmp_path / picture.path).exists()
        [gone] = (await world.latest()).pictures
        assert gone.deleted_at is not None


@pytest.mark.parametrize("label", ["Reroll", "Edit", "Delete"])
async def test_somebody_else_is_refused_and_told_why(tmp_path: Path, label: str) -> None:
    async with open_world(tmp_path) as world:
        result = await world.imagine()
        refusal = await world.bob.click(result.response, label=label)
        assert refusal.ephemeral
        assert "Only the person who asked for this picture, or a moderator" in text_of(refusal.response)
        assert gallery_of(result.response)
        assert len(world.painter.painted) == 1


async def test_a_moderator_may_delete(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        result = await world.imagine()
        await world.mod.click(result.response, label="Delete")
        assert result.response is None


async def test_every_button_works_after_a_restart_of_the_bot(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        first = await world.imagine("a red fox")
        form = await world.ann.click(first.response, label="Edit")
        await world.restart()

        again = await world.ann.click(first.response, label="Reroll")
        await world.done()
        assert buttons_of(again.response) == BUTTONS
        edited = await world.ann.submit_modal(form, filled(form) | {"prompt": "a form opened before"})
        await world.done()
        assert "a form opened before" in text_of(edited.response)
        await world.ann.click(first.response, label="Delete")
        assert first.response is None


async def test_a_button_of_a_row_that_is_not_there_says_so(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        channel = world.bot.get_channel(world.channel.id)
        row = messages.discord.ui.ActionRow(messages.button("reroll", "zz", world.bot.texts.speaker(), "🎲"))
        with world.env.time_context():
            posted = await channel.send(view=messages.Card(row))  # type: ignore[union-attr]
        refusal = await world.ann.click(posted, label="Reroll")
        assert "not known any more" in text_of(refusal.response)


async def test_memory_stays_flat_since_no_view_is_kept(tmp_path: Path) -> None:
    async with open_world(tmp_path, Painter()) as world:
        for seed in range(3):
            result = await world.imagine(seed=seed)
            await world.ann.click(result.response, label="Edit")
        store = world.bot._connection._view_store
        assert store._views == {}
        assert store._modals == {}
