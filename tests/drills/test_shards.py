"""The bot over two connections to the gateway: servers of either are answered and delivered to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.drills.easel import BotProcess, settled, until
from tests.wire import Guild, WireDiscord

SHARDS = 2


def one_guild_each(wire: WireDiscord) -> list[Guild]:
    """A server for each shard, which Discord tells apart by the milliseconds in their ids."""
    found: dict[int, Guild] = {}
    while len(found) < SHARDS:
        guild = wire.add_guild("A server")
        found.setdefault((guild.id >> 22) % SHARDS, guild)
        wire.clock.advance(0.001)
    return [found[shard] for shard in range(SHARDS)]


@pytest.mark.parametrize("setting", [str(SHARDS), '"auto"'])
async def test_servers_of_both_shards_are_answered_and_delivered_to_also_when_one_is_cut(
    setting: str, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    async with WireDiscord(shards=SHARDS) as wire:
        guilds = one_guild_each(wire)
        people = [wire.add_member(guild, f"Person {shard}") for shard, guild in enumerate(guilds)]
        async with BotProcess(wire, tmp_path, settings=f"\n[discord]\nshards = {setting}\n") as easel:
            for cut in (None, 1):
                if cut is not None:
                    wire.gateway.cut(cut)
                    await asyncio.sleep(0.1)
                asked = [
                    await wire.slash(person, wire.channel(guild), "imagine", prompt=f"fox {shard} {cut}")
                    for shard, (person, guild) in enumerate(zip(people, guilds, strict=True))
                ]
                for each in asked:
                    await each.result()
            await until(lambda: settled(easel.folder / "data"), 30, "every end to be delivered")
        identified = sorted(line for line in wire.judge.gateway_log if line.startswith("identify"))
        resumed = [line for line in wire.judge.gateway_log if line.startswith("resume")]
        figure(
            f"shards = {setting}: {', '.join(identified)}; {len(wire.judge.results())} results, {', '.join(resumed)}"
        )
        assert identified == [f"identify {shard}/{SHARDS}" for shard in range(SHARDS)]
        assert [len(wire.judge.messages(wire.channel(guild))) for guild in guilds] == [2, 2]
        assert len(wire.judge.results()) == 4
        assert not wire.judge.duplicates()
        wire.judge.assert_clean()


async def test_a_bot_that_is_stopped_while_it_opens_its_connections_ends(
    tmp_path: Path, figure: Callable[[str], None]
) -> None:
    async with WireDiscord(shards=20) as wire:
        easel = BotProcess(wire, tmp_path, settings='\n[discord]\nshards = "auto"\n')
        await easel.start(ready=False)
        await until(lambda: "identify 0/20" in wire.judge.gateway_log, 30, "the first connection")
        began = time.monotonic()
        code = await easel.stop()
        figure(f"stopped with 1 of 20 connections open: exit code {code} after {time.monotonic() - began:.1f} s")
        assert code == 0
