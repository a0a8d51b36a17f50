"""Who waits: the jobs in memory, in whose turn they are, and how long each will take to begin. Synchronous.

What is on disk is `engine.ledger`'s; whose turn it is `engine.fairness` decides, and when, `engine.forecast`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from datetime import UTC, datetime

from engine import fairness, forecast
from engine.fairness import Queued, Shares, Waiting
from engine.updates import Position

FRESH_S = 1.0
"""How old a forecast may get."""

SHORT = 50
"""A line of so many is looked through anew whenever it changes."""


class Line:
    """The jobs that wait, by id, and what everybody was served lately. `clock` counts seconds from anywhere."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._shares = Shares()
        self._waiting: dict[int, Waiting] = {}
        self._positions: dict[int, Position] = {}
        self._looked_at: float | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, id: int) -> bool:
        return id in self._waiting

    def __iter__(self) -> Iterator[Waiting]:
        return iter(self._waiting.values())

    @property
    def ids(self) -> Set[int]:
        return self._waiting.keys()

    @property
    def jobs(self) -> list[Queued]:
        """Oldest first."""
        return [each.job for _, each in sorted(self._waiting.items())]

    def join(self, job: Queued, since: float | None = None) -> None:
        """A job that waits since then; since now where that is not said."""
        now = self._clock()
        # The time to try again was written by a clock on the wall, which may have been set since: a minute at most.
        wait = 0.0 if job.retry_at is None else (job.retry_at - datetime.now(UTC)).total_seconds()
        ready_at = now + min(max(0.0, wait), 60.0)
        self.put(Waiting(job, since=now if since is None else since, ready_at=ready_at))

    def leave(self, id: int) -> Waiting | None:
        """The job that does not wait any more; None where it did not."""
        left = self._waiting.pop(id, None)
        self.changed()
        return left

    def come_back(self, job: Queued, *, since: float, wait: float) -> None:
        """One that was started, which takes back its charge, and begins again after `wait` seconds at the earliest."""
        now = self._clock()
        self._shares.refund(job, now)
        self.put(Waiting(job, since=since, ready_at=now + wait))

    def put(self, waiting: Waiting) -> None:
        """As it is, and was before it left."""
        self._waiting[waiting.job.id] = waiting
        self.changed()

    def changed(self) -> None:
        """What is forecast may be wrong from here on. For what is not seen from here: jobs that start and end."""
        if len(self._waiting) <= SHORT:
            self._looked_at = None

    def charge(self, job: Queued, started: float) -> None:
        """To whoever asked for it, by fairness's account."""
        self._shares.charge(job, started)

    def choose(self, able: Iterable[Waiting]) -> Waiting | None:
        """Whose turn it is among these; None where none is ready."""
        return fairness.choose(able, self._shares, self._clock())

    def position(
        self,
        id: int,
        *,
        running: Sequence[tuple[Queued, float]],
        slots: int,
        speeds: Mapping[str, float],
        held: Collection[str],
    ) -> Position | None:
        """Where a job stands; None where it does not wait. Models that are `held` begin after all others.

        The rest is as `engine.forecast.positions` says. Looking ahead in a long line costs milliseconds, so a forecast
        may then be FRESH_S old, and jobs far back get their place without a time.
        """
        if id not in self._waiting:
            return None
        now = self._clock()
        if self._looked_at is None or now - self._looked_at >= FRESH_S:
            ready = [replace(each, ready_at=now) for each in self._waiting.values()]
            order = fairness.order(ready, self._shares, now, held)
            jobs = [self._waiting[id].job for id in order]
            self._positions, self._looked_at = forecast.positions(jobs, speeds, running, slots), now
        return self._positions.get(id, Position(len(self._waiting) - 1, None))
