"""An image service for tests: the real application on a real port, over an engine of the test's choice."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import uvicorn

from engine.catalog import Catalog
from engine.config import Settings
from engine.dispatch import Dispatcher
from engine.house import House
from engine.ledger import Ledger
from engine.service.app import app
from engine.service.desk import Desk
from engine.service.keys import KeyRing
from engine.service.metrics import Counted, Metrics
from engine.service.security import Doorman
from engine.service.server import RUNNING, Server, listening
from engine.types import Engine
from tests.fakes import FakeEngine, small_catalog

ROOT = Path(__file__).parent.parent


@dataclass
class Serving:
    """A service that runs. `engine` is the one under it."""

    url: str
    desk: Desk
    engine: Any
    http: aiohttp.ClientSession

    async def get(self, path: str, **options: Any) -> tuple[int, Any]:
        return await self.ask("GET", path, **options)

    async def post(self, path: str, body: Any = None, **options: Any) -> tuple[int, Any]:
        return await self.ask("POST", path, json=body, **options)

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """The status, and the body as JSON."""
        async with self.http.request(method, self.url + path, **options) as answer:
            return answer.status, await answer.json()

    async def events(self, path: str, method: str = "GET", **options: Any) -> AsyncIterator[tuple[str, Any]]:
        async with self.http.request(method, self.url + path, **options) as answer:
            assert answer.status == 200, await answer.text()
            async for event in sse(answer):
                yield event

    async def done(self, id: str, **options: Any) -> Any:
        """Waits for a job, and returns it."""
        async for name, data in self.events(f"/api/generations/{id}/events", **options):
            if name == "done":
                return data["generation"]
        raise AssertionError("the stream ended before the job")


async def sse(answer: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, Any]]:
    name = ""
    async for line in answer.content:
        field, _, value = line.decode().rstrip("\n").partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)


@contextlib.asynccontextmanager
async def serving(
    data_dir: Path,
    engine: Engine | None = None,
    *,
    catalog: Catalog | None = None,
    port: int = 0,
    service: dict[str, Any] | None = None,
    **settings: Any,
) -> AsyncIterator[Serving]:
    """Opened as `engine.service.server.run` does, with `engine` where the local one would be."""
    engine = engine or FakeEngine()
    catalog = catalog or small_catalog()
    chosen = Settings.model_validate(
        {"storage": {"data_dir": data_dir, "min_free_mb": 0}, "service": service or {}, **settings}
    )
    keys, metrics = KeyRing(data_dir), Metrics()
    counted = Counted(engine, metrics)
    async with (
        Ledger.open(data_dir) as ledger,
        Dispatcher(ledger, counted, catalog, min_free_bytes=0, drain_s=0) as dispatcher,
        dispatcher.subscribe() as updates,
    ):
        following = asyncio.create_task(metrics.follow(updates))
        desk = Desk(chosen, House(catalog, ledger, counted, dispatcher), Doorman(keys, bool(keys)), metrics)
        with listening("127.0.0.1", port) as socket:
            url = f"http://127.0.0.1:{socket.getsockname()[1]}"
            config = uvicorn.Config(
                app(desk), log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1
            )
            server = Server(config)
            running = asyncio.create_task(server.serve(sockets=[socket]))
            try:
                async with aiohttp.ClientSession() as http:
                    yield Serving(url, desk, engine, http)
            finally:
                server.should_exit = True
                await running
                following.cancel()


BOX = """
default_model = "box"
drain_s = 5
[storage]
min_free_mb = 0
[service]
port = 0
[[models]]
key = "box"
repository = "/nowhere"
best_for = "tests"
defaults = { num_inference_steps = 4, guidance_scale = 1.0, width = 64, height = 64, sampler = "DDIM" }
ranges = { size = [64, 128], num_inference_steps = [1, 100] }
"""
"""A configuration for `tests.drills.box`, whose prompts say how painting goes."""


@dataclass
class Child:
    """`python -m engine serve` as a process of its own."""

    process: subprocess.Popen[bytes]
    url: str
    folder: Path

    @property
    def log(self) -> str:
        return (self.folder / "output.txt").read_text()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def service_process(
    folder: Path, config: str = BOX, *arguments: str, backend: str | None = "tests.drills.box:Box", **environment: str
) -> Iterator[Child]:
    """Ready once it is yielded; stopped as SIGTERM stops it. `backend` None: diffusers."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").write_text(config)
    module = ["tests.service_child", backend] if backend else ["engine"]
    command = [sys.executable, "-m", *module, "serve", "--config", str(folder / "config.toml"), *arguments]
    with (folder / "output.txt").open("ab") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=output, stderr=output, env=os.environ | {"OMP_NUM_THREADS": "1"} | environment
        )
    child = Child(process, "", folder)
    try:
        child.url = _listening(child)
        yield child
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            child.kill()
            raise


def _listening(child: Child) -> str:
    note = child.folder / "data" / RUNNING
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert child.process.poll() is None, f"the service ended by itself:\n{child.log}"
        with contextlib.suppress(OSError, ValueError):
            found = json.loads(note.read_text())
            if found["pid"] == child.process.pid:
                with urllib.request.urlopen(f"{found['url']}/ready", timeout=10):
                    return str(found["url"])
        time.sleep(0.05)
    raise AssertionError(f"the service was not ready in a minute:\n{child.log}")
