"""Whose jobs may start now, as far as models go: the queue and the engine's models, as `engine.residency` wants them.

The dispatcher's half of that decision. It remembers when each model came and when it last had a turn; time is an
argument, and nothing is awaited.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.fairness import Queued, Waiting
from engine.residency import Asks, Choice, Model, choose, goes, reading_s
from engine.types import ModelState


@dataclass(slots=True)
class Affinity:
    """`choose` says whose jobs may start; `started` is told of each that does."""

    _here: dict[str, float] = field(default_factory=dict)
    """Since when each loaded model was seen to be so."""
    _served: dict[str, float] = field(default_factory=dict)
    """When a job of each model last started."""
    _asks: Asks = field(default_factory=Asks)

    def started(self, key: str, now: float) -> None:
        self._served[key] = now
        self._asks.add(key, now)

    def choose(
        self,
        waiting: Iterable[Waiting],
        under_way: Sequence[tuple[Queued, float]],
        states: Sequence[ModelState],
        budget: int | None,
        speeds: Mapping[str, float],
        now: float,
    ) -> Choice:
        """`waiting` are those that could start now; `under_way` the engine's jobs, with the fraction that is done.

        `budget` in bytes; None: not known, and then a load is taken to cost the place of all that is loaded.
        """
        here = {state.key for state in states if state.state == "loaded"}
        self._here = {key: self._here.get(key, now) for key in here}
        typical = sum(speeds.values()) / len(speeds) if speeds else 1.0
        models = {state.key: self._model(state, now) for state in states}

        def add(job: Queued, left: float, waited_s: float) -> None:
            if (model := models.get(job.model)) is not None:
                models[job.model] = replace(
                    model,
                    jobs=model.jobs + 1,
                    work_s=model.work_s + left * job.work * speeds.get(job.model, typical),
                    waited_s=max(model.waited_s, waited_s),
                )

        for each in waiting:
            if each.ready_at <= now:
                add(each.job, 1.0, now - max(each.since, self._served.get(each.job.model, -math.inf)))
        for job, done in under_way:
            add(job, 1 - done, 0.0)
        room = budget or 0
        loaded = sorted((models[key] for key in here), key=lambda model: self._served.get(model.key, -math.inf))
        for key in dict.fromkeys(job.model for job, _ in under_way):
            if key not in here and key in models:  # on its way: as good as there, and what goes for it as gone
                gone = goes(loaded, models[key].bytes, room) or []
                loaded = [model for model in loaded if model not in gone] + [models[key]]
        present = {model.key for model in loaded}
        return choose(loaded, [model for model in models.values() if model.jobs and model.key not in present], room)

    def _model(self, state: ModelState, now: float) -> Model:
        bytes = state.needs or state.bytes or 1  # at least something, so that it has to have a place
        return Model(
            state.key,
            bytes=bytes,
            load_s=reading_s(bytes) if state.load_s is None else state.load_s,
            chance=self._asks.chance(state.key, now),
            loaded_s=now - self._here.get(state.key, now),
        )
