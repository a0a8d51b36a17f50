"""Drills 5 and 6: the gateway is lost while twenty jobs run, and a hundred commands come in ten seconds."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.drills.easel import BotProcess, bot_here, results_of, settled, until
from tests.fakes import FakeEngine, small_catalog
from tests.wire import Channel, Guild, WireDiscord, percentile

JOBS = 20
COMMANDS = 100


async def outage(wire: WireDiscord) -> None:
    """Every socket is cut, no session is remembered, and nothing can connect for a moment."""
    wire.gateway.accepting = False
    wire.gateway.cut()
    wire.gateway.forget_sessions()
    await asyncio.sleep(1)
    wire.gateway.accepting = True


async def cut(wire: WireDiscord) -> None:
    wire.gateway.cut()


async def asked_to_reconnect(wire: WireDiscord) -> None:
    await wire.gateway.ask_to_reconnect()


async def session_invalid(wire: WireDiscord) -> None:
    await wire.gateway.invalidate(resumable=False)


@pytest.mark.parametrize("loss", [cut, asked_to_reconnect, session_invalid, outage], ids=lambda loss: loss.__name__)
async def test_twenty_running_jobs_go_on_when_the_gateway_is_lost(
    loss: Callable[[WireDiscord], object],
    wire: WireDiscord,
    guild: Guild,
    room: Channel,
    tmp_path: Path,
    figure: Callable[[str], None],
) -> None:
    engine = FakeEngine(slots=JOBS, gate=asyncio.Event())
    assert engine.gate is not None
    people = [wire.add_member(guild, f"Person {number}") for number in range(JOBS)]
    async with bot_here(wire, tmp_path, engine, small_catalog()) as easel:
        # While a model loads, one job of it runs alone: the others follow once it was seen to paint.
        engine.gate.set()
        await wire.slash(people[0], room, "imagine", prompt="the first fox")
        await until(lambda: settled(easel.ledger.data_dir), 30, "the first picture")
        engine.gate.clear()
        asked = {}
        for number, person in enumerate(people):
            asked[f"fox no {number}x"] = await wire.slash(person, room, "imagine", prompt=f"fox no {number}x")
        await until(lambda: len(engine.active) == JOBS, 30, "all jobs to run")
        await loss(wire)  # type: ignore[misc]
        engine.gate.set()
        await until(lambda: settled(easel.ledger.data_dir), 60, "every end to be delivered")
        shown = [results_of(wire.judge, invocation, prompt) for prompt, invocation in asked.items()]
        await wire.ready()
        after = await wire.slash(people[0], room, "imagine", prompt="fox after it")
        await after.result()
    figure(f"gateway loss ({loss.__name__}): {sum(map(len, shown))} results for {JOBS} jobs that ran")
    assert [len(messages) for messages in shown] == [1] * JOBS
    wire.judge.assert_clean()


async def test_a_hundred_commands_in_ten_seconds_are_answered_at_once_while_the_engine_is_saturated(
    wire: WireDiscord, guild: Guild, room: Channel, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    people = [wire.add_member(guild, f"Person {number}") for number in range(COMMANDS // 5)]
    async with BotProcess(wire, tmp_path) as easel:
        for person in people[:4]:
            await wire.slash(person, room, "imagine", prompt="heavy fox", steps=100)
        await until(lambda: easel.tries(), 30, "the engine to be busy")
        before = len(wire.world.invocations)
        for number in range(COMMANDS):
            await wire.slash(people[number % len(people)], room, "imagine", wait=False, prompt=f"fox no {number}x")
            await asyncio.sleep(10 / COMMANDS)
        commands = list(wire.world.invocations.values())[before:]
        await wire.world.changes.until(lambda: all(c.answer or c.failed for c in commands), 10, "all answers")
        assert not settled(easel.folder / "data")
        latencies = [command.latency for command in commands if command.latency is not None]
        await easel.kill()
    p99 = percentile(latencies, 0.99)
    figure(
        f"acknowledgement, {COMMANDS} commands in 10 s, engine saturated: p50 {percentile(latencies, 0.5):.3f} s,"
        f" p99 {p99:.3f} s, longest {max(latencies, default=math.nan):.3f} s, {COMMANDS - len(latencies)} unanswered;"
        f" at most {wire.judge.busiest_second} requests in a second; the goal is a p99 below 1 s"
    )
    # Discord's own three seconds decide: the figure tells how far from them we are, and says more of the machine.
    assert len(latencies) == COMMANDS
    wire.judge.assert_clean()
