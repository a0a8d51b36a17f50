"""Which models stay on the device, and when another is worth its load. Pure: values in, a choice out.

What fits stays. Where something has to go, two questions are asked, each by the one who knows what it takes:

    the dispatcher has the queue     `choose`, through `engine.affinity`: whose jobs may start now, and whose wait on
    the worker has the memory        `goes`, through `engine.modelcache`: which models make room for the one asked for

A swap pays where it saves people more waiting than it costs them. Where it never does, a model that has waited for its
patience gets its turn all the same, and the one before it has had a turn then that was worth its load. So no model
starves, and loads take at most about a fifth of the time while others could be painted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

TURN = 4.0
"""A turn lasts so many times what the load took, within these bounds, unless nothing is left to do in it."""

SHORTEST_TURN_S, LONGEST_TURN_S = 20.0, 120.0

SOON_S = 60.0
"""How far ahead it matters whether a model will be asked for."""

HALF_LIFE_S = 600.0
"""Asks are forgotten by half in that time."""

READING_BYTES_PER_S = 5e8
"""What a load is taken for until it was timed: a disk that is neither the fastest nor the slowest."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model, as far as it matters here. Bytes on the device; seconds."""

    key: str
    bytes: int
    load_s: float
    chance: float = 1.0
    """Of being asked for soon."""
    in_use: bool = False
    """It is being painted with, so it cannot go."""
    loaded_s: float = math.inf
    """How long it has been there."""
    jobs: int = 0
    """Those that wait for it, what they will take together, and how long the model has waited for a turn."""
    work_s: float = 0.0
    waited_s: float = 0.0

    @property
    def loss(self) -> float:
        """The seconds of loading that its going is expected to cost; no load is told from one of a second."""
        return max(1.0, self.load_s) * (1.0 if self.jobs else self.chance)

    @property
    def turn_s(self) -> float:
        """How long it may keep the device from models that have waited long, and waits for such a turn itself."""
        return min(max(SHORTEST_TURN_S, TURN * self.load_s), LONGEST_TURN_S)


def goes(loaded: Sequence[Model], needed: int, budget: int | None) -> list[Model] | None:
    """Those of least loss that make room for `needed` more bytes, and none without need; the least recently used first.

    Every one that is not in use, where even that is not enough. None where some that are in use would have to go.
    `budget` in bytes; None: whatever the device takes. Give `loaded` with the one used longest ago first.
    """
    if budget is None:
        return []
    over = sum(model.bytes for model in loaded) + needed - budget
    going: list[Model] = []
    for model in sorted((model for model in loaded if not model.in_use), key=lambda model: model.loss):
        if over <= 0:
            break
        going.append(model)
        over -= model.bytes
    if over > 0 and len(going) < len(loaded):
        return None
    for model in going[::-1]:  # whose loss is larger may stay where the last that went left room enough for it
        if over + model.bytes <= 0:
            going.remove(model)
            over += model.bytes
    return going


@dataclass(frozen=True, slots=True)
class Choice:
    """Whose jobs may start: those of models that are not `held`, and of `due` alone where one is."""

    held: frozenset[str] = frozenset()
    due: str | None = None

    def allows(self, key: str) -> bool:
        return key == self.due if self.due is not None else key not in self.held


def choose(loaded: Sequence[Model], cold: Sequence[Model], budget: int | None) -> Choice:
    """Which of the cold models that somebody waits for are worth their load now.

    A cold model's wait for its turn is bounded: once it has waited for `turn_s`, no other is swapped in before those
    that have waited longer, and each resident keeps the device for its own `turn_s` at most. With m models that have
    waited longer, it begins to load after turn_s + the sum of (turn_s + load_s) of the residents' and those m.
    """
    going = {model.key: goes(loaded, model.bytes, budget) or [] for model in cold}
    asked = [model for model in cold if going[model.key]]
    aged = max((model for model in asked if model.waited_s >= model.turn_s), key=lambda m: m.waited_s, default=None)
    if aged is None:
        return Choice(frozenset(model.key for model in asked if not pays(model, going[model.key])))
    held = frozenset(model.key for model in asked)
    if all(model.loaded_s >= model.turn_s or not model.jobs for model in going[aged.key]):
        return Choice(held - {aged.key}, due=aged.key)
    return Choice(held)


def pays(cold: Model, going: Iterable[Model]) -> bool:
    """Whether people wait less in all with a swap now than with one after what waits for those that would go.

    Serving those first costs each who waits for the cold model their time. Serving the cold model first costs each of
    them its load, its time, and the loads that bring theirs back. W. E. Smith's rule (Naval Research Logistics
    Quarterly 3, 1956), with set-up times.
    """
    displaced = [model for model in going if model.jobs]
    saved = cold.jobs * sum(model.work_s for model in displaced)
    back = sum(model.load_s for model in displaced)
    lost = sum(model.jobs for model in displaced) * (cold.load_s + cold.work_s + back)
    return not displaced or saved > lost


@dataclass(slots=True)
class Asks:
    """How often each model was asked for lately."""

    _counts: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Asks, and when they were so many."""

    def add(self, key: str, now: float) -> None:
        self._counts[key] = self._now(key, now) + 1, now

    def chance(self, key: str, now: float) -> float:
        """Of being asked for soon, were asks to go on at random as often as lately."""
        return 1 - math.exp(-self._now(key, now) * math.log(2) / HALF_LIFE_S * SOON_S)

    def _now(self, key: str, now: float) -> float:
        count, at = self._counts.get(key, (0.0, now))
        return count * math.exp2(-(now - at) / HALF_LIFE_S)


@dataclass(slots=True)
class Loads:
    """What models took when they were loaded: learned as it happens."""

    _known: dict[str, tuple[int, float]] = field(default_factory=dict)

    def learn(self, key: str, bytes: int, load_s: float) -> None:
        """The newest size; of the times the shortest, since a first load may have fetched or compiled."""
        _, before = self._known.get(key, (0, math.inf))
        self._known[key] = bytes, min(before, load_s)

    def bytes(self, key: str) -> int | None:
        return self._known[key][0] if key in self._known else None

    def load_s(self, key: str) -> float | None:
        return self._known[key][1] if key in self._known else None

    def __iter__(self) -> Iterator[tuple[str, int, float]]:
        """Key, bytes, seconds."""
        return ((key, *known) for key, known in self._known.items())


def reading_s(bytes: int) -> float:
    """What the load of a model takes, about, that was never timed."""
    return bytes / READING_BYTES_PER_S
