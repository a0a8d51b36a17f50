"""What watchers of jobs see, and how it reaches them.

A watch conflates: it holds no backlog, only a mark that something changed, so a slow reader sees the newest state and
never misses the end. A subscription is the opposite: every job's end, one after the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Set
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from engine.errors import EaselError
from engine.types import Generation, Loading, Progress, Status


@dataclass(frozen=True, slots=True)
class Position:
    """How many jobs start before, and about when this one will: None while that model's speed is not known."""

    ahead: int
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Update:
    """The newest state of a job. `generation` is set once it is final."""

    id: int
    status: Status
    position: Position | None = None
    event: Loading | Progress | None = None
    generation: Generation | None = None
    error: EaselError | None = None
    """Why it ended without a picture, with what only whoever runs Easel shall read."""


@dataclass(slots=True, eq=False)
class Watcher:
    """One who watches one job."""

    changed: asyncio.Event = field(default_factory=asyncio.Event)
    final: Update | None = None


class Updates:
    """Who watches which job, and who hears of every end."""

    def __init__(self) -> None:
        self._watchers: dict[int, set[Watcher]] = {}
        self._subscribers: set[asyncio.Queue[Update]] = set()

    @property
    def watched(self) -> Set[int]:
        return self._watchers.keys()

    @contextmanager
    def watcher(self, id: int) -> Iterator[Watcher]:
        watcher = Watcher()
        watchers = self._watchers.setdefault(id, set())
        watchers.add(watcher)
        try:
            yield watcher
        finally:
            watchers.discard(watcher)
            if not watchers:
                self._watchers.pop(id, None)

    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[AsyncIterator[Update]]:
        queue: asyncio.Queue[Update] = asyncio.Queue()

        async def updates() -> AsyncIterator[Update]:
            while True:
                yield await queue.get()

        self._subscribers.add(queue)
        try:
            yield updates()
        finally:
            self._subscribers.discard(queue)

    def changed(self, id: int) -> None:
        for watcher in self._watchers.get(id, ()):
            watcher.changed.set()

    def ended(self, generation: Generation, error: EaselError | None = None) -> None:
        update = Update(generation.id, generation.status, generation=generation, error=error)
        for watcher in self._watchers.get(generation.id, ()):
            watcher.final = update
            watcher.changed.set()
        for queue in self._subscribers:
            queue.put_nowait(update)
