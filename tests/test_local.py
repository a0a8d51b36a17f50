"""LocalEngine and its worker, in a process of its own and in a thread: painting, cancelling, dying, hanging."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Literal

import numpy
import pytest

from engine import link, local
from engine.calls import Call
from engine.config import EngineConfig
from engine.errors import Cancelled, EngineLost, GenerationFailed, ModelUnavailable, NotFound, OutOfMemory
from engine.images import read_picture, read_request
from engine.local import LocalEngine
from engine.types import Event, GenerationRequest, Loading, ModelState, Picture, Progress
from tests import paintbox

CATALOG = paintbox.catalog()
Executor = Literal["process", "thread"]
PROCESS_ONLY = pytest.mark.parametrize("executor", ["process"])


@pytest.fixture(params=["process", "thread"])
def executor(request: pytest.FixtureRequest) -> Executor:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def config(executor: Executor) -> EngineConfig:
    return EngineConfig(executor=executor)


@pytest.fixture
async def engine(config: EngineConfig) -> AsyncIterator[LocalEngine]:
    async with LocalEngine(config, CATALOG, backend=paintbox.BACKEND) as engine:
        yield engine


def ask(prompt: str = "a cat", model: str = "plain", **options: object) -> GenerationRequest:
    return CATALOG.request(model, prompt, **{"seed": 7} | options)


async def painted(engine: LocalEngine, request: GenerationRequest, id: int = 1) -> list[Event]:
    return [event async for event in engine.generate(id, request)]


async def until(what: Callable[[], bool]) -> None:
    """Waits for something that happens soon; the test fails when it does not."""
    async with asyncio.timeout(20):
        while not what():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def state_of(engine: LocalEngine, key: str) -> ModelState:
    return next(state for state in await engine.models() if state.key == key)


async def test_a_request_gives_loading_then_steps_then_each_picture(engine: LocalEngine) -> None:
    events = await painted(engine, ask(num_images=2))
    kinds = [type(event) for event in events]
    assert kinds[0] is Loading
    assert [event.fraction for event in events if isinstance(event, Loading)] == [None, 0, 0.25, 0.5, 0.75, 1.0]
    steps = [(event.step, event.of) for event in events if isinstance(event, Progress) and not event.preview]
    assert steps == [(step, 6) for step in range(1, 7)]
    pictures = [event for event in events if isinstance(event, Picture)]
    first, second = sorted(pictures, key=lambda picture: picture.position)  # whichever was encoded first came first
    assert (first.seed, second.seed) == (7, 8)
    assert read_picture(first.png)[0, 0].tolist() == [7, 7, 7]
    assert read_picture(second.png).shape == (second.height, second.width, 3)


async def test_a_picture_names_its_request_with_the_seed_that_was_drawn(engine: LocalEngine) -> None:
    *_, picture = await painted(engine, ask(seed=-1))
    assert isinstance(picture, Picture)
    request = read_request(picture.png)
    assert request is not None
    assert request.seed == picture.seed


async def test_a_model_is_loaded_once(engine: LocalEngine) -> None:
    await painted(engine, ask())
    assert not [event for event in await painted(engine, ask()) if isinstance(event, Loading)]


async def test_only_a_process_of_its_own_has_its_threads_sleep(
    config: EngineConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    async with LocalEngine(config, CATALOG, backend=paintbox.BACKEND) as engine:
        picture = (await painted(engine, ask("asleep")))[-1]
    assert isinstance(picture, Picture)
    assert (read_picture(picture.png).min() == 255) == (config.executor == "process")
    assert "OMP_WAIT_POLICY" not in os.environ


@pytest.mark.parametrize("executor", ["thread"])
async def test_no_thread_stays_from_a_load(engine: LocalEngine) -> None:
    await painted(engine, ask())
    await until(lambda: not [thread for thread in threading.enumerate() if thread.name.startswith("load")])


async def test_a_preview_comes_with_a_step(engine: LocalEngine) -> None:
    first, second, *_ = [event for event in await painted(engine, ask()) if isinstance(event, Progress)]
    assert (first.step, first.preview) == (1, None)
    assert second.step == 1
    assert second.preview is not None
    assert second.preview.startswith(b"RIFF")


async def test_previews_can_be_turned_off(config: EngineConfig) -> None:
    without = config.model_copy(update={"previews": False})
    async with LocalEngine(without, CATALOG, backend=paintbox.BACKEND) as engine:
        assert not [e for e in await painted(engine, ask()) if isinstance(e, Progress) and e.preview]


async def test_requests_wait_for_each_other_and_all_are_painted(engine: LocalEngine) -> None:
    results = await asyncio.gather(*(painted(engine, ask(seed=seed), seed) for seed in range(5)))
    for seed, events in enumerate(results):
        assert [event.seed for event in events if isinstance(event, Picture)] == [seed]


async def test_leaving_the_iterator_cancels_and_frees_the_slot(engine: LocalEngine) -> None:
    async with contextlib.aclosing(engine.generate(1, ask("slowly"))) as events:
        async for event in events:
            if isinstance(event, Progress):
                break
        assert (await engine.status()).running == (1,)
    assert len(await painted(engine, ask(), 2)) > 0
    assert (await engine.status()).running == ()


async def test_a_request_that_is_cancelled_while_it_waits_is_never_painted(engine: LocalEngine) -> None:
    first = asyncio.create_task(painted(engine, ask("slowly"), 1))
    await until(lambda: 1 in {call.id for call in engine._calls.values()})
    second = asyncio.create_task(painted(engine, ask("die"), 2))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    assert any(isinstance(event, Picture) for event in await first)


async def test_what_a_library_prints_does_not_harm_the_frames(engine: LocalEngine) -> None:
    assert isinstance((await painted(engine, ask("chatter")))[-1], Picture)


async def test_status_tells_what_is_free(engine: LocalEngine) -> None:
    assert (await engine.status()).free == 2
    painting = asyncio.create_task(painted(engine, ask("slowly"), 3))
    await until(lambda: engine._worker.rows > local.ROWS)  # the worker said what a whole call leaves
    status = await engine.status()
    assert (status.free, status.running) == (2, (3,))
    painting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await painting
    await painted(engine, ask())
    assert (await engine.status()).device == "a box of paint"
    assert (await engine.status()).memory_total == 1_000_000_000


async def test_an_unknown_model_is_named_with_what_comes_close(engine: LocalEngine) -> None:
    with pytest.raises(NotFound, match="plain"):
        await painted(engine, ask().model_copy(update={"model": "plane"}))


async def test_a_model_that_raises_fails_that_request_alone(engine: LocalEngine) -> None:
    with pytest.raises(GenerationFailed, match="RuntimeError: the tensors do not fit"):
        await painted(engine, ask("raise"))
    assert isinstance((await painted(engine, ask()))[-1], Picture)


async def test_a_broken_model_is_marked_and_the_others_serve(engine: LocalEngine) -> None:
    with pytest.raises(ModelUnavailable, match="Delete it and load it again"):
        await painted(engine, ask(model="broken"))
    state = await state_of(engine, "broken")
    assert (state.state, state.detail) == ("broken", "its unet cannot be loaded.")
    assert isinstance((await painted(engine, ask()))[-1], Picture)


async def test_models_are_loaded_and_unloaded_by_hand(engine: LocalEngine) -> None:
    events = [event async for event in engine.load("second")]
    assert events[-1] == Loading(1.0, "Loaded second")
    state = await state_of(engine, "second")
    assert (state.state, state.bytes) == ("loaded", 400_000_000)
    await engine.unload("second")
    assert (await state_of(engine, "second")).state == "missing"
    await engine.unload("second")


async def test_the_model_used_longest_ago_makes_room(engine: LocalEngine) -> None:
    for model in ("plain", "second", "plain", "third"):
        await painted(engine, ask(model=model))
    loaded = [state.key for state in await engine.models() if state.state == "loaded"]
    assert loaded == ["plain", "third"]


async def test_a_model_that_is_asked_for_often_is_not_the_one_that_makes_room(engine: LocalEngine) -> None:
    for model in ("plain", "plain", "plain", "plain", "second", "third"):
        await painted(engine, ask(model=model))
    loaded = [state.key for state in await engine.models() if state.state == "loaded"]
    assert loaded == ["plain", "third"]


async def test_what_models_take_is_learned_as_they_are_loaded(engine: LocalEngine) -> None:
    assert (await state_of(engine, "plain")).load_s is None
    await painted(engine, ask())
    await engine.unload("plain")
    state = await state_of(engine, "plain")
    assert (state.state, state.needs) == ("missing", 400_000_000)
    assert state.load_s is not None
    assert (await engine.status()).model_budget == 800_000_000


async def test_a_model_is_unloaded_once_nobody_is_painted_with_it_any_more(engine: LocalEngine) -> None:
    painting = asyncio.create_task(painted(engine, ask("slowly")))
    await until(lambda: "plain" in engine._worker.loaded)
    unloading = asyncio.create_task(engine.unload("plain"))
    after = asyncio.create_task(painted(engine, ask(), 2))
    assert isinstance((await painting)[-1], Picture)
    await unloading
    assert [event for event in await after if isinstance(event, Loading)]


async def test_a_model_that_finds_no_room_gets_it_when_those_in_use_are_done(engine: LocalEngine) -> None:
    """Also while others go on asking for those: what is new waits behind it."""
    for model in ("plain", "second"):
        await painted(engine, ask(model=model))
    busy = [asyncio.create_task(painted(engine, ask("slowly", model=model))) for model in ("plain", "second")]
    await until(lambda: len(engine._calls) == 2)
    cold = asyncio.create_task(painted(engine, ask(model="third")))
    later = [asyncio.create_task(painted(engine, ask("slowly", model=model))) for model in ("plain", "second")]
    await cold
    assert not any(task.done() for task in later)
    for task in (*busy, *later):
        assert isinstance((await task)[-1], Picture)


async def test_others_are_painted_while_a_model_is_loaded(engine: LocalEngine) -> None:
    await painted(engine, ask())
    loading = asyncio.create_task(painted(engine, ask(model="sluggish"), 2))
    await until(lambda: "sluggish" in engine._worker.loading)
    assert isinstance((await painted(engine, ask(), 3))[-1], Picture)
    assert not loading.done()
    loading.cancel()


async def test_running_out_of_memory_is_tried_again_with_every_saving(engine: LocalEngine) -> None:
    assert isinstance((await painted(engine, ask("hungry 2")))[-1], Picture)


async def test_too_little_memory_after_every_saving_says_what_to_try(engine: LocalEngine) -> None:
    with pytest.raises(OutOfMemory, match="Try a smaller size"):
        await painted(engine, ask("hungry 3"))
    assert isinstance((await painted(engine, ask()))[-1], Picture)


async def test_memory_is_first_taken_from_the_other_models(engine: LocalEngine) -> None:
    await painted(engine, ask(model="second"))
    await painted(engine, ask("hungry 1"))
    assert [state.key for state in await engine.models() if state.state == "loaded"] == ["plain"]


async def test_closing_the_engine_tells_those_who_wait(config: EngineConfig) -> None:
    async with LocalEngine(config, CATALOG, backend=paintbox.BACKEND) as engine:
        waiting = asyncio.create_task(painted(engine, ask("slowly")))
        await until(lambda: bool(engine._worker.loaded))
    with pytest.raises(EngineLost, match="closed"):
        await waiting
    with pytest.raises(EngineLost, match="not running"):
        await painted(engine, ask())


@PROCESS_ONLY
async def test_a_worker_that_dies_is_replaced(engine: LocalEngine) -> None:
    other = asyncio.create_task(painted(engine, ask("slowly"), 2))
    with pytest.raises(EngineLost, match="exit code 3"):
        await asyncio.gather(painted(engine, ask("die"), 1), other)
    await asyncio.wait([other])
    assert isinstance((await painted(engine, ask()))[-1], Picture)


@PROCESS_ONLY
async def test_a_worker_that_is_killed_is_replaced(engine: LocalEngine) -> None:
    painting = asyncio.create_task(painted(engine, ask("slowly")))
    await until(lambda: bool(engine._worker.loaded))
    pid = (await engine.status()).worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(EngineLost, match="SIGKILL"):
        await painting
    assert isinstance((await painted(engine, ask()))[-1], Picture)
    assert (await engine.status()).worker_pid != pid


@pytest.mark.parametrize("stop", ["hang", "SIGSTOP"])
@PROCESS_ONLY
async def test_a_hung_worker_is_killed_and_replaced(config: EngineConfig, stop: str) -> None:
    impatient = config.model_copy(update={"hang_timeout_s": 2.0})
    async with LocalEngine(impatient, CATALOG, backend=paintbox.BACKEND) as engine:
        painting = asyncio.create_task(painted(engine, ask("hang" if stop == "hang" else "slowly")))
        await until(lambda: bool(engine._worker.loaded))
        pid = (await engine.status()).worker_pid
        assert pid is not None
        if stop == "SIGSTOP":
            os.kill(pid, signal.SIGSTOP)
        with pytest.raises(EngineLost, match="hung for 2 s"):
            await painting
        assert isinstance((await painted(engine, ask()))[-1], Picture)
        assert not alive(pid)


async def test_a_hung_thread_is_given_up_and_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "GRACE_S", 0.1)
    impatient = EngineConfig(executor="thread", hang_timeout_s=0.5)
    async with LocalEngine(impatient, CATALOG, backend=paintbox.BACKEND) as engine:
        try:
            with pytest.raises(EngineLost, match="hung"):
                await painted(engine, ask("hang"))
            assert isinstance((await painted(engine, ask()))[-1], Picture)
        finally:
            paintbox.hang.set()


@pytest.mark.parametrize(
    ("beats", "hung"),
    [
        ([], False),  # it starts
        ([(0, False)] * 500, False),  # it has nothing to paint, or loads
        ([(step // 99, True) for step in range(500)], False),  # it paints, a step in 99 beats
        ([(7, True)] * 100, False),
        ([(7, True)] * 102, True),
        ([(7, True)] * 102 + [(8, True)], False),
    ],
)
def test_slow_is_told_from_hung_by_the_pulse(beats: list[tuple[int, bool]], hung: bool) -> None:
    worker = local._Worker()
    for now, (pulse, painting) in enumerate(beats):
        worker.beat(pulse, painting, now)
    assert worker.hung(max(0, len(beats) - 1), timeout=100) is hung


@PROCESS_ONLY
async def test_a_worker_that_never_comes_up_is_started_again_and_again_more_slowly(
    config: EngineConfig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(local, "FIRST_BACKOFF_S", 0.01)
    monkeypatch.setattr(link, "WORKER", "engine.no_such_module")
    with caplog.at_level(logging.ERROR, "engine.local"):
        async with LocalEngine(config, CATALOG, backend=paintbox.BACKEND) as engine:
            with pytest.raises(EngineLost, match="exit code 1"):
                await painted(engine, ask())
            await until(lambda: len(caplog.records) >= 3)
    delays = [record.args[-1] for record in caplog.records if isinstance(record.args, tuple)]
    assert delays[:3] == [0.01, 0.02, 0.04]


async def test_a_missing_package_is_told_to_who_asks(config: EngineConfig) -> None:
    async with LocalEngine(config, CATALOG, backend="a_package_that_is_missing:Backend") as engine:
        with pytest.raises(ModelUnavailable, match="pip install"):
            await painted(engine, ask())


@PROCESS_ONLY
async def test_the_workers_log_comes_into_ours(engine: LocalEngine, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "engine.worker"):
        await painted(engine, ask("chatter"))
        await until(lambda: "so does what is written in C" in caplog.text)
    assert "painting on a box of paint" in caplog.messages
    assert "a library prints" in caplog.messages


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


PARENT = """
import asyncio
from engine.config import EngineConfig
from engine.local import LocalEngine
from tests import paintbox

async def main():
    catalog = paintbox.catalog()
    async with LocalEngine(EngineConfig(), catalog, backend=paintbox.BACKEND) as engine:
        async for _ in engine.generate(1, catalog.request("plain", "{prompt}")):
            print((await engine.status()).worker_pid, flush=True)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("prompt", ["slowly", "hang"])
def test_no_worker_outlives_a_parent_that_is_killed(prompt: str) -> None:
    command = [sys.executable, "-c", PARENT.format(prompt=prompt)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        assert alive(worker)
        parent.kill()
        parent.wait()
    deadline = time.monotonic() + 2
    while alive(worker) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not alive(worker)


def test_the_parent_imports_nothing_heavy() -> None:
    heavy = "{'torch', 'diffusers', 'transformers', 'numpy', 'PIL', 'discord'}"
    command = f"import engine.local, sys; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


async def test_cancelled_is_raised_where_the_worker_gave_up_by_itself(engine: LocalEngine) -> None:
    events = engine.generate(1, ask("slowly"))
    assert isinstance(await anext(events), Loading)
    assert engine._link is not None
    engine._link.send(link.Frame({"is": "cancel", "call": 1}))
    with pytest.raises(Cancelled):
        async for _ in events:
            pass


def test_a_preview_that_was_made_too_late_is_not_told() -> None:
    told: list[Event] = []
    call = Call(1, "paint", "plain", lambda call, event: told.append(event), ask())
    call.progressed(0, 1, 4)
    call.end()  # while the decoding thread is at its preview
    call.show(numpy.zeros((8, 8, 3), numpy.uint8))
    assert told == [Progress(1, 4)]


async def test_what_is_told_of_a_call_that_has_ended_harms_nobody(
    engine: LocalEngine, caplog: pytest.LogCaptureFixture
) -> None:
    await painted(engine, ask())
    engine._take(link.Frame({"is": "progress", "call": 1, "step": 1, "of": 4}))
    engine._take(link.Frame({"is": "done", "call": 1}))
    assert caplog.text.count("call 1, which has ended") == 2
    assert isinstance((await painted(engine, ask()))[-1], Picture)
