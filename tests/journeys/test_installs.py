"""Results at the wire, strict as Discord is: every button in every language, and where people took the bot along."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import discord
import pytest

from bot.cdn import HOSTS, Cdn
from bot.texts import Texts
from tests.journeys.wired import wired
from tests.journeys.world import Painter
from tests.wire import WireDiscord

LANGUAGES = ["en-US", *(tag for tag in Texts().languages if tag != "en")]


class WireCdn(Cdn):
    """Reads Discord's addresses from the wire's own files, over HTTP."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    async def _get(self, url: str, timeout: float) -> bytes:
        for host in HOSTS:
            url = url.replace(f"https://{host}", self.url)
        return await super()._get(url, timeout)


@pytest.fixture
async def wire() -> AsyncIterator[WireDiscord]:
    async with WireDiscord() as wire:
        yield wire


@pytest.mark.parametrize("language", LANGUAGES)
async def test_everything_under_a_result_is_valid_in_each_language(
    tmp_path: Path, wire: WireDiscord, language: str
) -> None:
    guild = wire.add_guild("Studio", locale=language)
    ann = wire.add_member(guild, "Ann", locale=language)
    room = wire.channel(guild)
    async with wired(tmp_path, wire, Painter(preview=True)) as easel:
        words = {"prompt": "f" * 2000, "negative_prompt": "n" * 2000, "count": 4, "spoiler": True}
        asked = await wire.slash(ann, room, "imagine", **words)
        result = await asked.shows(lambda message: len(message.gallery) == 4)
        id = result.custom_ids[0].rpartition(":")[2]
        more = await (await wire.press(ann, result, f"easel:more:{id}")).result()
        assert len(more.shown_files()) == 5, "four originals, and the command as a file"
        asked = await (await wire.press(ann, result, f"easel:favourite:{id}")).message()
        await wire.press(ann, asked, f"easel:like:{id}:3")
        sent = await wire.press(ann, result, f"easel:send:{id}")
        assert "https://discord.com/channels/@me/" in (await sent.message()).text
        form = await wire.press(ann, result, f"easel:edit:{id}")
        edited = await wire.submit(ann, form, prompt="a fox", steps="3")
        child = await edited.shows(lambda message: len(message.gallery) == 4)
        family = await (await wire.press(ann, child, child.custom_ids[2])).result()
        await (await wire.choose(ann, family, "easel:show:quiet", id)).result()
        shown = await (await wire.slash(ann, room, "show", id=id)).result()
        await (await wire.slash(ann, room, "history", favourites=True, since="2026-01-01")).result()
        told = await wire.menu(ann, "Parameters", shown)
        assert "Easel" in (await told.message()).text
        await (await wire.menu(ann, "Run again", shown)).result()
        await wire.press(ann, shown, f"easel:delete:{id}")
        await easel.bot.outbox.idle()
    assert shown.deleted
    assert result.deleted
    wire.judge.assert_clean()


async def test_a_picture_in_another_bots_gallery_is_read_from_discords_files(tmp_path: Path, wire: WireDiscord) -> None:
    """What components show is not among a message's attachments."""
    guild = wire.add_guild("Studio")
    ann = wire.add_member(guild, "Ann")
    async with wired(tmp_path, wire) as easel:
        easel.bot.cdn = WireCdn(wire.url)
        result = await (await wire.slash(ann, wire.channel(guild), "imagine", prompt="a fox", seed=7)).result()
        for part in result.buttons:  # so that it is nobody's result
            part["custom_id"] = f"other:{part['custom_id']}"
        told = await wire.menu(ann, "Parameters", result)
        text = (await told.message()).text
        assert "a fox" in text
        assert "seed: 7" in text
        again = await (await wire.menu(ann, "Run again", result)).result()
        assert "a fox" in again.text
    wire.judge.assert_clean()


async def test_who_takes_no_direct_messages_is_told_so(tmp_path: Path, wire: WireDiscord) -> None:
    guild = wire.add_guild("Studio")
    ann = wire.add_member(guild, "Ann")
    async with wired(tmp_path, wire):
        result = await (await wire.slash(ann, wire.channel(guild), "imagine", prompt="a fox")).result()
        ann.user.accepts_dms = False
        told = await wire.press(ann, result, "Send to me")
        assert told.ephemeral
        await told.shows(lambda message: "Discord does not let me write to you" in message.text)
    wire.judge.assert_clean()


@pytest.mark.parametrize("allowed", [True, False])
async def test_where_outside_apps_answer_one_person_alone_the_picture_is_private(
    tmp_path: Path, wire: WireDiscord, allowed: bool
) -> None:
    elsewhere = wire.add_guild("Elsewhere", has_bot=False)
    eve = wire.add_member(elsewhere, wire.add_user("Eve", installed=True), use_external_apps=allowed)
    if not allowed:
        elsewhere.everyone.permissions &= ~discord.Permissions(use_external_apps=True).value
    async with wired(tmp_path, wire) as easel:
        asked = await wire.slash(eve, wire.channel(elsewhere), "imagine", prompt="a fox")
        await asked.result()
        assert asked.ephemeral != allowed
        [generation] = await easel.bot.ledger.history()
        assert generation.origin.private != allowed
    wire.judge.assert_clean()


async def test_a_group_of_friends_can_use_what_one_of_them_took_along(tmp_path: Path, wire: WireDiscord) -> None:
    eve = wire.add_user("Eve", installed=True)
    group = wire.add_group(eve, wire.add_user("Max"))
    async with wired(tmp_path, wire):
        result = await (await wire.slash(eve, group, "imagine", prompt="a fox")).result()
        assert not result.ephemeral
        again = await (await wire.press(eve, result, result.custom_ids[0])).result()
        assert "a fox" in again.text
    wire.judge.assert_clean()
