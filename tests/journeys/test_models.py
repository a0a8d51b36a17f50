"""/model and /help: seeing the models, and switching them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot import models
from engine.errors import ModelUnavailable
from tests.journeys.world import Painter, open_world, text_of, until


async def test_everybody_sees_the_table_with_the_live_state(tmp_path: Path) -> None:
    async with open_world(tmp_path, Painter(loaded={"tiny"})) as world:
        result = await world.bob.slash(world.channel, "model list")
        assert result.ephemeral
        text = text_of(result.response)
        assert "**tiny** · loaded · default here\n-# speed ●●●●● · quality ●○○○○ · 60 MB" in text
        assert "**stable-diffusion-xl-base** · not downloaded yet\n-# speed ●●○○○ · quality ●●●●○ · 6.9 GB" in text


async def test_everybody_sees_what_a_model_takes(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        result = await world.bob.slash(world.channel, "model info", model="sdxl-turbo")
        assert "Takes 1–4 steps, cfg 0, sizes 512–1024 (×8)" in text_of(result.response)
        assert "It has no guidance: a negative prompt is not heard." in text_of(result.response)
        assert "Licence: Stability AI Non-Commercial Research Community" in text_of(result.response)
        unknown = await world.bob.slash(world.channel, "model info", model="sdxl-turob")
        assert "Did you mean sdxl-turbo" in text_of(unknown.response)


async def test_everybody_sees_which_samplers_share_the_engine_and_which_are_diffusers_own(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        tiny = text_of((await world.bob.slash(world.channel, "model info", model="tiny")).response)
        assert "Step by step, beside other people's pictures: DDIM, Euler, Euler a, DPM++ 2M" in tiny
        assert "Through diffusers' own scheduler: UniPC, PNDM" in tiny
        flux = text_of((await world.bob.slash(world.channel, "model info", model="flux-1-schnell")).response)
        assert "Through diffusers' own scheduler: Euler\n" in flux
        assert "Licence: Apache 2.0 · to be accepted at Hugging Face before the download" in flux
        turbo = text_of((await world.bob.slash(world.channel, "model info", model="sdxl-turbo")).response)
        assert "Which samplers go step by step is known where its files are." in turbo


async def test_a_sampler_that_a_model_cannot_use_is_refused_with_the_one_it_can(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        result = await world.imagine(model="flux-1-schnell", sampler="DDIM")
        assert "**sampler**: DDIM does not fit. Allowed: Euler" in text_of(result.response)


async def test_an_admin_switches_the_servers_default_and_it_survives_a_restart(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        result = await world.admin.slash(world.channel, "model use", model="sdxl-turbo")
        assert "**sdxl-turbo** is this server's default model now." in text_of(result.response)
        await world.restart()
        painted = await world.imagine("a fox")
        assert "sdxl-turbo · Euler a · one step · cfg 0" in text_of(painted.response)
        listed = await world.bob.slash(world.channel, "model list")
        assert "**sdxl-turbo** · not downloaded yet · default here" in text_of(listed.response)


@pytest.mark.parametrize("command", ["model use", "model load", "model unload"])
async def test_a_member_and_a_moderator_are_refused(tmp_path: Path, command: str) -> None:
    async with open_world(tmp_path) as world:
        for person in (world.bob, world.mod):
            refusal = await person.slash(world.channel, command, model="sdxl-turbo")
            assert refusal.ephemeral
            assert "needs the Manage Server permission" in text_of(refusal.response)
        assert await world.bot.default_model(world.guild.id) == "tiny"
        assert world.painter.loaded == set()


async def test_an_admin_loads_and_unloads(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        loading = await world.admin.slash(world.channel, "model load", model="sdxl-turbo")
        await world.done()
        assert "**sdxl-turbo** is loaded." in text_of(loading.response)
        assert world.painter.loaded == {"sdxl-turbo"}
        unloading = await world.admin.slash(world.channel, "model unload", model="sdxl-turbo")
        await world.done()
        assert "**sdxl-turbo** is unloaded." in text_of(unloading.response)
        assert world.painter.loaded == set()


async def test_a_model_that_cannot_be_loaded_says_why_and_what_to_do(tmp_path: Path) -> None:
    error = ModelUnavailable("sdxl-turbo", "it is gated.", "Accept its terms and set HF_TOKEN.")
    async with open_world(tmp_path, Painter(error=error)) as world:
        result = await world.admin.slash(world.channel, "model load", model="sdxl-turbo")
        await world.done()
        assert "it is gated. Accept its terms and set HF_TOKEN." in text_of(result.response)


async def test_help_says_what_to_do_and_what_paints_here(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        result = await world.bob.slash(world.channel, "help")
        assert result.ephemeral
        text = text_of(result.response)
        assert "/imagine" in text
        assert "Tips for prompts" in text
        assert "This server paints with **tiny**" in text


async def test_in_a_direct_message_there_is_no_server_to_manage(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        ann = world.ann.user
        refusal = await ann.slash("model use", model="tiny")
        assert "works in servers only" in text_of(refusal.response)
        painted = await ann.slash("imagine", prompt="a fox in private")
        await world.done()
        assert "a fox in private" in text_of(painted.response)


async def test_loading_is_shown_while_it_lasts(tmp_path: Path) -> None:
    painter = Painter(hold=True)
    async with open_world(tmp_path, painter) as world:
        loading = await world.admin.slash(world.channel, "model load", model="sdxl-turbo")
        await until(lambda: "downloading" in text_of(loading.response))
        assert "▰▰▰▰▰▰▱" in text_of(loading.response)
        painter.released.set()
        await world.done()
        assert "is loaded" in text_of(loading.response)


async def test_the_table_follows_a_model_on_its_way_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "PROGRESS_INTERVAL_S", 0.02)
    painter = Painter(loading={"sdxl-turbo": 0.4})
    async with open_world(tmp_path, painter) as world:
        listed = await world.bob.slash(world.channel, "model list")
        assert "**sdxl-turbo** · loading, 40 %" in text_of(listed.response)
        painter.loading["sdxl-turbo"] = 0.8
        await until(lambda: "**sdxl-turbo** · loading, 80 %" in text_of(listed.response))
        painter.loading.clear()
        painter.loaded.add("sdxl-turbo")
        await world.done()
        assert "**sdxl-turbo** · loaded" in text_of(listed.response)


async def test_the_table_is_brought_up_to_date_after_a_restart_too(tmp_path: Path) -> None:
    painter = Painter()
    async with open_world(tmp_path, painter) as world:
        listed = await world.bob.slash(world.channel, "model list")
        painter.loaded.add("tiny")
        await world.restart()
        await world.bob.click(listed.response, label="Refresh")
        assert "**tiny** · loaded" in text_of(listed.response)
