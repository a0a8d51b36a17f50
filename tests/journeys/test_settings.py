"""/settings: what the managers of a server decide, in a panel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.defaults import GuildSettings
from bot.options import Options
from bot.styles import MOST, Style
from engine.types import Sampler
from tests.journeys.world import World, open_world, parts, text_of


async def opened(world: World, *pages: str) -> Any:
    """The panel, turned to a page."""
    panel = await world.admin.slash(world.channel, "settings")
    for page in pages:
        await world.admin.click(panel.response, custom_id=f"easel:panel:{page}")
    return panel


async def kept(world: World) -> GuildSettings:
    return await world.bot.store.guild(str(world.guild.id))


def chosen(message: Any, custom_id: str) -> list[str]:
    [menu] = [part for part in parts(message) if part.get("custom_id") == custom_id]
    if "options" in menu:
        return [option["label"] for option in menu["options"] if option.get("default")]
    return [str(value["id"]) for value in menu.get("default_values", [])]


async def test_an_admin_sees_the_settings_and_changes_them_in_menus(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        panel = await opened(world)
        assert panel.ephemeral
        assert "Settings of Studio" in text_of(panel.response)
        assert chosen(panel.response, "easel:server:press") == ["Who asked for it, and moderators"]
        await world.admin.select(panel.response, ["anyone"], custom_id="easel:server:press")
        await world.admin.select(panel.response, [world.channel], custom_id="easel:server:channels")
        await world.admin.select(panel.response, [world.mods, world.admins], custom_id="easel:server:roles")
        await world.admin.select(panel.response, ["en"], custom_id="easel:server:language")
        await world.admin.click(panel.response, custom_id="easel:server:preview")
        assert await kept(world) == GuildSettings(
            press="anyone",
            channels=(str(world.channel.id),),
            roles=(str(world.mods.id), str(world.admins.id)),
            language="en",
            preview=False,
        )
        assert chosen(panel.response, "easel:server:press") == ["Everybody on this server"]
        assert chosen(panel.response, "easel:server:channels") == [str(world.channel.id)]
        assert set(chosen(panel.response, "easel:server:roles")) == {str(world.mods.id), str(world.admins.id)}


async def test_an_emptied_menu_takes_the_rule_away(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        panel = await opened(world)
        await world.admin.select(panel.response, [world.channel], custom_id="easel:server:channels")
        await world.admin.select(panel.response, [], custom_id="easel:server:channels")
        assert (await kept(world)).channels == ()


async def test_the_panel_still_works_after_a_restart(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        panel = await opened(world)
        await world.restart()
        await world.admin.select(panel.response, ["owner"], custom_id="easel:server:press")
        assert (await kept(world)).press == "owner"


@pytest.mark.parametrize(
    ("pages", "custom_id"),
    [
        ((), "easel:server:preview"),
        ((), "easel:panel:defaults"),
        (("defaults",), "easel:default:server:clear"),
        (("defaults",), "easel:default:server:numbers"),
        (("styles",), "easel:style:new"),
    ],
)
async def test_each_press_asks_again_whether_the_person_may(
    tmp_path: Path, pages: tuple[str, ...], custom_id: str
) -> None:
    """A panel that an admin opened is in their hands still when they are none any more."""
    async with open_world(tmp_path) as world:
        panel = await opened(world, *pages)
        world.env.backend.guilds[world.guild.id].members[world.admin.id].role_ids.clear()
        refusal = await world.admin.click(panel.response, custom_id=custom_id)
        assert "needs the Manage Server permission" in text_of(
            refusal.followups[0] if refusal.followups else refusal.response
        )
        assert await kept(world) == GuildSettings()


async def test_the_servers_defaults_are_chosen_in_menus_and_typed_in_a_form(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        panel = await opened(world, "defaults")
        await world.admin.select(panel.response, ["sdxl-turbo"], custom_id="easel:default:server:model")
        await world.admin.select(panel.response, ["anime"], custom_id="easel:default:server:style")
        await world.admin.select(panel.response, ["3:2"], custom_id="easel:default:server:aspect_ratio")
        await world.admin.select(panel.response, ["2"], custom_id="easel:default:server:num_images")
        form = await world.admin.click(panel.response, custom_id="easel:default:server:numbers")
        await world.admin.submit_modal(
            form,
            {
                "num_inference_steps": "3",
                "guidance_scale": "6,5",
                "size": "",
                "sampler": ["UniPC"],
                "negative_prompt": "text",
            },
        )
        assert (await kept(world)).defaults == Options(
            model="sdxl-turbo",
            style="anime",
            aspect_ratio="3:2",
            num_images=2,
            num_inference_steps=3,
            guidance_scale=6.5,
            sampler=Sampler.UNIPC,
            negative_prompt="text",
        )
        assert "Steps: 3" in text_of(panel.response)
        assert chosen(panel.response, "easel:default:server:style") == ["Anime"]
        again = await world.admin.click(panel.response, custom_id="easel:default:server:numbers")
        await world.admin.submit_modal(again, {"num_inference_steps": "", "size": "768 x 512", "sampler": ["-"]})
        options = (await kept(world)).defaults
        assert (options.width, options.height, options.aspect_ratio) == (768, 512, None)
        assert (options.num_inference_steps, options.sampler) == (None, None)
        await world.admin.click(panel.response, custom_id="easel:default:server:clear")
        assert (await kept(world)).defaults == Options()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("num_inference_steps", "many", "**steps**: many does not fit. Allowed: a whole number."),
        ("num_inference_steps", "400", "**steps**: 400 does not fit. Allowed: 1–100."),
        ("guidance_scale", "high", "**cfg**: high does not fit. Allowed: a number."),
        ("size", "large", "**size**: large does not fit. Allowed: something like 768×512."),
        ("size", "9x512", "**width**: 9 does not fit. Allowed: 64–2048."),
    ],
)
async def test_a_number_that_does_not_fit_is_refused_and_nothing_changes(
    tmp_path: Path, field: str, value: str, words: str
) -> None:
    async with open_world(tmp_path) as world:
        panel = await opened(world, "defaults")
        form = await world.admin.click(panel.response, custom_id="easel:default:server:numbers")
        refusal = await world.admin.submit_modal(form, {field: value, "sampler": ["-"]})
        assert refusal.ephemeral
        assert words in text_of(refusal.response)
        assert (await kept(world)).defaults == Options()


async def test_an_admin_writes_a_style_changes_it_and_deletes_it(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        panel = await opened(world, "styles")
        assert "Photo · built in" in text_of(panel.response).replace("**", "")
        form = await world.admin.click(panel.response, custom_id="easel:style:new")
        await world.admin.submit_modal(
            form, {"name": "Film Noir", "prompt": "{prompt}, film noir", "negative_prompt": "colour", "steps": "30"}
        )
        assert "Words: {prompt}, film noir" in text_of(panel.response)
        await world.admin.select(panel.response, ["16:9"], custom_id="easel:style:aspect_ratio:film noir")
        again = await world.admin.click(panel.response, custom_id="easel:style:edit:film noir")
        await world.admin.submit_modal(
            again, {"name": "Noir", "prompt": "{prompt}, noir", "negative_prompt": "colour", "cfg": "5"}
        )
        assert (await kept(world)).styles == {
            "noir": Style(
                name="Noir",
                prompt="{prompt}, noir",
                negative_prompt="colour",
                options=Options(guidance_scale=5, aspect_ratio="16:9"),
            )
        }
        await world.admin.click(panel.response, custom_id="easel:style:delete:noir")
        assert (await kept(world)).styles == {}
        assert "Styles of this server" in text_of(panel.response)


async def test_a_built_in_style_is_replaced_hidden_and_brought_back(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        panel = await opened(world, "styles")
        await world.admin.select(panel.response, ["photo"], custom_id="easel:style:open")
        form = await world.admin.click(panel.response, custom_id="easel:style:edit:photo")
        await world.admin.submit_modal(form, {"name": "On film", "prompt": "{prompt}, on film"})
        assert (await kept(world)).styles["photo"].name == "On film"  # type: ignore[union-attr]
        await world.admin.click(panel.response, custom_id="easel:style:restore:photo")
        assert (await kept(world)).styles == {}
        await world.admin.click(panel.response, custom_id="easel:style:delete:photo")
        assert (await kept(world)).styles == {"photo": None}
        assert "Photo is hidden on this server" in text_of(panel.response).replace("**", "")
        await world.admin.click(panel.response, custom_id="easel:style:restore:photo")
        assert (await kept(world)).styles == {}


async def test_a_style_can_bring_its_model_and_back_leads_to_the_settings(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        panel = await opened(world, "styles")
        await world.admin.select(panel.response, ["anime"], custom_id="easel:style:open")
        await world.admin.select(panel.response, ["sdxl-turbo"], custom_id="easel:style:model:anime")
        await world.admin.click(panel.response, custom_id="easel:panel:styles")
        await world.admin.click(panel.response, custom_id="easel:panel:server")
        assert "Settings of" in text_of(panel.response)
        await world.imagine("a fox", style="anime")
        assert (await world.latest()).request.model == "sdxl-turbo"


async def test_two_styles_cannot_have_one_name_and_none_is_no_name(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        panel = await opened(world, "styles")
        for name in ("Anime", "none", " ", "\u200b\u2060"):
            form = await world.admin.click(panel.response, custom_id="easel:style:new")
            refusal = await world.admin.submit_modal(form, {"name": name, "prompt": "x"})
            assert "Choose another" in text_of(refusal.response)
        assert (await kept(world)).styles == {}


async def test_a_style_may_have_a_name_in_any_script(tmp_path: Path) -> None:
    """In lower case some letters become two, and the key that buttons carry grows."""
    async with open_world(tmp_path) as world:
        for name in ("İ" * 32, "水墨画", "🎨"):
            panel = await opened(world, "styles")
            form = await world.admin.click(panel.response, custom_id="easel:style:new")
            await world.admin.submit_modal(form, {"name": name, "prompt": "x"})
            await world.admin.click(panel.response, label="Delete")
        assert (await kept(world)).styles == {}


async def test_a_server_has_as_many_styles_as_a_menu_shows(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        many = {f"style {n}": Style(name=f"Style {n}") for n in range(MOST)}
        await world.bot.store.change_guild(str(world.guild.id), lambda old: {"styles": many})
        panel = await opened(world, "styles")
        refusal = await world.admin.click(panel.response, custom_id="easel:style:new")
        assert "25 styles at most" in text_of(refusal.response)


async def test_a_style_that_somebody_else_deleted_meanwhile_is_said_to_be_gone(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        noir = {"noir": Style(name="Noir", prompt="{prompt}, noir")}
        await world.bot.store.change_guild(str(world.guild.id), lambda old: {"styles": noir})
        panel = await opened(world, "styles")
        await world.admin.select(panel.response, ["noir"], custom_id="easel:style:open")
        await world.bot.store.change_guild(str(world.guild.id), lambda old: {"styles": {}})
        refusal = await world.admin.click(panel.response, custom_id="easel:style:edit:noir")
        assert "not there any more" in text_of(refusal.response)


async def test_what_was_chosen_holds_for_everybody(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        elsewhere = world.guild.create_text_channel("talk")
        painters = world.guild.create_role("Painters")
        panel = await opened(world)
        await world.admin.select(panel.response, [world.channel], custom_id="easel:server:channels")
        await world.admin.select(panel.response, [painters], custom_id="easel:server:roles")
        await world.admin.select(panel.response, ["anyone"], custom_id="easel:server:press")
        ruth = world.guild.add_member(world.env.create_user("ruth"), roles=[painters])
        refusal = await ruth.slash(elsewhere, "imagine", prompt="a fox")
        assert f"Use <#{world.channel.id}>" in text_of(refusal.response)
        refusal = await world.ann.slash(world.channel, "imagine", prompt="a fox")
        assert f"only some may paint: <@&{painters.id}>" in text_of(refusal.response)
        painted = await world.imagine("a fox", by=ruth)
        await world.admin.select(panel.response, [], custom_id="easel:server:roles")
        again = await world.bob.click(painted.response, label="Reroll")
        await world.done()
        assert "a fox" in text_of(again.response)
        refusal = await world.bob.click(painted.response, label="Delete")
        assert "Only the person who asked" in text_of(refusal.response)
