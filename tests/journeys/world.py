"""The whole bot in a simulated Discord: real discord.py, ledger, files and dispatcher; only the painter is a fake."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import discord
import numpy as np
import simcord
import structlog
from PIL import Image
from simcord.components import walk_components

from bot.cdn import Cdn
from bot.client import EaselBot
from bot.config import Config
from bot.store import Store
from engine.catalog import Catalog
from engine.dispatch import Dispatcher
from engine.images import encode_png, encode_preview, write_metadata
from engine.ledger import HistoryFilter, Ledger
from engine.types import EngineStatus, Event, Generation, GenerationRequest, Loading, ModelState, Picture, Progress
from tests.journeys.tally import TALLY

SIDE = 32
BUTTONS = ["Reroll", "Edit", "More", "Favourite", "Send to me", "Delete"]
INTERVAL_S = 0.05


@dataclass
class Painter:
    """An engine that fills pictures with a colour made from the seed. `hold` makes it wait after the first step."""

    error: Exception | None = None
    fail_times: int = 1_000_000
    hold: bool = False
    side: int = SIDE
    released: asyncio.Event = field(default_factory=asyncio.Event)
    painted: list[GenerationRequest] = field(default_factory=list)
    loaded: set[str] = field(default_factory=set)
    loading: dict[str, float] = field(default_factory=dict)
    noise: bool = False
    preview: bool = False
    active: int = 0

    async def generate(self, id: int, request: GenerationRequest) -> AsyncIterator[Event]:
        if self.error is not None and self.fail_times:
            self.fail_times -= 1
            raise self.error
        self.active += 1
        try:
            yield Progress(1, request.num_inference_steps, PREVIEW if self.preview else None)
            if self.hold:
                await self.released.wait()
        finally:
            self.active -= 1
        self.painted.append(request)
        for position in range(request.num_images):
            seed = request.seed + position
            png = encode_png(pixels(seed, self.side, noise=self.noise), write_metadata(request, position))
            yield Picture(position, seed, png, self.side, self.side)

    async def models(self) -> list[ModelState]:
        return [
            ModelState(spec.key, "loading", self.loading[spec.key])
            if spec.key in self.loading
            else ModelState(spec.key, "loaded" if spec.key in self.loaded else "missing")
            for spec in Catalog()
        ]

    async def load(self, key: str) -> AsyncIterator[Event]:
        if self.error is not None:
            raise self.error
        yield Loading(0.4, "downloading")
        if self.hold:
            await self.released.wait()
        self.loaded.add(key)

    async def unload(self, key: str) -> None:
        self.loaded.discard(key)

    async def status(self) -> EngineStatus:
        return EngineStatus("a fake", free=1 - self.active)

    async def aclose(self) -> None:
        self.released.set()


def colour(seed: int) -> tuple[int, int, int]:
    return seed % 251, seed // 251 % 251, seed // 63001 % 251


def pixels(seed: int, side: int, *, noise: bool = False) -> Any:
    if noise:
        return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return np.full((side, side, 3), colour(seed), np.uint8)


PREVIEW = encode_preview(pixels(7, SIDE))


class SimulatedCdn(Cdn):
    """The simulated Discord's files, which no network serves."""

    env: simcord.Env

    def __init__(self) -> None:
        super().__init__(hosts={"cdn.simcord.invalid"})

    async def _get(self, url: str, timeout: float) -> bytes:
        data = self.env.backend.cdn.get(url)
        if data is None:
            raise FileNotFoundError(url)
        return data


class World:
    """A server with a channel, a member, another one, a moderator and an admin."""

    def __init__(self, env: simcord.Env, bot: EaselBot, painter: Painter, logs: list[Any]) -> None:
        self.env, self.bot, self.painter, self.logs = env, bot, painter, logs
        self.guild = env.create_guild("Studio")
        self.channel = self.guild.create_text_channel("pictures")
        self.ann = self.guild.add_member(env.create_user("ann"))
        self.bob = self.guild.add_member(env.create_user("bob"))
        mods = self.guild.create_role("Mods", permissions=discord.Permissions(manage_messages=True))
        admins = self.guild.create_role("Admins", permissions=discord.Permissions(manage_guild=True))
        self.mod = self.guild.add_member(env.create_user("mod"), roles=[mods])
        self.admin = self.guild.add_member(env.create_user("admin"), roles=[admins])
        self.mods, self.admins = mods, admins
        self._opened = AsyncExitStack()

    async def imagine(self, prompt: str = "a red fox", *, by: Any = None, **options: Any) -> Any:
        """The command, and everything it leads to. Returns simcord's result, whose response is live."""
        result = await (by or self.ann).slash(self.channel, "imagine", prompt=prompt, **options)
        await self.done()
        return result

    async def done(self) -> None:
        """Waits until every job is delivered."""
        async with asyncio.timeout(20):
            await self.bot.outbox.idle()
        self.check()

    def check(self) -> None:
        """Nothing unexpected happened: no handler, job or delivery ran into a bug."""
        wrong = [entry for entry in self.logs if entry["log_level"] in ("error", "critical")]
        for entry in wrong:
            raise AssertionError(entry) from entry.get("exc_info")

    async def latest(self) -> Generation:
        [newest, *_] = await self.bot.ledger.history(limit=1)
        return newest

    async def latest_of_any_status(self) -> Generation:
        [newest, *_] = await self.bot.ledger.history(HistoryFilter(status=None), limit=1)
        return newest

    def messages(self) -> list[Any]:
        """The channel's visible messages, oldest first."""
        return list(self.channel.history())

    async def restart(self) -> None:
        """Another bot over the same ledger and dispatcher, as after a restart of the process."""
        old = self.bot
        await self._opened.aclose()
        self.bot = EaselBot(
            old.config,
            old.catalog,
            old.dispatcher,
            old.store,
            old.engine,
            old.ledger,
            progress_interval=INTERVAL_S,
            cdn=old.cdn,
        )
        await self.env.restart_bot(self.bot)
        await self.open()

    async def open(self) -> None:
        await self._opened.enter_async_context(self.bot.outbox)

    async def close(self) -> None:
        await self._opened.aclose()


@asynccontextmanager
async def open_world(
    data_dir: Path, painter: Painter | None = None, config: dict[str, Any] | None = None, **dispatcher_options: Any
) -> AsyncIterator[World]:
    """Opens everything as `python -m bot` does, and fails if anything unexpected was logged."""
    painter = painter or Painter()
    settings = Config.model_validate({"storage": {"data_dir": data_dir}} | (config or {}))
    with structlog.testing.capture_logs() as logs:
        async with (
            Ledger.open(data_dir) as ledger,
            Dispatcher(ledger, painter, settings.catalog(), **{"min_free_bytes": 0} | dispatcher_options) as dispatcher,
        ):
            cdn = SimulatedCdn()
            bot = EaselBot(
                settings,
                settings.catalog(),
                dispatcher,
                Store(ledger),
                painter,
                ledger,
                progress_interval=INTERVAL_S,
                cdn=cdn,
            )
            async with simcord.run(bot, check_errors=False) as env:
                cdn.env = env
                world = World(env, bot, painter, logs)
                await world.open()
                try:
                    yield world
                finally:
                    painter.released.set()
                    await world.close()
                    TALLY.add(env)
            world.check()


def parts(message: Any) -> list[dict[str, Any]]:
    """Every component of a message, as Discord has it."""
    found = [part if isinstance(part, dict) else part.to_dict() for part in message.components]
    return list(walk_components(found))


def text_of(message: Any) -> str:
    """Everything that a person reads in a message, without the backslashes that Discord hides."""
    shown = [part["content"] for part in parts(message) if part.get("type") == 10]
    return re.sub(r"\\([^0-9A-Za-z\s])", r"\1", "\n".join(shown))


def buttons_of(message: Any) -> list[str]:
    return [part["label"] for part in parts(message) if part.get("type") == 2]


def gallery_of(message: Any) -> list[dict[str, Any]]:
    return [item for part in parts(message) if part.get("type") == 12 for item in part["items"]]


async def pictures_of(message: Any) -> list[bytes]:
    """The bytes of the posted files."""
    return [await attachment.read() for attachment in message.attachments]


def filled(form: Any) -> dict[str, str]:
    """A modal's fields as they come."""
    fields = [row["component"] for row in form.modal["components"]]
    return {field["custom_id"]: field.get("value") or "" for field in fields}


def decoded(data: bytes) -> Any:
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("RGB"))


async def until(true: Callable[[], bool]) -> None:
    """Waits for what the bot does by itself."""
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 (nothing tells when a message has changed)
            await asyncio.sleep(0.01)
