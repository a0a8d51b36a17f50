"""The dispatcher: takes jobs in, gives them to the engine fairly, writes what comes out, tells whoever watches.

`submit` returns once the job is on disk; from then on it ends `stored`, `failed`, `cancelled` or `dead`, whatever
dies in between. Nothing here knows Discord.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import sqlite3
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from engine import fairness, files
from engine.catalog import Catalog
from engine.errors import Cancelled, EaselError, EngineLost, GenerationFailed, QueueClosed
from engine.fairness import Queued, Shares, Waiting
from engine.ledger import Also, Ledger
from engine.types import Engine, Event, Generation, GenerationRequest, Limit, Loading, Origin, Picture, Progress, Status

log = logging.getLogger(__name__)

MEGABYTE = 1024 * 1024
RETRY_WAIT_S = 2.0
"""Before a job is tried again that lost its worker; doubled for each further attempt."""

FULL_DISK_WAIT_S = 10.0
LOOK_S = 1.0
"""How often the queue is looked at while something waits for time to pass."""

HOUSEKEEPING_S = 3600.0
_DISK_FULL = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})


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


@dataclass(slots=True)
class _Running:
    """A job that the engine has."""

    job: Queued
    attempt: int
    started: float
    task: asyncio.Task[None] | None = None
    event: Loading | Progress | None = None
    cancelled: bool = False
    """Somebody pressed Cancel. Without it, a task that is cancelled gives its job back to the queue."""

    painted_from: float | None = None
    """When the first step was done: loading a model does not count as its speed."""


@dataclass(slots=True, eq=False)
class _Watcher:
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    final: Update | None = None


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
        self._shares = Shares()
        self._waiting: dict[int, Waiting] = {}
        self._running: dict[int, _Running] = {}
        self._watchers: dict[int, set[_Watcher]] = {}
        self._subscribers: set[asyncio.Queue[Update]] = set()
        self._speeds: dict[str, float] = {}
        self._loaded: frozenset[str] = frozenset()
        self._order: dict[int, Position] | None = None
        self._paused_until = 0.0
        self._closing = False
        self._starting = asyncio.Lock()
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Dispatcher:
        expired = await self._ledger.expire_leases()
        if expired:
            log.warning("%d jobs were running when Easel last stopped; they go back to the queue", len(expired))
        await asyncio.to_thread(files.remove_parts, self._ledger.data_dir)
        self._speeds = await self._ledger.speeds()
        for job in await self._ledger.queued():
            self._wait(job)
        self._tasks = [
            asyncio.create_task(self._dispatch(), name="dispatcher"),
            asyncio.create_task(self._keep_house(), name="housekeeping"),
        ]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.drain(self._drain_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

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
        """
        self._catalog.check(request)
        if self._closing:
            raise QueueClosed("Easel is stopping. Try again in a minute.")
        if await asyncio.to_thread(self._free_bytes, self._ledger.data_dir) < self._min_free_bytes:
            raise QueueClosed("The disk is nearly full, so nothing new is taken. Whoever runs Easel has to make room.")
        try:
            generation = await self._ledger.enqueue(
                request, origin, key=key, parent_id=parent_id, limits=limits, also=also
            )
        except (sqlite3.OperationalError, OSError) as error:
            log.exception("a job could not be written")
            raise QueueClosed(
                "The job could not be written to the disk, so it was not taken. The reason is in Easel's log."
            ) from error
        if generation.status is Status.QUEUED and generation.id not in self._waiting:
            self._wait(_queued(generation))
        return generation

    async def cancel(self, id: int) -> bool:
        """Cancels a job that waits or runs; False where it was final already. Raises NotFound."""
        if await self._ledger.cancel_queued(id):
            self._waiting.pop(id, None)
            self._queue_changed()
            await self._tell_final(id)
            return True
        running = self._running.get(id)
        if running is None:
            await self._ledger.get(id)
            return False
        running.cancelled = True
        if running.task is not None:
            running.task.cancel()
        return True

    async def watch(self, id: int) -> AsyncIterator[Update]:
        """The job's newest state now, and whenever it changed, until it is final.

        A slow reader misses steps, never the end. Raises NotFound.
        """
        watcher = _Watcher()
        self._watchers.setdefault(id, set()).add(watcher)
        try:
            generation = await self._ledger.get(id)
            if generation.status.final:
                yield Update(id, generation.status, generation=generation)
                return
            while True:
                if watcher.final is not None:
                    yield watcher.final
                    return
                yield self._state(id)
                await watcher.changed.wait()
                watcher.changed.clear()
        finally:
            watchers = self._watchers.get(id, set())
            watchers.discard(watcher)
            if not watchers:
                self._watchers.pop(id, None)

    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[AsyncIterator[Update]]:
        """Every job's final update from now on; none is missed, however slow the reader."""
        queue: asyncio.Queue[Update] = asyncio.Queue()

        async def updates() -> AsyncIterator[Update]:
            while True:
                yield await queue.get()

        self._subscribers.add(queue)
        try:
            yield updates()
        finally:
            self._subscribers.discard(queue)

    def position(self, id: int) -> Position | None:
        """Where a job stands in the queue; None where it does not wait, or stands too far back to tell when."""
        if id not in self._waiting:
            return None
        if self._order is None:
            self._order = self._positions()
        return self._order.get(id, Position(len(self._waiting) - 1, None))

    @property
    def waiting(self) -> list[Queued]:
        """The jobs that wait, oldest first."""
        return [each.job for _, each in sorted(self._waiting.items())]

    @property
    def running(self) -> list[int]:
        return sorted(self._running)

    async def drain(self, limit_s: float) -> None:
        """Takes nothing new; running jobs end within the limit or go back to the queue, their attempt not counted."""
        self._closing = True
        async with self._starting:  # a job that is just being leased starts first, so that it is among the running
            tasks = [running.task for running in self._running.values() if running.task is not None]
        if tasks:
            log.info("waiting up to %.0f s for %d running jobs", limit_s, len(tasks))
            _, left = await asyncio.wait(tasks, timeout=limit_s)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    # -- the loop

    async def _dispatch(self) -> None:
        while True:
            self._wake.clear()
            try:
                wait = await self._fill()
            except Exception:
                # A ledger that cannot be read for a moment must not end the service.
                log.exception("the dispatcher stumbled and goes on")
                wait = LOOK_S
            try:
                async with asyncio.timeout(wait):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def _fill(self) -> float | None:
        """Starts what the engine has room for. Returns how long to sleep at most; None: until something changes."""
        while self._waiting and not self._closing:
            if self._clock() < self._paused_until:
                return LOOK_S
            status = await self._engine.status()
            if status.free <= 0:
                return LOOK_S
            self._loaded = frozenset(state.key for state in await self._engine.models() if state.state == "loaded")
            chosen = fairness.choose(self._waiting.values(), self._shares, self._clock(), self._loaded)
            if chosen is None:
                return LOOK_S
            async with self._starting:
                if self._closing or chosen.job.id not in self._waiting:
                    continue
                del self._waiting[chosen.job.id]
                await self._start(chosen)
        return None

    async def _start(self, chosen: Waiting) -> None:
        job = chosen.job
        # Known as running before it is: who cancels in between must find it.
        running = self._running[job.id] = _Running(job, job.attempt + 1, self._clock())
        try:
            generation = await self._ledger.lease(job.id)
        except (sqlite3.OperationalError, OSError):
            del self._running[job.id]
            self._waiting[job.id] = chosen
            raise
        self._queue_changed()
        if generation is None or running.cancelled or job.attempt >= self._max_attempts:
            del self._running[job.id]
            if generation is not None and running.cancelled:
                await self._end(running, Status.CANCELLED, Cancelled())
                await self._tell_final(job.id)
            elif generation is not None:
                # Its attempts ended with the whole process: only the count on disk knows.
                await self._give_up(job, generation.attempt, EngineLost("Easel stopped each time it painted this."))
            return
        self._shares.charge(job, self._clock())
        running.task = asyncio.create_task(self._run(generation, running), name=f"job {generation.short_id}")
        self._tell(job.id)

    async def _run(self, generation: Generation, running: _Running) -> None:
        id, attempt = generation.id, generation.attempt
        try:
            pictures = []
            async with aclosing(_closing(self._engine.generate(id, generation.request))) as events:
                async for event in events:
                    if isinstance(event, Picture):
                        pictures.append(
                            await asyncio.to_thread(
                                files.save_picture, self._ledger.data_dir, id, event, generation.created_at
                            )
                        )
                    else:
                        if isinstance(event, Progress) and running.painted_from is None:
                            running.painted_from = self._clock()
                        running.event = event
                        self._tell(id)
            if len(pictures) < generation.request.num_images:
                raise EngineLost(f"The engine ended after {len(pictures)} of {generation.request.num_images} pictures.")
            pictures.sort(key=lambda picture: picture.position)
            seconds = self._clock() - running.started
            await self._insist(lambda: self._ledger.store(id, attempt, pictures, seconds))
            await self._learn(running)
        except asyncio.CancelledError:
            if running.cancelled:
                await self._end(running, Status.CANCELLED, Cancelled())
            else:
                await self._insist(lambda: self._ledger.give_back(id, attempt, count=False))
                self._put_back(running, attempt - 1)
        except Cancelled as error:
            await self._end(running, Status.CANCELLED, error)
        except EngineLost as error:
            await self._retry(running, error)
        except EaselError as error:
            await self._end(running, Status.FAILED, error)
        except OSError as error:
            await self._storage_failed(running, error)
        except Exception as error:
            log.exception("job %s failed", generation.short_id)
            failure = GenerationFailed(
                f"Painting failed ({type(error).__name__}). The log tells more: {generation.short_id}."
            )
            await self._end(running, Status.FAILED, failure)
        finally:
            self._running.pop(id, None)
            self._queue_changed()
            if id not in self._waiting:
                await self._tell_final(id)

    async def _retry(self, running: _Running, error: EngineLost) -> None:
        job, attempt = running.job, running.attempt
        if attempt >= self._max_attempts:
            await self._give_up(job, attempt, error)
            return
        wait = RETRY_WAIT_S * 2 ** (attempt - 1)
        log.warning("job %s lost its worker (%s); attempt %d follows", job.id, error, attempt + 1)
        await self._insist(lambda: self._ledger.give_back(job.id, attempt, wait=wait))
        self._put_back(running, attempt, wait)

    async def _storage_failed(self, running: _Running, error: OSError) -> None:
        if error.errno not in _DISK_FULL:
            log.error("a picture could not be written: %s", error)
            failure = GenerationFailed(f"The picture could not be written to the disk ({error.strerror}).")
            await self._end(running, Status.FAILED, failure)
            return
        log.error("the disk is full; painting goes on when there is room")
        self._paused_until = self._clock() + FULL_DISK_WAIT_S
        await self._insist(lambda: self._ledger.give_back(running.job.id, running.attempt, count=False))
        self._put_back(running, running.attempt - 1, FULL_DISK_WAIT_S)

    async def _give_up(self, job: Queued, attempt: int, error: EngineLost) -> None:
        log.error("job %s is given up after %d attempts: %s", job.id, attempt, error)
        failure = EngineLost(f"Given up after {self._max_attempts} attempts. {error}")
        await self._insist(lambda: self._ledger.finish(job.id, attempt, Status.DEAD, failure))
        if job.id not in self._running:
            await self._tell_final(job.id)

    async def _end(self, running: _Running, status: Status, error: EaselError) -> None:
        seconds = self._clock() - running.started
        await self._insist(lambda: self._ledger.finish(running.job.id, running.attempt, status, error, seconds))

    async def _insist(self, write: Callable[[], Awaitable[object]]) -> None:
        """Writes an end, again and again while the disk refuses: the lease keeps the job meanwhile.

        Shielded, since a second cancel must not leave a job that ended without its end.
        """

        async def until_written() -> None:
            wait = 0.5
            while True:
                try:
                    await write()
                    return
                except (sqlite3.OperationalError, OSError):
                    log.exception("the ledger could not be written; trying again in %.1f s", wait)
                    await asyncio.sleep(wait)
                    wait = min(30.0, 2 * wait)

        await asyncio.shield(asyncio.ensure_future(until_written()))

    async def _learn(self, running: _Running) -> None:
        if running.painted_from is None or running.job.row_steps < 1:
            return
        # Until the first step is heard of, one step's time has passed already: half a step is a fair guess.
        speed = max(1e-4, (self._clock() - running.painted_from) / running.job.row_steps)
        model = running.job.model
        self._speeds[model] = 0.8 * self._speeds.get(model, speed) + 0.2 * speed
        await self._insist(lambda: self._ledger.learn_speed(model, speed))

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

    def _wait(self, job: Queued) -> None:
        now = self._clock()
        wait = 0.0 if job.retry_at is None else (job.retry_at - datetime.now(UTC)).total_seconds()
        self._waiting[job.id] = Waiting(job, since=now, ready_at=now + min(max(0.0, wait), 60.0))
        self._queue_changed()

    def _put_back(self, running: _Running, attempt: int, wait: float = 0.0) -> None:
        now = self._clock()
        self._shares.refund(running.job, now)
        self._waiting[running.job.id] = Waiting(replace(running.job, attempt=attempt), running.started, now + wait)
        self._tell(running.job.id)

    def _queue_changed(self) -> None:
        self._order = None
        self._wake.set()
        for id in self._watchers.keys() & self._waiting.keys():
            self._tell(id)

    def _state(self, id: int) -> Update:
        running = self._running.get(id)
        if running is not None and id not in self._waiting:
            return Update(id, Status.RUNNING, event=running.event)
        return Update(id, Status.QUEUED, position=self.position(id))

    def _tell(self, id: int) -> None:
        for watcher in self._watchers.get(id, ()):
            watcher.changed.set()

    async def _tell_final(self, id: int) -> None:
        generation = await self._ledger.get(id)
        if not generation.status.final:
            return
        update = Update(id, generation.status, generation=generation)
        for watcher in self._watchers.get(id, ()):
            watcher.final = update
            watcher.changed.set()
        for queue in self._subscribers:
            queue.put_nowait(update)

    def _positions(self) -> dict[int, Position]:
        """Of the jobs that start next. What runs is taken to be half done."""
        now = self._clock()
        seconds: float | None = 0.0
        for running in self._running.values():
            seconds = _plus(seconds, self._expected(running.job), 0.5)
        ready = [replace(each, ready_at=now) for each in self._waiting.values()]
        positions: dict[int, Position] = {}
        for ahead, id in enumerate(fairness.order(ready, self._shares, now, self._loaded)):
            positions[id] = Position(ahead, seconds)
            seconds = _plus(seconds, self._expected(self._waiting[id].job))
        return positions

    def _expected(self, job: Queued) -> float | None:
        speed = self._speeds.get(job.model)
        return None if speed is None else speed * job.row_steps


def _plus(seconds: float | None, more: float | None, share: float = 1.0) -> float | None:
    return None if seconds is None or more is None else seconds + share * more


def _queued(generation: Generation) -> Queued:
    return Queued(
        id=generation.id,
        person_id=generation.origin.person_id,
        guild_id=generation.origin.guild_id,
        model=generation.request.model,
        row_steps=generation.request.row_steps,
        attempt=generation.attempt,
        created_at=generation.created_at,
    )


async def _closing(events: AsyncIterator[Event]) -> AsyncGenerator[Event]:
    """The events, closed with this generator: closing is what cancels in the engine."""
    try:
        async for event in events:
            yield event
    finally:
        close = getattr(events, "aclose", None)
        if close is not None:
            await close()
