"""Drills 2, 3 and 4: sends that may have arrived, tokens that expired, and every way in which Discord says no."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from aiohttp import web
from PIL import Image

import bot.imagine
import bot.store
import tests.fakes
from bot.client import EaselBot
from engine.catalog import Catalog
from engine.types import GenerationRequest
from tests.drills.easel import bot_here, results_of, rows, settled, until
from tests.fakes import FakeEngine, small_catalog
from tests.wire import Channel, Delay, Drop, Guild, Invocation, Member, Message, RateLimited, Status, WireDiscord
from tests.wire.faults import Fault

PROMPT = "a fox in the snow"
EDIT_RESPONSE = "PATCH /webhooks/*"
EDIT_MESSAGE = "PATCH /channels/*/messages/*"
POST = "POST /channels/*/messages"
Figure = Callable[[str], None]


@pytest.fixture
def engine() -> FakeEngine:
    """Holds every job until its gate is set."""
    return FakeEngine(gate=asyncio.Event())


@pytest.fixture
async def easel(wire: WireDiscord, guild: Guild, engine: FakeEngine, tmp_path: Path) -> AsyncIterator[EaselBot]:
    spec = small_catalog().get("tiny")
    larger = spec.model_copy(update={"ranges": spec.ranges.model_copy(update={"size": (64, 512)})})
    async with bot_here(wire, tmp_path, engine, Catalog([larger])) as easel:
        yield easel


def with_files(request: web.BaseRequest) -> bool:
    """The final message, rather than a progress edit."""
    return request.content_type == "multipart/form-data"


def noise(request: GenerationRequest, seed: int) -> bytes:
    """A picture that no file format makes small."""
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (request.height, request.width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


async def finish(easel: EaselBot, engine: FakeEngine) -> None:
    """Lets every job end, and waits until its end is delivered."""
    assert engine.gate is not None
    engine.gate.set()
    await until(lambda: settled(easel.ledger.data_dir), 60, "every end to be delivered")


def the_delivery(easel: EaselBot) -> str:
    """How the only delivery ended."""
    ((status,),) = rows(easel.ledger.data_dir, "SELECT status FROM deliveries")
    return str(status)


def the_result(wire: WireDiscord, asked: Invocation) -> Message:
    """The one visible result."""
    (message,) = results_of(wire.judge, asked, PROMPT)
    return message


async def expire(wire: WireDiscord, monkeypatch: pytest.MonkeyPatch, *, noticed: bool) -> None:
    """Sixteen minutes pass; `noticed`: on the bot's clock too."""
    wire.clock.advance(16 * 60)
    if noticed:
        monkeypatch.setattr(bot.store, "_now", lambda: datetime.now(UTC) + timedelta(minutes=16))


class TestAmbiguousSends:
    """Drill 2."""

    async def test_an_edit_whose_reply_is_lost_leaves_one_result(
        self, wire: WireDiscord, easel: EaselBot, engine: FakeEngine, ada: Member, room: Channel, figure: Figure
    ) -> None:
        rule = wire.faults.next(EDIT_RESPONSE, Drop(after=True), where=with_files)
        asked = await wire.slash(ada, room, "imagine", prompt=PROMPT)
        await finish(easel, engine)
        assert rule.hits == 1
        assert the_result(wire, asked) is asked.original
        assert the_delivery(easel) == "sent"
        figure(f"ambiguous edit: {len(wire.judge.results())} result, {len(wire.judge.messages(room))} message")
        wire.judge.assert_clean()

    @pytest.mark.parametrize("minutes_later", [0, 10], ids=["at once", "after the nonce was forgotten"])
    async def test_a_post_whose_reply_is_lost_leaves_one_message(
        self,
        minutes_later: int,
        wire: WireDiscord,
        easel: EaselBot,
        engine: FakeEngine,
        ada: Member,
        room: Channel,
        figure: Figure,
    ) -> None:
        asked = await wire.slash(ada, room, "imagine", prompt=PROMPT)
        wire.clock.advance(16 * 60)
        wire.remove(asked.original)
        rule = wire.faults.next(POST, Drop(after=True))
        finishing = asyncio.create_task(finish(easel, engine))
        await wire.world.changes.until(lambda: rule.hits, 20, "the first post")
        wire.clock.advance(minutes_later * 60)
        await finishing
        message = the_result(wire, asked)
        assert wire.judge.messages(room) == [message]
        figure(f"ambiguous post, tried again {minutes_later} min later: {len(wire.judge.results())} result")
        wire.judge.assert_clean()


class TestExpiredToken:
    """Drill 3: the job ends after sixteen minutes."""

    @pytest.mark.parametrize("noticed", [False, True], ids=["Discord refuses it", "the bot knows"])
    async def test_the_same_message_is_edited_with_the_bots_own_right(
        self,
        noticed: bool,
        wire: WireDiscord,
        easel: EaselBot,
        engine: FakeEngine,
        ada: Member,
        room: Channel,
        monkeypatch: pytest.MonkeyPatch,
        figure: Figure,
    ) -> None:
        asked = await wire.slash(ada, room, "imagine", prompt=PROMPT)
        await expire(wire, monkeypatch, noticed=noticed)
        await finish(easel, engine)
        assert the_result(wire, asked) is asked.original
        assert wire.judge.messages(room) == [asked.original]
        refused = wire.judge.count("PATCH /webhooks/", 401)
        assert (refused == 0) is noticed
        figure(f"expired token ({'known' if noticed else 'found out'}): the same message, after {refused} refusals")
        wire.judge.assert_clean()

    async def test_where_the_message_is_gone_a_new_one_names_the_person_and_pings_nobody(
        self, wire: WireDiscord, easel: EaselBot, engine: FakeEngine, ada: Member, room: Channel
    ) -> None:
        asked = await wire.slash(ada, room, "imagine", prompt=PROMPT)
        wire.clock.advance(16 * 60)
        wire.remove(asked.original)
        await finish(easel, engine)
        message = the_result(wire, asked)
        assert message.channel is room
        assert ada.mention in message.text
        assert wire.judge.pings() == []
        wire.judge.assert_clean()

    async def test_where_the_channel_is_closed_to_the_bot_it_goes_to_the_person_directly(
        self, wire: WireDiscord, easel: EaselBot, engine: FakeEngine, ada: Member, room: Channel
    ) -> None:
        asked = await wire.slash(ada, room, "imagine", prompt=PROMPT)
        wire.clock.advance(16 * 60)
        await wire.close_to_bot(room)
        await finish(easel, engine)
        assert the_result(wire, asked).channel is wire.dm(ada)
        wire.judge.assert_clean()

    async def test_where_nothing_is_open_the_history_keeps_it(
        self, wire: WireDiscord, easel: EaselBot, engine: FakeEngine, ada: Member, room: Channel, guild: Guild
    ) -> None:
        asked = await wire.slash(ada, room, "imagine", prompt=PROMPT)
        wire.clock.advance(16 * 60)
        await wire.close_to_bot(room)
        ada.user.accepts_dms = False
        await finish(easel, engine)
        assert results_of(wire.judge, asked, PROMPT) == []
        assert the_delivery(easel) == "undeliverable"
        elsewhere = wire.add_channel(guild, "elsewhere")
        page = await (await wire.slash(ada, elsewhere, "history")).result()
        assert PROMPT in page.text
        assert page.ephemeral
        wire.judge.assert_clean()

    @pytest.mark.parametrize("accepts_dms", [True, False])
    async def test_a_private_result_never_reaches_a_channel(
        self,
        accepts_dms: bool,
        wire: WireDiscord,
        easel: EaselBot,
        engine: FakeEngine,
        ada: Member,
        room: Channel,
        guild: Guild,
    ) -> None:
        bob = wire.add_member(guild, "Bob", administrator=True)
        asked = await wire.slash(ada, room, "imagine", prompt=PROMPT, private=True)
        assert asked.ephemeral
        wire.clock.advance(16 * 60)
        ada.user.accepts_dms = accepts_dms
        await finish(easel, engine)
        assert wire.judge.messages(room, seen_by=bob) == []
        shown = results_of(wire.judge, asked, PROMPT)
        assert [message.channel for message in shown] == ([wire.dm(ada)] if accepts_dms else [])
        assert the_delivery(easel) == ("sent" if accepts_dms else "undeliverable")
        wire.judge.assert_clean()

    async def test_a_personal_install_has_its_token_and_then_direct_messages(
        self, wire: WireDiscord, easel: EaselBot, engine: FakeEngine
    ) -> None:
        elsewhere = wire.add_guild("Not ours", has_bot=False)
        eve = wire.add_member(elsewhere, wire.add_user("Eve", installed=True))
        asked = await wire.slash(eve, wire.channel(elsewhere), "imagine", prompt=PROMPT)
        wire.clock.advance(16 * 60)
        await finish(easel, engine)
        assert the_result(wire, asked).channel is wire.dm(eve)
        wire.judge.assert_clean()


ONCE_MORE: dict[str, Fault] = {
    "429 of the route": RateLimited(0.2),
    "429 of the resource": RateLimited(0.2, "shared"),
    "429 of everything": RateLimited(0.2, "global"),
    "500": Status(500),
    "502": Status(502),
    "503": Status(503),
    "a dropped connection": Drop(),
}


class TestFaults:
    """Drill 4."""

    @pytest.mark.parametrize("fault", ONCE_MORE)
    async def test_a_bad_moment_of_the_final_edit_is_sat_out(
        self,
        fault: str,
        wire: WireDiscord,
        easel: EaselBot,
        engine: FakeEngine,
        ada: Member,
        room: Channel,
        figure: Figure,
    ) -> None:
        rule = wire.faults.next(EDIT_RESPONSE, ONCE_MORE[fault], times=2, where=with_files)
        asked = await wire.slash(ada, room, "imagine", prompt=PROMPT)
        await finish(easel, engine)
        assert rule.hits == 2
        assert the_result(wire, asked) is asked.original
        figure(f"{fault}, twice, at the final edit: {len(wire.judge.results())} result")
        wire.judge.assert_clean()

    @pytest.mark.parametrize("fault", ONCE_MORE)
    async def test_a_bad_moment_of_the_bots_own_edit_is_sat_out(
        self, fault: str, wire: WireDiscord, easel: EaselBot, engine: FakeEngine, ada: Member, room: Channel
    ) -> None:
        asked = await wire.slash(ada, room, "imagine", prompt=PROMPT)
        wire.clock.advance(16 * 60)
        rule = wire.faults.next(EDIT_MESSAGE, ONCE_MORE[fault], where=with_files)
        await finish(easel, engine)
        assert rule.hits == 1
        assert the_result(wire, asked) is asked.original
        wire.judge.assert_clean()

    @pytest.mark.parametrize(
        ("status", "code"), [(401, 50027), (404, 10015), (404, 10008), (403, 50001)], ids=lambda value: str(value)
    )
    async def test_a_way_that_is_closed_leads_to_the_next(
        self,
        status: int,
        code: int,
        wire: WireDiscord,
        easel: EaselBot,
        engine: FakeEngine,
        ada: Member,
        room: Channel,
    ) -> None:
        wire.faults.next(EDIT_RESPONSE, Status(status, code), where=with_files)
        asked = await wire.slash(ada, room, "imagine", prompt=PROMPT)
        await finish(easel, engine)
        assert the_result(wire, asked) is asked.original
        assert wire.judge.count("PATCH /channels/", 200) == 1
        wire.judge.assert_clean()

    async def test_too_large_a_file_is_sent_smaller_and_said_so(
        self,
        wire: WireDiscord,
        easel: EaselBot,
        engine: FakeEngine,
        ada: Member,
        room: Channel,
        monkeypatch: pytest.MonkeyPatch,
        figure: Figure,
    ) -> None:
        monkeypatch.setattr(tests.fakes, "paint", noise)
        tried: list[int] = []

        def measured(request: web.BaseRequest) -> bool:
            if with_files(request):
                tried.append(request.content_length or 0)
            return with_files(request)

        wire.faults.next(EDIT_RESPONSE, Status(413, 40005), times=3, where=measured)
        asked = await wire.slash(ada, room, "imagine", prompt=PROMPT, width=512, height=512)
        await finish(easel, engine)
        message = the_result(wire, asked)
        (shown,) = message.shown_files()
        ((kept,),) = rows(easel.ledger.data_dir, "SELECT bytes FROM pictures WHERE deleted_at IS NULL")
        figure(f"413 three times: requests of {tried} bytes, then {shown.filename} of {len(shown.data)}; kept: {kept}")
        assert tried == sorted(tried, reverse=True)
        assert len(set(tried)) == 3
        assert shown.filename.endswith(".webp")
        assert len(shown.data) < min(tried)
        assert Image.open(io.BytesIO(shown.data)).width < 512
        assert "The original PNG is kept" in message.text
        wire.judge.assert_clean()

    async def test_progress_that_discord_shows_late_never_stands_over_the_result(
        self, wire: WireDiscord, easel: EaselBot, engine: FakeEngine, ada: Member, room: Channel, figure: Figure
    ) -> None:
        """Nobody waits for it any more; it is on its way all the same, and is overtaken by the result."""
        late = wire.faults.next(EDIT_RESPONSE, Delay(5), where=lambda request: not with_files(request))
        asked = await wire.slash(ada, room, "imagine", prompt=PROMPT)
        await until(lambda: late.hits, 20, "the progress edit")
        await finish(easel, engine)
        message = the_result(wire, asked)
        results = sum(bool(seen.files) for seen in message.history)
        figure(f"progress shown 5 s late: the result stands, after {results} result below it")
        assert results == 1
        wire.judge.assert_clean()

    @pytest.mark.parametrize("fault", [RateLimited(0.2), Status(500), Status(503)], ids=["429", "500", "503"])
    async def test_a_bad_moment_of_the_answer_is_sat_out(
        self, fault: Fault, wire: WireDiscord, easel: EaselBot, engine: FakeEngine, ada: Member, room: Channel
    ) -> None:
        wire.faults.next("POST /interactions/*/callback", fault)
        asked = await wire.slash(ada, room, "imagine", prompt=PROMPT)
        await finish(easel, engine)
        assert the_result(wire, asked) is asked.original
        wire.judge.assert_clean()

    @pytest.mark.parametrize(
        "fault",
        [Status(404, 10062), Status(400, 40060), Drop(), Drop(after=True)],
        ids=["10062", "40060", "dropped", "reply lost"],
    )
    async def test_an_answer_that_fails_leaves_no_job_behind_and_nobody_thinking(
        self, fault: Fault, wire: WireDiscord, easel: EaselBot, engine: FakeEngine, ada: Member, room: Channel
    ) -> None:
        wire.faults.next("POST /interactions/*/callback", fault)
        asked = await wire.slash(ada, room, "imagine", prompt=PROMPT, wait=False)
        query = "SELECT status FROM generations"

        def is_over() -> bool:
            return [status for (status,) in rows(easel.ledger.data_dir, query)] == ["cancelled"]

        await until(is_over, 30, "the job to be cancelled")
        await finish(easel, engine)
        assert the_delivery(easel) in ("sent", "undeliverable")
        assert results_of(wire.judge, asked, PROMPT) == []
        assert wire.judge.left_thinking() == []
        wire.judge.assert_clean(besides=(10062, 40060))
