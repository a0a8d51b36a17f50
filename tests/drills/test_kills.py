"""Drill 1: the bot is killed, again and again, at random and at the worst moments."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.drills.easel import BotProcess, results_of, settled, until
from tests.wire import Call, Channel, Invocation, Member, WireDiscord

JOBS = 200
KILLS = 50
MAX_ATTEMPTS = 3
FINAL = {"stored", "failed", "cancelled", "dead"}


@dataclass
class Crowd:
    """People who go on asking until `wanted` of their jobs have been acknowledged."""

    wire: WireDiscord
    people: list[Member]
    room: Channel
    wanted: int
    asked: dict[str, Invocation] = field(default_factory=dict)

    @property
    def acknowledged(self) -> dict[str, Invocation]:
        return {prompt: asked for prompt, asked in self.asked.items() if asked.answer is not None}

    async def ask(self) -> None:
        """Up to a handful of unanswered questions at a time; whoever is not answered in three seconds asks anew."""
        dice = random.Random(7)
        while len(self.acknowledged) < self.wanted:
            waiting = [i for i in self.asked.values() if i.answer is None and i.failed is None]
            if len(waiting) < 4 and self.wire.gateway.live():
                prompt = f"fox no {len(self.asked)}x"
                person = dice.choice(self.people)
                steps = dice.randint(2, 40)
                self.asked[prompt] = await self.wire.slash(
                    person, self.room, "imagine", wait=False, prompt=prompt, steps=steps
                )
            await asyncio.sleep(0.05)


async def painting_goes_on(easel: BotProcess) -> None:
    """Waits, but not for ever, until the worker begins another picture."""
    before = easel.tries().total()
    for _ in range(100):
        if easel.tries().total() > before:
            return
        await asyncio.sleep(0.05)


async def quiet(easel: BotProcess) -> None:
    """Waits until the ledger owes nothing."""
    await until(lambda: settled(easel.folder / "data"), 90, f"the last jobs and deliveries\n{easel.output()[-4000:]}")


def account(wire: WireDiscord, easel: BotProcess, asked: dict[str, Invocation]) -> Counter[str]:
    """Asserts what "nothing lost" means for every acknowledged job, and counts how they ended."""
    (check,) = easel.rows("PRAGMA integrity_check")
    assert check == ("ok",)
    ends: Counter[str] = Counter()
    jobs = {
        key: rest
        for key, *rest in easel.rows(
            "SELECT g.interaction_id, g.status, d.status FROM generations g"
            " LEFT JOIN deliveries d ON d.generation_id = g.id"
        )
    }
    tries = easel.tries()
    for prompt, invocation in asked.items():
        shown = results_of(wire.judge, invocation, prompt)
        assert len(shown) <= 1, f"{prompt}: {len(shown)} results are visible"
        job = jobs.get(str(invocation.id))
        if invocation.answer is None:
            assert job is None or job[0] in FINAL, f"{prompt}: {job}"
            continue
        assert job is not None, f"{prompt} was acknowledged and is not in the ledger"
        status, delivery = job
        assert status in FINAL, f"{prompt} is {status}"
        assert delivery in ("sent", "undeliverable"), f"{prompt}: delivery is {delivery}"
        assert tries[prompt] <= MAX_ATTEMPTS, f"{prompt} was painted {tries[prompt]} times"
        if status == "stored":
            assert len(shown) == 1, f"{prompt} is stored, and nobody sees it"
        elif invocation.original is not None:
            assert not invocation.original.loading, f"{prompt} is {status}, and its message still thinks"
        ends[status] += 1
    assert not wire.judge.duplicates()
    return ends


async def test_fifty_random_kills_lose_no_job_and_show_none_twice(
    wire: WireDiscord, room: Channel, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    guild = room.guild
    assert guild is not None
    people = [wire.add_member(guild, f"Person {number}") for number in range(8)]
    crowd = Crowd(wire, people, room, JOBS)
    dice = random.Random(2026)
    async with BotProcess(wire, tmp_path) as easel:
        asking = asyncio.create_task(crowd.ask())
        alive_worker = 0
        while easel.kills < KILLS:
            # A fifth falls into the start itself, a third hits before much is painted, the rest in full swing.
            moment = dice.random()
            if moment < 0.2:
                await asyncio.sleep(dice.uniform(0.2, 1.0))
            else:
                await easel.ready()
                await asyncio.sleep(dice.uniform(0, 0.8))
            if moment > 0.5:
                await painting_goes_on(easel)
                await asyncio.sleep(dice.uniform(0, 0.4))
            alive_worker += bool(easel.workers())
            await easel.kill()
            await easel.start(ready=False)
        await easel.ready()
        await asyncio.wait_for(asking, 120)
        await quiet(easel)
        ends = account(wire, easel, crowd.asked)
        most_tries = max(easel.tries().values())
    figure(
        f"{easel.kills} kills survived ({alive_worker} with a live worker, none alive after"
        f" {easel.longest_orphan_s:.2f} s); {sum(ends.values())} of {len(crowd.acknowledged)} acknowledged jobs"
        f" accounted for ({', '.join(f'{count} {status}' for status, count in sorted(ends.items()))});"
        f" {len(wire.judge.duplicates())} duplicates; at most {most_tries} tries of a job;"
        f" {len(crowd.asked) - len(crowd.acknowledged)} askers got no answer and asked again"
    )
    assert sum(ends.values()) == len(crowd.acknowledged) >= JOBS
    assert alive_worker >= KILLS // 2
    wire.judge.assert_clean(besides=(10062,))


TRAPS = {
    "after the insert": "engine.ledger:Ledger.enqueue:after:1",
    "after the acknowledgement": "bot.store:Store.acknowledged:after:1",
    "after the lease": "engine.ledger:Ledger.lease:after:1",
    "after the rename": "engine.files:save_picture:after:1",
    "after the row is written": "engine.ledger:Ledger.store:after:1",
    "after the delivery's row is written": "bot.store:Store.sent:after:1",
}


@pytest.mark.parametrize("moment", TRAPS)
async def test_a_kill_at_a_named_moment_loses_nothing(
    moment: str, wire: WireDiscord, ada: Member, room: Channel, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    async with BotProcess(wire, tmp_path, die_at=[TRAPS[moment]]) as easel:
        asked = await wire.slash(ada, room, "imagine", wait=False, prompt="fox no 1x")
        assert await asyncio.wait_for(easel.ended(), 30) == -9
        await easel.start()
        await quiet(easel)
        ends = account(wire, easel, {"fox no 1x": asked})
    figure(f"killed {moment}: {dict(ends) or 'unanswered, and cancelled'}, {len(wire.judge.results())} result")
    assert len(wire.judge.results()) == (0 if moment == "after the insert" else 1)
    wire.judge.assert_clean()


@pytest.mark.parametrize("applied", [False, True], ids=["send", "send acknowledged"])
async def test_a_kill_at_the_send_shows_the_result_once(
    applied: bool, wire: WireDiscord, ada: Member, room: Channel, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    async with BotProcess(wire, tmp_path) as easel:

        def is_final(request: object) -> bool:
            return bool(easel.rows("SELECT 1 FROM generations WHERE status = 'stored'"))

        wire.faults.next("PATCH /webhooks/*", Call(easel.strike, after=applied), where=is_final)
        asked = await wire.slash(ada, room, "imagine", prompt="fox no 1x")
        assert await asyncio.wait_for(easel.ended(), 30) == -9
        await easel.start()
        await quiet(easel)
        ends = account(wire, easel, {"fox no 1x": asked})
        figure(f"killed while sending (applied: {applied}): {dict(ends)}, {len(wire.judge.results())} result")
        assert len(wire.judge.results()) == 1
    wire.judge.assert_clean()
