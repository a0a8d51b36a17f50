"""When jobs will start, told from what each model took before. Pure.

A rough guess by design: it plays the queue in the order in which it would start now, on as many slots as the engine
has. Whoever asks for more later changes it.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Mapping, Sequence

from engine.fairness import Queued
from engine.updates import Position


def positions(
    order: Sequence[Queued], speeds: Mapping[str, float], running: Iterable[tuple[Queued, float]], slots: int
) -> dict[int, Position]:
    """The place of each job of `order`, by id.

    `speeds` are seconds for a unit of `Queued.work`, by model; `running` the jobs under way, and the fraction done.
    """
    free_at = [seconds(job, speeds) * (1 - done) for job, done in running]
    free_at += [0.0] * (slots - len(free_at))
    heapq.heapify(free_at)
    found: dict[int, Position] = {}
    for ahead, job in enumerate(order):
        start = heapq.heappop(free_at)
        heapq.heappush(free_at, start + seconds(job, speeds))
        found[job.id] = Position(ahead, start if math.isfinite(start) else None)
    return found


def seconds(job: Queued, speeds: Mapping[str, float]) -> float:
    """What a job will take; infinity where its model was never timed."""
    return job.work * speeds.get(job.model, math.inf)
