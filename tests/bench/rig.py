"""What the parts of the GPU suite share: the device, the models on it, its clock, and how much time is left."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.config import EngineConfig
from engine.forwards import Forwards
from engine.painting import Pixels
from engine.pipelines import UnetPipeline
from engine.stepper import Stepper
from engine.types import GenerationRequest
from tests.bench import models
from tests.bench.models import Kind

Report = dict[str, Any]


@dataclass
class Rig:
    """One run of the suite. Models are built when they are first asked for, and kept."""

    device: torch.device
    dtype: torch.dtype
    kinds: Mapping[str, Kind]
    scratch: Path
    """A folder for tokenizers and saved models."""
    ends: float
    """When the run must be over, by time.monotonic()."""
    compile: bool
    """Whether networks can be compiled here."""
    _kept: dict[Any, Any] = field(default_factory=dict)

    @property
    def tiny(self) -> bool:
        return any(kind.tiny for kind in self.kinds.values())

    @property
    def left(self) -> float:
        """Seconds."""
        return self.ends - time.monotonic()

    @property
    def config(self) -> EngineConfig:
        return EngineConfig(device="cuda" if self.device.type == "cuda" else "cpu", compile=self.compile)

    # -- models

    def plain(self, kind: Kind, dtype: torch.dtype, *, channels_last: bool = False) -> Any:
        """A diffusers pipeline, as it comes or with its networks' memory laid out for the convolutions."""
        key = ("plain", kind.name, dtype, channels_last)
        if key not in self._kept:
            pipe = models.build(kind, self.device, dtype, self.scratch / "words")
            if channels_last:
                for part in (pipe.unet, pipe.vae):
                    part.to(memory_format=torch.channels_last)
            self._kept[key] = pipe
        return self._kept[key]

    def ours(self, kind: Kind) -> UnetPipeline:
        """The engine's own pipeline of that model, as it runs people's pictures."""
        key = ("ours", kind.name)
        if key not in self._kept:
            pipe = self.plain(kind, self.dtype, channels_last=True)  # the networks may be shared: nothing is changed
            self._kept[key] = UnetPipeline(kind.spec, pipe, self.device, self.config)
        return self._kept[key]  # type: ignore[no-any-return]

    def compiled(self, module: torch.nn.Module) -> Any:
        """The network compiled whole, for the one shape that it is called with first."""
        key = ("compiled", id(module))
        if key not in self._kept:
            self._kept[key] = torch.compile(module, fullgraph=True, dynamic=False)
        return self._kept[key]

    def forget(self, *words: str) -> None:
        """Gives back what is kept under all of those names."""
        for key in [key for key in self._kept if set(words) <= {str(part) for part in key}]:
            del self._kept[key]
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def rows(self, kind: Kind, count: int) -> tuple[tuple[torch.Tensor, ...], dict[str, Any]]:
        """Random arguments of a UNet's call: noise, timesteps, embeddings, and what SDXL is told besides."""
        config = models.unet_shape(kind)
        chance = torch.Generator().manual_seed(count)

        def random(*shape: int, dtype: torch.dtype = self.dtype) -> torch.Tensor:
            return torch.randn(shape, generator=chance).to(self.device, dtype)

        side = kind.pixels // 8
        times = torch.linspace(900, 100, count).to(self.device)
        words = random(count, 77, config["cross_attention_dim"])
        added = None
        if kind.xl:
            wide = config["projection_class_embeddings_input_dim"] - 6 * config["addition_time_embed_dim"]
            sizes = torch.tensor([[kind.pixels, kind.pixels, 0, 0, kind.pixels, kind.pixels]] * count)
            added = {"text_embeds": random(count, wide), "time_ids": sizes.to(self.device, self.dtype)}
        return (random(count, 4, side, side), times, words), {"added_cond_kwargs": added, "return_dict": False}

    # -- the clock

    def wait(self) -> None:
        """Until the device has nothing left to do."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def seconds(self, work: Callable[[], object]) -> float:
        """Of the wall, from an idle device to an idle device."""
        self.wait()
        begun = time.perf_counter()
        work()
        self.wait()
        return time.perf_counter() - begun

    def milliseconds(self, work: Callable[[], object], repeats: int) -> float:
        """Of the device, a call, the mean over `repeats` of them back to back."""
        if self.device.type != "cuda":
            return 1000 * self.seconds(lambda: [work() for _ in range(repeats)]) / repeats
        first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
        first.record()
        for _ in range(repeats):
            work()
        last.record()
        last.synchronize()
        return float(first.elapsed_time(last)) / repeats

    def compare(
        self,
        arms: Mapping[str, Callable[[], object]],
        *,
        rounds: int = 5,
        repeats: int = 5,
        limit: float = 20,
        wall: bool = False,
    ) -> dict[str, float]:
        """Median milliseconds of each arm: all of them in turn, round after round, until `limit` seconds are over.

        `wall` takes the time of the wall for a call, else that of the device. Each arm ran once before.
        """
        for work in arms.values():
            work()
        self.wait()
        repeats = 2 if self.tiny else repeats
        times: dict[str, list[float]] = {name: [] for name in arms}
        until = time.monotonic() + min(limit, max(0.0, self.left))
        for number in range(2 if self.tiny else rounds):
            for name, work in arms.items():
                times[name].append(1000 * self.seconds(work) if wall else self.milliseconds(work, repeats))
            if time.monotonic() > until and number:
                break
        return {name: statistics.median(took) for name, took in times.items()}

    # -- pictures

    def paint(self, kind: Kind, requests: list[GenerationRequest], *, exact: bool = True) -> list[Pixels]:
        """Those pictures together, through the engine's stepper."""
        stepper = Stepper(Forwards(), exact=exact)
        try:
            futures = [stepper.join(self.ours(kind), request, request.seed) for request in requests]
            stepper.run()
            return [future.result().pixels for future in futures]
        finally:
            stepper.close()


def call(pipe: Any, request: GenerationRequest, **options: Any) -> Pixels:
    """A picture by diffusers' own call."""
    picture = pipe(
        request.prompt,
        width=request.width,
        height=request.height,
        num_inference_steps=request.num_inference_steps,
        guidance_scale=request.guidance_scale,
        generator=torch.Generator("cpu").manual_seed(request.seed),
        **options,
    ).images[0]
    return np.asarray(picture)


def difference(one: Pixels, other: Pixels) -> dict[str, float]:
    """Out of 255: the largest, and the mean."""
    gap = np.abs(one.astype(np.int16) - other)
    return {"largest": int(gap.max()), "mean": round(float(gap.mean()), 4)}
