"""Everybody is spoken to in their own language, in servers, in direct messages, and where they took the bot along."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.texts import Texts
from engine.errors import OutOfMemory
from tests.journeys.wired import wired
from tests.journeys.world import Painter
from tests.test_texts import SAME, SAME_IN
from tests.wire import NotOffered, WireDiscord

LANGUAGES = [tag for tag in Texts().languages if tag != "en"]


@pytest.fixture
async def wire() -> AsyncIterator[WireDiscord]:
    async with WireDiscord() as wire:
        yield wire


def named(options: list[dict[str, Any]], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every command, subcommand, option and choice that was told to Discord."""
    for option in options:
        here = f"{path}/{option['name']}"
        yield here, option
        yield from named([*(option.get("options") or []), *(option.get("choices") or [])], here)


async def test_discord_is_told_every_name_and_description_in_every_language(tmp_path: Path, wire: WireDiscord) -> None:
    wire.add_guild("Studio")
    async with wired(tmp_path, wire):
        told = dict(named(wire.world.commands[None]))
    assert told["/imagine"]["name_localizations"]["zh-CN"] == "绘图"
    assert told["/imagine/prompt"]["name_localizations"]["ja"] == "プロンプト"
    assert told["/limits/set/kind/pictures a day"]["name_localizations"]["zh-TW"] == "每天的圖片數"
    alike = {key.removeprefix("name-").replace("-", "_") for keys in (SAME, *SAME_IN.values()) for key in keys}
    for path, thing in told.items():
        for key in ("name", "description"):
            if key == "name" and path.rpartition("/")[2] in alike:
                continue
            if thing.get(key):
                translated = thing.get(f"{key}_localizations") or {}
                assert {*LANGUAGES, "es-419"} - set(translated) == set(), f"{path} has no {key} in"
                assert thing[key] not in translated.values(), f"{path} is called as in English"


async def test_a_person_is_answered_in_their_own_language(tmp_path: Path, wire: WireDiscord) -> None:
    guild = wire.add_guild("Studio")
    aoi = wire.add_member(guild, "Aoi", locale="ja")
    async with wired(tmp_path, wire):
        shown = await wire.slash(aoi, wire.channel(guild), "imagine", prompt="赤い狐", steps=20)
        message = await shown.result()
        assert "20 ステップ" in message.text
        assert "描き直す" in [button.get("label") for button in message.buttons]
        refusal = await wire.slash(aoi, wire.channel(guild), "imagine", prompt="赤い狐", steps=80)
        assert "**ステップ数**：80 は使えません。使える値：tiny では 1–50。" in (await refusal.message()).text
    wire.judge.assert_clean()


async def test_where_the_bot_lacks_a_persons_language_it_speaks_the_servers(tmp_path: Path, wire: WireDiscord) -> None:
    guild = wire.add_guild("Estudio", locale="es-ES")
    dora = wire.add_member(guild, "Dora", locale="de")
    latin = wire.add_member(guild, "Luz", locale="es-419")
    eve = wire.add_member(guild, "Eve", locale="en-GB")
    async with wired(tmp_path, wire) as easel:
        room = wire.channel(guild)
        for person, words in ((dora, "Cola"), (latin, "Cola"), (eve, "Queue")):
            assert words in (await (await wire.slash(person, room, "queue")).message()).text
        await easel.bot.store.change_guild(str(guild.id), lambda old: {"language": "zh-TW"})
        assert "佇列" in (await (await wire.slash(dora, room, "queue")).message()).text
        assert "Queue" in (await (await wire.slash(eve, room, "queue")).message()).text


async def test_after_a_restart_too_the_result_comes_in_the_language_of_whoever_asked(
    tmp_path: Path, wire: WireDiscord
) -> None:
    guild = wire.add_guild("Studio")
    aoi = wire.add_member(guild, "Aoi", locale="ja")
    async with wired(tmp_path, wire, Painter(hold=True)):
        shown = await wire.slash(aoi, wire.channel(guild), "imagine", prompt="赤い狐", steps=20)
    async with wired(tmp_path, wire):
        assert "20 ステップ" in (await shown.result()).text


async def test_a_job_that_fails_says_why_in_the_language_of_whoever_asked(tmp_path: Path, wire: WireDiscord) -> None:
    guild = wire.add_guild("Studio")
    lin = wire.add_member(guild, "Lin", locale="zh-CN")
    async with wired(tmp_path, wire, Painter(error=OutOfMemory("Set cpu_offload."))):
        shown = await wire.slash(lin, wire.channel(guild), "imagine", prompt="狐狸")
        await shown.shows(lambda message: "这张图没能画出来。内存不够画这张图。" in message.text)


async def test_a_personal_install_paints_where_the_bot_is_no_member(tmp_path: Path, wire: WireDiscord) -> None:
    elsewhere = wire.add_guild("Elsewhere", has_bot=False)
    eve = wire.add_member(elsewhere, wire.add_user("Eve", installed=True, locale="es-ES"))
    async with wired(tmp_path, wire):
        room = wire.channel(elsewhere)
        message = await (await wire.slash(eve, room, "imagine", prompt="un zorro")).result()
        assert "semilla" in message.text
        panel = await wire.slash(eve, room, "me")
        await wire.choose(eve, await panel.message(), "easel:default:me:num_images", "2")
        again = await (await wire.slash(eve, room, "imagine", prompt="un zorro")).result()
        assert len(again.shown_files()) == 2
        with pytest.raises(NotOffered):
            await wire.slash(eve, room, "settings")
        private = wire.dm(eve.user)
        assert len((await (await wire.slash(eve.user, private, "imagine", prompt="otro")).result()).shown_files()) == 2
    wire.judge.assert_clean()


@pytest.mark.parametrize("language", ["en-US", *LANGUAGES])
async def test_every_panel_form_and_page_is_valid_in_each_language(
    tmp_path: Path, wire: WireDiscord, language: str
) -> None:
    """The wire refuses whatever is too long, and the judge tells."""
    guild = wire.add_guild("Studio", locale=language)
    boss = wire.add_member(guild, "Boss", locale=language, manage_guild=True)
    room = wire.channel(guild)
    async with wired(tmp_path, wire, Painter(loaded={"tiny"})) as easel:
        await (await wire.slash(boss, room, "imagine", prompt="a fox")).result()
        for command, options in (
            ("help", {}),
            ("queue", {}),
            ("history", {}),
            ("model list", {}),
            ("model info", {"model": "sdxl-turbo"}),
            ("model use", {"model": "tiny"}),
            ("model load", {"model": "sdxl-turbo"}),
            ("limits set", {"kind": "images_a_day", "maximum": 9}),
            ("limits show", {}),
            ("limits clear", {"kind": "waiting"}),
        ):
            assert (await (await wire.slash(boss, room, command, **options)).message()).text
        panel = await (await wire.slash(boss, room, "settings")).message()
        await wire.press(boss, panel, "easel:server:preview")
        await wire.choose(boss, panel, "easel:server:language", language if language != "en-US" else "en")
        await wire.press(boss, panel, "easel:panel:defaults")
        form = await wire.press(boss, panel, "easel:default:server:numbers")
        await wire.submit(boss, form, num_inference_steps="20", size="512x512")
        await wire.press(boss, panel, "easel:panel:server")
        await wire.press(boss, panel, "easel:panel:styles")
        form = await wire.press(boss, panel, "easel:style:new")
        await wire.submit(boss, form, name="n" * 32, prompt="w" * 1000, negative_prompt="w" * 1000)
        await wire.press(boss, panel, "easel:panel:styles")
        await wire.choose(boss, panel, "easel:style:open", "photo")
        await wire.press(boss, panel, "easel:style:delete:photo")
        me = await (await wire.slash(boss, room, "me")).message()
        form = await wire.press(boss, me, "easel:default:me:numbers")
        await wire.submit(boss, form, negative_prompt="w" * 1000)
        await wire.press(boss, me, "easel:me:export")
        await wire.press(boss, me, "easel:me:ask")
        await wire.press(boss, me, "easel:me:erase")
        await easel.bot.outbox.idle()
    wire.judge.assert_clean()
