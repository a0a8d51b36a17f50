"""The bot with an image service in another process: what people do with /imagine, and a bot without torch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from engine.images import read_metadata
from engine.remote import RemoteEngine
from engine.types import EngineStatus, Event, GenerationRequest, ModelState, Origin, Status
from tests.journeys.world import (
    Painter,
    World,
    buttons_of,
    gallery_of,
    open_world,
    pictures_of,
    text_of,
    until,
)
from tests.serving import Child, service_process

pytestmark = pytest.mark.slow

CONFIG = "drain_s = 5\n[storage]\nmin_free_mb = 0\n[service]\nport = 0\n"
"""With the built-in models, as the bot has them; the box paints them all."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    with service_process(tmp_path_factory.mktemp("service"), CONFIG) as child:
        yield child


class Elsewhere(Painter):
    """The painter of the world's bot: not one of its own, but the service."""

    def __init__(self, engine: RemoteEngine) -> None:
        super().__init__()
        self.engine = engine

    def generate(self, id: int, request: GenerationRequest) -> AsyncIterator[Event]:
        return self.engine.generate(id, request)

    def load(self, key: str) -> AsyncIterator[Event]:
        return self.engine.load(key)

    async def models(self) -> list[ModelState]:
        return await self.engine.models()

    async def unload(self, key: str) -> None:
        await self.engine.unload(key)

    async def status(self) -> EngineStatus:
        return await self.engine.status()


@asynccontextmanager
async def bot_of(service: Child, data_dir: Path) -> AsyncIterator[World]:
    worlds: list[World] = []

    async def whose(id: int) -> Origin:
        return (await worlds[0].bot.ledger.get(id)).origin

    async with (
        RemoteEngine([service.url], whose, look_s=0.2) as engine,
        open_world(data_dir, Elsewhere(engine)) as world,
    ):
        worlds.append(world)
        yield world


async def test_the_picture_is_posted_with_its_facts_and_its_metadata(service: Child, tmp_path: Path) -> None:
    async with bot_of(service, tmp_path) as world:
        result = await world.imagine("a red fox in the snow", seed=7, steps=12, cfg=3.5)
        assert "12 steps · cfg 3.5 · 512×512 · seed 7" in text_of(result.response)
        assert "Reroll" in buttons_of(result.response)
        generation = await world.latest()
        assert generation.status is Status.STORED
        [png] = await pictures_of(result.response)
        assert png == (tmp_path / generation.pictures[0].path).read_bytes()
        assert read_metadata(png)["parameters"].startswith("a red fox in the snow\nSteps: 12, Sampler: DDIM")


async def test_four_pictures_come_in_one_gallery_each_with_its_own_seed(service: Child, tmp_path: Path) -> None:
    async with bot_of(service, tmp_path) as world:
        result = await world.imagine(seed=100, count=4, steps=2)
        assert len(gallery_of(result.response)) == 4
        assert [picture.seed for picture in (await world.latest()).pictures] == [100, 101, 102, 103]


async def test_the_same_seed_is_the_same_picture_and_reroll_is_another(service: Child, tmp_path: Path) -> None:
    async with bot_of(service, tmp_path) as world:
        first = await world.imagine(seed=5, steps=2)
        again = await world.imagine(seed=5, steps=2)
        assert (await pictures_of(first.response)) == (await pictures_of(again.response))
        await world.ann.click(again.response, label="Reroll")
        await world.done()
        newest, *before = await world.bot.ledger.history()
        assert newest.pictures[0].sha256 not in {row.pictures[0].sha256 for row in before}


@pytest.mark.parametrize("who", ["ann", "mod"])
async def test_progress_is_shown_and_a_press_on_cancel_stops_it_there_too(
    service: Child, tmp_path: Path, who: str
) -> None:
    async with bot_of(service, tmp_path) as world:
        result = await world.ann.slash(world.channel, "imagine", prompt="slow fox", steps=50)
        await until(lambda: " of 50" in text_of(result.response))
        assert buttons_of(result.response) == ["Cancel"]
        await getattr(world, who).click(result.response, label="Cancel")
        await world.done()
        assert "Cancelled." in text_of(result.response)
        async with asyncio.timeout(10), aiohttp.ClientSession() as http:
            while await running_at(http, service):  # noqa: ASYNC110 (it is asked over HTTP)
                await asyncio.sleep(0.05)


async def running_at(http: aiohttp.ClientSession, service: Child) -> int:
    async with http.get(f"{service.url}/api/engine") as answer:
        return int((await answer.json())["running"])


async def test_who_waits_sees_their_place_and_everybody_is_served(service: Child, tmp_path: Path) -> None:
    async with bot_of(service, tmp_path) as world:
        free = (await world.painter.engine.status()).free  # type: ignore[attr-defined]
        for number in range(free):
            await world.mod.slash(world.channel, "imagine", prompt=f"slow {number}", steps=8)
        last = await world.bob.slash(world.channel, "imagine", prompt="last", steps=2)
        await until(lambda: "queue" in text_of(last.response))
        await world.done()
        assert len(await world.bot.ledger.history(limit=50)) == free + 1


async def test_a_value_that_does_not_fit_is_refused_before_the_service_hears_of_it(
    service: Child, tmp_path: Path
) -> None:
    async with bot_of(service, tmp_path) as world:
        for options, words in (({"steps": 80}, "**steps**: 80"), ({"model": "sdxl-turob"}, "Did you mean")):
            result = await world.imagine(**options)
            assert result.ephemeral
            assert words in text_of(result.response)


async def test_a_picture_that_kills_the_worker_there_is_given_up_and_told(tmp_path: Path) -> None:
    once = CONFIG + "[engine]\nmax_attempts = 1\n"
    with service_process(tmp_path / "service", once) as service:
        async with bot_of(service, tmp_path / "bot") as world:
            result = await world.ann.slash(world.channel, "imagine", prompt="die", steps=2)
            async with asyncio.timeout(60):
                await world.bot.outbox.idle()
            assert "stopped each time" in text_of(result.response)
            assert (await world.latest_of_any_status()).status is Status.DEAD
            world.logs.clear()  # it was told there, as an error
            await world.imagine("a fox", steps=2)


async def test_a_service_killed_in_the_middle_and_started_again_still_delivers(tmp_path: Path) -> None:
    folder = tmp_path / "service"
    with service_process(folder, CONFIG) as service:
        port = service.url.rpartition(":")[2]
        async with bot_of(service, tmp_path / "bot") as world:
            result = await world.ann.slash(world.channel, "imagine", prompt="slow fox", steps=20, seed=7)
            await until(lambda: " of 20" in text_of(result.response))
            service.kill()
            with service_process(folder, CONFIG.replace("port = 0", f"port = {port}")):
                async with asyncio.timeout(90):
                    await world.bot.outbox.idle()
            row = await world.latest()
            assert (row.status, row.attempt) == (Status.STORED, 1)
            assert len(await pictures_of(result.response)) == 1


async def test_models_are_shown_loaded_and_unloaded_by_the_admin(service: Child, tmp_path: Path) -> None:
    async with bot_of(service, tmp_path) as world:
        loaded: Any = await world.admin.slash(world.channel, "model load", model="tiny")
        await world.done()
        assert "tiny" in text_of(loaded.response)
        states = {state.key: state.state for state in await world.painter.models()}
        assert states["tiny"] == "loaded"
