"""What /metrics tells Prometheus. Names and units as https://prometheus.io/docs/practices/naming/ wants them."""

from __future__ import annotations

from collections import Counter as Count
from collections.abc import AsyncGenerator, AsyncIterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from engine.dispatch import Dispatcher, Update
from engine.types import Engine, EngineStatus, Event, GenerationRequest, Loading, ModelState, Picture, Progress

SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800)


class Metrics:
    """One registry for each service, so that several can be in one process."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._waiting = Gauge("easel_jobs_waiting", "Jobs in the queue", ["model"], registry=registry)
        self._running = Gauge("easel_jobs_running", "Jobs that are painted now", registry=registry)
        self._ended = Counter("easel_jobs", "Jobs that came to an end", ["model", "status"], registry=registry)
        self._wait_s = Histogram(
            "easel_job_waiting_seconds", "From a job's acceptance to its start", buckets=SECONDS, registry=registry
        )
        self._run_s = Histogram(
            "easel_job_running_seconds",
            "From a job's start to its end",
            ["model"],
            buckets=SECONDS,
            registry=registry,
        )
        self.steps = Counter(
            "easel_steps", "Denoising steps; their rate is steps a second", ["model"], registry=registry
        )
        self.pictures = Counter("easel_pictures", "Finished pictures", ["model"], registry=registry)
        self.loads = Counter("easel_model_loads", "Models brought onto the device: swaps", ["model"], registry=registry)
        self._memory = Gauge("easel_device_memory_bytes", "The device's memory", ["kind"], registry=registry)

    async def follow(self, updates: AsyncIterator[Update]) -> None:
        """Counts every job's end, for ever."""
        async for update in updates:
            done = update.generation
            if done is None:
                continue
            self._ended.labels(done.request.model, done.status.value).inc()
            if done.started_at is not None:
                # Wall clocks: one that was set back in between would give less than nothing.
                self._wait_s.observe(max(0.0, (done.started_at - done.created_at).total_seconds()))
            if done.seconds_running is not None:
                self._run_s.labels(done.request.model).observe(done.seconds_running)

    async def written(self, dispatcher: Dispatcher, engine: Engine) -> bytes:
        """Everything as of now, in Prometheus' text format."""
        self._waiting.clear()
        for model, count in Count(job.model for job in dispatcher.waiting).items():
            self._waiting.labels(model).set(count)
        self._running.set(len(dispatcher.running))
        status = await engine.status()
        for kind, value in (("used", status.memory_used), ("total", status.memory_total)):
            if value is not None:
                self._memory.labels(kind).set(value)
        return generate_latest(self._registry)


class Counted:
    """An engine that counts what it does, on its way through."""

    def __init__(self, engine: Engine, metrics: Metrics) -> None:
        self._engine, self._metrics = engine, metrics

    async def generate(self, id: int, request: GenerationRequest) -> AsyncGenerator[Event]:
        model, step, loading = request.model, 0, False
        events = self._engine.generate(id, request)
        try:
            async for event in events:
                match event:
                    case Loading():
                        loading = True
                    case Progress():
                        self._metrics.steps.labels(model).inc(max(0, event.step - step))
                        step = event.step
                    case Picture():
                        self._metrics.pictures.labels(model).inc()
                if loading and not isinstance(event, Loading):
                    self._metrics.loads.labels(model).inc()
                    loading = False
                yield event
        finally:
            await _closed(events)

    async def load(self, key: str) -> AsyncGenerator[Event]:
        events, loading = self._engine.load(key), False
        try:
            async for event in events:
                loading = True
                yield event
            if loading:  # a model that was there already has nothing to report
                self._metrics.loads.labels(key).inc()
        finally:
            await _closed(events)

    async def models(self) -> list[ModelState]:
        return await self._engine.models()

    async def unload(self, key: str) -> None:
        await self._engine.unload(key)

    async def status(self) -> EngineStatus:
        return await self._engine.status()

    async def aclose(self) -> None:
        await self._engine.aclose()


async def _closed(events: AsyncIterator[Event]) -> None:
    if (close := getattr(events, "aclose", None)) is not None:
        await close()
