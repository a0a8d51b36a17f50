"""The sandbox's world, and simcord's inner parts that it depends on."""

from __future__ import annotations

import asyncio
import gc
import io
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import discord
import pytest

from bot import sandbox, simulated
from bot.client import EaselBot
from bot.config import Config
from bot.store import Store
from engine.dispatch import Dispatcher
from engine.ledger import Ledger
from tests.journeys.world import INTERVAL_S, Painter, text_of


@asynccontextmanager
async def open_bot(data_dir: Path, painter: Painter | None = None) -> AsyncIterator[EaselBot]:
    """The whole bot, as the sandbox opens it, with a painter that fills pictures with one colour."""
    painter = painter or Painter()
    config = Config.model_validate({"storage": {"data_dir": data_dir}})
    async with (
        Ledger.open(data_dir) as ledger,
        Dispatcher(ledger, painter, config.catalog(), min_free_bytes=0) as dispatcher,
        EaselBot(
            config, config.catalog(), dispatcher, Store(ledger), painter, ledger, progress_interval=INTERVAL_S
        ) as bot,
    ):
        yield bot


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
        simulated.forget(place.env)
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
        simulated.forget(place.env)
        assert list(place.env.backend.cdn._blobs.values()) == [b"picture"]


async def test_direct_messages_are_forgotten_too(client: discord.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulated, "KEPT_MESSAGES", 2)
    async with sandbox.world(client) as place:  # type: ignore[arg-type]
        letters = await client.create_dm(discord.Object(place.member.id))
        for number in range(4):
            await letters.send(str(number), file=discord.File(io.BytesIO(b"picture"), "picture.png"))
        simulated.forget(place.env)
        assert [message.content for message in place.env.backend.messages[letters.id].values()] == ["2", "3"]
        assert len(place.env.backend.cdn._blobs) == 2


async def test_for_each_language_there_is_somebody_who_reads_it(tmp_path: Path) -> None:
    async with open_bot(tmp_path) as bot, sandbox.world(bot) as place, bot.outbox:
        names = [reader.name for reader in place.readers]
        assert {"简体中文", "日本語", "Español"} <= set(names)
        for reader, words in ((names.index("日本語"), "待ち行列"), (names.index("Español"), "Cola")):
            result = await place.readers[reader].slash(place.channel, "queue")
            assert words in text_of(result.response)
        result = await place.member.slash(place.channel, "queue")
        assert "Queue" in text_of(result.response)


async def test_an_admin_and_a_member_have_every_command_that_is_theirs(tmp_path: Path) -> None:
    async with open_bot(tmp_path) as bot, sandbox.world(bot) as place, bot.outbox:
        offered = set(place.member.available_commands(place.channel))
        assert {"imagine", "history", "queue", "cancel", "me", "help", "model list"} <= offered
        assert set(place.admin.available_commands(place.channel)) - offered == {"settings"}


@pytest.mark.slow
async def test_memory_stays_flat_while_pictures_come_and_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each picture is a fifth of a megabyte: were they kept anywhere, they would be seen."""
    for bound, kept in (("KEPT_MESSAGES", 4), ("KEPT_INTERACTIONS", 4), ("KEPT_LINES", 20)):
        monkeypatch.setattr(simulated, bound, kept)
    async with (
        open_bot(tmp_path, Painter(noise=True, side=256)) as bot,
        sandbox.world(bot) as place,
        bot.outbox,
        place.env.preview(place.channel, viewers=place.people, layout="channel") as preview,
    ):

        async def paint(times: int) -> int:
            for number in range(times):
                await place.member.slash(place.channel, "imagine", prompt=f"number {number}")
                await bot.outbox.idle()
                await preview.refresh()
                simulated.forget(place.env)
            gc.collect()
            return tracemalloc.get_traced_memory()[0]

        tracemalloc.start()
        try:
            before = await paint(5)
            after = await paint(10)
        finally:
            tracemalloc.stop()
    assert after - before < 1_000_000


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
