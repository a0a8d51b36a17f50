"""Continuous batching: who shares a forward, whose bits are whose, and what happens when something goes wrong."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from engine.catalog import Catalog, Defaults, Family, ModelSpec, Ranges  # noqa: E402
from engine.config import EngineConfig  # noqa: E402
from engine.dispatch import Dispatcher  # noqa: E402
from engine.forwards import Forwards  # noqa: E402
from engine.images import read_metadata  # noqa: E402
from engine.ledger import Ledger  # noqa: E402
from engine.local import LocalEngine  # noqa: E402
from engine.painting import NoMemory, Stopped  # noqa: E402
from engine.stepper import Painted, Stepper  # noqa: E402
from engine.types import GenerationRequest, Origin, Picture, Progress, Sampler, Status  # noqa: E402
from tests import steppable  # noqa: E402
from tests.bench import bits  # noqa: E402
from tests.marks import WITH_DIFFUSERS  # noqa: E402
from tests.steppable import Convolutions, Watching, ask  # noqa: E402

pytestmark = WITH_DIFFUSERS

MIXED = [
    ask(
        f"picture {number}",
        seed=number,
        num_inference_steps=1 + number % 6,
        guidance_scale=(0, 1, 4, 9)[number % 4],
        width=(64, 96, 128)[number % 3],
        sampler=list(Sampler)[number % 6],
    )
    for number in range(18)
]
"""With and without guidance, three sizes, six samplers, one to six steps."""


@pytest.fixture(params=["PASSIVE", "ACTIVE"])
def threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How OpenMP's threads wait: pictures are decoded on another thread, or on the one that steps."""
    monkeypatch.setenv("OMP_WAIT_POLICY", request.param)
    return str(request.param)


def paint(
    pipeline: Any, *requests: GenerationRequest, exact: bool = True, bucket: int | None = 4
) -> list[Future[Painted]]:
    """All of them together, from one moment on."""
    stepper = Stepper(Forwards(), exact=exact, bucket=bucket)
    futures = [stepper.join(pipeline, request, request.seed) for request in requests]
    stepper.run()
    stepper.close()
    return futures


def same(one: Future[Painted], other: Future[Painted]) -> bool:
    return bool(np.array_equal(one.result().pixels, other.result().pixels))


class TestSharing:
    def test_two_people_share_every_forward(self) -> None:
        pipeline = Convolutions()
        paint(pipeline, ask(seed=1), ask(seed=2))
        assert pipeline.forwards == [4] * 5

    def test_a_picture_without_guidance_takes_one_row(self) -> None:
        pipeline = Convolutions()
        paint(pipeline, *(ask(seed=seed, guidance_scale=1) for seed in range(4)))
        assert pipeline.forwards == [4] * 5

    def test_more_load_runs_more_forwards_of_the_same_size(self) -> None:
        pipeline = Convolutions()
        paint(pipeline, *(ask(seed=seed) for seed in range(6)))
        assert pipeline.forwards == [4] * 15

    def test_who_comes_later_joins_at_the_next_step(self) -> None:
        pipeline, stepper = Convolutions(), Stepper(Forwards(), bucket=4)
        stepper.join(pipeline, ask(num_inference_steps=5), 1)
        for _ in range(3):
            stepper.step()
        late = stepper.join(pipeline, ask(num_inference_steps=2), 2)
        stepper.run()
        assert late.result().pixels.shape == (64, 64, 3)
        assert len(pipeline.forwards) == 5

    def test_other_sizes_and_longer_prompts_go_in_forwards_of_their_own(self) -> None:
        pipeline = Convolutions()
        paint(pipeline, ask(), ask(width=128), ask("a fox " * 20))
        assert len(pipeline.forwards) == 15

    def test_where_bits_may_differ_forwards_grow_to_what_waits(self) -> None:
        pipeline = Convolutions()
        crowd = paint(pipeline, *(ask(seed=seed) for seed in range(6)), exact=False)
        assert pipeline.forwards == [12] * 5
        assert not any(future.result().exact for future in crowd)
        (alone,) = paint(pipeline, ask(), exact=False)
        assert alone.result().exact

    def test_nobody_waits_for_a_picture_that_is_being_decoded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
        pipeline, stepper = Convolutions(), Stepper(Forwards(), bucket=4)
        pipeline.decoding.clear()
        first = stepper.join(pipeline, ask(num_inference_steps=1), 1)
        second = stepper.join(pipeline, ask(num_inference_steps=5), 2)
        while stepper.step():
            pass
        assert len(pipeline.forwards) == 5
        assert not first.done()
        assert stepper.busy
        pipeline.decoding.set()
        stepper.run()
        assert first.done()
        assert second.done()


class TestBits:
    """The same request and seed, the same pixels, whoever shares the batch."""

    @pytest.mark.parametrize("bucket", [2, 4, 8])
    def test_shuffled_and_staggered_neighbours_change_nothing(self, bucket: int) -> None:
        assert bits.neighbours(Convolutions(), MIXED, bucket=bucket, shuffles=4).equal

    @pytest.mark.parametrize("family", ["sd1", "sd2", "sdxl", "turbo"])
    def test_nor_do_they_in_the_networks_of_the_families(self, family: str, tmp_path: Path) -> None:
        pipeline, catalog = a_family(family, tmp_path)
        requests = [
            catalog.request(
                family,
                f"picture {number}",
                seed=number,
                num_inference_steps=1 + number % 4,
                guidance_scale=0 if family == "turbo" else (1, 5, 8)[number % 3],
                width=(64, 128)[number % 2],
                sampler=[Sampler.EULER_A, Sampler.DPMPP_2M_KARRAS, Sampler.EULER][number % 3],
            )
            for number in range(8)
        ]
        assert bits.neighbours(pipeline, requests).equal

    def test_a_stepped_picture_is_the_one_that_diffusers_paints(self, tmp_path: Path) -> None:
        pipeline, catalog = a_family("sdxl", tmp_path)
        requests = [
            catalog.request("sdxl", "a fox", seed=7, sampler=sampler, num_inference_steps=6)
            for sampler in (Sampler.EULER, Sampler.EULER_A, Sampler.DPMPP_2M_SDE)
        ]
        called = [pipeline.call(request, 7, lambda *step: None, lambda: False) for request in requests]
        stepped = [bits.alone(pipeline, request).pixels for request in requests]
        assert bits.compare(called, stepped).largest <= 1

    def test_it_is_said_whether_they_are_and_how_large_the_forwards_were(self) -> None:
        (painted,) = paint(Convolutions(), ask())
        assert (painted.result().exact, painted.result().rows) == (True, 4)


def a_family(family: str, place: Path) -> tuple[Any, Catalog]:
    """The real classes with random weights."""
    from engine.loading import Diffusers
    from tests import tinypipes

    save: dict[str, Callable[[], Path]] = {
        "sd1": lambda: tinypipes.save_sd(place),
        "sd2": lambda: tinypipes.save_sd(place, v_prediction=True),
        "sdxl": lambda: tinypipes.save_sdxl(place),
        "turbo": lambda: tinypipes.save_sdxl(place, turbo=True),
    }
    most = 0 if family == "turbo" else 20
    spec = ModelSpec(
        key=family,
        repository=str(save[family]()),
        family=Family.SDXL if family in ("sdxl", "turbo") else Family.SD1,
        defaults=Defaults(width=64, height=64, num_inference_steps=4, guidance_scale=min(5, most)),
        ranges=Ranges(size=(64, 128), guidance_scale=(0, most)),
    )
    backend = Diffusers(EngineConfig(device="cpu", dtype="fp32"))
    return backend.load(spec, lambda fraction, text: None, lambda: False), Catalog([spec])


class TestCancel:
    def test_who_cancels_leaves_at_the_next_step_and_is_not_decoded(self) -> None:
        pipeline, stepper = Convolutions(), Stepper(Forwards(), bucket=2)
        leaving = stepper.join(pipeline, ask(num_inference_steps=50), 1, Watching(stop_at=2))
        stepper.run()
        with pytest.raises(Stopped):
            leaving.result()
        assert len(pipeline.forwards) == 2
        assert pipeline.decoded == 0
        assert not stepper.busy

    def test_the_neighbours_of_who_cancels_keep_every_bit(self) -> None:
        pipeline, stepper = Convolutions(), Stepper(Forwards(), bucket=4)
        stepper.join(pipeline, ask("gone"), 1, Watching(stop_at=3))
        stays = stepper.join(pipeline, ask(), 7)
        stepper.run()
        assert same(stays, paint(pipeline, ask())[0])

    def test_a_picture_that_is_cancelled_before_its_decoding_is_not_decoded(self) -> None:
        pipeline, stepper = Convolutions(), Stepper(Forwards())
        leaving = stepper.join(pipeline, ask(num_inference_steps=3), 1, Watching(stop_at=3))
        stepper.run()
        with pytest.raises(Stopped):
            leaving.result()
        assert pipeline.decoded == 0


class TestMemory:
    def test_what_runs_out_once_is_tried_again_and_no_bit_changes(self) -> None:
        hungry = Convolutions(starved=lambda rows, forward: forward == 3)
        crowd = [ask(seed=seed) for seed in range(3)]
        for starved, spared in zip(paint(hungry, *crowd), paint(Convolutions(), *crowd), strict=True):
            assert same(starved, spared)
            assert starved.result().exact
        assert hungry.savings == ["VAE tiling", "CPU offload"]

    def test_what_runs_out_twice_goes_on_in_smaller_forwards_and_says_that_it_is_not_exact(self) -> None:
        hungry = Convolutions(starved=lambda rows, forward: rows == 4 and forward >= 3)
        for future in paint(hungry, ask(seed=1), ask(seed=2)):
            assert not future.result().exact
        assert set(hungry.forwards[4:]) == {2}
        assert hungry.savings == ["VAE tiling", "CPU offload"]

    def test_groups_beside_it_and_requests_after_it_are_unharmed_to_the_bit(self) -> None:
        hungry, other = Convolutions(starved=lambda rows, forward: rows == 4 and 3 <= forward < 5), Convolutions()
        stepper = Stepper(Forwards(), bucket=4)
        stepper.join(hungry, ask(seed=1), 1)
        beside = stepper.join(other, ask(), 7)
        stepper.run()
        after = stepper.join(hungry, ask(), 7)
        stepper.run()
        (alone,) = paint(Convolutions(), ask())
        assert same(beside, alone)
        assert same(after, alone)
        assert after.result().exact

    def test_savings_come_after_smaller_forwards_and_in_their_order(self) -> None:
        hungry = Convolutions(starved=lambda rows, forward: len(hungry.savings) > 0)
        (painted,) = paint(hungry, ask())
        assert painted.result().pixels.shape == (64, 64, 3)
        assert hungry.forwards[:6] == [4, 4, 2, 2, 2, 2]

    def test_what_never_fits_fails_alone(self) -> None:
        hungry, other = Convolutions(starved=lambda rows, forward: True), Convolutions()
        stepper = Stepper(Forwards(), bucket=2)
        failing, fine = stepper.join(hungry, ask(), 7), stepper.join(other, ask(), 7)
        stepper.run()
        with pytest.raises(NoMemory):
            failing.result()
        assert same(fine, paint(Convolutions(), ask(), bucket=2)[0])

    def test_other_models_make_room_first(self) -> None:
        freed: list[object] = []
        hungry = Convolutions(starved=lambda rows, forward: not freed)
        stepper = Stepper(Forwards(), make_room=lambda pipeline: freed.append(pipeline) or "no other models")
        future = stepper.join(hungry, ask(), 7)
        stepper.run()
        assert future.result().exact
        assert freed == [hungry]

    def test_a_decode_that_does_not_fit_is_tried_again_with_a_saving(self, threads: str) -> None:
        hungry = Convolutions(decodes_starved=1)
        (painted,) = paint(hungry, ask())
        assert same(painted, paint(Convolutions(), ask())[0])
        assert hungry.savings == ["CPU offload"]

    def test_a_decode_that_never_fits_fails_alone(self, threads: str) -> None:
        hungry, stepper = Convolutions(decodes_starved=3), Stepper(Forwards())
        failing, fine = stepper.join(hungry, ask(), 7), stepper.join(Convolutions(), ask(), 7)
        stepper.run()
        with pytest.raises(NoMemory):
            failing.result()
        for future in (fine, *paint(hungry, ask())):
            assert same(future, paint(Convolutions(), ask())[0])

    @pytest.mark.parametrize("offloaded", [False, True])
    def test_is_decoded_beside_forwards_where_neither_parts_nor_threads_are_in_the_way(
        self, threads: str, offloaded: bool
    ) -> None:
        pipeline, names = Convolutions(offloaded=offloaded), []
        decode = pipeline.decode
        pipeline.decode = lambda latents: names.append(threading.current_thread().name) or decode(latents)
        assert same(paint(pipeline, ask())[0], paint(Convolutions(), ask())[0])
        assert names == ["decode_0" if threads == "PASSIVE" and not offloaded else "MainThread"]


def test_the_one_that_a_model_cannot_take_fails_and_the_others_in_its_forward_keep_every_bit() -> None:
    pipeline = Convolutions()
    one, bad, two = paint(pipeline, ask(seed=1), ask("raise"), ask(seed=2), bucket=8)
    with pytest.raises(RuntimeError, match="do not fit"):
        bad.result()
    for future, seed in ((one, 1), (two, 2)):
        assert same(future, paint(Convolutions(), ask(seed=seed), bucket=8)[0])


class TestWholeCalls:
    def test_what_has_no_table_is_called_and_takes_turns_with_rows(self) -> None:
        pipeline, stepper = Convolutions(), Stepper(Forwards(), bucket=2)
        called, stepped = Watching(), Watching()
        whole = stepper.join(pipeline, ask(sampler=Sampler.UNIPC, num_inference_steps=4), 5, called)
        stepper.join(pipeline, ask(num_inference_steps=4), 7, stepped)
        for _ in range(6):
            stepper.step()
        assert (len(called.steps), len(stepped.steps)) == (3, 3)
        stepper.run()
        assert whole.result().pixels[0, 0].tolist() == [5, 5, 5]

    def test_calls_of_one_model_come_one_after_the_other(self) -> None:
        stepper, pipeline, begun = Stepper(None), Convolutions(), []
        for seed in (1, 2):
            future = stepper.join(pipeline, ask(num_inference_steps=2), seed)
            future.add_done_callback(lambda done: begun.append(pipeline.called))
        stepper.run()
        assert begun == [1, 2]

    def test_a_cancelled_call_ends_and_its_thread_too(self) -> None:
        stepper = Stepper(None)
        leaving = stepper.join(Convolutions(), ask(), 1, Watching(stop_at=2))
        stepper.run()
        with pytest.raises(Stopped):
            leaving.result()
        assert "whole call" not in [thread.name for thread in threading.enumerate()]

    def test_a_call_that_is_cancelled_before_its_turn_is_never_made(self) -> None:
        stepper, pipeline, watcher = Stepper(None), Convolutions(), Watching()
        leaving = stepper.join(pipeline, ask(), 1, watcher)
        watcher.stop_at = 0
        stepper.run()
        with pytest.raises(Stopped):
            leaving.result()
        assert pipeline.called == 0


def test_previews_are_painted_when_asked_for_and_not_of_the_last_step() -> None:
    pipeline, stepper = Convolutions(), Stepper(Forwards())
    asking, silent = Watching(previews=True), Watching()
    stepper.join(pipeline, ask(num_inference_steps=4), 1, asking)
    stepper.join(pipeline, ask(num_inference_steps=4), 2, silent)
    stepper.run()
    stepper.close()
    assert asking.steps == [1, 2, 3, 4]
    assert len(asking.seen) == pipeline.previewed == 3
    assert asking.seen[0].shape == (8, 8, 3)


async def test_several_jobs_run_at_once_through_the_engine_and_paint_what_each_paints_alone() -> None:
    config = EngineConfig(executor="thread")
    async with LocalEngine(config, steppable.CATALOG, backend=steppable.BACKEND) as engine:

        async def painted(id: int, request: GenerationRequest) -> tuple[list[bytes], list[Progress]]:
            events = [event async for event in engine.generate(id, request)]
            pictures = sorted((each for each in events if isinstance(each, Picture)), key=lambda each: each.position)
            return [each.png for each in pictures], [each for each in events if isinstance(each, Progress)]

        requests = [
            ask(f"job {number}", seed=number, num_images=1 + number % 4, num_inference_steps=5, model=model)
            for number, model in enumerate(("plain", "other", "plain", "other", "plain"))
        ]
        together = await asyncio.gather(*(painted(number, request) for number, request in enumerate(requests)))
        for number, request in enumerate(requests):
            pictures, progress = await painted(number, request)
            assert pictures == together[number][0]
            assert len(pictures) == request.num_images
            for steps in (progress, together[number][1]):
                done = [each.step for each in steps]
                assert done == sorted(done)
                assert done[-1] == steps[-1].of == 5 * request.num_images
        facts = read_metadata(together[0][0][0])["easel"]
        assert (facts["exact"], facts["rows"]) == (True, 2)


async def test_jobs_of_the_queue_share_the_engine(tmp_path: Path) -> None:
    config = EngineConfig(executor="thread")
    async with (
        LocalEngine(config, steppable.CATALOG, backend=steppable.BACKEND) as engine,
        Ledger.open(tmp_path) as ledger,
        Dispatcher(ledger, engine, steppable.CATALOG, min_free_bytes=0) as dispatcher,
    ):
        together = 0

        async def ended(request: GenerationRequest, person: str) -> Status:
            nonlocal together
            job = await dispatcher.submit(request, Origin(person))
            async for update in dispatcher.watch(job.id):
                together = max(together, len((await engine.status()).running))
                if update.generation is not None:
                    return update.status
            raise AssertionError("the watch ended without an end")

        jobs = [ended(ask(seed=seed, num_inference_steps=80), f"person {seed % 3}") for seed in range(6)]
        assert set(await asyncio.gather(*jobs)) == {Status.STORED}
    assert together >= 3


async def test_a_finished_picture_leaves_its_rows_to_others_while_it_is_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    config = EngineConfig(executor="thread")
    async with LocalEngine(config, steppable.CATALOG, backend=steppable.BACKEND) as engine:
        events = engine.generate(1, ask(num_images=2))
        async for event in events:
            if isinstance(event, Progress):
                free = (await engine.status()).free
                if event.step == event.of:
                    break
        assert free > 1
        await events.aclose()
