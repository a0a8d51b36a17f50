"""A simulation of the queue: what fairness costs and brings, against first come, first served.

    python -m tests.bench fairness

The policy is the dispatcher's own (`engine.fairness.choose`); people, GPUs and time are made up. Each GPU paints one
job after another; a job takes its row-steps, counted by its pixels as `Queued.work` does, and a model that
is not on that GPU has to be loaded first.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from engine.affinity import Affinity
from engine.fairness import Queued, Shares, Waiting, choose
from engine.types import ModelState
from tests.bench.arms import percentile

MODELS = {"turbo": (512, (1, 2, 4), 1), "sd15": (512, (20, 30), 2), "sdxl": (1024, (30, 50), 2)}
"""Pixels of a side, steps, rows."""
RATE = 40.0
"""Row-steps of 1024×1024 a second, of one GPU."""
LOAD_S = 6.0
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Arrival:
    at: float
    job: Queued
    heavy: bool


def arrivals(count: int, gpus: int, load: float, seed: int = 0) -> list[Arrival]:
    """A few heavy people ask for many pictures in a row; many light ones for one now and then. Ten servers, uneven.

    `load`: the work that comes ÷ what the GPUs can do in the same time, without loading.
    """
    chance = random.Random(seed)
    jobs: list[tuple[Queued, bool]] = []
    while len(jobs) < count:
        heavy = chance.random() < 0.02
        person = f"heavy {chance.randrange(10)}" if heavy else f"light {chance.randrange(count // 20 + 10)}"
        guild = str(int(10 * chance.random() ** 3))
        model = chance.choices(list(MODELS), weights=(3, 4, 3))[0]
        side, steps, rows = MODELS[model]
        for _ in range(chance.randrange(20, 60) if heavy else 1):
            row_steps = rows * chance.choice(steps)
            job = Queued(len(jobs), person, guild, model, row_steps, 1, NOW, pixels=side * side)
            jobs.append((job, heavy))
    jobs = jobs[:count]
    length = sum(job.work for job, _ in jobs) / (RATE * gpus * load)
    # One burst is one moment: whoever it belongs to asks for all of it at once.
    moments: dict[tuple[str, int], float] = {}
    made, burst, before = [], 0, ""
    for job, heavy in jobs:
        burst += job.person_id != before
        before = job.person_id
        moment = moments.setdefault((job.person_id, burst if heavy else job.id), chance.uniform(0, length))
        made.append(Arrival(moment, job, heavy))
    return sorted(made, key=lambda each: (each.at, each.job.id))


@dataclass(slots=True)
class Gpu:
    """One of `of` that share a queue: the models on it, the one used last at the end."""

    of: int
    fit: int
    affinity: Affinity
    models: list[str] = field(default_factory=list)


Policy = Callable[[Sequence[Waiting], Shares, float, Gpu], Waiting | None]


def fair(waiting: Sequence[Waiting], shares: Shares, now: float, gpu: Gpu) -> Waiting | None:
    """As a dispatcher chooses; every model is as large as any other, and all GPUs work on what waits.

    A GPU that is free gets first what it has the model for, since `engine.remote` sends jobs where their model is.
    """
    states = [ModelState(key, "loaded" if key in gpu.models else "on disk", needs=1, load_s=LOAD_S) for key in MODELS]
    models = gpu.affinity.choose(waiting, [], states, gpu.fit, dict.fromkeys(MODELS, 1 / (RATE * gpu.of)), now)
    able = [each for each in waiting if models.allows(each.job.model)]
    here = [each for each in able if each.job.model in gpu.models]
    chosen = choose(here or able, shares, now)
    if chosen is not None:
        gpu.affinity.started(chosen.job.model, now)
    return chosen


def fifo(waiting: Sequence[Waiting], shares: Shares, now: float, gpu: Gpu) -> Waiting | None:
    return waiting[0] if waiting else None


@dataclass(slots=True)
class Outcome:
    """Seconds that each job waited before it started, by whose it was; loads; and everybody's slowdown."""

    light: list[float] = field(default_factory=list)
    heavy: list[float] = field(default_factory=list)
    loads: int = 0
    rates: dict[str, list[float]] = field(default_factory=dict)
    """By person: of each job, the seconds of painting ÷ those from asking to having."""
    longest_queue: int = 0

    @property
    def jain(self) -> float:
        """Jain's index of what people get: 1 where the slowdown is the same for everybody, 1/n where one has all.

        R. Jain, D. Chiu, W. Hawe: A quantitative measure of fairness, DEC-TR-301 (1984).
        """
        return jain(sum(rates) / len(rates) for rates in self.rates.values())

    def figures(self) -> dict[str, float]:
        found = {"jain": round(self.jain, 3), "loads": self.loads, "longest_queue": self.longest_queue}
        for name, waits in (("light", self.light), ("heavy", self.heavy)):
            found[f"{name} mean_s"] = round(sum(waits) / max(1, len(waits)), 2)
            for percent in (50, 95):
                found[f"{name} p{percent}_s"] = round(percentile(waits, percent), 2) if waits else 0.0
        return found


def jain(values: Iterable[float]) -> float:
    shares = list(values)
    return sum(shares) ** 2 / (len(shares) * sum(share**2 for share in shares))


def simulate(coming: Sequence[Arrival], gpus: int, policy: Policy, fit: int = 2) -> Outcome:
    """Plays the arrivals on so many GPUs, each with room for `fit` models. Each job starts exactly once."""
    heavy = {each.job.id: each.heavy for each in coming}
    outcome, shares = Outcome(), Shares()
    waiting: dict[int, Waiting] = {}
    free = [(0.0, gpu) for gpu in range(gpus)]
    served: dict[str, float] = {}
    floor = [Gpu(gpus, fit, Affinity(_served=served)) for _ in range(gpus)]
    next_, now = 0, 0.0
    while next_ < len(coming) or waiting:
        at, gpu = heapq.heappop(free)
        now = max(now, at)
        if not waiting and next_ < len(coming):
            now = max(now, coming[next_].at)
        while next_ < len(coming) and coming[next_].at <= now:
            each = coming[next_]
            waiting[each.job.id] = Waiting(each.job, each.at)
            next_ += 1
        outcome.longest_queue = max(outcome.longest_queue, len(waiting))
        chosen = policy(tuple(waiting.values()), shares, now, floor[gpu])
        assert chosen is not None, "somebody waits, and nobody was chosen"
        job = chosen.job
        del waiting[job.id]
        shares.charge(job, now)
        took = job.work / RATE
        models = floor[gpu].models
        if job.model not in models:
            outcome.loads += 1
            took += LOAD_S
            del models[: len(models) + 1 - fit]
        else:
            models.remove(job.model)
        models.append(job.model)
        waited = now - chosen.since
        (outcome.heavy if heavy[job.id] else outcome.light).append(waited)
        outcome.rates.setdefault(job.person_id, []).append(job.work / RATE / (waited + took))
        heapq.heappush(free, (now + took, gpu))
    return outcome


def compared(jobs: int = 50_000, gpus: int = 16, load: float = 0.8, seed: int = 0) -> dict[str, dict[str, float]]:
    """Both policies where a GPU holds two of the three models, and, to see fairness alone, where it holds all."""
    coming = arrivals(jobs, gpus, load, seed)
    return {
        f"{name}, {room}": simulate(coming, gpus, policy, fit).figures()
        for room, fit in (("two models a GPU", 2), ("all models a GPU", len(MODELS)))
        for name, policy in (("first come", fifo), ("easel", fair))
    }
