"""The second seam: what the worker asks of a model and of the machine it runs on.

Implemented over diffusers in `engine.pipelines` and `engine.loading`, and by plain functions in tests. Everything here
is synchronous; a model is loaded on one thread, painted with on another, and its latents are decoded on a third.
Nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeGuard

import numpy as np
from numpy.typing import NDArray

from engine.catalog import ModelSpec
from engine.types import GenerationRequest

if TYPE_CHECKING:
    import torch

    from engine.forwards import Forwards
    from engine.samplers import Table

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


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the UNet is told beside the latents: one row for a prompt, or two with guidance, the negative one first."""

    embeddings: torch.Tensor
    """(rows, tokens, channels)."""
    pooled: torch.Tensor | None = None
    """(rows, channels): of SDXL."""
    time_ids: torch.Tensor | None = None
    """(rows, 6): of SDXL, the sizes and the crop."""


class SteppedPipeline(Pipeline, Protocol):
    """A model that can be taken apart, so that the rows of many pictures share its forwards. See `engine.stepper`."""

    @property
    def guidable(self) -> bool:
        """Whether its pictures can need a second row."""
        ...

    @property
    def offloaded(self) -> bool:
        """Its parts take turns on the device: nothing is decoded beside a forward."""
        ...

    def table(self, request: GenerationRequest) -> Table | None:
        """The request's sampler as coefficients; None where it has to be painted by `call`."""
        ...

    def encode(self, request: GenerationRequest) -> Conditions:
        """One row, or two where the guidance scale is above 1."""
        ...

    def latents(self, request: GenerationRequest, generator: torch.Generator) -> torch.Tensor:
        """(1, channels, height, width): that generator's noise, on the device, in the UNet's numbers."""
        ...

    def unet(self, latents: torch.Tensor, timesteps: torch.Tensor, conditions: Conditions) -> torch.Tensor:
        """What the UNet predicts for these rows: latents already scaled for their timesteps (rows,).

        Conditions come again as the same object while the same pictures are in the same rows.
        """
        ...

    def decode(self, latents: torch.Tensor) -> Pixels:
        """(1, channels, height, width) as the sampler leaves them -> a picture, also beside a forward."""
        ...

    def preview(self, latents: torch.Tensor) -> Pixels | None:
        """A small picture of such latents, much cheaper; also beside a forward."""
        ...

    def watched(self, should_stop: ShouldStop) -> AbstractContextManager[None]:
        """Within, each block of each network asks first and raises Stopped, for this thread alone."""
        ...


def can_be_stepped(pipeline: Pipeline) -> TypeGuard[SteppedPipeline]:
    return hasattr(pipeline, "table")


class Backend(Protocol):
    """The device, and how models get there."""

    device: str
    """As people read it: "NVIDIA H100 (bf16)", "CPU (fp32)"."""

    def forwards(self) -> Forwards | None:
        """What runs rows on the device; None where its models are all painted by `call`."""
        ...

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
