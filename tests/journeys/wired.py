"""The whole bot at the wire: real discord.py, ledger and files against a strict Discord; only the painter is a fake.

For what the simulated Discord does not model: languages, personal installs, and the limits of every message.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from bot.client import EaselBot
from bot.config import Config
from bot.store import Store
from engine.dispatch import Dispatcher
from engine.ledger import Ledger
from tests.journeys.world import INTERVAL_S, Painter
from tests.wire import WireDiscord


@dataclass(frozen=True)
class Wired:
    discord: WireDiscord
    bot: EaselBot
    painter: Painter


@asynccontextmanager
async def wired(
    data_dir: Path, wire: WireDiscord, painter: Painter | None = None, config: dict[str, Any] | None = None
) -> AsyncIterator[Wired]:
    """Logs the bot in to `wire`, whose servers are there already; fails if anything unexpected was logged."""
    painter = painter or Painter()
    settings = Config.model_validate({"storage": {"data_dir": data_dir}} | (config or {}))
    with structlog.testing.capture_logs() as logs, wire.patched():
        async with (
            Ledger.open(data_dir) as ledger,
            Dispatcher(ledger, painter, settings.catalog(), min_free_bytes=0) as dispatcher,
        ):
            bot = EaselBot(
                settings, settings.catalog(), dispatcher, Store(ledger), painter, ledger, progress_interval=INTERVAL_S
            )
            bot._connection.guild_ready_timeout = 0.05  # all servers are announced at once
            async with bot, bot.outbox:
                running = asyncio.create_task(bot.start(wire.token))
                await wire.ready()
                await bot.wait_until_ready()
                try:
                    yield Wired(wire, bot, painter)
                finally:
                    painter.released.set()
                    await bot.close()
                    await running
        wrong = [entry for entry in logs if entry["log_level"] in ("error", "critical")]
        for entry in wrong:
            raise AssertionError(entry) from entry.get("exc_info")
