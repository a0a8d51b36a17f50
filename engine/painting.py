"""The second seam: what the worker asks of a model and of the machine it runs on.

Implemented over diffusers in `engine.pipelines`, and by plain functions in tests. Everything here is synchronous
and runs on the worker's painting thread; nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.catalog import ModelSpec
from engine.types import GenerationRequest

Pixels = NDArray[np.uint8]
"""A picture: (height, width, 3), RGB."""

OnStep = Callable[[int, int, Callable[[], Pixels | None]], None]
"""Called after each step with (steps done, steps in all, a function that makes a small preview when asked)."""

ShouldStop = Callable[[], bool]

Report = Callable[[float | None, str], None]
"""How a load goes: the fraction that is done, None while unknown, and what is being done."""


class Stopped(Exception):
    """`should_stop` said so: the picture, or the load, was given up."""


class NoMemory(Exception):
    """The device's memory ran out; its pieces have been given back, and a smaller try may fit."""


class Pipeline(Protocol):
    """A loaded model."""

    @property
    def bytes(self) -> int:
        """What the model takes of the device's memory."""
        ...

    @property
    def exact(self) -> bool:
        """False once a saving changes pixels: the same seed may give slightly other ones."""
        ...

    def call(self, request: GenerationRequest, seed: int, on_step: OnStep, should_stop: ShouldStop) -> Pixels:
        """One picture, from a generator of its own, so that its pixels do not depend on its neighbours.

        Raises Stopped within a step (and does not decode), and NoMemory.
        """
        ...

    def save_memory(self) -> str | None:
        """Goes one saving further and names it; None when none is left."""
        ...

    def close(self) -> None:
        """Gives the memory back."""
        ...


class Backend(Protocol):
    """The device, and how models get there."""

    device: str
    """As people read it: "NVIDIA H100 (bf16)", "CPU (fp32)"."""

    def load(self, spec: ModelSpec, report: Report, should_stop: ShouldStop) -> Pipeline:
        """Raises ModelUnavailable, NoMemory and Stopped."""
        ...

    def estimate(self, spec: ModelSpec) -> int:
        """What the model will about take of the memory, in bytes; 0 when unknown."""
        ...

    def memory(self) -> tuple[int | None, int | None]:
        """(used, total) in bytes; None where the device does not tell."""
        ...

    def last_words(self) -> str:
        """What a person can do when even every saving was not enough."""
        ...
