"""The dispatcher over a real ledger, with an engine that paints a colour."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from engine.dispatch import Position, Update
from engine.errors import EngineLost, InvalidRequest, ModelUnavailable, NotFound, OutOfMemory
from engine.files import picture_path
from engine.ledger import HistoryFilter, Ledger
from engine.types import Event, GenerationRequest, Origin, Progress, Status
from tests.dispatching import ANN, BOB, ask, end_of, hurry, running
from tests.fakes import FakeEngine, paint, small_catalog


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


async def test_a_job_ends_stored_with_every_picture_on_disk(tmp_path: Path) -> None:
    async with running(tmp_path, FakeEngine()) as dispatcher:
        done = await end_of(dispatcher, await dispatcher.submit(ask(seed=5, num_images=3), ANN))
    assert done.status is Status.STORED
    assert [p.position for p in done.pictures] == [0, 1, 2]
    for picture in done.pictures:
        assert picture_path(tmp_path, picture.path).read_bytes() == paint(done.request, picture.seed)


async def test_whoever_watches_sees_position_then_steps_then_the_end(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with running(tmp_path, FakeEngine(gate=gate)) as dispatcher:
        await dispatcher.submit(ask(), ANN)
        second = await dispatcher.submit(ask(num_inference_steps=3), ANN)
        seen: list[Update] = []
        async for update in dispatcher.watch(second.id):
            seen.append(update)
            if update.status is Status.QUEUED:
                await asyncio.sleep(0.05)
                gate.set()
    assert seen[0].status is Status.QUEUED
    assert seen[0].position is not None
    assert any(isinstance(update.event, Progress) for update in seen)
    assert seen[-1].generation is not None
    assert seen[-1].generation.status is Status.STORED


async def test_the_expected_time_is_learned_from_past_jobs(tmp_path: Path) -> None:
    gate = asyncio.Event()
    gate.set()
    engine = FakeEngine(gate=gate, step_s=0.02)
    async with running(tmp_path, engine) as dispatcher:
        await end_of(dispatcher, await dispatcher.submit(ask(num_inference_steps=10), ANN))
        gate.clear()
        await dispatcher.submit(ask(), ANN)
        second = await dispatcher.submit(ask(), BOB)
        await asyncio.sleep(0.05)
        position = dispatcher.position(second.id)
        gate.set()
    assert position is not None
    assert position.ahead == 0
    assert position.seconds is not None
    assert position.seconds > 0


async def test_a_lost_worker_costs_an_attempt_and_not_the_job(tmp_path: Path) -> None:
    engine = FakeEngine(errors=[EngineLost("killed"), EngineLost("killed")])
    async with running(tmp_path, engine) as dispatcher:
        done = await end_of(dispatcher, await dispatcher.submit(ask(), ANN))
    assert (done.status, done.attempt) == (Status.STORED, 3)


async def test_a_job_that_kills_every_worker_is_given_up_and_the_next_is_painted(tmp_path: Path) -> None:
    engine = FakeEngine(errors=[EngineLost("killed")] * 3)
    async with running(tmp_path, engine) as dispatcher:
        poison = await dispatcher.submit(ask("poison"), ANN)
        dead = await end_of(dispatcher, poison)
        done = await end_of(dispatcher, await dispatcher.submit(ask(), ANN))
    assert dead.status is Status.DEAD
    assert dead.error_text is not None
    assert "3 attempts" in dead.error_text
    assert done.status is Status.STORED


async def test_jobs_that_lost_their_worker_together_are_tried_again_one_by_one(tmp_path: Path) -> None:
    """One of them may have ended it, and the others must not spend their tries beside it."""
    beside: dict[int, list[int]] = {}

    class Crashing(FakeEngine):
        """Dies once three requests are on their way."""

        async def generate(self, id: int, request: GenerationRequest) -> AsyncIterator[Event]:
            beside.setdefault(id, []).append(len(self.active))
            if len(beside) == 3:
                full.set()
            async with aclosing(super().generate(id, request)) as events:
                async for event in events:
                    yield event
                    if len(beside[id]) == 1:
                        await crash.wait()
                        raise EngineLost("killed")

    full, crash = asyncio.Event(), asyncio.Event()
    engine = Crashing(slots=3, step_s=0.05, loaded={"tiny"})
    async with running(tmp_path, engine) as dispatcher:
        jobs = [await dispatcher.submit(ask(), person) for person in (ANN, BOB, Origin("another"))]
        await full.wait()
        crash.set()
        ends = [await end_of(dispatcher, job) for job in jobs]
    assert [done.status for done in ends] == [Status.STORED] * 3
    assert sorted(beside.values()) == [[0, 0], [1, 0], [2, 0]]


@pytest.mark.parametrize(
    "error", [OutOfMemory("Try smaller."), ModelUnavailable("tiny", "it is gone."), RuntimeError()]
)
async def test_an_error_of_the_model_fails_the_job_and_only_it(tmp_path: Path, error: Exception) -> None:
    async with running(tmp_path, FakeEngine(errors=[error])) as dispatcher:
        failed = await end_of(dispatcher, await dispatcher.submit(ask(), ANN))
        done = await end_of(dispatcher, await dispatcher.submit(ask(), ANN))
    assert failed.status is Status.FAILED
    assert failed.error_text
    assert done.status is Status.STORED


async def test_cancelling_a_waiting_job_never_starts_it(tmp_path: Path) -> None:
    gate = asyncio.Event()
    engine = FakeEngine(gate=gate)
    async with running(tmp_path, engine) as dispatcher:
        first = await dispatcher.submit(ask(), ANN)
        second = await dispatcher.submit(ask(), ANN)
        assert await dispatcher.cancel(second.id)
        assert not await dispatcher.cancel(second.id)
        gate.set()
        await end_of(dispatcher, first)
        assert (await end_of(dispatcher, second)).status is Status.CANCELLED
    assert second.id not in engine.started


async def test_cancelling_a_running_job_stops_the_engine(tmp_path: Path) -> None:
    engine = FakeEngine(gate=asyncio.Event())
    async with running(tmp_path, engine) as dispatcher:
        job = await dispatcher.submit(ask(), ANN)
        await engine.busy.wait()
        assert await dispatcher.cancel(job.id)
        assert (await end_of(dispatcher, job)).status is Status.CANCELLED
    assert engine.cancelled == [job.id]


async def test_cancelling_what_never_was_says_so(tmp_path: Path) -> None:
    async with running(tmp_path, FakeEngine()) as dispatcher:
        with pytest.raises(NotFound):
            await dispatcher.cancel(12345)


async def test_jobs_survive_a_stop_in_the_middle(tmp_path: Path) -> None:
    engine = FakeEngine(gate=asyncio.Event())
    async with running(tmp_path, engine, drain_s=0.05) as dispatcher:
        jobs = [await dispatcher.submit(ask(), ANN) for _ in range(3)]
        await engine.busy.wait()
    async with running(tmp_path, FakeEngine()) as dispatcher:
        ends = [await end_of(dispatcher, job) for job in jobs]
    assert [done.status for done in ends] == [Status.STORED] * 3
    assert {done.attempt for done in ends} == {1}


async def test_running_jobs_may_finish_while_draining(tmp_path: Path) -> None:
    engine = FakeEngine(step_s=0.05)
    async with running(tmp_path, engine, drain_s=5) as dispatcher:
        job = await dispatcher.submit(ask(), ANN)
        await engine.busy.wait()
    async with Ledger.open(tmp_path, owner=False) as ledger:
        assert (await ledger.get(job.id)).status is Status.STORED


async def test_a_request_that_does_not_fit_its_model_is_not_queued(tmp_path: Path) -> None:
    async with running(tmp_path, FakeEngine()) as dispatcher:
        with pytest.raises(InvalidRequest, match="num_inference_steps"):
            await dispatcher.submit(ask().model_copy(update={"num_inference_steps": 99}), ANN)
        with pytest.raises(NotFound):
            await dispatcher.submit(ask().model_copy(update={"model": "nope"}), ANN)
        assert dispatcher.waiting == []


async def test_subscribers_hear_of_every_end(tmp_path: Path) -> None:
    async with running(tmp_path, FakeEngine()) as dispatcher, dispatcher.subscribe() as updates:
        jobs = {(await dispatcher.submit(ask(), ANN)).id for _ in range(5)}
        heard = {(await anext(updates)).id for _ in jobs}
    assert heard == jobs


async def test_one_who_queues_many_does_not_hold_up_nine_who_queue_one(tmp_path: Path) -> None:
    gate = asyncio.Event()
    engine = FakeEngine(gate=gate)
    async with running(tmp_path, engine) as dispatcher:
        for _ in range(60):
            await dispatcher.submit(ask(), Origin("hog"))
        others = [await dispatcher.submit(ask(), Origin(f"person {i}")) for i in range(9)]
        gate.set()
        ends = [await end_of(dispatcher, job) for job in others]
        first = engine.started[:11]
    assert all(done.status is Status.STORED for done in ends)
    assert {job.id for job in others} <= set(first)


async def test_the_engine_never_gets_more_than_it_has_room_for(tmp_path: Path) -> None:
    engine = FakeEngine(slots=3, step_s=0.05, loaded={"tiny"})
    async with running(tmp_path, engine) as dispatcher:
        jobs = await asyncio.gather(*(dispatcher.submit(ask(), Origin(str(i))) for i in range(20)))
        ends = [await end_of(dispatcher, job) for job in jobs]
    assert {done.status for done in ends} == {Status.STORED}
    assert 1 < engine.most <= 3


async def test_one_persons_jobs_leave_a_slot_to_whoever_comes_next(tmp_path: Path) -> None:
    engine = FakeEngine(slots=3, step_s=0.05, loaded={"tiny"})
    async with running(tmp_path, engine) as dispatcher:
        for people, most in (([ANN] * 6, 2), ([ANN, ANN, ANN, BOB, ANN, BOB], 3)):
            jobs = [await dispatcher.submit(ask(), person) for person in people]
            assert {(await end_of(dispatcher, job)).status for job in jobs} == {Status.STORED}
            assert engine.most == most


async def test_an_engine_that_takes_nothing_keeps_jobs_waiting(tmp_path: Path) -> None:
    engine = FakeEngine(slots=0)
    async with running(tmp_path, engine) as dispatcher:
        job = await dispatcher.submit(ask(), ANN)
        await asyncio.sleep(0.1)
        assert [each.id for each in dispatcher.waiting] == [job.id]
        engine.slots = 1
        assert (await end_of(dispatcher, job)).status is Status.STORED


async def test_jobs_whose_model_still_loads_leave_the_other_slots_to_others(tmp_path: Path) -> None:
    engine = FakeEngine(slots=2, gate=asyncio.Event(), loaded={"tiny"})
    other = small_catalog().request("other", "a fox")
    async with running(tmp_path, engine, drain_s=0) as dispatcher:
        cold = [await dispatcher.submit(other, Origin(f"cold {i}")) for i in range(3)]
        warm = await dispatcher.submit(ask(), ANN)
        async for update in dispatcher.watch(warm.id):
            if update.status is Status.RUNNING:
                break
    assert sorted(engine.started) == [cold[0].id, warm.id]


async def test_whoever_stops_waiting_for_submit_finds_the_job_whole_or_not_at_all(tmp_path: Path) -> None:
    async with running(tmp_path, FakeEngine()) as dispatcher:
        for moment in range(40):
            task = asyncio.create_task(dispatcher.submit(ask(), ANN))
            await asyncio.sleep(moment / 5000)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        last = await dispatcher.submit(ask(), Origin("last"))
        await end_of(dispatcher, last)
        for job in dispatcher.waiting:
            await end_of(dispatcher, await dispatcher._ledger.get(job.id))
    async with Ledger.open(tmp_path, owner=False) as ledger:
        assert await ledger.queued() == []
        assert await ledger.running() == []
        assert len(await ledger.history(HistoryFilter(), limit=100)) >= 1


async def test_a_job_whose_every_attempt_ended_the_process_is_given_up(tmp_path: Path) -> None:
    async with Ledger.open(tmp_path) as ledger:
        job = await ledger.enqueue(ask(), ANN)
    for _ in range(3):
        async with Ledger.open(tmp_path) as ledger:
            await ledger.expire_leases()
            assert await ledger.lease(job.id)
    engine = FakeEngine()
    async with running(tmp_path, engine) as dispatcher, dispatcher.subscribe() as ends:
        dead = await anext(ends)
    assert (dead.id, dead.status) == (job.id, Status.DEAD)
    assert engine.started == []


async def test_cancelling_while_a_lost_worker_is_mended_is_not_forgotten(tmp_path: Path) -> None:
    engine = FakeEngine(errors=[EngineLost("killed")])
    async with running(tmp_path, engine) as dispatcher:
        job = await dispatcher.submit(ask(), ANN)
        await engine.busy.wait()
        assert await dispatcher.cancel(job.id)
        assert (await end_of(dispatcher, job)).status is Status.CANCELLED


async def test_cancelling_what_is_done_says_no(tmp_path: Path) -> None:
    async with running(tmp_path, FakeEngine()) as dispatcher:
        job = await dispatcher.submit(ask(), ANN)
        await end_of(dispatcher, job)
        assert not await dispatcher.cancel(job.id)


async def test_a_slow_watcher_sees_the_newest_state_and_the_end(tmp_path: Path) -> None:
    engine = FakeEngine()
    async with running(tmp_path, engine) as dispatcher, dispatcher.subscribe() as ends:
        job = await dispatcher.submit(ask(num_inference_steps=50), ANN)
        seen = []
        async for update in dispatcher.watch(job.id):
            if not seen:
                await anext(ends)  # everything happens meanwhile
            seen.append(update)
    assert len(seen) == 2
    assert seen[-1].status is Status.STORED


async def test_what_was_submitted_by_a_hundred_at_once_is_all_painted(tmp_path: Path) -> None:
    async with running(tmp_path, FakeEngine(slots=4)) as dispatcher, dispatcher.subscribe() as ends:
        jobs = await asyncio.gather(*(dispatcher.submit(ask(), Origin(str(i % 7)), key=str(i)) for i in range(100)))
        again = await asyncio.gather(*(dispatcher.submit(ask(), Origin("1"), key=str(i)) for i in range(100)))
        ended = [await anext(ends) for _ in jobs]
    assert [job.id for job in again] == [job.id for job in jobs]
    assert sorted(update.id for update in ended) == sorted(job.id for job in jobs)


async def test_a_job_far_back_in_a_long_queue_knows_its_place_and_not_its_time(tmp_path: Path) -> None:
    async with Ledger.open(tmp_path) as ledger:
        jobs = [await ledger.enqueue(ask(), Origin(str(i))) for i in range(120)]
    async with running(tmp_path, FakeEngine(slots=0)) as dispatcher:
        first, last = dispatcher.position(jobs[0].id), dispatcher.position(jobs[-1].id)
        assert dispatcher.position(12345) is None
    assert first is not None
    assert first.ahead == 0
    assert last == Position(119, None)
