"""An engine that paints one colour from the seed, without a worker: for tests of everything above the first seam."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from PIL import Image

from engine.catalog import Catalog, Defaults, ModelSpec, Ranges
from engine.types import EngineStatus, Event, GenerationRequest, Loading, ModelState, Picture, Progress, Sampler


def paint(request: GenerationRequest, seed: int) -> bytes:
    """The PNG that `FakeEngine` paints."""
    file = io.BytesIO()
    color = (seed % 256, seed // 256 % 256, len(request.prompt) % 256)
    Image.new("RGB", (request.width, request.height), color).save(file, "PNG")
    return file.getvalue()


def small_catalog(*keys: str) -> Catalog:
    """Models of 64 to 128 pixels and 1 to 50 steps."""
    defaults = Defaults(width=64, height=64, num_inference_steps=2, guidance_scale=2.0, sampler=Sampler.DDIM)
    ranges = Ranges(num_inference_steps=(1, 50), guidance_scale=(1.0, 10.0), size=(64, 128))
    names = keys or ("tiny", "other")
    return Catalog(ModelSpec(key=key, repository="nowhere/at-all", defaults=defaults, ranges=ranges) for key in names)


@dataclass
class FakeEngine:
    """Knobs: `slots` is how many requests it takes at once (0 refuses all), `step_s` what a step takes.

    `errors` are raised one a request, first come first; None lets one through. `gate`, where given, must be set before
    a step is done: an engine whose gate is never set hangs.
    """

    slots: int = 1
    step_s: float = 0.0
    errors: list[Exception | None] = field(default_factory=list)
    gate: asyncio.Event | None = None
    keys: tuple[str, ...] = ("tiny", "other")
    loaded: set[str] = field(default_factory=set)
    started: list[int] = field(default_factory=list)
    cancelled: list[int] = field(default_factory=list)
    active: list[int] = field(default_factory=list)
    most: int = 0
    """How many requests it had at once, at most."""
    busy: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the first request began."""

    async def generate(self, id: int, request: GenerationRequest) -> AsyncIterator[Event]:
        self.started.append(id)
        self.active.append(id)
        self.most = max(self.most, len(self.active))
        self.busy.set()
        done = False
        try:
            if request.model not in self.loaded:
                yield Loading(0.5, "half of it")
                self.loaded.add(request.model)
            if self.errors and (error := self.errors.pop(0)) is not None:
                raise error
            for step in range(request.num_inference_steps):
                if self.gate is not None:
                    await self.gate.wait()
                await asyncio.sleep(self.step_s)
                yield Progress(step + 1, request.num_inference_steps)
            for position in range(request.num_images):
                seed = request.seed + position
                yield Picture(position, seed, paint(request, seed), request.width, request.height)
            done = True
        finally:
            self.active.remove(id)
            if not done:
                self.cancelled.append(id)

    async def models(self) -> list[ModelState]:
        return [ModelState(key, "loaded" if key in self.loaded else "on disk") for key in self.keys]

    async def load(self, key: str) -> AsyncIterator[Event]:
        yield Loading(0.5, "half of it")
        self.loaded.add(key)

    async def unload(self, key: str) -> None:
        self.loaded.discard(key)

    async def status(self) -> EngineStatus:
        return EngineStatus(device="fake", free=self.slots - len(self.active), running=tuple(self.active))

    async def aclose(self) -> None:
        """Nothing is held."""
