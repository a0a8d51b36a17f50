"""A job's life against a model of it: whatever is called in whatever order, the ledger and the model agree."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from engine.errors import Cancelled, EngineLost, GenerationFailed
from engine.ledger import Ledger
from engine.types import Generation, Origin, PictureRecord, Status
from tests.fakes import small_catalog

ENDS = {Status.FAILED: GenerationFailed("no"), Status.CANCELLED: Cancelled(), Status.DEAD: EngineLost("gone")}


class Life(RuleBasedStateMachine):
    """`self.jobs` holds what must be true of each job: its status, its attempt, its leaser's boot, its charge."""

    jobs_made = Bundle("jobs_made")
    leases = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.status: dict[int, Status] = {}
        self.attempt: dict[int, int] = {}
        self.charged: dict[int, int] = {}
        self.keys: dict[str, int] = {}

    @initialize()
    def start(self) -> None:
        self.stack = AsyncExitStack()
        self.ledger: Ledger = self.runner.run(self.stack.enter_async_context(Ledger.open(Path(self.folder.name))))
        expired = self.runner.run(self.ledger.expire_leases())
        assert set(expired) == {id for id, status in self.status.items() if status is Status.RUNNING}
        for id in expired:
            self.status[id] = Status.QUEUED
        self.boot_leases: set[tuple[int, int]] = set()

    def teardown(self) -> None:
        if hasattr(self, "stack"):
            self.runner.run(self.stack.aclose())
        self.runner.close()
        self.folder.cleanup()

    @rule(target=jobs_made, images=st.integers(1, 4), key=st.none() | st.sampled_from("abc"))
    def enqueue(self, images: int, key: str | None) -> int:
        request = small_catalog().request("tiny", "a fox", num_images=images)
        job = self.runner.run(self.ledger.enqueue(request, Origin("1", "2"), key=key))
        if key in self.keys:
            assert job.id == self.keys[key]
        else:
            assert job.id > max(self.status, default=0)
            self.status[job.id], self.attempt[job.id], self.charged[job.id] = Status.QUEUED, 0, images
            if key is not None:
                self.keys[key] = job.id
        return job.id

    @rule(target=leases, id=jobs_made)
    def lease(self, id: int) -> tuple[int, int]:
        leased = self.runner.run(self.ledger.lease(id))
        assert (leased is not None) == (self.status[id] is Status.QUEUED)
        if leased is not None:
            self.status[id] = Status.RUNNING
            self.attempt[id] += 1
            self.boot_leases.add((id, self.attempt[id]))
            assert leased.attempt == self.attempt[id]
        return id, self.attempt[id]

    def holds(self, lease: tuple[int, int]) -> bool:
        id, attempt = lease
        return self.status[id] is Status.RUNNING and self.attempt[id] == attempt and lease in self.boot_leases

    @rule(lease=leases, count=st.booleans())
    def give_back(self, lease: tuple[int, int], count: bool) -> None:
        id, attempt = lease
        held = self.holds(lease)
        assert self.runner.run(self.ledger.give_back(id, attempt, count=count)) == held
        if held:
            self.status[id] = Status.QUEUED
            self.attempt[id] -= 0 if count else 1

    @rule(lease=consumes(leases))
    def store(self, lease: tuple[int, int]) -> None:
        id, attempt = lease
        held = self.holds(lease)
        picture = PictureRecord(id, 0, 1, "pictures/x.png", 1, "0", 64, 64)
        assert self.runner.run(self.ledger.store(id, attempt, [picture], 1.0)) == held
        if held:
            self.status[id] = Status.STORED

    @rule(lease=leases, status=st.sampled_from(list(ENDS)))
    def finish(self, lease: tuple[int, int], status: Status) -> None:
        id, attempt = lease
        held = self.holds(lease)
        assert self.runner.run(self.ledger.finish(id, attempt, status, ENDS[status], 1.0)) == held
        if held:
            self.status[id] = status
            if status is not Status.CANCELLED:
                self.charged[id] = 0

    @rule(id=jobs_made)
    def cancel(self, id: int) -> None:
        waits = self.status[id] is Status.QUEUED
        assert self.runner.run(self.ledger.cancel_queued(id)) == waits
        if waits:
            self.status[id], self.charged[id] = Status.CANCELLED, 0

    @rule()
    def stop_and_start(self) -> None:
        self.runner.run(self.stack.aclose())
        self.start()

    @invariant()
    def agree(self) -> None:
        if hasattr(self, "ledger"):
            self.runner.run(self._agree())

    async def _agree(self) -> None:
        jobs: dict[int, Generation] = {id: await self.ledger.get(id) for id in self.status}
        assert {id: job.status for id, job in jobs.items()} == self.status
        assert {id: job.attempt for id, job in jobs.items()} == self.attempt
        for job in jobs.values():
            assert (job.finished_at is not None) == job.status.final
            assert bool(job.pictures) == (job.status is Status.STORED)
        waiting = [job.id for job in await self.ledger.queued()]
        assert waiting == sorted(id for id, status in self.status.items() if status is Status.QUEUED)
        assert await self.ledger.running() == sorted(
            id for id, status in self.status.items() if status is Status.RUNNING
        )
        async with self.ledger.read() as connection:
            used = await connection.execute_fetchall("SELECT scope, images FROM usage")
        assert all(images == sum(self.charged.values()) for _, images in used)


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=8, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
