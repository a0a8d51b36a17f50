"""/history: finding one's pictures again."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from bot.history import PAGE
from tests.journeys.world import (
    BUTTONS,
    SIDE,
    World,
    buttons_of,
    decoded,
    gallery_of,
    open_world,
    pictures_of,
    pixels,
    text_of,
)


async def paint_many(world: World, count: int) -> None:
    for number in range(count):
        await world.imagine(f"picture number {number}", seed=number)


def prompts_of(message: Any) -> list[str]:
    return re.findall(r"^(?:⭐ )?\*\*(.*?)\*\*$", text_of(message), re.MULTILINE)


def described(message: Any) -> list[str]:
    return [item["description"] for item in gallery_of(message)]


async def test_an_empty_history_says_how_to_begin(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        result = await world.ann.slash(world.channel, "history")
        assert result.ephemeral
        assert "Nothing here yet. Paint something with **/imagine**." in text_of(result.response)


async def test_ones_pictures_come_newest_first_in_a_gallery_that_turns_both_ways(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await paint_many(world, 14)
        page = await world.ann.slash(world.channel, "history")
        assert page.ephemeral
        newest = [f"picture number {n}" for n in (13, 12, 11, 10, 9, 8)]
        assert prompts_of(page.response) == newest
        assert described(page.response) == newest
        assert buttons_of(page.response) == ["Older", "⭐ Favourites"]

        await world.ann.click(page.response, label="Older")
        middle = [f"picture number {n}" for n in (7, 6, 5, 4, 3, 2)]
        assert prompts_of(page.response) == middle
        assert buttons_of(page.response) == ["Newest", "Newer", "Older", "⭐ Favourites"]

        await world.ann.click(page.response, label="Older")
        assert prompts_of(page.response) == ["picture number 1", "picture number 0"]
        assert buttons_of(page.response) == ["Newest", "Newer", "⭐ Favourites"]

        await world.ann.click(page.response, label="Newer")
        assert prompts_of(page.response) == middle
        await world.ann.click(page.response, label="Newer")
        assert prompts_of(page.response) == newest
        assert buttons_of(page.response) == ["Older", "⭐ Favourites"]

        await world.ann.click(page.response, label="Older")
        await world.ann.click(page.response, label="Newest")
        assert prompts_of(page.response) == newest


async def test_the_search_holds_from_page_to_page_and_after_a_restart(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.imagine("a blue whale")
        await paint_many(world, PAGE + 1)
        await world.imagine("a blue boat")
        page = await world.ann.slash(world.channel, "history", search="picture number")
        assert prompts_of(page.response) == [f"picture number {n}" for n in range(PAGE, 0, -1)]
        assert "search: picture number" in text_of(page.response)
        await world.restart()
        await world.ann.click(page.response, label="Older")
        assert prompts_of(page.response) == ["picture number 0"]


async def test_favourites_are_found_whoever_asked_for_them(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        mine = await world.imagine("mine, liked")
        await world.imagine("mine")
        theirs = await world.imagine("bob's, liked", by=world.bob)
        for message in (mine, theirs):
            await world.ann.click(message.response, label="Favourite")
        page = await world.ann.slash(world.channel, "history", favourites=True)
        assert prompts_of(page.response) == ["bob's, liked", "mine, liked"]

        await world.ann.click(page.response, label="⭐ Favourites")
        assert prompts_of(page.response) == ["mine", "mine, liked"]
        assert "⭐ **mine, liked**" in text_of(page.response)
        await world.ann.click(page.response, label="⭐ Favourites")
        assert prompts_of(page.response) == ["bob's, liked", "mine, liked"]


async def test_of_several_pictures_the_one_that_is_liked_is_shown_among_the_favourites(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        result = await world.imagine(seed=250, count=2)  # one is red, the other is not
        asked = await world.ann.click(result.response, label="Favourite")
        await world.ann.click(asked.response, label="2")
        for favourites in (False, True):
            page = await world.ann.slash(world.channel, "history", favourites=favourites)
            [thumbnail] = await pictures_of(page.response)
            assert (decoded(thumbnail)[0, 0, 0] < 100) == favourites


async def test_days_bound_the_history_and_a_wrong_one_is_explained(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.imagine("of today")
        today = datetime.now(UTC).date()
        for options, seen in (
            ({"since": today.isoformat()}, ["of today"]),
            ({"until": today.isoformat()}, ["of today"]),
            ({"since": (today + timedelta(days=1)).isoformat()}, []),
            ({"until": (today - timedelta(days=1)).isoformat()}, []),
        ):
            page = await world.ann.slash(world.channel, "history", **options)
            assert prompts_of(page.response)[-1:] == seen
        offered = await world.ann.autocomplete(world.channel, "history", "since", "")
        assert offered[0]["value"] == today.isoformat()
        refusal = await world.ann.slash(world.channel, "history", since="last week")
        assert "**since**: last week does not fit." in text_of(refusal.response)


async def test_each_picture_leads_to_its_message_unless_it_is_private(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        hidden = await world.imagine("hidden", private=True)
        shown = await world.imagine("shown")
        assert hidden.ephemeral
        page = await world.ann.slash(world.channel, "history")
        [link] = re.findall(r"\(https://discord.com/channels/(.*?)\)", text_of(page.response))
        assert link == f"{world.guild.id}/{world.channel.id}/{shown.response.id}"


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
        await paint_many(world, PAGE + 1)
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
        assert buttons_of(again.response) == BUTTONS

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
        assert gallery_of(page.response) == []
        again = await world.ann.select(page.response, [(await world.latest()).short_id])
        assert "deleted" in text_of(again.response)


async def test_words_with_colons_brackets_and_emoji_can_be_searched_and_paged(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        for _ in range(PAGE + 1):
            await world.imagine("colour: 赤い (fox) 🦊")
        page = await world.ann.slash(world.channel, "history", search="colour: 赤い (fox) 🦊")
        await world.ann.click(page.response, label="Older")
        assert len(prompts_of(page.response)) == 1
