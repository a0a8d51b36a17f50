"""A right click on a message: how its pictures were made, and once more the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import discord
import pytest

from engine.types import Sampler
from tests import pictures
from tests.journeys.world import World, gallery_of, open_world, parts, text_of


async def posted(world: World, *files: tuple[str, bytes]) -> Any:
    return await world.bob.send(world.channel, "look at this", attachments=list(files))


async def parameters(world: World, message: Any) -> Any:
    return await world.ann.context_menu(world.channel, "Parameters", message)


async def run_again(world: World, message: Any) -> Any:
    again = await world.ann.context_menu(world.channel, "Run again", message)
    await world.done()
    return again


@pytest.mark.parametrize(
    ("name", "data", "sampler"),
    [
        ("AUTOMATIC1111", pictures.a1111(), "DPM++ 2M Karras"),
        ("InvokeAI", pictures.invoke(), "dpmpp_2m_k"),
        ("ComfyUI", pictures.comfy(), "dpmpp_2m karras"),
    ],
)
async def test_anybodys_picture_says_how_it_was_made(tmp_path: Path, name: str, data: bytes, sampler: str) -> None:
    async with open_world(tmp_path) as world:
        told = await parameters(world, await posted(world, ("x.png", data)))
        assert told.ephemeral
        text = text_of(told.response)
        for words in (f"**{name}**", "a lighthouse, evening light", "without: people, text", f"sampler: {sampler}"):
            assert words in text
        for words in ("steps: 28", "cfg: 6.5", "size: 512×768", "seed: 1234"):
            assert words in text


async def test_several_pictures_of_one_message_are_all_read(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        message = await posted(world, ("1.png", pictures.a1111()), ("2.txt", b"words"), ("3.png", pictures.comfy()))
        text = text_of((await parameters(world, message)).response)
        assert text.index("AUTOMATIC1111") < text.index("ComfyUI")


async def test_a_result_of_ours_is_known_without_its_file(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        result = await world.imagine("a red fox", seed=7, steps=9)
        world.env.backend.cdn._blobs.clear()
        text = text_of((await parameters(world, result.response)).response)
        assert "**Easel**" in text
        assert "steps: 9 · cfg: 3.5 · size: 512×512 · seed: 7" in text


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([], "There is no picture in this message."),
        ([("x.txt", b"words")], "There is no picture in this message."),
        ([("x.png", pictures.picture())], "does not say how it was made"),
        ([("x.png", pictures.bomb())], "does not say how it was made"),
        ([("x.png", pictures.swollen())], "does not say how it was made"),
    ],
    ids=["none", "text", "bare", "bomb", "swollen"],
)
async def test_what_cannot_be_read_is_explained(tmp_path: Path, files: list[tuple[str, bytes]], words: str) -> None:
    async with open_world(tmp_path) as world:
        message = await posted(world, *files)
        for ask in (parameters, run_again):
            told = await ask(world, message)
            assert words in text_of(told.response)
            assert told.ephemeral
        assert world.painter.painted == []


async def test_a_picture_from_elsewhere_is_not_fetched(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        channel = world.bot.get_channel(world.channel.id)
        view = discord.ui.LayoutView()
        view.add_item(discord.ui.MediaGallery(discord.MediaGalleryItem("http://169.254.169.254/latest/x.png")))
        with world.env.time_context():
            message = await channel.send(view=view)  # type: ignore[union-attr]
        told = await parameters(world, message)
        assert "not on Discord's own servers" in text_of(told.response)


async def test_run_again_takes_over_what_this_bot_knows_with_another_seed(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        again = await run_again(world, await posted(world, ("x.png", pictures.comfy())))
        assert not again.ephemeral
        assert gallery_of(again.response)
        request = (await world.latest()).request
        assert (request.prompt, request.negative_prompt) == ("a lighthouse, evening light", "people, text")
        assert (request.model, request.sampler) == ("sdxl-turbo", Sampler.DPMPP_2M_KARRAS)
        assert (request.width, request.height) == (512, 768)
        assert (request.num_inference_steps, request.guidance_scale) == (1, 0), "28 steps and cfg 6.5 do not fit turbo"
        assert request.seed != 1234
        assert (await world.latest()).parent_id is None


async def test_run_again_on_a_result_of_ours_is_a_reroll(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        result = await world.imagine("a red fox", seed=7)
        parent = await world.latest()
        again = await run_again(world, result.response)
        assert gallery_of(again.response)
        assert (await world.latest()).parent_id == parent.id
        refusal = await world.bob.context_menu(world.channel, "Run again", result.response)
        assert "Only the person who asked" in text_of(refusal.response)


async def test_hostile_words_in_a_file_stay_words(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        hostile = pictures.A1111.replace("a lighthouse", "**@everyone** [x](https://evil.example)")
        told = await parameters(world, await posted(world, ("x.png", pictures.picture(parameters=hostile))))
        raw = "\n".join(part["content"] for part in parts(told.response) if part["type"] == 10)
        assert "@everyone" not in raw
        assert "[x]" not in raw
