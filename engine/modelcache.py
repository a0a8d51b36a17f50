"""The models on the device: which are loaded, and which go when another needs the room."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

from engine.painting import Pipeline

log = logging.getLogger("engine.worker")


class ModelCache:
    """The loaded models, the one used longest ago first; what does not fit the budget goes, unless it is in use."""

    def __init__(self, budget: int | None, in_use: Callable[[Pipeline], bool] = lambda pipeline: False) -> None:
        """`budget` in bytes; None: whatever the device takes."""
        self._budget, self._in_use = budget, in_use
        self._loaded: dict[str, Pipeline] = {}

    def __iter__(self) -> Iterator[tuple[str, Pipeline]]:
        return iter(self._loaded.items())

    def get(self, key: str) -> Pipeline | None:
        """The loaded model, which now counts as the one used last."""
        pipeline = self._loaded.pop(key, None)
        if pipeline is not None:
            self._loaded[key] = pipeline
        return pipeline

    def make_room(self, needed: int) -> bool:
        """Closes idle models until `needed` more bytes fit the budget; False where only those in use could still go."""
        while self._budget is not None and self._loaded and self.bytes + needed > self._budget:
            oldest = next((key for key in self._loaded if not self.in_use(key)), None)
            if oldest is None:
                return False
            self.unload(oldest)
        return True

    def add(self, key: str, pipeline: Pipeline) -> None:
        """Keeps a model that was just loaded; idle ones go where its true size leaves no room for them."""
        self.make_room(pipeline.bytes)
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
