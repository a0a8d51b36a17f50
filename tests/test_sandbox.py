"""The sandbox's world, and simcord's inner parts that it depends on."""

from __future__ import annotations

import asyncio
import io
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import discord
import pytest

from bot import sandbox, simulated


@pytest.fixture
def client() -> discord.Client:
    return discord.Client(intents=discord.Intents(guilds=True), max_messages=None)


def test_simcord_is_built_as_the_sandbox_expects() -> None:
    simulated.check()


def test_another_simcord_is_refused_loudly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulated, "version", lambda name: "4.0.0")
    with pytest.raises(RuntimeError, match=r"simcord 4\.0\.0 is not the 3\.2\.1"):
        simulated.check()


async def test_people_and_servers_are_the_same_at_every_start() -> None:
    met = []
    for _ in range(2):
        bot = discord.Client(intents=discord.Intents(guilds=True))
        async with sandbox.world(bot) as place:  # type: ignore[arg-type]
            assert bot.guilds[0].name == "Easel's sandbox"
            met.append((bot.guilds[0].id, place.channel.id, place.admin.id, place.member.id))
    assert met[0] == met[1]


async def test_only_the_admin_is_an_admin(client: discord.Client) -> None:
    async with sandbox.world(client) as place:  # type: ignore[arg-type]
        guild, channel = client.guilds[0].id, place.channel.id
        rights = [
            discord.Permissions(place.env.backend.compute_permissions(guild, person.id, channel))
            for person in (place.admin, place.member)
        ]
    assert [each.manage_guild for each in rights] == [True, False]
    assert all(each.use_application_commands for each in rights)


async def test_the_clock_tells_the_real_time_and_never_goes_back(client: discord.Client) -> None:
    async with sandbox.world(client) as place:  # type: ignore[arg-type]
        assert abs(place.env.now() - datetime.now(UTC)) < timedelta(minutes=1)
        place.env.backend.clock._epoch += timedelta(days=1)
        ahead = place.env.now()
        simulated.tell_time(place.env)
        assert place.env.now() >= ahead


async def test_what_nobody_looks_at_any_more_is_forgotten(
    client: discord.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for bound in ("KEPT_MESSAGES", "KEPT_INTERACTIONS", "KEPT_LINES"):
        monkeypatch.setattr(simulated, bound, 5)
    async with sandbox.world(client) as place:  # type: ignore[arg-type]
        channel = client.get_channel(place.channel.id)
        assert isinstance(channel, discord.TextChannel)
        for number in range(9):
            await channel.send(str(number), file=discord.File(io.BytesIO(bytes([number])), "picture.png"))
        backend = place.env.backend
        assert len(backend.cdn._blobs) == 9
        simulated.forget(place.env, place.channel.id)
        kept = backend.messages[place.channel.id].values()
        assert [message.content for message in kept] == ["4", "5", "6", "7", "8"]
        assert sorted(backend.cdn._blobs.values()) == [bytes([number]) for number in range(4, 9)]
        assert len(backend.http_requests) == 5
        assert len(backend.transcript) == 5


async def test_pictures_that_an_edit_replaced_are_forgotten(client: discord.Client) -> None:
    async with sandbox.world(client) as place:  # type: ignore[arg-type]
        channel = client.get_channel(place.channel.id)
        assert isinstance(channel, discord.TextChannel)
        message = await channel.send(file=discord.File(io.BytesIO(b"preview"), "preview.webp"))
        await message.edit(attachments=[discord.File(io.BytesIO(b"picture"), "picture.png")])
        simulated.forget(place.env, place.channel.id)
        assert list(place.env.backend.cdn._blobs.values()) == [b"picture"]


async def test_news_are_noticed(client: discord.Client) -> None:
    async with sandbox.world(client) as place:  # type: ignore[arg-type]
        before = simulated.newest_request(place.env)
        assert simulated.newest_request(place.env) is before
        channel = client.get_channel(place.channel.id)
        assert isinstance(channel, discord.TextChannel)
        await channel.send("news")
        assert simulated.newest_request(place.env) is not before


class Pressed:
    """A page at its fifth revision, which notes the presses that reach it."""

    def __init__(self) -> None:
        self._pages = {"page": SimpleNamespace(revision=5)}
        self.seen: list[Any] = []

    async def _action(self, context_id: str | None, body: Any) -> str:
        self.seen.append(body)
        return "done"


async def test_a_press_on_a_page_that_was_refreshed_meanwhile_still_counts() -> None:
    preview = Pressed()
    simulated.accept_late_clicks(preview, asyncio.Lock())  # type: ignore[arg-type]
    assert await preview._action("page", {"request_id": "a", "published_revision": 3, "kind": "click"}) == "done"
    assert preview.seen == [{"request_id": "a", "published_revision": 5, "kind": "click"}]


async def test_a_press_that_is_sent_again_stays_the_same_in_every_part() -> None:
    preview = Pressed()
    simulated.accept_late_clicks(preview, asyncio.Lock())  # type: ignore[arg-type]
    await preview._action("page", {"request_id": "a", "published_revision": 3})
    preview._pages["page"].revision = 6
    await preview._action("page", {"request_id": "a", "published_revision": 3})
    await preview._action("page", {"request_id": "b", "published_revision": 3})
    assert [body["published_revision"] for body in preview.seen] == [5, 5, 6]


async def test_a_press_waits_until_a_refresh_is_over() -> None:
    preview, turn = Pressed(), asyncio.Lock()
    simulated.accept_late_clicks(preview, turn)  # type: ignore[arg-type]
    async with turn:
        press = asyncio.create_task(preview._action("page", {"request_id": "a"}))
        await asyncio.sleep(0)
        assert preview.seen == []
    assert await press == "done"


def test_over_ssh_the_way_to_the_page_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    sandbox.announce("http://127.0.0.1:8420/#secret")
    assert "ssh -L" not in capsys.readouterr().out
    monkeypatch.setenv("SSH_CONNECTION", "somewhere")
    sandbox.announce("http://127.0.0.1:8420/#secret")
    said = capsys.readouterr().out
    assert "http://127.0.0.1:8420/#secret" in said
    assert "ssh -L 8420:127.0.0.1:8420" in said
