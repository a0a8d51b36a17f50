"""The models on the device: which are loaded, what they took, and which go when another needs the room."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator

from engine.painting import Pipeline
from engine.residency import Asks, Loads, Model, goes

log = logging.getLogger("engine.worker")


class ModelCache:
    """The loaded models, the one used longest ago first. What does not fit the budget goes, as `engine.residency` says.

    That one is asked for at all was decided where the queue is, by the dispatcher: here it gets its room. What is not
    known here, since it waits there, is guessed from how often each was asked for lately.
    """

    def __init__(
        self,
        budget: int | None,
        in_use: Callable[[Pipeline], bool] = lambda pipeline: False,
        waiting: Callable[[str], int] = lambda key: 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`budget` in bytes; None: whatever the device takes. `waiting`: the calls that wait for a model."""
        self.budget, self._in_use, self._waiting, self._clock = budget, in_use, waiting, clock
        self._loaded: dict[str, Pipeline] = {}
        self._asks, self.loads = Asks(), Loads()

    def __iter__(self) -> Iterator[tuple[str, Pipeline]]:
        return iter(self._loaded.items())

    def get(self, key: str) -> Pipeline | None:
        """The loaded model, which now counts as the one used last."""
        pipeline = self._loaded.pop(key, None)
        if pipeline is not None:
            self._loaded[key] = pipeline
        return pipeline

    def asked(self, key: str) -> None:
        """Somebody wants to use that model, loaded or not."""
        self._asks.add(key, self._clock())

    def make_room(self, needed: int) -> bool:
        """Closes idle models until `needed` more bytes fit the budget; False where some in use would have to go."""
        going = goes([self._model(key, pipeline) for key, pipeline in self._loaded.items()], needed, self.budget)
        for model in going or ():
            self.unload(model.key)
        return going is not None

    def _model(self, key: str, pipeline: Pipeline) -> Model:
        return Model(
            key,
            bytes=pipeline.bytes,
            load_s=self.loads.load_s(key) or 0.0,
            chance=self._asks.chance(key, self._clock()),
            in_use=self._in_use(pipeline),
            jobs=self._waiting(key),
        )

    def add(self, key: str, pipeline: Pipeline, load_s: float) -> None:
        """Keeps a model that was just loaded, in so many seconds; others go where its true size needs their room."""
        self.loads.learn(key, pipeline.bytes, load_s)
        if not self.make_room(pipeline.bytes):
            self.unload_idle(but=key)
        self._loaded[key] = pipeline

    def in_use(self, key: str) -> bool:
        pipeline = self._loaded.get(key)
        return pipeline is not None and self._in_use(pipeline)

    def unload(self, key: str) -> bool:
        pipeline = self._loaded.pop(key, None)
        if pipeline is None:
            return False
        pipeline.close()
        log.info("unloaded %s", key)
        return True

    def unload_idle(self, but: str) -> bool:
        """Unloads what is not in use, apart from that model; False where there was nothing of the kind."""
        idle = [key for key in self._loaded if key != but and not self.in_use(key)]
        for key in idle:
            self.unload(key)
        return bool(idle)

    @property
    def bytes(self) -> int:
        return sum(pipeline.bytes for pipeline in self._loaded.values())
