"""A backend without a model: it paints one colour, made from the seed. The prompt says how it behaves.

slowly      fifty steps; ends early only when asked to stop
hang        never comes back
die         ends the process
raise       raises
hungry N    has too little memory N times
chatter     prints to standard output from Python and below it
asleep      white where threads sleep while they wait for each other
"""

from __future__ import annotations

import os
import threading
import time

import numpy as np

from engine.catalog import Catalog, Defaults, ModelSpec, Ranges
from engine.config import EngineConfig
from engine.errors import ModelUnavailable
from engine.painting import NoMemory, OnStep, Pixels, Report, ShouldStop, Stopped
from engine.types import GenerationRequest, Sampler

BACKEND = "tests.paintbox:Paintbox"
MEGABYTE = 1_000_000
SAVINGS = ("VAE tiling", "CPU offload")

hang = threading.Event()
"""Set by a test to let go of what hangs in a thread."""


def catalog() -> Catalog:
    defaults = Defaults(width=64, height=64, num_inference_steps=3, sampler=Sampler.DDIM)
    keys = ("plain", "second", "third", "broken", "gone", "sluggish")
    return Catalog(
        [ModelSpec(key=key, repository="/nowhere", defaults=defaults, ranges=Ranges(size=(64, 128))) for key in keys]
    )


class Colour:
    def __init__(self) -> None:
        self.bytes = 400 * MEGABYTE
        self.exact = True
        self.savings = list(SAVINGS)
        self.closed = False

    def call(self, request: GenerationRequest, seed: int, on_step: OnStep, should_stop: ShouldStop) -> Pixels:
        colour = np.full((request.height, request.width, 3), seed % 256, np.uint8)
        match request.prompt.split():
            case ["hang"]:
                hang.wait()
            case ["die"]:
                os._exit(3)
            case ["raise"]:
                raise RuntimeError("the tensors do not fit")
            case ["hungry", times]:
                if len(SAVINGS) - len(self.savings) < int(times):
                    raise NoMemory
            case ["chatter"]:
                print("a library prints", flush=True)
                os.write(1, b"\0\0\0\1 and so does what is written in C\n")
            case ["asleep"] if os.environ.get("OMP_WAIT_POLICY") == "PASSIVE":
                colour[:] = 255
        steps = 50 if request.prompt == "slowly" else request.num_inference_steps
        for step in range(1, steps + 1):
            if should_stop():
                raise Stopped
            if request.prompt == "slowly":
                time.sleep(0.02)
            on_step(step, steps, lambda: colour)
        return colour

    def save_memory(self) -> str | None:
        return self.savings.pop(0) if self.savings else None

    def close(self) -> None:
        self.closed = True


class Paintbox:
    device = "a box of paint"

    def __init__(self, config: EngineConfig) -> None:
        self.loads: list[str] = []

    def forwards(self) -> None:
        """Nothing here goes in rows."""

    def load(self, spec: ModelSpec, report: Report, should_stop: ShouldStop) -> Colour:
        self.loads.append(spec.key)
        if spec.key == "broken":
            raise ModelUnavailable(spec.key, "its unet cannot be loaded.", "Delete it and load it again.")
        while spec.key == "sluggish":
            report(None, "Loading for ever")
            if should_stop():
                raise Stopped
            time.sleep(0.01)
        for part in range(4):
            report(part / 4, f"Loading part {part}")
        return Colour()

    def estimate(self, spec: ModelSpec) -> int:
        return 400 * MEGABYTE

    def memory(self) -> tuple[int | None, int | None]:
        return 1, 1000 * MEGABYTE

    def last_words(self) -> str:
        return "Try a smaller size."
