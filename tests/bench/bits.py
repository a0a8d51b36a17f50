"""Do a picture's bits depend on who is painted beside it? The question, put to any pipeline on any device."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.forwards import Forwards
from engine.painting import Pixels, SteppedPipeline
from engine.stepper import Painted, Stepper
from engine.types import GenerationRequest


@dataclass(frozen=True, slots=True)
class Bits:
    """How pictures painted among others compare with the same ones painted alone."""

    pictures: int
    different: int
    """Pictures with at least one value that is not the same."""
    largest: int
    """Of those differences, out of 255."""
    values: float
    """The share of values that differ, over all pictures."""

    @property
    def equal(self) -> bool:
        return self.different == 0


def alone(pipeline: SteppedPipeline, request: GenerationRequest, *, bucket: int | None = None) -> Painted:
    stepper = Stepper(Forwards(), bucket=bucket)
    try:
        future = stepper.join(pipeline, request, request.seed)
        stepper.run()
        return future.result()
    finally:
        stepper.close()


def crowded(
    pipeline: SteppedPipeline,
    requests: Sequence[GenerationRequest],
    *,
    bucket: int | None = None,
    exact: bool = True,
    shuffle: int = 0,
) -> list[Painted]:
    """All of them together: in an order and with pauses that follow from `shuffle`, so that they meet at all steps."""
    chance = random.Random(shuffle)
    stepper = Stepper(Forwards(), bucket=bucket, exact=exact)
    order = chance.sample(range(len(requests)), len(requests))
    futures = {}
    try:
        for number in order:
            futures[number] = stepper.join(pipeline, requests[number], requests[number].seed)
            for _ in range(chance.randrange(4)):
                stepper.step()
        stepper.run()
        return [futures[number].result() for number in range(len(requests))]
    finally:
        stepper.close()


def compare(ones: Sequence[Pixels], others: Sequence[Pixels]) -> Bits:
    gaps = [np.abs(one.astype(np.int16) - other) for one, other in zip(ones, others, strict=True)]
    values = sum(gap.size for gap in gaps)
    return Bits(
        pictures=len(gaps),
        different=sum(bool(gap.any()) for gap in gaps),
        largest=max(int(gap.max()) for gap in gaps),
        values=sum(int((gap > 0).sum()) for gap in gaps) / values,
    )


def neighbours(
    pipeline: SteppedPipeline,
    requests: Sequence[GenerationRequest],
    *,
    bucket: int | None = None,
    exact: bool = True,
    shuffles: int = 2,
) -> Bits:
    """Each request painted alone, then `shuffles` times among the others."""
    lonely = [alone(pipeline, request, bucket=bucket).pixels for request in requests]
    together = [
        painted.pixels
        for shuffle in range(shuffles)
        for painted in crowded(pipeline, requests, bucket=bucket, exact=exact, shuffle=shuffle)
    ]
    return compare(lonely * shuffles, together)
