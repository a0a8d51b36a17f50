"""A device without a model, for a real worker process: each picture is noise from its seed, so all differ.

Words in the prompt say how painting goes: `die` ends the process, `hang` never comes back, `heavy` burns the CPU,
`slow` takes its time with each step. Every try is written to the file that EASEL_DRILL_TRIES names.
"""

from __future__ import annotations

import os
import time

import numpy as np

from engine.catalog import ModelSpec
from engine.config import EngineConfig
from engine.painting import OnStep, Pipeline, Pixels, Report, ShouldStop, Stopped
from engine.types import GenerationRequest

BACKEND = "tests.drills.box:Box"
TRIES = "EASEL_DRILL_TRIES"
STEP_S = 0.01
SLOW_STEP_S = 0.1


class Noise:
    bytes = 1_000_000
    exact = True

    def call(self, request: GenerationRequest, seed: int, on_step: OnStep, should_stop: ShouldStop) -> Pixels:
        if tries := os.environ.get(TRIES):
            with open(tries, "a", encoding="utf-8") as file:
                file.write(request.prompt + "\n")
        words = request.prompt.split()
        if "die" in words:
            os._exit(3)
        if "hang" in words:
            time.sleep(3600)
        for step in range(1, request.num_inference_steps + 1):
            if should_stop():
                raise Stopped
            if "heavy" in words:
                until = time.monotonic() + SLOW_STEP_S
                while time.monotonic() < until:
                    np.random.default_rng(seed).random(10_000).sort()
            time.sleep(SLOW_STEP_S if "slow" in words else STEP_S)
            on_step(step, request.num_inference_steps, lambda: None)
        return np.random.default_rng(seed).integers(0, 256, (request.height, request.width, 3), dtype=np.uint8)

    def save_memory(self) -> str | None:
        return None

    def close(self) -> None:
        """Nothing is held."""


class Box:
    device = "a box of noise"

    def __init__(self, config: EngineConfig) -> None:
        self.config = config

    def forwards(self) -> None:
        """Nothing here goes in rows."""

    def load(self, spec: ModelSpec, report: Report, should_stop: ShouldStop) -> Pipeline:
        return Noise()

    def estimate(self, spec: ModelSpec) -> int:
        return Noise.bytes

    def memory(self) -> tuple[int | None, int | None]:
        return None, None

    def last_words(self) -> str:
        return "Try a smaller size."
