"""A person types /imagine, and sees the picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.images import read_metadata
from engine.types import Status
from tests.journeys.world import (
    SIDE,
    buttons_of,
    decoded,
    gallery_of,
    open_world,
    pictures_of,
    pixels,
    text_of,
)


async def test_the_picture_is_posted_with_its_pixels_its_facts_and_its_metadata(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        result = await world.imagine("a red fox in the snow", seed=7, steps=12, cfg=3.5)

        assert not result.ephemeral
        assert "a red fox in the snow" in text_of(result.response)
        assert "12 steps · cfg 3.5 · 512×512 · seed 7" in text_of(result.response)
        assert buttons_of(result.response) == ["Reroll", "Edit", "Delete"]
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
