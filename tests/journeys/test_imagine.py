"""A person types /imagine, and sees the picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import discord
import numpy as np
import pytest
import simcord

from engine.catalog import Catalog
from engine.errors import InvalidRequest
from engine.images import read_metadata
from engine.types import Status
from tests.journeys.world import (
    BUTTONS,
    PREVIEW,
    SIDE,
    Painter,
    buttons_of,
    decoded,
    filled,
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


async def test_weights_of_words_reach_the_engine_and_are_shown_as_they_were_typed(tmp_path: Path) -> None:
    prompt = r"a (red:1.4) [fox](small), \(drawn\)"
    async with open_world(tmp_path) as world:
        result = await world.imagine(prompt, seed=7, negative_prompt="((text))")
        [asked] = world.painter.painted
        assert (asked.prompt, asked.negative_prompt) == (prompt, "((text))")
        assert f"**{prompt}**" in text_of(result.response)
        [png] = await pictures_of(result.response)
        assert read_metadata(png)["parameters"].startswith(f"{prompt}\nNegative prompt: ((text))\n")


async def test_a_prompt_that_no_model_reads_whole_fails_with_the_number_of_its_tokens(tmp_path: Path) -> None:
    allowed = "at most 992 tokens, which are words and parts of words; it has 4000"
    error = InvalidRequest("prompt", "🦊🦊…", allowed, rule="tokens", high=992, found=4000)
    async with open_world(tmp_path, Painter(error=error)) as world:
        result = await world.imagine("🦊" * 1000)
        said = "**prompt**: 🦊🦊… does not fit. Allowed: at most 992 tokens (words and parts of words); it has 4000."
        assert said in text_of(result.response)


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
        assert [choice["value"] for choice in choices] == ["sdxl-turbo", "z-image-turbo"]
        assert "speed 5/5, quality 3/5" in choices[0]["name"]
        everything = await world.ann.autocomplete(world.channel, "imagine", "model", "", prompt="a fox")
        assert [choice["value"] for choice in everything] == [spec.key for spec in Catalog()]


async def test_samplers_are_offered_by_any_part_of_their_name(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        only = {"prompt": "a fox", "model": "flux-1-schnell"}
        choices = await world.ann.autocomplete(world.channel, "imagine", "sampler", "", **only)
        assert [choice["value"] for choice in choices] == ["Euler"]
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


async def test_a_style_adds_its_words_and_the_stored_request_says_all_of_them(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        offered = await world.ann.autocomplete(world.channel, "imagine", "style", "line", prompt="a fox")
        assert [(each["name"], each["value"]) for each in offered] == [("Line art", "line-art")]
        await world.imagine("a fox", style="line-art")
        request = (await world.latest()).request
        assert request.prompt.startswith("line art of a fox, black ink")
        assert "photo" in request.negative_prompt
        refusal = await world.imagine("a fox", style="lime art")
        assert "There is no style **lime art**. Did you mean" in text_of(refusal.response)


async def test_no_style_can_be_asked_for_where_one_is_the_default(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.bot.store.change_person(
            str(world.ann.id), lambda old: {"defaults": {"style": "photo", "num_images": 2}}
        )
        await world.imagine("a fox")
        styled = (await world.latest()).request
        assert (styled.prompt.startswith("photograph of a fox"), styled.num_images) == (True, 2)
        await world.imagine("a fox", style="none", count=1)
        bare = (await world.latest()).request
        assert (bare.prompt, bare.num_images) == ("a fox", 1)


async def test_a_shape_is_chosen_instead_of_a_size(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        result = await world.imagine(model="stable-diffusion-v1-5", aspect_ratio="16:9")
        request = (await world.latest()).request
        assert request.width / request.height == pytest.approx(16 / 9, rel=0.05)
        assert f"{request.width}×{request.height}" in text_of(result.response)
        refusal = await world.imagine(aspect_ratio="16:9")
        assert "**aspect_ratio**: 16:9 does not fit. Allowed: 1:1." in text_of(refusal.response)


async def test_a_spoiler_hides_the_pictures_wherever_they_are_shown(tmp_path: Path) -> None:
    painter = Painter(hold=True, preview=True)
    async with open_world(tmp_path, painter) as world:
        result = await world.ann.slash(world.channel, "imagine", prompt="a surprise", spoiler=True)
        await until(lambda: bool(gallery_of(result.response)))
        assert gallery_of(result.response)[0]["spoiler"], "the sketch is hidden too"
        painter.released.set()
        await world.done()
        again = await world.ann.click(result.response, label="Reroll")
        await world.done()
        shown = await world.ann.slash(world.channel, "show", id=(await world.latest()).short_id)
        page = await world.ann.slash(world.channel, "history")
        for message in (result.response, again.response, shown.response, page.response):
            assert all(item["spoiler"] for item in gallery_of(message))


async def test_a_private_picture_is_seen_by_its_person_alone(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        result = await world.imagine("just for me", private=True)
        assert result.ephemeral
        assert gallery_of(result.response)
        again = await world.ann.click(result.response, label="Reroll")
        await world.done()
        assert again.ephemeral
        form = await world.ann.click(result.response, label="Edit")
        edited = await world.ann.submit_modal(form, filled(form) | {"prompt": "still for me"})
        await world.done()
        assert edited.ephemeral


async def test_a_sketch_is_shown_while_it_paints_unless_the_server_says_no(tmp_path: Path) -> None:
    painter = Painter(hold=True, preview=True)
    async with open_world(tmp_path, painter) as world:
        result = await world.ann.slash(world.channel, "imagine", prompt="a fox", steps=4)
        await until(lambda: bool(gallery_of(result.response)))
        [sketch] = gallery_of(result.response)
        assert sketch["description"] == "a fox"
        assert await pictures_of(result.response) == [PREVIEW]
        assert buttons_of(result.response) == ["Cancel"]

        await world.ann.click(result.response, label="Cancel")
        await world.done()
        assert gallery_of(result.response) == []

        await world.bot.store.change_guild(str(world.guild.id), lambda old: {"preview": False})
        plain = await world.ann.slash(world.channel, "imagine", prompt="a fox", steps=4)
        await until(lambda: "step 1 of 4" in text_of(plain.response))
        assert gallery_of(plain.response) == []


async def test_ones_own_words_are_offered_again_however_long_they_are(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        long = "a very long story of a red fox " * 10
        await world.imagine(long)
        await world.imagine("a red fox", style="photo")
        await world.imagine("a red fox", style="photo")
        await world.imagine("bob's fox", by=world.bob)
        offered = await world.ann.autocomplete(world.channel, "imagine", "prompt", "")
        assert [each["name"][:31] for each in offered] == ["a red fox", "a very long story of a red fox "]
        assert offered[0]["value"] == "a red fox", "as it was typed, without the style's words"
        assert all(1 <= len(each["name"]) <= 100 and 1 <= len(each["value"]) <= 100 for each in offered)

        await world.imagine(offered[1]["value"])
        assert (await world.latest()).request.prompt == long.strip()
        await world.imagine(offered[1]["value"], by=world.bob)
        assert (await world.latest()).request.prompt == offered[1]["value"], "others' words are nobody else's"

        found = await world.ann.autocomplete(world.channel, "imagine", "prompt", "story")
        assert [each["name"][:31] for each in found] == ["story", "a very long story of a red fox "]


async def test_a_channel_without_attachments_is_told_before_any_work_is_done(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        result = await world.imagine()
        text_only = world.guild.create_text_channel(
            "words", overwrites={world.guild.default_role: discord.PermissionOverwrite(attach_files=False)}
        )
        for refusal in (
            await world.ann.slash(text_only, "imagine", prompt="a fox"),
            await world.ann.slash(text_only, "show", id=(await world.latest()).short_id),
        ):
            assert refusal.ephemeral
            assert "I may not attach files in this channel" in text_of(refusal.response)
        assert len(world.painter.painted) == 1
        assert gallery_of(result.response)


async def test_the_servers_channels_and_roles_hold_for_rerolls_too(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        result = await world.imagine()
        await world.bot.store.change_guild(str(world.guild.id), lambda old: {"channels": ("1",)})
        for refusal in (
            await world.ann.slash(world.channel, "imagine", prompt="a fox"),
            await world.ann.click(result.response, label="Reroll"),
        ):
            assert "Pictures are not painted in this channel." in text_of(refusal.response)
        assert len(world.painter.painted) == 1


async def test_everything_works_in_a_direct_message(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        ann = world.ann.user
        result = await ann.slash("imagine", prompt="between us")
        await world.done()
        assert gallery_of(result.response)
        for label in ("Favourite", "More", "Send to me"):
            assert (await ann.click(result.response, label=label)).response is not None
        again = await ann.click(result.response, label="Reroll")
        await world.done()
        assert gallery_of(again.response)
        page = await ann.slash("history")
        assert len(gallery_of(page.response)) == 2
