"""What the dispatcher knows again after a restart, and what it tells whoever runs Easel."""

from __future__ import annotations

import asyncio
from pathlib import Path

from engine.errors import ModelUnavailable
from engine.types import Status
from tests.dispatching import ANN, BOB, ask, end_of, running
from tests.fakes import FakeEngine


async def test_who_was_served_much_before_a_restart_lets_others_go_first_after_it(tmp_path: Path) -> None:
    async with running(tmp_path, FakeEngine()) as dispatcher:
        for _ in range(3):
            await end_of(dispatcher, await dispatcher.submit(ask(num_inference_steps=50), ANN))
    async with running(tmp_path, FakeEngine(slots=0)) as dispatcher:
        greedy = await dispatcher.submit(ask(), ANN)
        modest = await dispatcher.submit(ask(), BOB)
    engine = FakeEngine()
    async with running(tmp_path, engine) as dispatcher:
        await asyncio.gather(end_of(dispatcher, greedy), end_of(dispatcher, modest))
    assert engine.started == [modest.id, greedy.id]


async def test_what_was_given_back_is_not_counted_as_served(tmp_path: Path) -> None:
    async with running(tmp_path, FakeEngine(gate=asyncio.Event()), drain_s=0) as dispatcher:
        stopped = await dispatcher.submit(ask(num_inference_steps=50), ANN)
        async for update in dispatcher.watch(stopped.id):
            if update.status is Status.RUNNING:
                break
    engine = FakeEngine()
    async with running(tmp_path, FakeEngine(slots=0)) as dispatcher:
        later = await dispatcher.submit(ask(), BOB)
    async with running(tmp_path, engine) as dispatcher:
        await asyncio.gather(end_of(dispatcher, stopped), end_of(dispatcher, later))
    assert engine.started == [stopped.id, later.id]


async def test_the_end_of_a_job_tells_its_error_with_what_members_do_not_read(tmp_path: Path) -> None:
    broken = ModelUnavailable("tiny", "its unet cannot be loaded.", "Delete it.", detail="It is in /srv/models.")
    async with running(tmp_path, FakeEngine(errors=[broken])) as dispatcher, dispatcher.subscribe() as ends:
        await dispatcher.submit(ask(), ANN)
        update = await anext(ends)
    assert isinstance(update.error, ModelUnavailable)
    assert update.error.detail == "It is in /srv/models."
    assert update.generation is not None
    assert update.generation.error_text == "The model tiny cannot be used: its unet cannot be loaded. Delete it."
