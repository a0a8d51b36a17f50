"""Which job is next. Pure and synchronous: values in, a choice out; time is an argument.

Least-attained service: whoever had the least work done for them lately comes first, counted as `Queued.work` does
and forgotten by half every ten minutes; between people who had about the same, the server that had the least. Waiting
gives credit, so that nobody waits for ever. Which models are worth a load is another question: `engine.residency`.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice

HALF_LIFE_S = 600.0
QUANTUM = 7.5
"""People whose service differs by less, in `work`, had about the same: half a picture of Stable Diffusion 1.5."""

REMEMBERED, EMPTY = 10_000, 0.25
"""Accounts; beyond so many, those with less `work` than that are dropped."""

CREDIT_PER_S = 0.25
"""The `work` that each second of waiting is worth: a minute, a picture of Stable Diffusion 1.5."""


@dataclass(frozen=True, slots=True)
class Queued:
    """A job that waits. `row_steps` are of all its pictures; `pixels` are those of one."""

    id: int
    person_id: str
    guild_id: str | None
    model: str
    row_steps: int
    attempt: int
    created_at: datetime
    retry_at: datetime | None = None
    pixels: int = 512 * 512

    @property
    def work(self) -> float:
        """What it costs: row-steps of 1024×1024. A UNet's time goes with the pixels, so one of 512×512 is a quarter."""
        return self.row_steps * self.pixels / 1024**2


@dataclass(slots=True)
class _Account:
    """The `work` attained, as it stood at a moment, and when the last job started; in seconds of any clock."""

    attained: float = 0.0
    at: float = 0.0
    served_at: float = -math.inf

    def now(self, now: float) -> float:
        return self.attained * math.exp2(-max(0.0, now - self.at) / HALF_LIFE_S)


@dataclass(slots=True)
class Shares:
    """Who attained how much. Charged when a job starts, refunded when it comes back undone."""

    _people: dict[str, _Account] = field(default_factory=dict)
    _guilds: dict[str, _Account] = field(default_factory=dict)

    def charge(self, job: Queued, now: float) -> None:
        self._add(job, job.work, now)
        self._people[job.person_id].served_at = now

    def refund(self, job: Queued, now: float) -> None:
        self._add(job, -job.work, now)

    def _add(self, job: Queued, work: float, now: float) -> None:
        for accounts, key in ((self._people, job.person_id), (self._guilds, job.guild_id or "")):
            account = accounts.setdefault(key, _Account())
            account.attained, account.at = max(0.0, account.now(now) + work), now
            if len(accounts) > REMEMBERED:
                for forgotten in [key for key, account in accounts.items() if account.now(now) < EMPTY]:
                    del accounts[forgotten]

    def person(self, person_id: str, now: float) -> float:
        account = self._people.get(person_id)
        return account.now(now) if account else 0.0

    def guild(self, guild_id: str | None, now: float) -> float:
        account = self._guilds.get(guild_id or "")
        return account.now(now) if account else 0.0

    def served_at(self, person_id: str) -> float:
        account = self._people.get(person_id)
        return account.served_at if account else -math.inf

    def copy(self) -> Shares:
        """For looking ahead."""
        twin = Shares()
        for mine, its in ((self._people, twin._people), (self._guilds, twin._guilds)):
            its.update({key: _Account(a.attained, a.at, a.served_at) for key, a in mine.items()})
        return twin


@dataclass(frozen=True, slots=True)
class Waiting:
    """A queued job with the second at which it came, on the clock that `choose` is asked with."""

    job: Queued
    since: float
    ready_at: float = -math.inf
    """Not before, where it is tried again."""


def choose(waiting: Iterable[Waiting], shares: Shares, now: float) -> Waiting | None:
    """The job to start now, None where none is ready. Of one person's jobs the oldest of its kind goes first."""
    return next(_starts(waiting, shares, now), None)


def order(
    waiting: Sequence[Waiting], shares: Shares, now: float, later: Collection[str] = (), limit: int = 100
) -> list[int]:
    """The ids in the order in which they would start if nothing more came: the first `limit` of them.

    The jobs of models that are `later` come after all others.
    """
    shares = shares.copy()
    first = [each for each in waiting if each.job.model not in later]
    rest = [each for each in waiting if each.job.model in later]
    starts = chain(_starts(first, shares, now), _starts(rest, shares, now))
    return [each.job.id for each in islice(starts, limit)]


def _starts(waiting: Iterable[Waiting], shares: Shares, now: float) -> Iterator[Waiting]:
    """One choice after the other, all of them at `now`. Charges each to `shares` when asked for the next."""
    lines: dict[tuple[str, str | None, str], list[Waiting]] = {}
    for each in waiting:
        if each.ready_at <= now:
            lines.setdefault((each.job.person_id, each.job.guild_id, each.job.model), []).append(each)
    for line in lines.values():
        line.sort(key=lambda each: each.job.id, reverse=True)  # the head is at the end

    def waited(each: Waiting) -> float:
        # A person's, not a job's: five hundred jobs that wait together earn what one does.
        return max(0.0, now - max(each.since, shares.served_at(each.job.person_id)))

    def rank(line: list[Waiting]) -> tuple[float, float, int]:
        head = line[-1]
        attained = shares.person(head.job.person_id, now) - CREDIT_PER_S * waited(head)
        return math.floor(attained / QUANTUM), shares.guild(head.job.guild_id, now), head.job.id

    # Charging only ever raises a rank: one that is still what it was when it was put in is the lowest of all.
    heap = [(rank(line), line) for line in lines.values()]
    heapq.heapify(heap)
    while heap:
        known, line = heap[0]
        if not line:
            heapq.heappop(heap)
        elif (fresh := rank(line)) == known:
            yield line[-1]
            shares.charge(line.pop().job, now)
        else:
            heapq.heapreplace(heap, (fresh, line))
