"""Rivals timed in turns, and whether a figure reaches its goal.

Whatever else the machine does falls on all arms alike when they go round after round; the median leaves out the rest.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.painting import Pixels

Report = dict[str, Any]
"""One benchmark: `figure`, `goal`, `met`, `missed` and `arms`; `reason` where something could not be measured."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure should be."""

    at_least: float | None = None
    at_most: float | None = None

    def met(self, figure: float) -> bool:
        """Never by a figure that is no number."""
        low = -np.inf if self.at_least is None else self.at_least
        high = np.inf if self.at_most is None else self.at_most
        return bool(low <= figure <= high)

    def __str__(self) -> str:
        return f"≤ {self.at_most:g}" if self.at_least is None else f"≥ {self.at_least:g}"


def report(figures: Mapping[str, tuple[float, Goal]], arms: Mapping[str, object], **more: object) -> Report:
    """A benchmark's report: each figure beside its goal, and which of them miss it."""
    missed = [name for name, (figure, goal) in figures.items() if not goal.met(figure)]
    return {
        "figure": {name: round(float(figure), 4) for name, (figure, _) in figures.items()},
        "goal": {name: str(goal) for name, (_, goal) in figures.items()},
        "met": not missed,
        "missed": missed,
        "arms": dict(arms),
        **more,
    }


def medians(arms: Mapping[str, Callable[[], object]], rounds: int, *, warm: int = 1) -> dict[str, float]:
    """Median milliseconds of each arm, all of them in turn, round after round, after `warm` rounds unmeasured."""
    took: dict[str, list[float]] = {name: [] for name in arms}
    for number in range(-warm, rounds):
        for name, work in arms.items():
            began = time.perf_counter()
            work()
            if number >= 0:
                took[name].append(1000 * (time.perf_counter() - began))
    return {name: statistics.median(times) for name, times in took.items()}


def percentile(values: Sequence[float], percent: float) -> float:
    return float(np.percentile(values, percent))


def largest_gap(ones: Sequence[Pixels], others: Sequence[Pixels]) -> int:
    """Out of 255, over all values of these pictures."""
    return max(int(np.abs(one.astype(np.int16) - other).max()) for one, other in zip(ones, others, strict=True))


def same_pictures(ones: Sequence[Pixels], others: Sequence[Pixels]) -> int:
    """The largest gap; AssertionError where arms paint different pictures, or nothing but one colour."""
    gap = largest_gap(ones, others)
    assert gap <= 1, f"the arms paint different pictures: up to {gap}/255"
    assert all(int(np.ptp(one)) > 20 for one in ones), "a picture of one colour shows nothing"
    return gap
