"""RemoteEngine: an engine elsewhere is as good as one here, and its absence is waited for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.dispatch import Dispatcher
from engine.errors import EngineLost, ModelUnavailable, OutOfMemory
from engine.ledger import Ledger
from engine.remote import RemoteEngine
from engine.service.keys import KeyRing
from engine.types import Event, Generation, Loading, Origin, Picture, Progress, Status
from tests.fakes import FakeEngine, paint, small_catalog
from tests.serving import serving

CATALOG = small_catalog()
REQUEST = CATALOG.request("tiny", "a fox", seed=7)


async def somebody(id: int) -> Origin:
    return Origin("ann", "studio")


@asynccontextmanager
async def remote(*urls: str, key: str | None = None, patience_s: float = 10.0) -> AsyncIterator[RemoteEngine]:
    async with RemoteEngine(urls, somebody, key=key, patience_s=patience_s, look_s=0.05) as engine:
        yield engine


async def events_of(engine: RemoteEngine, id: int = 1) -> list[Event]:
    return [event async for event in engine.generate(id, REQUEST)]


async def settled(true: Any) -> None:
    async with asyncio.timeout(20):
        while not await true():  # noqa: ASYNC110 (it is asked over HTTP)
            await asyncio.sleep(0.02)


async def test_progress_and_pictures_arrive_as_from_an_engine_here(tmp_path: Path) -> None:
    async with serving(tmp_path, FakeEngine(step_s=0.05)) as service, remote(service.url) as engine:
        *before, picture = await events_of(engine)
        assert picture == Picture(0, 7, paint(REQUEST, 7), 64, 64)
        assert Progress(2, 2) in before
        assert all(isinstance(event, Loading | Progress) for event in before)


async def test_the_job_there_is_the_persons_who_asked_here(tmp_path: Path) -> None:
    key = KeyRing(tmp_path).add("bot", trusted=True)
    async with serving(tmp_path) as service, remote(service.url, key=key) as engine:
        await events_of(engine)
        [job] = await service.desk.home.ledger.history()
        assert job.origin == Origin("ann", "studio")


async def test_asking_again_paints_nothing_twice(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        async with remote(service.url) as engine:
            first = await events_of(engine)
        async with remote(service.url) as engine:  # as after a restart
            again = await events_of(engine)
        assert again[-1] == first[-1]
        assert len(service.engine.started) == 1


async def test_closing_cancels_there_and_the_same_id_can_be_asked_for_anew(tmp_path: Path) -> None:
    fake = FakeEngine(gate=asyncio.Event())
    async with serving(tmp_path, fake) as service, remote(service.url) as engine:
        async with aclosing(engine.generate(1, REQUEST)) as events:
            assert isinstance(await anext(events), Loading)
        assert (await engine.status()).running == ()

        async def cancelled() -> bool:
            return fake.cancelled != []

        await settled(cancelled)
        assert fake.gate is not None
        fake.gate.set()
        assert isinstance((await events_of(engine))[-1], Picture)


@pytest.mark.parametrize("error", [OutOfMemory("Try a smaller size."), ModelUnavailable("tiny", "it is gone.")])
async def test_an_error_there_is_the_same_error_here(tmp_path: Path, error: Exception) -> None:
    async with serving(tmp_path, FakeEngine(errors=[error])) as service, remote(service.url) as engine:
        with pytest.raises(type(error)) as told:
            await events_of(engine)
        assert str(told.value) == str(error)


async def test_a_service_that_restarts_in_the_middle_is_waited_for_and_its_job_goes_on(tmp_path: Path) -> None:
    held = FakeEngine(gate=asyncio.Event())
    async with serving(tmp_path, held) as service:
        port = int(service.url.rpartition(":")[2])
        engine_opened = RemoteEngine([service.url], somebody, patience_s=30, look_s=0.05)
        engine = await engine_opened.__aenter__()
        painting = asyncio.create_task(events_of(engine))
        await held.busy.wait()
    try:

        async def away() -> bool:
            return (await engine.status()).free == 0

        await settled(away)
        again = FakeEngine()
        async with serving(tmp_path, again, port=port) as service:
            async with asyncio.timeout(30):
                events = await painting
            assert isinstance(events[-1], Picture)
            assert len(again.started) == 1
            assert len(await service.desk.home.ledger.history()) == 1
    finally:
        await engine.aclose()


async def test_patience_ends_where_a_service_does_not_come_back(tmp_path: Path) -> None:
    held = FakeEngine(gate=asyncio.Event())
    async with serving(tmp_path, held) as service:
        engine = await RemoteEngine([service.url], somebody, patience_s=0.2, look_s=0.05).__aenter__()
        painting = asyncio.create_task(events_of(engine))
        await held.busy.wait()
    try:
        with pytest.raises(EngineLost, match="does not come back"):
            await painting
    finally:
        await engine.aclose()


async def test_without_any_service_jobs_wait_and_are_painted_when_one_comes(tmp_path: Path) -> None:
    async with serving(tmp_path / "first") as service:
        url = service.url
    async with (
        remote(url) as engine,
        Ledger.open(tmp_path / "bot") as ledger,
        Dispatcher(ledger, engine, CATALOG, min_free_bytes=0) as dispatcher,
    ):
        job = await dispatcher.submit(REQUEST, Origin("ann"))
        assert "cannot connect" in (await engine.status()).device.lower()
        await asyncio.sleep(0.3)
        assert (await ledger.get(job.id)).status is Status.QUEUED
        async with serving(tmp_path / "first", port=int(url.rpartition(":")[2])):
            done = await final(dispatcher, job.id)
        assert (done.status, done.attempt) == (Status.STORED, 1)


async def final(dispatcher: Dispatcher, id: int) -> Generation:
    async with asyncio.timeout(30):
        async for update in dispatcher.watch(id):
            if update.generation is not None:
                return update.generation
    raise AssertionError("the watch ended before the job")


@pytest.mark.slow
async def test_several_services_share_the_work_and_one_that_is_lost_is_done_without(tmp_path: Path) -> None:
    async with (
        AsyncExitStack() as lost,
        serving(tmp_path / "a", FakeEngine(slots=2, step_s=0.01)) as a,
        AsyncExitStack() as rest,
    ):
        b = await lost.enter_async_context(serving(tmp_path / "b", FakeEngine(slots=2, step_s=0.01)))
        engine = await rest.enter_async_context(remote(a.url, b.url, patience_s=0.2))
        ledger = await rest.enter_async_context(Ledger.open(tmp_path / "bot"))
        dispatcher = await rest.enter_async_context(Dispatcher(ledger, engine, CATALOG, min_free_bytes=0))
        jobs = [await dispatcher.submit(REQUEST, Origin(f"person {n}")) for n in range(12)]
        for job in jobs:
            assert (await final(dispatcher, job.id)).status is Status.STORED
        assert len(a.engine.started) + len(b.engine.started) == 12
        assert a.engine.started
        assert b.engine.started
        b.engine.gate = asyncio.Event()  # what runs there now never ends
        jobs = [await dispatcher.submit(REQUEST, Origin(f"person {n}")) for n in range(4)]

        async def stuck() -> bool:
            return b.engine.active != []

        await settled(stuck)
        await lost.aclose()
        for job in jobs:
            assert (await final(dispatcher, job.id)).status is Status.STORED


async def test_a_job_that_one_of_several_has_already_is_asked_for_there(tmp_path: Path) -> None:
    async with serving(tmp_path / "a") as a, serving(tmp_path / "b") as b:
        async with remote(b.url) as engine:
            await events_of(engine, 5)
        async with remote(a.url, b.url) as engine:
            await events_of(engine, 5)
        assert a.engine.started == []
        assert len(b.engine.started) == 1


async def test_a_key_that_is_refused_is_told_and_no_job_is_lost_to_it(tmp_path: Path) -> None:
    KeyRing(tmp_path).add("bot", trusted=True)
    async with serving(tmp_path) as service, remote(service.url, key="easel_wrong") as engine:
        status = await engine.status()
        assert status.free == 0
        assert "This needs an API key" in status.device


async def test_a_key_that_may_not_ask_for_others_is_told_before_any_job_meets_it(tmp_path: Path) -> None:
    key = KeyRing(tmp_path).add("ann")
    async with serving(tmp_path) as service, remote(service.url, key=key) as engine:
        status = await engine.status()
        assert (status.free, "not a trusted one" in status.device) == (0, True)


async def test_models_are_listed_loaded_and_unloaded_there(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, remote(service.url) as engine:
        assert [event async for event in engine.load("other")] == [Loading(0.5, "half of it")]
        assert {state.key: state.state for state in await engine.models()} == {"tiny": "on disk", "other": "loaded"}
        await engine.unload("other")
        assert service.engine.loaded == set()


class Previewing(FakeEngine):
    async def generate(self, id: int, request: Any) -> AsyncIterator[Event]:
        async for event in super().generate(id, request):
            yield Progress(event.step, event.of, b"\x00\xff webp") if isinstance(event, Progress) else event


async def test_previews_come_along(tmp_path: Path) -> None:
    async with serving(tmp_path, Previewing(step_s=0.05)) as service, remote(service.url) as engine:
        previews = [event.preview for event in await events_of(engine) if isinstance(event, Progress)]
        assert previews
        assert set(previews) == {b"\x00\xff webp"}
