"""How fast this machine paints: `python -m engine bench`, through the same engine as everybody's pictures."""

from __future__ import annotations

import asyncio
import itertools
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from engine import hub
from engine.catalog import Catalog, ModelSpec
from engine.config import Settings
from engine.errors import EaselError
from engine.local import LocalEngine
from engine.types import Engine, GenerationRequest, Picture

AT_ONCE = 4
"""Requests that are always on their way while pictures a second are counted."""

FEWEST = 3
"""Pictures that a median is taken of at least, however slow they are."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured; pictures have the model's default size, steps and guidance."""

    model: str
    device: str
    width: int
    height: int
    steps: int
    cfg: float
    load_s: float
    """From a worker that was not even started to a model that is ready."""
    latency_s: float
    """The median of pictures painted alone, PNG file included."""
    pictures_a_second: float
    """With several people asking at once."""
    at_once: int
    pictures: int
    """How many were painted for it."""
    peak_tflops: float | None = None
    """Of a large matrix product on this device, in the numbers that the model is painted in."""
    share_of_peak: float | None = None
    """The UNet's arithmetic in those pictures ÷ what the device could have done in that time. None: not a UNet."""

    def as_json(self) -> str:
        return json.dumps(asdict(self), indent=1) + "\n"


async def measure(
    settings: Settings, key: str, seconds: float, *, backend: str = "engine.loading:Diffusers"
) -> Figures:
    """Loads the model and paints with it for about so long. Raises NotFound, and EaselError where it is not here."""
    catalog = settings.catalog()
    spec = catalog.get(key)
    if not hub.sizes_on_disk([spec], settings.engine.models_dir):
        hint = "Its folder or file is missing." if hub.is_local(spec.repository) else _HOW_TO_GET.format(key=key)
        raise EaselError(f"{key} is not on this machine. {hint}")
    begun = time.perf_counter()
    async with LocalEngine(settings.engine, catalog, backend=backend) as engine:
        async for _ in engine.load(key):
            pass  # how far it is
        load_s = time.perf_counter() - begun
        figures = await timed(engine, catalog, spec, seconds, load_s)
    return await asyncio.to_thread(_with_share, figures, settings, spec)


_HOW_TO_GET = 'Paint with it once, which downloads it: python -m engine imagine --model {key} "a red fox"'


async def timed(engine: Engine, catalog: Catalog, spec: ModelSpec, seconds: float, load_s: float) -> Figures:
    """Pictures painted alone for a third of the time, then several at once for the rest."""
    requests = _requests(catalog, spec)
    numbers = itertools.count(1)
    await _paint(engine, next(numbers), next(requests))  # kernels are chosen and memory is taken at the first one
    alone: list[float] = []
    until = time.perf_counter() + seconds / 3
    while len(alone) < FEWEST or time.perf_counter() < until:
        begun = time.perf_counter()
        await _paint(engine, next(numbers), next(requests))
        alone.append(time.perf_counter() - begun)
    ends: list[float] = []
    begun = time.perf_counter()
    until = begun + seconds * 2 / 3

    async def person() -> None:
        while len(ends) < FEWEST or time.perf_counter() < until:
            await _paint(engine, next(numbers), next(requests))
            ends.append(time.perf_counter())

    await asyncio.gather(*(person() for _ in range(AT_ONCE)))
    defaults = spec.defaults
    return Figures(
        model=spec.key,
        device=(await engine.status()).device,
        width=defaults.width,
        height=defaults.height,
        steps=defaults.num_inference_steps,
        cfg=defaults.guidance_scale,
        load_s=round(load_s, 3),
        latency_s=round(statistics.median(alone), 4),
        pictures_a_second=round(len(ends) / (max(ends) - begun), 4),
        at_once=AT_ONCE,
        pictures=len(alone) + len(ends) + 1,
    )


def _requests(catalog: Catalog, spec: ModelSpec) -> Iterator[GenerationRequest]:
    """The model's defaults, with a prompt and a seed for each."""
    for number in itertools.count(1):
        yield catalog.request(spec.key, f"a red fox in the snow, number {number}", seed=number)


async def _paint(engine: Engine, id: int, request: GenerationRequest) -> None:
    pictures = [event async for event in engine.generate(id, request) if isinstance(event, Picture)]
    assert len(pictures) == request.num_images


def _with_share(figures: Figures, settings: Settings, spec: ModelSpec) -> Figures:
    """Asks a process of its own, which may import torch, once the engine has left the device."""
    asked = {"config": settings.engine.model_dump(mode="json"), "spec": spec.model_dump(mode="json")}
    answer = subprocess.run(
        [sys.executable, "-m", "engine.peak"], input=json.dumps(asked), capture_output=True, text=True, check=False
    )
    if answer.returncode:
        return figures
    peak, forward = (json.loads(answer.stdout.splitlines()[-1])[name] for name in ("peak_tflops", "forward_tflop"))
    rows = 2 if figures.cfg > 1 else 1
    share = None if forward is None else forward * rows * figures.steps * figures.pictures_a_second / peak
    return Figures(
        **asdict(figures) | {"peak_tflops": round(peak, 3), "share_of_peak": None if share is None else round(share, 4)}
    )
