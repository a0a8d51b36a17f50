"""The outbox: which way a result takes when the nearest one is closed."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bot import attachments, delivery, store
from bot.delivery import Judgement, judge
from bot.pacing import paced
from engine.catalog import Catalog
from engine.dispatch import Update
from engine.images import encode_png, write_metadata
from engine.types import Generation, GenerationRequest, Origin, Status
from tests.journeys.world import Painter, World, gallery_of, open_world, pixels, text_of, until

RESPONSE = "/webhooks/*/messages/*"
MESSAGE = "/channels/*/messages/*"
NEW = "/channels/*/messages"


@pytest.fixture(autouse=True)
def _without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "RETRY_DELAYS_S", (0.0, 0.0))


async def held(world: World, prompt: str = "a fox") -> Any:
    """A job that is being painted, with its last progress shown: no edit is to come but the final one."""
    result = await world.ann.slash(world.channel, "imagine", prompt=prompt)
    await until(lambda: "step 1 of" in text_of(result.response))
    return result


async def release(world: World) -> None:
    world.painter.released.set()
    await world.done()


async def test_after_the_token_is_gone_the_same_message_is_edited(tmp_path: Path) -> None:
    async with open_world(tmp_path, Painter(hold=True)) as world:
        result = await held(world)
        await world.env.advance_time(16 * 60)
        await release(world)
        [message] = world.channel.history()
        assert message.id == result.response.id
        assert gallery_of(message)


async def test_progress_goes_on_without_the_token_once_it_is_too_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_world(tmp_path, Painter(hold=True)) as world:
        await held(world)
        waiting = await world.ann.slash(world.channel, "imagine", prompt="later")
        await until(lambda: "Next in the queue" in text_of(waiting.response))
        monkeypatch.setattr(store, "_now", lambda: datetime.now(UTC) + timedelta(minutes=16))
        await world.env.advance_time(16 * 60)
        before = len(world.env.http_requests)
        await release(world)
        assert gallery_of(waiting.response)
        assert not [request for request in world.env.http_requests[before:] if request.path.startswith("/webhooks/")]


async def test_where_that_cannot_be_a_new_message_names_the_person_and_the_place(tmp_path: Path) -> None:
    async with open_world(tmp_path, Painter(hold=True)) as world:
        result = await held(world)
        await world.env.advance_time(16 * 60)
        world.env.inject_error("PATCH", MESSAGE, status=403, code=50005, message="Cannot edit")
        await release(world)
        old, new = world.channel.history()
        assert old.id == result.response.id
        assert gallery_of(new)
        assert f"For <@{world.ann.id}>: the first message could not be edited any more" in text_of(new)
        assert f"https://discord.com/channels/{world.guild.id}/{world.channel.id}/{old.id}" in text_of(new)
        [posted] = [
            request
            for request in world.env.http_requests
            if request.method == "POST" and "nonce" in (request.json or {})
        ]
        assert posted.json["nonce"] == (await world.latest()).short_id
        assert posted.json["enforce_nonce"] is True


async def test_where_the_channel_is_closed_the_person_is_written_to(tmp_path: Path) -> None:
    async with open_world(tmp_path, Painter(hold=True)) as world:
        await held(world)
        await world.env.advance_time(16 * 60)
        for method, path in (("PATCH", MESSAGE), ("POST", NEW)):
            world.env.inject_error(method, path, status=403, code=50001, message="Missing Access")
        await release(world)
        [direct] = world.ann.user.dm_channel.history()
        assert gallery_of(direct)


async def test_where_every_way_is_closed_the_history_keeps_it(tmp_path: Path) -> None:
    async with open_world(tmp_path, Painter(hold=True)) as world:
        await held(world)
        await world.env.advance_time(16 * 60)
        for method, path in (("PATCH", MESSAGE), ("POST", NEW)):
            world.env.inject_error(method, path, status=403, code=50007, message="Cannot send", times=None)
        await release(world)
        row = await world.bot.store.delivery((await world.latest()).id)
        assert row is not None
        assert (row.status, row.token) == ("undeliverable", None)
        page = await world.ann.slash(world.channel, "history")
        assert "a fox" in text_of(page.response)


async def test_a_private_result_goes_to_its_person_and_never_to_the_channel(tmp_path: Path) -> None:
    async with open_world(tmp_path, Painter(hold=True)) as world:
        origin = Origin(str(world.ann.id), str(world.guild.id), str(world.channel.id), private=True)
        job = await world.bot.dispatcher.submit(
            world.bot.catalog.request("tiny", "a secret fox"),
            origin,
            also=world.bot.store.opening("a token that Discord forgot", world.channel.id),
        )
        await world.bot.store.acknowledged(job.id, 1234567)
        world.bot.outbox.follow(job.id)
        await release(world)
        assert world.channel.history() == []
        [direct] = world.ann.user.dm_channel.history()
        assert gallery_of(direct)


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_a_bad_moment_of_discords_is_waited_out(tmp_path: Path, status: int) -> None:
    async with open_world(tmp_path, Painter(hold=True)) as world:
        result = await held(world)
        world.env.inject_error("PATCH", RESPONSE, status=status)
        await release(world)
        assert gallery_of(result.response)
        assert len(world.channel.history()) == 1


async def test_what_is_still_owed_when_the_bot_stops_is_delivered_at_its_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "RETRY_DELAYS_S", (3600.0,))
    async with open_world(tmp_path, Painter(hold=True)) as world:
        result = await held(world)
        world.env.inject_error("PATCH", RESPONSE, status=503)
        world.painter.released.set()
        await until(lambda: any(entry["event"] == "delivery is tried again" for entry in world.logs))
        assert [row.generation_id for row in await world.bot.store.pending()] == [(await world.latest()).id]
        assert not gallery_of(result.response)
        await world.restart()
        await world.done()
        assert gallery_of(result.response)
        assert await world.bot.store.pending() == []


async def test_what_discord_never_takes_is_kept_for_the_history(tmp_path: Path) -> None:
    async with open_world(tmp_path, Painter(hold=True)) as world:
        await held(world)
        world.env.inject_error("PATCH", RESPONSE, status=503, times=3)
        await release(world)
        row = await world.bot.store.delivery((await world.latest()).id)
        assert row is not None
        assert row.status == "undeliverable"


async def test_a_job_that_is_being_answered_while_the_bot_starts_is_none_of_a_crashs(tmp_path: Path) -> None:
    """Its row has no answer yet, as one that a crash left has none either."""
    async with open_world(tmp_path, Painter(hold=True)) as world:
        await world.close()
        world.bot.connected.clear()
        await world.open()
        job = await world.bot.dispatcher.submit(
            world.bot.catalog.request("tiny", "a fox"),
            Origin(str(world.ann.id), str(world.guild.id), str(world.channel.id)),
            also=world.bot.store.opening("a token", world.channel.id),
        )
        world.bot.connected.set()
        await world.done()
        assert not (await world.bot.ledger.get(job.id)).status.final


async def test_a_new_message_that_was_perhaps_sent_is_looked_for_before_it_is_sent_again(tmp_path: Path) -> None:
    """The bot died between sending and writing down that it had."""
    async with open_world(tmp_path, Painter(hold=True)) as world:
        await held(world)
        await world.env.advance_time(16 * 60)
        world.env.inject_error("PATCH", MESSAGE, status=403, code=50005, message="Cannot edit")
        await release(world)
        job = await world.latest()
        async with world.bot.ledger.write() as connection:
            await connection.execute("UPDATE deliveries SET status = 'pending', message_id = NULL")
        await world.restart()
        await world.done()
        assert len(world.channel.history()) == 2
        row = await world.bot.store.delivery(job.id)
        assert row is not None
        assert (row.status, row.message_id) == ("sent", world.channel.history()[1].id)


async def test_a_job_whose_first_answer_never_arrived_is_cancelled_quietly_at_the_next_start(tmp_path: Path) -> None:
    painter = Painter(hold=True)
    async with open_world(tmp_path, painter) as world:
        origin = Origin(str(world.ann.id), str(world.guild.id), str(world.channel.id))
        job = await world.bot.dispatcher.submit(
            world.bot.catalog.request("tiny", "a fox"),
            origin,
            also=world.bot.store.opening("an interaction that was never answered", world.channel.id),
        )
        await world.restart()
        await world.done()
        await until(lambda: not world.bot.dispatcher.running)
        assert (await world.bot.ledger.get(job.id)).status is Status.CANCELLED
        assert world.channel.history() == []


async def test_a_first_answer_that_arrived_though_nobody_wrote_it_down_is_found_and_used(tmp_path: Path) -> None:
    async with open_world(tmp_path, Painter(hold=True)) as world:
        result = await held(world)
        async with world.bot.ledger.write() as connection:
            await connection.execute("UPDATE deliveries SET acknowledged_at = NULL, message_id = NULL")
        await world.restart()
        await release(world)
        assert gallery_of(result.response)
        assert len(world.channel.history()) == 1


async def test_after_a_restart_a_person_is_still_spoken_to_in_their_language(tmp_path: Path) -> None:
    async with open_world(tmp_path, Painter(hold=True)) as world:
        result = await held(world)
        async with world.bot.ledger.write() as connection:
            await connection.execute("UPDATE deliveries SET locale = 'ja'")
        await world.restart()
        await until(lambda: world.bot.texts.speaker("ja")("resumed") in text_of(result.response))
        await release(world)
        assert gallery_of(result.response)


async def test_a_delivered_token_is_erased(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.imagine()
        async with world.bot.ledger.read() as connection:
            [row] = await connection.execute_fetchall("SELECT status, interaction_token FROM deliveries")
        assert tuple(row) == ("sent", None)


@pytest.mark.parametrize(
    ("status", "code", "judgement"),
    [
        (401, 50027, Judgement.CLOSED),
        (403, 50001, Judgement.CLOSED),
        (404, 10008, Judgement.CLOSED),
        (404, 10015, Judgement.CLOSED),
        (400, 50035, Judgement.CLOSED),
        (413, 0, Judgement.TOO_LARGE),
        (400, 40005, Judgement.TOO_LARGE),
        (429, 0, Judgement.RETRY),
        (503, 0, Judgement.RETRY),
    ],
)
def test_discords_answers_are_judged(status: int, code: int, judgement: Judgement) -> None:
    assert judge(status, code) is judgement


async def test_pacing_shows_the_first_at_once_then_only_the_newest_and_never_holds_back_the_last() -> None:
    final = generation()
    everything = [Update(1, Status.RUNNING) for _ in range(50)] + [Update(1, Status.STORED, generation=final)]

    async def updates() -> AsyncIterator[Update]:
        for update in everything:
            yield update
            await asyncio.sleep(0)

    async with asyncio.timeout(5):
        shown = [update async for update in paced(updates(), interval=3600)]
    assert shown == [everything[0], everything[-1]]


async def test_an_error_of_the_watched_comes_through_the_pacing() -> None:
    async def updates() -> AsyncIterator[Update]:
        yield Update(1, Status.QUEUED)
        raise LookupError

    with pytest.raises(LookupError):
        [update async for update in paced(updates(), interval=0)]


def generation() -> Generation:
    return Generation(1, Status.STORED, Catalog().request("tiny", "x"), Origin("1"), 1, datetime.now(UTC))


def png(side: int) -> bytes:
    request: GenerationRequest = Catalog().request("tiny", "a fox", seed=7)
    return encode_png(pixels(7, side, noise=True), write_metadata(request))


def test_a_picture_that_fits_is_sent_as_it_is() -> None:
    original = png(64)
    assert attachments.fit("x", original, len(original)) == attachments.Attachment("x.png", original)


def test_a_picture_that_does_not_fit_becomes_a_lossless_webp_with_its_metadata() -> None:
    request = Catalog().request("tiny", "a fox", seed=7)
    original = encode_png(pixels(7, 256), write_metadata(request))
    found = attachments.fit("x", original, len(original) - 1)
    assert found is not None
    assert (found.name, found.reencoded, found.scaled) == ("x.webp", True, False)
    with Image.open(io.BytesIO(found.data)) as opened:
        assert opened.convert("RGB").getpixel((0, 0)) == tuple(pixels(7, 1)[0, 0])
        comment = opened.getexif().get_ifd(0x8769)[0x9286]
    assert comment.startswith(b"UNICODE\0")
    assert comment[8:].decode("utf-16-be").startswith("a fox\nSteps: 15, Sampler: DDIM")


def test_a_picture_is_made_smaller_until_it_fits_and_says_so() -> None:
    found = attachments.fit("x", png(512), 60_000)
    assert found is not None
    assert found.scaled
    assert len(found.data) <= 60_000


def test_a_picture_that_no_size_makes_fit_is_left_out() -> None:
    assert attachments.fit("x", png(256), 100) is None


def test_the_thumbnail_of_a_file_that_is_gone_is_none(tmp_path: Path) -> None:
    assert attachments.thumbnail(tmp_path / "gone.png") is None
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    assert attachments.thumbnail(tmp_path / "broken.png") is None
