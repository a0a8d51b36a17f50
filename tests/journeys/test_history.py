"""/history: finding one's pictures again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tests.journeys.world import (
    SIDE,
    World,
    buttons_of,
    decoded,
    gallery_of,
    open_world,
    parts,
    pictures_of,
    pixels,
    text_of,
)


async def paint_many(world: World, count: int) -> None:
    for number in range(count):
        await world.imagine(f"picture number {number}", seed=number)


def prompts_of(message: Any) -> list[str]:
    return [line.split("**")[1] for line in text_of(message).splitlines() if line.startswith("**")]


def thumbnails_of(message: Any) -> list[str]:
    return [part["description"] for part in parts(message) if part.get("type") == 11]


async def test_an_empty_history_says_how_to_begin(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        result = await world.ann.slash(world.channel, "history")
        assert result.ephemeral
        assert "Nothing here yet. Paint something with **/imagine**." in text_of(result.response)


async def test_ones_pictures_come_newest_first_in_pages_with_thumbnails(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await paint_many(world, 12)
        page = await world.ann.slash(world.channel, "history")
        assert page.ephemeral
        assert prompts_of(page.response) == [f"picture number {n}" for n in (11, 10, 9, 8, 7)]
        assert thumbnails_of(page.response) == prompts_of(page.response)
        assert buttons_of(page.response) == ["Older"]

        await world.ann.click(page.response, label="Older")
        assert prompts_of(page.response) == [f"picture number {n}" for n in (6, 5, 4, 3, 2)]
        assert buttons_of(page.response) == ["Newest", "Older"]

        await world.ann.click(page.response, label="Older")
        assert prompts_of(page.response) == ["picture number 1", "picture number 0"]
        assert buttons_of(page.response) == ["Newest"]

        await world.ann.click(page.response, label="Newest")
        assert prompts_of(page.response)[0] == "picture number 11"


async def test_the_search_holds_from_page_to_page_and_after_a_restart(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.imagine("a blue whale")
        await paint_many(world, 6)
        await world.imagine("a blue boat")
        page = await world.ann.slash(world.channel, "history", search="picture number")
        assert prompts_of(page.response) == [f"picture number {n}" for n in (5, 4, 3, 2, 1)]
        await world.restart()
        await world.ann.click(page.response, label="Older")
        assert prompts_of(page.response) == ["picture number 0"]


async def test_a_search_without_a_match_says_so(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.imagine("a blue whale")
        page = await world.ann.slash(world.channel, "history", search="zebra")
        assert "No picture fits." in text_of(page.response)
        found = await world.ann.slash(world.channel, "history", search="whale")
        assert prompts_of(found.response) == ["a blue whale"]


async def test_the_model_filters_and_an_unknown_one_is_explained(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.imagine("by tiny")
        await world.imagine("by turbo", model="sdxl-turbo")
        page = await world.ann.slash(world.channel, "history", model="sdxl-turbo")
        assert prompts_of(page.response) == ["by turbo"]
        refusal = await world.ann.slash(world.channel, "history", model="sdxl-turob")
        assert "Did you mean sdxl-turbo" in text_of(refusal.response)


async def test_people_see_their_own_and_moderators_a_persons(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.imagine("by ann")
        await world.imagine("by bob", by=world.bob)
        own = await world.bob.slash(world.channel, "history")
        assert prompts_of(own.response) == ["by bob"]

        refusal = await world.bob.slash(world.channel, "history", person=world.ann)
        assert refusal.ephemeral
        assert "Manage Messages" in text_of(refusal.response)

        seen = await world.mod.slash(world.channel, "history", person=world.ann)
        assert prompts_of(seen.response) == ["by ann"]


async def test_a_moderator_who_was_one_cannot_turn_the_page(tmp_path: Path) -> None:
    """The button holds whose pictures are shown; who may see them is asked at every press."""
    async with open_world(tmp_path) as world:
        await paint_many(world, 6)
        page = await world.mod.slash(world.channel, "history", person=world.ann)
        world.env.backend.get_guild(world.guild.id).members[world.mod.id].role_ids.clear()
        refusal = await world.mod.click(page.response, label="Older")
        assert "Manage Messages" in text_of(refusal.response)


async def test_a_result_is_shown_again_with_live_buttons(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await paint_many(world, 2)
        page = await world.ann.slash(world.channel, "history")
        chosen = (await world.bot.ledger.history())[1]
        again = await world.ann.select(page.response, [chosen.short_id])
        assert not again.ephemeral
        [png] = await pictures_of(again.response)
        assert np.array_equal(decoded(png), pixels(0, SIDE))
        assert buttons_of(again.response) == ["Reroll", "Edit", "Delete"]

        rerolled = await world.ann.click(again.response, label="Reroll")
        await world.done()
        assert gallery_of(rerolled.response)


async def test_deleted_pictures_stay_in_the_history_and_say_so(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        result = await world.imagine("gone")
        await world.ann.click(result.response, label="Delete")
        page = await world.ann.slash(world.channel, "history")
        assert prompts_of(page.response) == ["gone"]
        assert "deleted" in text_of(page.response)
        assert thumbnails_of(page.response) == []
        again = await world.ann.select(page.response, [(await world.latest()).short_id])
        assert "deleted" in text_of(again.response)


async def test_words_with_colons_brackets_and_emoji_can_be_searched_and_paged(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        for _ in range(6):
            await world.imagine("colour: 赤い (fox) 🦊")
        page = await world.ann.slash(world.channel, "history", search="colour: 赤い (fox) 🦊")
        await world.ann.click(page.response, label="Older")
        assert len(prompts_of(page.response)) == 1
