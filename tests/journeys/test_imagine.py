"""A person types /imagine, and sees the picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simcord

from engine.catalog import Catalog
from engine.images import read_metadata
from engine.types import Status
from tests.journeys.world import (
    BUTTONS,
    SIDE,
    Painter,
    buttons_of,
    decoded,
    gallery_of,
    open_world,
    parts,
    pictures_of,
    pixels,
    text_of,
    until,
)


async def test_the_picture_is_posted_with_its_pixels_its_facts_and_its_metadata(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        result = await world.imagine("a red fox in the snow", seed=7, steps=12, cfg=3.5)

        assert not result.ephemeral
        assert "a red fox in the snow" in text_of(result.response)
        assert "12 steps · cfg 3.5 · 512×512 · seed 7" in text_of(result.response)
        assert buttons_of(result.response) == BUTTONS
        [item] = gallery_of(result.response)
        assert item["description"] == "a red fox in the snow"
        [png] = await pictures_of(result.response)
        assert np.array_equal(decoded(png), pixels(7, SIDE))
        assert read_metadata(png)["parameters"].startswith("a red fox in the snow\nSteps: 12, Sampler: DDIM")


async def test_what_was_posted_is_what_the_ledger_and_the_disk_have(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        result = await world.imagine(seed=7)
        generation = await world.latest()
        [png] = await pictures_of(result.response)
        assert generation.status is Status.STORED
        assert generation.origin.person_id == str(world.ann.id)
        assert (tmp_path / generation.pictures[0].path).read_bytes() == png


async def test_four_pictures_come_in_one_gallery_each_with_its_own_seed(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        result = await world.imagine(seed=100, count=4)
        pngs = await pictures_of(result.response)
        assert len(gallery_of(result.response)) == 4
        assert [decoded(png)[0, 0, 0] for png in pngs] == [100, 101, 102, 103]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"steps": 80}, "**steps**: 80 does not fit. Allowed: 1–50 for tiny."),
        ({"cfg": 15.0}, "**cfg**: 15.0 does not fit. Allowed: 1–10 for tiny."),
        ({"width": 640}, "**width**: 640 does not fit. Allowed: 512 for tiny."),
        ({"height": 1024}, "**height**: 1024 does not fit. Allowed: 512 for tiny."),
        ({"sampler": "Magic"}, "**sampler**: Magic does not fit. Allowed: DDIM, Euler,"),
        ({"model": "sdxl-turbo", "cfg": 7.5}, "**cfg**: 7.5 does not fit. Allowed: 0 for sdxl-turbo."),
        ({"model": "sdxl-turob"}, "There is no model **sdxl-turob**. Did you mean sdxl-turbo"),
        ({"prompt": "   "}, "**prompt**:  does not fit. Allowed: 1–2000 characters."),
    ],
)
async def test_a_value_that_does_not_fit_is_refused_to_the_person_alone(
    tmp_path: Path, options: dict[str, Any], words: str
) -> None:
    async with open_world(tmp_path) as world:
        result = await world.imagine(**options)
        assert result.ephemeral
        assert words in text_of(result.response)
        assert await world.bot.ledger.history() == []
        assert world.painter.painted == []


@pytest.mark.parametrize(
    "options",
    [
        {"prompt": "x" * 2001},
        {"negative_prompt": "x" * 2001},
        {"steps": 0},
        {"steps": 101},
        {"cfg": 20.5},
        {"width": 8},
        {"height": 4096},
        {"seed": -2},
        {"seed": 2**32},
        {"count": 0},
        {"count": 5},
    ],
    ids=str,
)
async def test_discord_itself_refuses_what_no_model_takes(tmp_path: Path, options: dict[str, Any]) -> None:
    async with open_world(tmp_path) as world:
        with pytest.raises(simcord.OptionError):
            await world.imagine(**options)


async def test_models_are_offered_with_their_speed_and_quality(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        choices = await world.ann.autocomplete(world.channel, "imagine", "model", "turbo", prompt="a fox")
        assert [choice["value"] for choice in choices] == ["sdxl-turbo"]
        assert "speed 5/5, quality 3/5" in choices[0]["name"]
        everything = await world.ann.autocomplete(world.channel, "imagine", "model", "", prompt="a fox")
        assert [choice["value"] for choice in everything] == [spec.key for spec in Catalog()]


async def test_samplers_are_offered_by_any_part_of_their_name(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        choices = await world.ann.autocomplete(world.channel, "imagine", "sampler", "karras", prompt="a fox")
        assert [choice["value"] for choice in choices] == ["DPM++ 2M Karras"]


async def test_a_prompt_full_of_markdown_and_mentions_stays_text(tmp_path: Path) -> None:
    prompt = "**@everyone** [click](https://evil.example) <@1>"
    async with open_world(tmp_path) as world:
        result = await world.imagine(prompt)
        assert (await world.latest()).request.prompt == prompt
        raw = "\n".join(part["content"] for part in parts(result.response) if part["type"] == 10)
        assert "@everyone" not in raw
        assert "https://evil" not in raw
        assert "[click]" not in raw


async def test_progress_is_shown_with_a_cancel_button_until_the_picture_replaces_it(tmp_path: Path) -> None:
    painter = Painter(hold=True)
    async with open_world(tmp_path, painter) as world:
        result = await world.ann.slash(world.channel, "imagine", prompt="a fox", steps=4)
        await until(lambda: "step 1 of 4" in text_of(result.response))
        assert "▰▰▰▰▱" in text_of(result.response)
        assert buttons_of(result.response) == ["Cancel"]
        painter.released.set()
        await world.done()
        assert buttons_of(result.response) == BUTTONS


async def test_who_waits_sees_their_place(tmp_path: Path) -> None:
    painter = Painter(hold=True)
    async with open_world(tmp_path, painter) as world:
        await world.ann.slash(world.channel, "imagine", prompt="first")
        await world.ann.slash(world.channel, "imagine", prompt="second")
        third = await world.bob.slash(world.channel, "imagine", prompt="third")
        await until(lambda: "queue" in text_of(third.response))
        assert buttons_of(third.response) == ["Cancel"]
        painter.released.set()
        await world.done()
        assert len(painter.painted) == 3


async def test_a_running_job_is_cancelled_by_its_button(tmp_path: Path) -> None:
    painter = Painter(hold=True)
    async with open_world(tmp_path, painter) as world:
        result = await world.ann.slash(world.channel, "imagine", prompt="a fox")
        await until(lambda: buttons_of(result.response) == ["Cancel"])
        await world.ann.click(result.response, label="Cancel")
        await world.done()
        assert "Cancelled." in text_of(result.response)
        assert painter.painted == []


async def test_only_the_owner_or_a_moderator_cancels(tmp_path: Path) -> None:
    painter = Painter(hold=True)
    async with open_world(tmp_path, painter) as world:
        result = await world.ann.slash(world.channel, "imagine", prompt="a fox")
        await until(lambda: buttons_of(result.response) == ["Cancel"])
        refusal = await world.bob.click(result.response, label="Cancel")
        assert refusal.followups or refusal.response
        assert "Only the person who asked" in text_of(refusal.response)
        await world.mod.click(result.response, label="Cancel")
        await world.done()
        assert "Cancelled." in text_of(result.response)
