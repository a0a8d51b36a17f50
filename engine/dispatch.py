"""The dispatcher: takes jobs in, gives them to the engine fairly, writes what comes out, tells whoever watches.

`submit` returns once the job is on disk; from then on it ends `stored`, `failed`, `cancelled` or `dead`, whatever
dies in between. Nothing here knows Discord.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType

from engine import fairness, files
from engine.affinity import Affinity
from engine.attempt import Again, Attempt
from engine.catalog import Catalog
from engine.database import to_the_end
from engine.disk import CANNOT_WRITE, Disk
from engine.errors import QueueClosed
from engine.fairness import Queued, Waiting
from engine.ledger import Also, Ledger
from engine.line import Line
from engine.residency import Choice
from engine.types import Engine, Generation, GenerationRequest, Limit, Origin, Progress, Status
from engine.updates import Position as Position
from engine.updates import Update as Update
from engine.updates import Updates

log = logging.getLogger(__name__)

MEGABYTE = 1024 * 1024
LOOK_S = 1.0
"""How often the queue is looked at while something waits for time to pass."""

LAST_WRITES_S = 5.0
"""What is left, after a drain, for writing down how the jobs ended."""

HOUSEKEEPING_S = 3600.0

RECALLED_S = 6 * fairness.HALF_LIFE_S
"""How far back a new start looks for who was served; of what is older, a hundredth part would count."""


class Dispatcher:
    """`async with Dispatcher(ledger, engine, catalog) as dispatcher`: it works until then, and drains at the end."""

    def __init__(
        self,
        ledger: Ledger,
        engine: Engine,
        catalog: Catalog,
        *,
        max_attempts: int = 3,
        min_free_bytes: int = 500 * MEGABYTE,
        drain_s: float = 20.0,
        keep_days: int | None = None,
        keep_bytes: int | None = None,
        free_bytes: Callable[[Path], int] = files.free_bytes,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger, self._engine, self._catalog = ledger, engine, catalog
        self._max_attempts, self._min_free_bytes, self._drain_s = max_attempts, min_free_bytes, drain_s
        self._keep_days, self._keep_bytes = keep_days, keep_bytes
        self._free_bytes, self._clock = free_bytes, clock
        self._line = Line(clock)
        self._running: dict[int, Attempt] = {}
        self._updates = Updates()
        self._speeds: dict[str, float] = {}
        self._affinity, self._models = Affinity(), Choice()
        self._warm: set[str] = set()
        self._slots = 1
        self._disk = Disk()
        self._closing = False
        self._wake = asyncio.Event()
        self._jobs: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None
        self._housekeeping: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Dispatcher:
        expired = await self._ledger.expire_leases()
        if expired:
            log.warning("%d jobs were running when Easel last stopped; they go back to the queue", len(expired))
        self._speeds = await self._ledger.speeds()
        await self._recall()
        self._loop = asyncio.create_task(self._dispatch(), name="dispatcher")
        self._housekeeping = asyncio.create_task(self._keep_house(), name="housekeeping")
        return self

    async def _recall(self) -> None:
        """What was known before the last stop: who waits, since when, and who was served how much lately."""
        now, wall = self._clock(), datetime.now(UTC)

        def then(moment: datetime) -> float:
            """That moment on our clock. The one on the wall may have been set since: an hour back at most."""
            return now - min(max(0.0, (wall - moment).total_seconds()), RECALLED_S)

        for started_at, job in await self._ledger.started_since(wall - timedelta(seconds=RECALLED_S)):
            self._line.charge(job, then(started_at))
        for job in await self._ledger.queued():
            self._line.join(job, since=then(job.created_at))
        self._queue_changed()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.drain(self._drain_s)
        if self._housekeeping is not None:
            self._housekeeping.cancel()
            await asyncio.wait((self._housekeeping,))

    # -- asked from outside

    async def submit(
        self,
        request: GenerationRequest,
        origin: Origin,
        *,
        key: str | None = None,
        parent_id: int | None = None,
        limits: Sequence[Limit] = (),
        also: Also | None = None,
    ) -> Generation:
        """Queues a job, on disk when this returns. The same `key` again returns the same job.

        Raises InvalidRequest, NotFound (no such model), LimitReached or QueueClosed; nothing was queued then.
        Whoever is cancelled while it waits for this finds the job queued whole, or not at all.
        """
        self._catalog.check(request)
        if self._closing:
            raise QueueClosed("Easel is stopping. Try again in a minute.", reason="stopping")
        free = await asyncio.to_thread(self._free_bytes, self._ledger.data_dir)
        if self._disk.full or free < self._min_free_bytes:
            raise QueueClosed(
                "The disk is nearly full, so nothing new is taken. Whoever runs Easel has to make room.",
                reason="disk_full",
            )

        async def accept() -> Generation:
            generation = await self._ledger.enqueue(
                request, origin, key=key, parent_id=parent_id, limits=limits, also=also
            )
            # The same key again may find a job that was queued when it looked, and has been started since.
            known = generation.id in self._line or generation.id in self._running
            if generation.status is Status.QUEUED and not known:
                self._line.join(_queued(generation))
                self._queue_changed()
            return generation

        try:
            return await to_the_end(accept())
        except CANNOT_WRITE as error:
            log.exception("a job could not be written")
            raise QueueClosed(
                "The job could not be written to the disk, so it was not taken. The reason is in Easel's log.",
                reason="not_written",
            ) from error

    async def cancel(self, id: int) -> bool:
        """Cancels a job that waits or is painted; False where it was final, or its pictures are being written.

        Raises NotFound, and QueueClosed where the disk does not take it.
        """
        try:
            waited = await self._ledger.cancel_queued(id)
        except CANNOT_WRITE as error:
            raise QueueClosed(
                "The disk is full, so this could not be cancelled. Try again in a minute.", reason="not_cancelled"
            ) from error
        if waited:
            self._line.leave(id)
            self._queue_changed()
            self._updates.ended(await self._ledger.get(id))
            return True
        attempt = self._running.get(id)
        if attempt is None:
            await self._ledger.get(id)
            return False
        return attempt.cancel()

    async def watch(self, id: int) -> AsyncIterator[Update]:
        """The job's newest state now, and whenever it changed, until it is final.

        A slow reader misses steps, never the end. Raises NotFound.
        """
        with self._updates.watcher(id) as watcher:
            generation = await self._ledger.get(id)
            if generation.status.final:
                yield Update(id, generation.status, generation=generation)
                return
            while watcher.final is None:
                yield self._state(id)
                await watcher.changed.wait()
                watcher.changed.clear()
            yield watcher.final

    def subscribe(self) -> AbstractAsyncContextManager[AsyncIterator[Update]]:
        """Every job's final update from now on; none is missed, however slow the reader."""
        return self._updates.subscribe()

    def position(self, id: int) -> Position | None:
        """Where a job stands in the queue, as `Line.position` says; None where it does not wait."""
        running = [(attempt.job, attempt.done) for attempt in self._running.values()]
        return self._line.position(id, running=running, slots=self._slots, speeds=self._speeds, held=self._models.held)

    @property
    def waiting(self) -> list[Queued]:
        """The jobs that wait, oldest first."""
        return self._line.jobs

    @property
    def running(self) -> list[int]:
        return sorted(self._running)

    @property
    def closing(self) -> bool:
        """Whether nothing new is taken, since Easel is stopping."""
        return self._closing

    async def drain(self, limit_s: float) -> None:
        """Takes nothing new; running jobs end within the limit or go back to the queue, their attempt not counted.

        Returns at the latest some seconds after the limit, also where the disk takes nothing any more: the next
        start finds those jobs by their leases.
        """
        self._closing = True
        self._wake.set()
        if self._loop is not None:  # which ends by itself, so that no job is left half started
            await _patiently((self._loop,), LAST_WRITES_S)
        if self._jobs:
            log.info("waiting up to %.0f s for %d running jobs", limit_s, len(self._jobs))
            await asyncio.wait(self._jobs, timeout=limit_s)
        for attempt in self._running.values():
            attempt.stop()
        if left := await _patiently(tuple(self._jobs), LAST_WRITES_S):
            log.error("%d jobs could not be ended in time; the next start tries them again", left)

    # -- the loop

    async def _dispatch(self) -> None:
        while not self._closing:
            self._wake.clear()
            try:
                wait = await self._fill()
            except Exception:
                # An engine or a ledger that cannot be asked for a moment must not end the service.
                log.exception("the dispatcher stumbled and goes on")
                wait = LOOK_S
            try:
                async with asyncio.timeout(wait):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def _fill(self) -> float | None:
        """Starts what the engine has room for. Returns how long to sleep at most; None: until something changes."""
        while self._line and not self._closing:
            if self._disk.full:
                return LOOK_S
            status = await self._engine.status()
            under_way = [attempt for attempt in self._running.values() if attempt.in_engine]
            unseen = sum(attempt.job.id not in status.running for attempt in under_way)
            self._slots = max(1, status.free + len(status.running))
            if status.free - unseen <= 0 or any(attempt.number > 1 for attempt in under_way):
                return LOOK_S
            loading = {attempt.job.model for attempt in under_way} - self._warm
            # Of three slots and more, the last is for somebody new: nobody waits until one of another's twenty ends.
            last = self._slots > 2 and status.free - unseen == 1
            served = {attempt.job.person_id for attempt in under_way} if last else set()
            able = [each for each in self._line if each.job.person_id not in served]
            self._models = await self._worth_loading(able, under_way, status.model_budget)
            # More jobs of a model that is still loading would only hold the slots that others could use.
            may = {each.job.model for each in able if self._models.allows(each.job.model)} - loading
            # Some may have been cancelled meanwhile.
            chosen = self._line.choose(each for each in able if each.job.model in may and each.job.id in self._line)
            # What lost its worker may have been what ended it: it is tried again alone, so that it takes nobody along.
            if chosen is None or (chosen.job.attempt and under_way):
                return LOOK_S
            await self._start(chosen)
        return None

    async def _worth_loading(self, able: list[Waiting], under_way: list[Attempt], budget: int | None) -> Choice:
        """The models whose jobs may start: see `engine.residency`."""
        if len({each.job.model for each in able} | {attempt.job.model for attempt in under_way}) <= 1:
            return Choice()
        states = await self._engine.models()
        running = [(attempt.job, attempt.done) for attempt in under_way]
        return self._affinity.choose(able, running, states, budget, self._speeds, self._clock())

    async def _start(self, chosen: Waiting) -> None:
        """Leases a job and hands it to the engine."""
        job = chosen.job
        now = self._clock()
        self._line.leave(job.id)
        # Known as running before it is: who cancels in between must find it.
        attempt = self._running[job.id] = Attempt(
            job,
            number=job.attempt + 1,
            started=now,
            ledger=self._ledger,
            engine=self._engine,
            disk=self._disk,
            clock=self._clock,
            max_attempts=self._max_attempts,
            heard=self._heard,
        )
        try:
            generation = await self._ledger.lease(job.id)
        except CANNOT_WRITE:
            del self._running[job.id]
            self._line.put(chosen)
            raise
        if generation is None:  # cancelled while it waited
            del self._running[job.id]
            return
        if generation.attempt <= self._max_attempts:
            self._line.charge(job, now)
            self._affinity.started(job.model, now)
            attempt.begin(generation)
        if attempt.cancelled:
            attempt.stop()
        task = asyncio.create_task(self._run(generation, attempt), name=f"job {generation.short_id}")
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)
        self._queue_changed()
        self._updates.changed(job.id)

    async def _run(self, generation: Generation, attempt: Attempt) -> None:
        id = generation.id
        try:
            again = await attempt.run(generation)
            ended = await self._ledger.get(id)
            self._speeds = await self._ledger.speeds()
        except Exception:
            log.exception("the end of job %s could not be written; the next start tries it again", generation.short_id)
            del self._running[id]
            return
        # From here on nothing is awaited: nobody sees a job that neither waits nor runs nor ended.
        del self._running[id]
        if again is not None:
            self._put_back(attempt, again)
        elif ended.status.final:
            self._updates.ended(ended, attempt.error)
        self._queue_changed()

    def _heard(self, attempt: Attempt) -> None:
        model = attempt.job.model
        if not isinstance(attempt.event, Progress):
            self._warm.discard(model)
        elif model not in self._warm:
            self._warm.add(model)
            self._wake.set()  # others of that model may follow
        elif attempt.event.step >= attempt.event.of:
            self._wake.set()  # it is only decoded now: others may have its place
        self._updates.changed(attempt.job.id)

    async def _keep_house(self) -> None:
        while True:
            try:
                removed = await self._ledger.retain(keep_days=self._keep_days, keep_bytes=self._keep_bytes)
                if removed:
                    log.info("%d pictures were too old or too many, and were deleted", removed)
            except (sqlite3.Error, OSError):
                log.exception("old pictures could not be deleted; trying again in an hour")
            await asyncio.sleep(HOUSEKEEPING_S)

    # -- bookkeeping

    def _put_back(self, attempt: Attempt, again: Again) -> None:
        self._warm.discard(attempt.job.model)
        self._line.come_back(replace(attempt.job, attempt=again.attempts), since=attempt.started, wait=again.wait)

    def _queue_changed(self) -> None:
        self._line.changed()
        self._wake.set()
        for id in self._updates.watched & self._line.ids:
            self._updates.changed(id)

    def _state(self, id: int) -> Update:
        attempt = self._running.get(id)
        if attempt is not None:
            return Update(id, Status.RUNNING, event=attempt.event)
        return Update(id, Status.QUEUED, position=self.position(id))


async def _patiently(tasks: Sequence[asyncio.Task[None]], limit_s: float) -> int:
    """Waits for tasks that end by themselves; those that do not are cancelled, and counted.

    More than once where it takes that: who is cancelled while it writes gives its job back, which may be refused too.
    """
    left = set(tasks)
    late = 0
    while left:
        _, left = await asyncio.wait(left, timeout=limit_s)
        late = max(late, len(left))
        for task in left:
            task.cancel()
    return late


def _queued(generation: Generation) -> Queued:
    return Queued(
        id=generation.id,
        person_id=generation.origin.person_id,
        guild_id=generation.origin.guild_id,
        model=generation.request.model,
        row_steps=generation.request.row_steps,
        attempt=generation.attempt,
        created_at=generation.created_at,
        pixels=generation.request.width * generation.request.height,
    )
