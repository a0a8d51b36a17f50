"""C3: people who come when they like: one after another, in batches of equals, continuously.

The first two are diffusers' own calls, which is what bots and servers do; the third is our stepper, admitting as the
worker does. All serve whoever came first, on the same arrivals, in real time.
"""

from __future__ import annotations

import random
import statistics
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine.painting import Pixels
from engine.rowplan import READY
from engine.stepper import Nobody, Painted, Stepper
from engine.types import GenerationRequest
from tests.bench.arms import Goal, Report, percentile, report, same_pictures
from tests.bench.rivals import Rivals, embedded, stubs

LOAD = 1.6
"""Arrivals ÷ what is painted one after another."""
SEEDS = (1, 2, 3)
BATCH = 4
"""The most pictures of a static batch."""
SHORT, LONG = (4, 6), (20, 30)
"""Steps that people ask for; seven of ten want a short one."""
SHORTENED = 2
"""What those steps are divided by for the embedded model, so that three seeds take a minute and a half."""


@dataclass(frozen=True, slots=True)
class Job:
    at: float
    """Seconds after the start."""
    request: GenerationRequest
    short: bool

    @property
    def alike(self) -> tuple[object, ...]:
        """What requests must share to be one batch of a pipeline's call."""
        return self.request.num_inference_steps, self.request.guidance_scale


def jobs(rivals: Rivals, count: int, rate: float, seed: int, shortened: int = 1) -> list[Job]:
    """`rate` arrivals a second at random moments (Poisson). `shortened` divides the steps."""
    chance, at, made = random.Random(seed), 0.0, []
    for number in range(count):
        at += chance.expovariate(rate)
        short = chance.random() < 0.7
        steps = chance.choice(SHORT if short else LONG) // shortened
        guidance_scale = chance.choice((4.0, 7.5))
        request = rivals.ask(
            f"a fox, number {number}", seed=number, num_inference_steps=steps, guidance_scale=guidance_scale
        )
        made.append(Job(at, request, short))
    return made


@dataclass
class Floor:
    """One run: jobs that arrive as time goes by, and when each was done."""

    work: Sequence[Job]
    latencies: list[tuple[Job, float]] = field(default_factory=list)
    waiting: deque[Job] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self._coming = deque(self.work)
        self._began = time.perf_counter()
        self._ended = self._began

    @property
    def open(self) -> bool:
        return len(self.latencies) < len(self.work)

    def arrive(self) -> None:
        now = time.perf_counter() - self._began
        while self._coming and self._coming[0].at <= now:
            self.waiting.append(self._coming.popleft())

    def pause(self) -> None:
        """Until the next arrival, or a moment where something is on its way."""
        until = self._coming[0].at - (time.perf_counter() - self._began) if self._coming else 0.0005
        time.sleep(min(max(until, 0.0), 0.0005))

    def done(self, *jobs: Job) -> None:
        self._ended = time.perf_counter()
        self.latencies += [(job, self._ended - self._began - job.at) for job in jobs]

    def figures(self) -> dict[str, float]:
        short = [latency for job, latency in self.latencies if job.short]
        return {
            "mean_s": statistics.mean(latency for _, latency in self.latencies),
            "short_p95_s": percentile(short, 95),
            "a_second": len(self.latencies) / (self._ended - self._began),
        }


def sequential(rivals: Rivals, floor: Floor, batch: int = 1) -> None:
    """Whoever came first, and with `batch` those who wait and are its equals."""
    while floor.open:
        floor.arrive()
        if not floor.waiting:
            floor.pause()
            continue
        first = floor.waiting[0]
        served = [job for job in floor.waiting if job.alike == first.alike][:batch]
        for job in served:
            floor.waiting.remove(job)
        rivals.call(*(job.request for job in served))
        floor.done(*served)


def static(rivals: Rivals, floor: Floor) -> None:
    sequential(rivals, floor, BATCH)


@dataclass
class Rows(Nobody):
    """What a picture takes of the forwards: nothing any more while it is only decoded."""

    taken: int

    def stepped(self, step: int, of: int) -> bool:
        if step == of:
            self.taken = 0
        return False


def continuous(rivals: Rivals, floor: Floor) -> None:
    stepper = Stepper(rivals.forwards)
    running: dict[Future[Painted], Rows] = {}
    try:
        while floor.open:
            floor.arrive()
            room = stepper.room or READY
            while floor.waiting and sum(rows.taken for rows in running.values()) < room:
                job = floor.waiting.popleft()
                rows = Rows(job.request.rows)
                painted = stepper.join(rivals.pipeline, job.request, job.request.seed, rows)
                running[painted] = rows
                painted.add_done_callback(lambda _, job=job: floor.done(job))
            if not stepper.step():
                floor.pause()
            for painted in [painted for painted in running if painted.done()]:
                del running[painted]
                painted.result()
    finally:
        stepper.close()


POLICIES: dict[str, Callable[[Rivals, Floor], None]] = {
    "sequential": sequential,
    "static": static,
    "continuous": continuous,
}


def capacity(rivals: Rivals, count: int, shortened: int) -> float:
    """Pictures a second, one after another with nobody waiting for arrivals."""
    floor = Floor([replace(job, at=0.0) for job in jobs(rivals, count, 1.0, 0, shortened)])
    sequential(rivals, floor)
    return floor.figures()["a_second"]


def compared(rivals: Rivals, count: int, seeds: Sequence[int], shortened: int = 1) -> dict[str, list[dict[str, float]]]:
    """The figures of each policy, for each seed; the policies in turns."""
    some = [job.request for job in jobs(rivals, 4, 1.0, 0, shortened)]
    called: list[Pixels] = [rivals.call(request)[0] for request in some]
    same_pictures(rivals.paint(*some), called)
    same_pictures(rivals.call(*[some[0]] * 2), [called[0]] * 2)
    arms: dict[str, list[dict[str, float]]] = {name: [] for name in POLICIES}
    rate = LOAD * capacity(rivals, min(count, 20), shortened)
    for seed in seeds:
        work = jobs(rivals, count, rate, seed, shortened)
        for name, serve in POLICIES.items():
            floor = Floor(work)
            serve(rivals, floor)
            arms[name].append({key: round(value, 4) for key, value in floor.figures().items()})
    return arms


def ratio(arms: dict[str, list[dict[str, float]]], what: str) -> float:
    """Continuous ÷ static: the median of the seeds."""
    pairs = zip(arms["continuous"], arms["static"], strict=True)
    return statistics.median(ours[what] / theirs[what] for ours, theirs in pairs)


def c3(folder: Path, *, stub_jobs: int = 300, embedded_jobs: int = 28, seeds: Sequence[int] = SEEDS) -> Report:
    arms = {
        "stub networks": compared(stubs(), stub_jobs, seeds),
        "embedded model": compared(embedded(folder), embedded_jobs, seeds, SHORTENED),
    }
    figures = {}
    for model, found in arms.items():
        figures |= {
            f"{model}: mean ÷ static's": (ratio(found, "mean_s"), Goal(at_most=0.7)),
            f"{model}: short p95 ÷ static's": (ratio(found, "short_p95_s"), Goal(at_most=0.6)),
            f"{model}: throughput ÷ static's": (ratio(found, "a_second"), Goal(at_least=1)),
        }
    return report(figures, arms, load=LOAD, jobs={"stub networks": stub_jobs, "embedded model": embedded_jobs})
