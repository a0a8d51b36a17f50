"""G4: people who come when they like, with two models mixed: one after another, in batches of equals, continuously."""

from __future__ import annotations

import random
import statistics
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from engine.forwards import Forwards
from engine.rowplan import READY, bucket_for
from engine.stepper import Stepper
from engine.types import GenerationRequest
from tests.bench.arrivals import Rows
from tests.bench.models import Kind
from tests.bench.rig import Report, Rig

LOAD = 1.6
"""Arrivals ÷ what is painted one after another."""


@dataclass(frozen=True, slots=True)
class Job:
    at: float
    """Seconds after the start."""
    kind: Kind
    request: GenerationRequest
    short: bool

    @property
    def alike(self) -> tuple[object, ...]:
        """What requests must share to be one batch of a pipeline's call."""
        return self.kind.name, self.request.num_inference_steps, self.request.guidance_scale


def jobs(rig: Rig, count: int, rate: float, seed: int) -> list[Job]:
    """`rate` arrivals a second at random moments: seven of ten for Turbo, the others for Stable Diffusion 1.5."""
    chance, at, made = random.Random(seed), 0.0, []
    for number in range(count):
        at += chance.expovariate(rate)
        turbo = chance.random() < 0.7
        kind = rig.kinds["turbo" if turbo else "sd15"]
        steps = chance.choice((1, 2, 4)) if turbo else chance.choice((10, 20, 30))
        request = kind.ask(seed=number, num_inference_steps=min(steps, 4) if rig.tiny else steps)
        made.append(Job(at, kind, request, short=turbo))
    return made


class Floor:
    """One run: jobs that arrive as time goes by, and when each was done."""

    def __init__(self, rig: Rig, work: Sequence[Job]) -> None:
        self.rig, self.stepper = rig, Stepper(Forwards())
        self.coming, self.waiting = deque(work), deque[Job]()
        self.running: dict[Future[Any], Rows] = {}
        self.latencies: list[tuple[Job, float]] = []
        self.begun = time.perf_counter()
        self.ended = self.begun

    def arrive(self) -> None:
        now = time.perf_counter() - self.begun
        while self.coming and self.coming[0].at <= now:
            self.waiting.append(self.coming.popleft())

    def start(self, job: Job) -> None:
        def done(future: Future[Any]) -> None:  # on the decoding thread, the moment that the pixels are there
            self.ended = time.perf_counter()
            self.latencies.append((job, self.ended - self.begun - job.at))

        rows = Rows(job.request.rows)
        future = self.stepper.join(self.rig.ours(job.kind), job.request, job.request.seed, rows)
        self.running[future] = rows
        future.add_done_callback(done)

    def work(self, admit: Callable[[Floor], None]) -> Report:
        """Admits and steps until all jobs are done."""
        while self.coming or self.waiting or self.running:
            self.arrive()
            admit(self)
            if not self.stepper.step():
                time.sleep(0.0005)  # nothing to step: the next arrival or the end of a decode is on its way
            self.running = {future: rows for future, rows in self.running.items() if not future.done()}
        self.stepper.close()
        took = [latency for _, latency in self.latencies]
        short = sorted(latency for job, latency in self.latencies if job.short)
        return {
            "mean_s": statistics.mean(took),
            "short_p95_s": short[min(len(short) - 1, int(0.95 * len(short)))] if short else 0.0,
            "a_second": len(took) / (self.ended - self.begun),
        }


def sequential(floor: Floor) -> None:
    if not floor.running and floor.waiting:
        floor.start(floor.waiting.popleft())


def static(floor: Floor) -> None:
    """The first, and those who wait and are its equals, as many as its forwards have rows for."""
    if floor.running or not floor.waiting:
        return
    first = floor.waiting[0]
    room = bucket_for(floor.rig.device.type, (first.kind.pixels // 8) ** 2, not first.kind.turbo)
    batch = [job for job in floor.waiting if job.alike == first.alike][: max(1, room // first.request.rows)]
    for job in batch:
        floor.waiting.remove(job)
        floor.start(job)


def continuous(floor: Floor) -> None:
    while floor.waiting:
        floor.start(floor.waiting.popleft())


def admitted(floor: Floor) -> None:
    """As the worker takes them: a bucket full, and one that stands ready."""
    room = floor.stepper.room or READY
    while floor.waiting and sum(rows.taken for rows in floor.running.values()) < room:
        floor.start(floor.waiting.popleft())


def g4(rig: Rig, report: Report) -> None:
    report |= {
        "goal": {"mean_of_static": 0.7, "short_p95_of_static": 0.6, "throughput_of_static": 1.0},
        "unit": "mean latency, continuous ÷ static (the median of the seeds)",
        "load": LOAD,
    }
    count = 8 if rig.tiny else 30
    lasts = _capacity(rig, count)
    arms = report["arms"] = {}
    policies = {"sequential": sequential, "static": static, "continuous": continuous, "as the worker admits": admitted}
    for seed in (1,) if rig.tiny else (1, 2, 3):
        if seed > 1 and rig.left < 5 * lasts * count:
            break
        work = jobs(rig, count, LOAD / lasts, seed)
        for name, policy in policies.items():
            found = Floor(rig, work).work(policy)
            arms.setdefault(name, []).append({key: round(value, 4) for key, value in found.items()})
        _judge(report)


def _capacity(rig: Rig, count: int) -> float:
    """Seconds a job, painted one after another with nobody waiting for arrivals."""
    work = [Job(0.0, job.kind, job.request, job.short) for job in jobs(rig, count, 1.0, 0)]
    Floor(rig, work[:6]).work(sequential)  # warms
    return 1.0 / float(Floor(rig, work).work(sequential)["a_second"])


def _judge(report: Report) -> None:
    arms = report["arms"]

    def ratio(what: str) -> float:
        pairs = zip(arms["continuous"], arms["static"], strict=True)
        return float(round(statistics.median(ours[what] / (theirs[what] or 1) for ours, theirs in pairs), 3))

    report["figure"] = ratio("mean_s")
    report["short_p95_of_static"] = ratio("short_p95_s")
    report["throughput_of_static"] = ratio("a_second")
    report["seeds"] = len(arms["static"])
    report["met"] = (
        report["figure"] <= 0.7 and report["short_p95_of_static"] <= 0.6 and report["throughput_of_static"] >= 1
    )
