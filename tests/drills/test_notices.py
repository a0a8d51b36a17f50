"""The other half of drills 9 and 11: whoever runs the bot is told, and members read no path of the server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine import attempt
from engine.errors import EngineLost, ModelUnavailable
from tests.drills.easel import BotProcess, bot_here, settled, until
from tests.fakes import FakeEngine, small_catalog
from tests.wire import Channel, Guild, Member, Message, WireDiscord

BROKEN = ModelUnavailable("tiny", "its unet cannot be loaded.", "Delete it.", detail="It is in /srv/models/tiny.")
Figure = Callable[[str], None]


def told(wire: WireDiscord, place: Channel) -> list[str]:
    """The notices there, without the backslashes that Discord hides."""
    texts = [message.text.replace("\\", "") for message in wire.judge.messages(place)]
    return [text for text in texts if "cannot be used.**" in text or "was given up**" in text]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt, "RETRY_WAIT_S", 0.01)


@pytest.mark.parametrize("where", ["the owner", "a channel", "a channel that is closed to the bot"])
async def test_broken_models_and_dead_jobs_are_told_once_each_and_members_read_no_path(
    where: str, wire: WireDiscord, guild: Guild, ada: Member, room: Channel, tmp_path: Path, figure: Figure
) -> None:
    staff = wire.add_channel(guild, "staff")
    if where.endswith("closed to the bot"):
        staff.forbid(wire.bot, view_channel=True)
    settings: dict[str, Any] = {"discord": {"admin_channel_id": staff.id}} if where != "the owner" else {}
    engine = FakeEngine(errors=[BROKEN, *[EngineLost("It hung.")] * 3, BROKEN, BROKEN, None])
    async with bot_here(wire, tmp_path, engine, small_catalog(), settings=settings) as easel:
        shown: list[Message] = []
        for number in range(5):
            asked = await wire.slash(ada, room, "imagine", prompt=f"fox no {number}x")
            await until(lambda: settled(easel.ledger.data_dir), 30, "the end to be delivered")
            shown.append(await asked.message())
        place = staff if where == "a channel" else wire.dm(wire.world.owner)
        await until(lambda: len(told(wire, place)) == 2, 10, "the notices")
    notices = told(wire, place)
    figure(f"told to {where}: {len(notices)} notices of 4 failed jobs: {[text[:45] for text in notices]}")
    assert "/srv/models/tiny" in notices[0]
    assert "was given up" in notices[1]
    assert not any("/srv" in message.text for message in shown)
    assert all("fox no" in message.text for message in shown)
    assert shown[4] in wire.judge.results()
    assert wire.judge.pings() == []
    wire.judge.assert_clean(besides=(50001,))


async def test_nobody_waits_for_a_notice_that_cannot_be_told(
    wire: WireDiscord, ada: Member, room: Channel, tmp_path: Path
) -> None:
    wire.world.owner.accepts_dms = False
    async with bot_here(wire, tmp_path, FakeEngine(errors=[BROKEN, None]), small_catalog()) as easel:
        await wire.slash(ada, room, "imagine", prompt="fox no 1x")
        painted = await wire.slash(ada, room, "imagine", prompt="fox no 2x")
        await painted.result()
        await until(lambda: settled(easel.ledger.data_dir), 30, "every end to be delivered")
    wire.judge.assert_clean(besides=(50007,))


async def test_the_real_bot_tells_its_owner_of_a_job_that_kills_the_worker(
    wire: WireDiscord, ada: Member, room: Channel, tmp_path: Path, figure: Figure
) -> None:
    async with BotProcess(wire, tmp_path) as easel:
        await wire.slash(ada, room, "imagine", prompt="die fox")
        await until(lambda: told(wire, wire.dm(wire.world.owner)), 60, "the notice")
        ends = easel.rows("SELECT status FROM generations")
    figure(f"a job that kills the worker is {ends[0][0]}, and its owner reads: {told(wire, wire.dm(wire.world.owner))}")
    assert ends == [("dead",)]
    wire.judge.assert_clean()
