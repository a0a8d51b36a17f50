"""What people do with a result: keep it, take it along, look into it, bring it back."""

from __future__ import annotations

from pathlib import Path

import discord
import pytest

from engine.images import read_metadata
from tests.journeys.world import (
    BUTTONS,
    Painter,
    World,
    buttons_of,
    gallery_of,
    open_world,
    parts,
    pictures_of,
    text_of,
    until,
)


async def favourites_of(world: World, person: object) -> set[int]:
    """The positions of the newest result's pictures that somebody likes."""
    newest = await world.latest()
    found = await world.bot.ledger.favourites(str(person.id), [newest.id])  # type: ignore[attr-defined]
    return {position for _, position in found}


async def test_a_picture_becomes_a_favourite_and_stops_being_one(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        result = await world.imagine()
        told = await world.ann.click(result.response, label="Favourite")
        assert told.ephemeral
        assert "This is a favourite of yours now" in text_of(told.response)
        assert await favourites_of(world, world.ann) == {0}
        told = await world.ann.click(result.response, label="Favourite")
        assert "no favourite of yours any more" in text_of(told.response)
        assert await favourites_of(world, world.ann) == set()


async def test_of_four_pictures_each_can_be_a_favourite(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        result = await world.imagine(count=4)
        asked = await world.bob.click(result.response, label="Favourite")
        assert asked.ephemeral
        assert buttons_of(asked.response) == ["1", "2", "3", "4"]
        await world.bob.click(asked.response, label="2")
        await world.bob.click(asked.response, label="4")
        assert await favourites_of(world, world.bob) == {1, 3}
        assert [part["style"] for part in parts(asked.response) if part["type"] == 2] == [2, 3, 2, 3]
        await world.bob.click(asked.response, label="2")
        assert await favourites_of(world, world.bob) == {3}
        assert await favourites_of(world, world.ann) == set()


async def test_a_result_is_sent_to_whoever_asks_with_live_buttons(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        result = await world.imagine("a red fox", seed=7)
        told = await world.bob.click(result.response, label="Send to me")
        assert told.ephemeral
        assert "It is in your direct messages: https://discord.com/channels/@me/" in text_of(told.response)
        [sent] = list(world.bob.user.dm_channel.history())
        assert await pictures_of(sent) == await pictures_of(result.response)
        assert buttons_of(sent) == BUTTONS

        mine = await world.ann.click(result.response, label="Send to me")
        assert "direct messages" in text_of(mine.response)
        [sent] = list(world.ann.user.dm_channel.history())
        again = await world.ann.user.click(sent, label="Reroll")
        await world.done()
        assert gallery_of(again.response)


async def test_more_has_a_command_that_makes_the_same_again_and_the_original_file(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        result = await world.imagine("a red fox, 3:2", seed=7, steps=9, cfg=2.5, count=2, negative_prompt="dog")
        more = await world.bob.click(result.response, label="More")
        assert more.ephemeral
        command = text_of(more.response).split("```\n")[1].rstrip("`\n")
        assert command == (
            "/imagine prompt:a red fox, 3:2 negative_prompt:dog model:tiny steps:9 cfg:2.5 seed:7 sampler:DDIM"
            " width:512 height:512 count:2"
        )
        files = await pictures_of(more.response)
        assert files == await pictures_of(result.response)
        assert read_metadata(files[1])["easel"]["seed"] == 8
        assert [part["file"]["url"].rpartition("/")[2] for part in parts(more.response) if part["type"] == 13]


async def test_more_leads_to_the_parent_and_to_the_children(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        first = await world.imagine("the first")
        second = await world.ann.click(first.response, label="Reroll")
        await world.done()
        parent, child = reversed(await world.bot.ledger.history())
        above = await world.ann.click(second.response, label="More")
        assert "Made from" in text_of(above.response)
        assert f"[`{parent.short_id}`](https://discord.com/channels/" in text_of(above.response)
        below = await world.ann.click(first.response, label="More")
        assert f"[`{child.short_id}`](https://discord.com/channels/" in text_of(below.response)

        shown = await world.ann.select(below.response, [child.short_id])
        assert shown.ephemeral
        assert await pictures_of(shown.response) == await pictures_of(second.response)


async def test_a_prompt_that_no_message_holds_comes_as_a_file(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        result = await world.imagine("f" * 2000, negative_prompt="n" * 1500)
        more = await world.ann.click(result.response, label="More")
        [command] = [data for data in await pictures_of(more.response) if not data.startswith(b"\x89PNG")]
        assert ("f" * 2000 + " negative_prompt:" + "n" * 1500).encode() in command


async def test_an_old_result_comes_back_by_its_id_with_live_buttons(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        first = await world.imagine("long ago", seed=7)
        id = (await world.latest()).short_id
        await world.imagine("since then")
        await world.restart()

        [choice] = await world.ann.autocomplete(world.channel, "show", "id", "ago")
        assert (choice["value"], choice["name"]) == (id, f"{id} · long ago")
        shown = await world.ann.slash(world.channel, "show", id=f"`{id.upper()}` ")
        assert not shown.ephemeral
        assert await pictures_of(shown.response) == await pictures_of(first.response)
        assert buttons_of(shown.response) == BUTTONS
        again = await world.ann.click(shown.response, label="Reroll")
        await world.done()
        assert (await world.latest()).parent_id == (await world.bot.ledger.history())[-1].id
        assert gallery_of(again.response)

        quiet = await world.ann.slash(world.channel, "show", id=id, private=True)
        assert quiet.ephemeral


async def test_a_job_on_its_way_is_shown_with_its_place(tmp_path: Path) -> None:
    painter = Painter(hold=True)
    async with open_world(tmp_path, painter) as world:
        result = await world.ann.slash(world.channel, "imagine", prompt="a fox")
        await until(lambda: buttons_of(result.response) == ["Cancel"])
        id = (await world.latest_of_any_status()).short_id
        shown = await world.ann.slash(world.channel, "show", id=id)
        assert buttons_of(shown.response) == ["Cancel"]
        await world.ann.click(shown.response, label="Cancel")
        await world.done()
        shown = await world.ann.slash(world.channel, "show", id=id)
        assert "Cancelled." in text_of(shown.response)


@pytest.mark.parametrize("id", ["zzzz", "not an id!", "9" * 40])
async def test_an_id_of_nothing_is_explained(tmp_path: Path, id: str) -> None:
    async with open_world(tmp_path) as world:
        refusal = await world.ann.slash(world.channel, "show", id=id)
        assert refusal.ephemeral
        assert "not known any more" in text_of(refusal.response)


async def test_what_is_private_is_its_owners_alone(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        result = await world.imagine("a secret", private=True)
        assert result.ephemeral
        generation = await world.latest()
        assert generation.origin.private
        for who in (world.bob, world.mod):
            refusal = await who.slash(world.channel, "show", id=generation.short_id)
            assert "not known any more" in text_of(refusal.response)
        shown = await world.ann.slash(world.channel, "show", id=generation.short_id)
        assert shown.ephemeral
        again = await world.ann.click(shown.response, label="Reroll")
        await world.done()
        assert again.ephemeral


async def test_a_channel_that_somebody_may_not_read_keeps_its_pictures(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        unseen = discord.PermissionOverwrite(view_channel=False)
        seen = discord.PermissionOverwrite(view_channel=True)
        closed = world.guild.create_text_channel(
            "closed", overwrites={world.guild.default_role: unseen, world.ann: seen, world.mods: seen}
        )
        await world.ann.slash(closed, "imagine", prompt="among ourselves")
        await world.done()
        id = (await world.latest()).short_id
        refusal = await world.bob.slash(world.channel, "show", id=id)
        assert "not known any more" in text_of(refusal.response)
        for who in (world.ann, world.mod):
            assert gallery_of((await who.slash(world.channel, "show", id=id)).response)


async def test_the_files_of_a_deleted_picture_can_not_be_kept_and_the_buttons_say_so(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        result = await world.imagine("gone")
        shown = await world.ann.slash(world.channel, "show", id=(await world.latest()).short_id)
        await world.ann.click(shown.response, label="Delete")
        assert shown.response is None
        assert result.response is None, "the message that it was first shown in goes too"

        id = (await world.latest()).short_id
        back = await world.ann.slash(world.channel, "show", id=id)
        assert "files of these pictures were deleted" in text_of(back.response)
        refusal = await world.ann.click(back.response, label="Favourite")
        assert "there is nothing to keep" in text_of(refusal.response)
        more = await world.ann.click(back.response, label="More")
        assert "files of these pictures were deleted" in text_of(more.response)
        assert "prompt:gone" in text_of(more.response)


@pytest.mark.parametrize(
    ("press", "allowed"),
    [("owner", {"ann"}), ("moderators", {"ann", "mod"}), ("anyone", {"ann", "bob", "mod"})],
)
async def test_the_server_chooses_who_may_make_more_of_a_picture(tmp_path: Path, press: str, allowed: set[str]) -> None:
    async with open_world(tmp_path) as world:
        result = await world.imagine()
        await world.bot.store.change_guild(str(world.guild.id), lambda old: {"press": press})
        for name, who in (("ann", world.ann), ("bob", world.bob), ("mod", world.mod)):
            again = await who.click(result.response, label="Reroll")
            await world.done()
            assert bool(gallery_of(again.response)) == (name in allowed)
            form = await who.click(result.response, label="Edit")
            assert (form.modal is not None) == (name in allowed)
        refusal = await world.bob.click(result.response, label="Delete")
        assert "Only the person who asked" in text_of(refusal.response), "deleting is not for anyone"


async def test_a_picture_of_a_year_ago_still_answers(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        result = await world.imagine("of last year")
        year_us = 365 * 86400 * 1_000_000
        async with world.bot.ledger.write() as connection:
            await connection.execute("UPDATE generations SET created_at = created_at - ?", (year_us,))
        world.env.backend.clock.elapsed += 365 * 86400
        await world.restart()
        more = await world.ann.click(result.response, label="More")
        assert "prompt:of last year" in text_of(more.response)
        await world.ann.click(result.response, label="Favourite")
        again = await world.ann.click(result.response, label="Reroll")
        await world.done()
        assert gallery_of(again.response)
