"""One attempt at a job: from its lease, through the engine's events, to what is written about it."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from engine import files
from engine.disk import Disk
from engine.errors import Cancelled, EaselError, EngineLost, GenerationFailed, ModelUnavailable
from engine.fairness import Queued
from engine.ledger import Ledger
from engine.types import Engine, Event, Generation, Loading, Picture, PictureRecord, Progress, Status

log = logging.getLogger(__name__)

RETRY_WAIT_S = 2.0
"""Before a job is tried again that lost its worker; doubled for each further attempt."""


@dataclass(frozen=True, slots=True)
class Again:
    """The job is back in the queue: `attempts` counted so far, not to be tried for `wait` seconds."""

    attempts: int
    wait: float = 0.0


@dataclass(slots=True)
class Attempt:
    """`begin` it once it is leased, then `run` it: it returns once the ledger holds how it ended."""

    job: Queued
    number: int
    started: float
    """Seconds of `clock`."""
    ledger: Ledger
    engine: Engine
    disk: Disk
    clock: Callable[[], float]
    max_attempts: int
    heard: Callable[[Attempt], None]
    """Called for each event of the engine."""
    event: Loading | Progress | None = None
    cancelled: bool = False
    """Somebody pressed Cancel. Painting that is stopped without it gives the job back to the queue."""
    error: EaselError | None = None
    """Why it ended without a picture."""

    _painted_from: float = 0.0
    _painting: asyncio.Task[list[Picture]] | None = None
    _too_late: bool = False

    @property
    def in_engine(self) -> bool:
        return self._painting is not None and not self._painting.done()

    @property
    def done(self) -> float:
        """The fraction that is painted."""
        return self.event.step / self.event.of if isinstance(self.event, Progress) else 0.0

    def begin(self, generation: Generation) -> None:
        self._painted_from = self.started
        self._painting = asyncio.create_task(self._paint(generation), name=f"paint {generation.short_id}")

    def cancel(self) -> bool:
        """False where the pictures are being recorded already."""
        if self._too_late:
            return False
        self.cancelled = True
        self.stop()
        return True

    def stop(self) -> None:
        """Ends the engine's part, the only one that is ever cut short: what is being written is written whole."""
        if self._painting is not None:
            self._painting.cancel()

    async def run(self, generation: Generation) -> Again | None:
        """What became of it: None where it is final."""
        try:
            if self._painting is None:
                # Its attempts ended with the whole process: only the count on disk knows.
                raise EngineLost("Easel stopped each time it painted this.")
            pictures = await self._painting
            painted_s = self.clock() - self._painted_from
            records = await self._save(generation, pictures)
        except asyncio.CancelledError:
            if not self.cancelled:
                return await self._give_back(count=False)
            await self._end(Status.CANCELLED, Cancelled())
        except EngineLost as error:
            if self.cancelled:
                await self._end(Status.CANCELLED, Cancelled())
            elif self.number < self.max_attempts:
                log.warning("job %s lost its worker (%s) in attempt %d", generation.short_id, error, self.number)
                return await self._give_back(wait=RETRY_WAIT_S * 2 ** (self.number - 1))
            else:
                log.error("job %s is given up after %d attempts: %s", generation.short_id, self.max_attempts, error)
                await self._end(Status.DEAD, EngineLost(f"Given up after {self.max_attempts} attempts. {error}"))
        except EaselError as error:
            await self._end(Status.CANCELLED if isinstance(error, Cancelled) else Status.FAILED, error)
        except Exception as error:
            log.exception("job %s failed", generation.short_id)
            text = f"Painting failed ({type(error).__name__}). The log tells more: {generation.short_id}."
            await self._end(Status.FAILED, GenerationFailed(text))
        else:
            self._too_late = True
            await self._store(records)
            await self._learn(painted_s)
        return None

    async def _paint(self, generation: Generation) -> list[Picture]:
        """The finished pictures by position."""
        wanted = generation.request.num_images
        pictures: list[Picture] = []
        async with aclosing(_closing(self.engine.generate(generation.id, generation.request))) as events:
            async for event in events:
                if isinstance(event, Picture):
                    pictures.append(event)
                    continue
                if isinstance(event, Loading):  # which does not count as the model's speed
                    self._painted_from = self.clock()
                if isinstance(event, Progress) and event.preview is None and isinstance(self.event, Progress):
                    event = replace(event, preview=self.event.preview)  # a sketch stays until the next one
                self.event = event
                self.heard(self)
        if len(pictures) < wanted:
            raise EngineLost(f"The engine ended after {len(pictures)} of {wanted} pictures.")
        return sorted(pictures, key=lambda picture: picture.position)

    async def _save(self, generation: Generation, pictures: Sequence[Picture]) -> list[PictureRecord]:
        """The files. While the disk is full, the pictures wait in memory: what was painted is not painted again."""

        def write() -> list[PictureRecord]:
            folder = self.ledger.data_dir
            return [files.save_picture(folder, generation.id, each, generation.created_at) for each in pictures]

        async def unless_cancelled() -> list[PictureRecord]:
            if self.cancelled:
                raise Cancelled
            return await asyncio.to_thread(write)

        try:
            return await self.disk.insist(unless_cancelled)
        except OSError as error:
            log.error("a picture could not be written: %s", error)
            raise GenerationFailed(f"The picture could not be written to the disk ({error.strerror}).") from error

    async def _store(self, records: Sequence[PictureRecord]) -> None:
        seconds = self.clock() - self.started
        await self.disk.insist(lambda: self.ledger.store(self.job.id, self.number, records, seconds))

    async def _end(self, status: Status, error: EaselError) -> None:
        seconds = self.clock() - self.started
        self.error = error
        if isinstance(error, ModelUnavailable):
            log.error("%s %s", error, error.detail)
        await self.disk.insist(lambda: self.ledger.finish(self.job.id, self.number, status, error, seconds))

    async def _give_back(self, *, count: bool = True, wait: float = 0.0) -> Again:
        await self.disk.insist(lambda: self.ledger.give_back(self.job.id, self.number, count=count, wait=wait))
        return Again(self.number if count else self.number - 1, wait)

    async def _learn(self, painted_s: float) -> None:
        """The speed of a model is worth one try, not more."""
        try:
            await self.ledger.learn_speed(self.job.model, max(1e-6, painted_s / self.job.work))
        except sqlite3.OperationalError:
            log.warning("the speed of %s could not be written", self.job.model)


async def _closing(events: AsyncIterator[Event]) -> AsyncGenerator[Event]:
    """The events, closed with this generator: closing is what cancels in the engine."""
    try:
        async for event in events:
            yield event
    finally:
        close = getattr(events, "aclose", None)
        if close is not None:
            await close()
