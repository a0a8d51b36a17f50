"""What the service costs: `python -m tests.bench.service [--pictures 20] [--clients 200]`.

The same worker paints in every arm, sleeping a second for a picture, so that what differs is the way to it:

    engine          LocalEngine in this process, its pictures taken from the iterator
    in process      the same under ledger and dispatcher, as the bot has it
    service         another process over HTTP: create, follow the events, fetch the picture
    openai          the same process by OpenAI's client
    bot elsewhere   ledger and dispatcher here, RemoteEngine, the service over there

First one picture after the other, the arms taking turns; then many clients at once, with a picture of 20 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
from openai import AsyncOpenAI

from engine.catalog import Catalog
from engine.config import EngineConfig, load_settings
from engine.dispatch import Dispatcher
from engine.ledger import Ledger
from engine.local import LocalEngine
from engine.remote import RemoteEngine
from engine.types import Engine, Origin, Picture, Status
from tests.serving import BOX, service_process, sse

Arm = Callable[[int, int], Awaitable[None]]
"""Paints picture number n in so many steps of 10 ms, and has its bytes."""


class Paths:
    """Every way to a picture, opened side by side."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.arms: dict[str, Arm] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Paths:
        enter = self._stack.enter_async_context
        child = self._stack.enter_context(
            service_process(self.folder / "service", BOX + "\n[limits]\nwaiting_in_all = 100000\n")
        )
        catalog = load_settings(child.folder / "config.toml").catalog()
        engine = await enter(LocalEngine(EngineConfig(), catalog, backend="tests.drills.box:Box"))
        http = await enter(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        client = await enter(AsyncOpenAI(api_key="none", base_url=f"{child.url}/v1", max_retries=0, timeout=3600))

        async def whose(id: int) -> Origin:
            return Origin("bench")

        remote = await enter(RemoteEngine([child.url], whose))
        self.arms = {
            "engine": self._engine(engine, catalog),
            "in process": await self._dispatched(engine, catalog, "here"),
            "service": self._service(child.url, http),
            "openai": self._openai(client),
            "bot elsewhere": await self._dispatched(remote, catalog, "bot"),
        }
        return self

    async def __aexit__(self, *of_no_interest: object) -> None:
        await self._stack.aclose()

    def _engine(self, engine: Engine, catalog: Catalog) -> Arm:
        async def paint(number: int, steps: int) -> None:
            request = catalog.request("box", f"bench {number}", seed=number, num_inference_steps=steps)
            pictures = [event async for event in engine.generate(-1 - number, request) if isinstance(event, Picture)]
            assert len(pictures) == 1

        return paint

    async def _dispatched(self, engine: Engine, catalog: Catalog, name: str) -> Arm:
        ledger = await self._stack.enter_async_context(Ledger.open(self.folder / name))
        dispatcher = await self._stack.enter_async_context(Dispatcher(ledger, engine, catalog, min_free_bytes=0))

        async def paint(number: int, steps: int) -> None:
            request = catalog.request("box", f"bench {number}", seed=number, num_inference_steps=steps)
            job = await dispatcher.submit(request, Origin(f"person {number}"))
            async for update in dispatcher.watch(job.id):
                if update.generation is not None:
                    assert update.generation.status is Status.STORED, update.generation.error_text
                    (ledger.data_dir / update.generation.pictures[0].path).read_bytes()

        return paint

    def _service(self, url: str, http: aiohttp.ClientSession) -> Arm:
        async def paint(number: int, steps: int) -> None:
            body = {"prompt": f"bench {number}", "seed": number, "num_inference_steps": steps}
            async with http.post(f"{url}/api/generations", json=body) as answer:
                id = (await answer.json())["id"]
            async with http.get(f"{url}/api/generations/{id}/events") as answer:
                async for name, data in sse(answer):
                    if name == "done":
                        job = data["generation"]
            assert job["status"] == "stored", job["error"]
            async with http.get(url + job["pictures"][0]["url"]) as answer:
                await answer.read()
                assert answer.status == 200

        return paint

    def _openai(self, client: AsyncOpenAI) -> Arm:
        async def paint(number: int, steps: int) -> None:
            extra = {"seed": number, "num_inference_steps": steps}
            made = await client.images.generate(prompt=f"bench {number}", response_format="b64_json", extra_body=extra)
            assert made.data
            assert made.data[0].b64_json

        return paint


async def one_by_one(paths: Paths, pictures: int) -> dict[str, float]:
    """The median seconds of a picture, by arm."""
    took: dict[str, list[float]] = {name: [] for name in paths.arms}
    for number in range(-1, pictures):  # the first round warms up
        for name, paint in paths.arms.items():
            began = time.perf_counter()
            await paint(1000 + number, 100)
            if number >= 0:
                took[name].append(time.perf_counter() - began)
    return {name: statistics.median(times) for name, times in took.items()}


async def at_once(paths: Paths, clients: int) -> dict[str, float]:
    """Pictures a second while so many ask at once, by arm. An arm that loses one fails."""
    rates = {}
    for name, paint in paths.arms.items():
        began = time.perf_counter()
        if name == "engine":  # which has no queue of its own: as many at once as it takes
            room = asyncio.Semaphore(8)

            async def in_turn(number: int, room: asyncio.Semaphore = room, paint: Arm = paint) -> None:
                async with room:
                    await paint(number, 2)

            await asyncio.gather(*(in_turn(number) for number in range(clients)))
        else:
            await asyncio.gather(*(paint(number, 2) for number in range(clients)))
        rates[name] = clients / (time.perf_counter() - began)
    return rates


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=20)
    parser.add_argument("--clients", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        async with Paths(Path(folder)) as paths:
            seconds = await one_by_one(paths, options.pictures)
            rates = await at_once(paths, options.clients)
    print(f"| way | a picture of 1 s | over the engine | {options.clients} clients at once |")
    print("|---|---|---|---|")
    for name in seconds:
        over = seconds[name] / seconds["engine"] - 1
        print(f"| {name} | {seconds[name]:.3f} s | {over:+.1%} | {rates[name]:.1f} pictures/s |")


if __name__ == "__main__":
    asyncio.run(main())
