"""A model of three convolutions that goes in rows, and a backend for it: what a big one does, in a millisecond.

Its knobs stand in for what goes wrong: memory that runs out, a prompt that the model cannot take, a decoder that hangs.
"""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch

from engine.catalog import Catalog, Defaults, ModelSpec, Ranges
from engine.config import EngineConfig
from engine.forwards import Forwards
from engine.painting import Conditions, OnStep, Pixels, Report, ShouldStop, Stopped
from engine.samplers import Table, table
from engine.types import GenerationRequest, Sampler

BACKEND = "tests.steppable:Easel"
SCHEDULE = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
    "timestep_spacing": "leading",
    "steps_offset": 1,
    "clip_sample": False,
    "set_alpha_to_one": False,
}
DEFAULTS = Defaults(width=64, height=64, num_inference_steps=5, guidance_scale=4, sampler=Sampler.DDIM)
RANGES = Ranges(size=(64, 128), guidance_scale=(0, 20))
CATALOG = Catalog(
    ModelSpec(key=key, repository="/nowhere", defaults=DEFAULTS, ranges=RANGES) for key in ("plain", "other")
)


def ask(prompt: str = "a fox", model: str = "plain", **options: object) -> GenerationRequest:
    return CATALOG.request(model, prompt, **{"seed": 7} | options)


def live_tensors() -> int:
    gc.collect()
    return sum(isinstance(each, torch.Tensor) for each in gc.get_objects())


def weights(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) / np.prod(shape[1:]) ** 0.5


@dataclass(eq=False)
class Convolutions:
    """`starved` is asked before each forward with its rows and its number: True runs out of memory."""

    starved: Callable[[int, int], bool] = lambda rows, forward: False
    decodes_starved: int = 0
    """So many decodes run out of memory."""
    decoding: threading.Event = field(default_factory=threading.Event)
    """Decoding waits for it; it is set unless a test clears it."""
    savings: list[str] = field(default_factory=lambda: ["VAE tiling", "CPU offload"])
    guidable: bool = True
    bytes: int = 1_000_000
    exact: bool = True
    offloaded: bool = False
    forwards: list[int] = field(default_factory=list)
    """The rows of each forward."""
    seen_prompts: list[list[float]] = field(default_factory=list)
    decoded: int = 0
    previewed: int = 0
    called: int = 0

    def __post_init__(self) -> None:
        self.decoding.set()
        self._into, self._out = weights(16, 4, 3, 3, seed=1), weights(4, 16, 3, 3, seed=2)
        self._words, self._colours = weights(16, 8, seed=3), weights(3, 4, 1, 1, seed=4)

    def table(self, request: GenerationRequest) -> Table | None:
        return table(request.sampler, request.num_inference_steps, SCHEDULE)

    def encode(self, request: GenerationRequest) -> Conditions:
        texts = [request.prompt] if request.guidance_scale <= 1 else [request.negative_prompt, request.prompt]
        longest = max(1, *(len(text) // 77 + 1 for text in texts))
        rows = [weights(longest, 8, seed=sum(text.encode())) + 10 * ("raise" in text) for text in texts]
        return Conditions(torch.stack(rows))

    def latents(self, request: GenerationRequest, generator: torch.Generator) -> torch.Tensor:
        return torch.randn((1, 4, request.height // 8, request.width // 8), generator=generator)

    def unet(self, latents: torch.Tensor, timesteps: torch.Tensor, conditions: Conditions) -> torch.Tensor:
        self.forwards.append(len(latents))
        if self.starved(len(latents), len(self.forwards)):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        if (conditions.embeddings.mean(dim=(1, 2)) > 5).any():
            raise RuntimeError("the tensors do not fit")
        words = conditions.embeddings.mean(dim=1) @ self._words.T + torch.sin(timesteps / 50)[:, None]
        inner = torch.nn.functional.conv2d(latents, self._into, padding=1) + words[..., None, None]
        return torch.nn.functional.conv2d(torch.tanh(inner), self._out, padding=1)

    def decode(self, latents: torch.Tensor) -> Pixels:
        self.decoding.wait()
        if self.decodes_starved:
            self.decodes_starved -= 1
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        self.decoded += 1
        colours = torch.nn.functional.conv2d(torch.nn.functional.interpolate(latents, scale_factor=8), self._colours)
        return np.ascontiguousarray((torch.sigmoid(colours[0]) * 255).byte().movedim(0, -1).numpy())

    def preview(self, latents: torch.Tensor) -> Pixels:
        self.previewed += 1
        return (torch.sigmoid(latents[0, :3]) * 255).byte().movedim(0, -1).numpy()

    def call(self, request: GenerationRequest, seed: int, on_step: OnStep, should_stop: ShouldStop) -> Pixels:
        """A whole call: the colour of the seed."""
        self.called += 1
        pixels = np.full((request.height, request.width, 3), seed % 256, np.uint8)
        for step in range(request.num_inference_steps):
            if should_stop():
                raise Stopped
            on_step(step + 1, request.num_inference_steps, lambda: pixels)
        return pixels

    @contextlib.contextmanager
    def watched(self, should_stop: ShouldStop) -> Iterator[None]:
        if should_stop():
            raise Stopped
        yield

    def save_memory(self) -> str | None:
        return self.savings.pop(0) if self.savings else None

    def close(self) -> None:
        """Nothing is held."""


class Easel:
    """The backend."""

    device = "three convolutions"

    def __init__(self, config: EngineConfig) -> None:
        """Nothing to choose."""

    def forwards(self) -> Forwards:
        return Forwards()

    def load(self, spec: ModelSpec, report: Report, should_stop: ShouldStop) -> Convolutions:
        return Convolutions()

    def estimate(self, spec: ModelSpec) -> int:
        return 1_000_000

    def memory(self) -> tuple[int | None, int | None]:
        return None, None

    def last_words(self) -> str:
        return "Try a smaller size."


@dataclass
class Watching:
    """A watcher that remembers; `stop_at` gives up after that step."""

    stop_at: int = 1000
    previews: bool = False
    steps: list[int] = field(default_factory=list)
    seen: list[Pixels] = field(default_factory=list)

    def should_stop(self) -> bool:
        return len(self.steps) >= self.stop_at

    def stepped(self, step: int, of: int) -> bool:
        self.steps.append(step)
        return self.previews

    def preview(self, pixels: Pixels) -> None:
        self.seen.append(pixels)
