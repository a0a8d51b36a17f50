"""Models that are not of Stable Diffusion's UNet: what they count in and take, and what is done when it is too much."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from diffusers import FlowMatchEulerDiscreteScheduler  # noqa: E402
from transformers import T5EncoderModel  # noqa: E402

from engine import pipelines  # noqa: E402
from engine.config import EngineConfig  # noqa: E402
from engine.errors import GenerationFailed  # noqa: E402
from engine.forwards import Forwards  # noqa: E402
from engine.loading import Diffusers  # noqa: E402
from engine.painting import NoMemory, Stopped  # noqa: E402
from engine.pipelines import DiffusersPipeline  # noqa: E402
from engine.stepper import Painted, Stepper  # noqa: E402
from tests.families import FAMILIES, a_spec, ask, load, paint  # noqa: E402
from tests.marks import WITH_DIFFUSERS  # noqa: E402
from tests.steppable import Convolutions, Watching, live_tensors  # noqa: E402
from tests.steppable import ask as ask_rows  # noqa: E402

pytestmark = WITH_DIFFUSERS

Folders = dict[str, Path]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    place = tmp_path_factory.mktemp("tiny")
    return {name: save(place / name) for name, save in FAMILIES.items()}


@contextmanager
def starving(pipeline: DiffusersPipeline, starved: Callable[[int], bool]) -> Iterator[None]:
    """The memory runs out at those forwards of the transformer."""
    forwards = 0

    def run_out(*_: object) -> None:
        nonlocal forwards
        forwards += 1
        if starved(forwards):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    hook = pipeline._pipe.transformer.register_forward_pre_hook(run_out)
    try:
        yield
    finally:
        hook.remove()


class TestPrecision:
    @pytest.mark.parametrize("family", FAMILIES)
    def test_half_precision_keeps_in_full_what_would_overflow(self, folders: Folders, family: str) -> None:
        pipeline = load(spec := a_spec(folders[family]), dtype="fp16")
        pipe = pipeline._pipe
        assert pipe.transformer.dtype == torch.float16
        assert pipe.vae.dtype == torch.float32
        t5 = [part for part in pipe.components.values() if isinstance(part, T5EncoderModel)]
        last = [block.layer[-1].DenseReluDense.wo for part in t5 for block in part.encoder.block]
        assert {layer.weight.dtype for layer in last} <= {torch.float32}
        assert bool(last) is (family not in ("qwen-image", "z-image"))
        assert paint(pipeline, ask(spec)).std() > 5

    @pytest.mark.parametrize("family", FAMILIES)
    def test_bf16_comes_close(self, folders: Folders, family: str) -> None:
        half = load(spec := a_spec(folders[family]), dtype="bf16")
        assert {part.dtype for part in half._modules()} == {torch.bfloat16}
        assert half.bytes <= 0.55 * (full := load(spec)).bytes
        assert np.abs(paint(half, ask(spec)).astype(int) - paint(full, ask(spec))).mean() < 12

    def test_numbers_that_overflow_are_told_instead_of_a_black_picture(self, folders: Folders) -> None:
        pipeline = load(spec := a_spec(folders["sd3"]), dtype="fp16")
        pipeline._pipe.transformer.proj_out.weight.data[0, 0] = torch.inf
        with pytest.raises(
            GenerationFailed, match=r'mine left the range of its numbers \(float16\)\. Set dtype = "bf16"'
        ):
            paint(pipeline, ask(spec))


class TestMemory:
    def test_what_a_model_takes_is_estimated_in_the_numbers_of_the_device(self, folders: Folders) -> None:
        spec = a_spec(folders["flux"])
        for dtype in ("fp32", "bf16"):
            estimate = Diffusers(EngineConfig(device="cpu", dtype=dtype)).estimate(spec)
            assert estimate == pytest.approx(load(spec, dtype=dtype).bytes, rel=0.05)

    def test_a_model_that_is_larger_than_the_device_has_its_parts_take_turns(
        self, folders: Folders, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Of a pipeline that only says where it would go: there is no such device here."""
        part, went = torch.nn.Linear(100, 100), []
        pipe = SimpleNamespace(
            scheduler=FlowMatchEulerDiscreteScheduler(),
            components={"transformer": part},
            set_progress_bar_config=lambda disable: None,
            enable_model_cpu_offload=lambda device: went.append("turns"),
            to=lambda device: went.append("all of it"),
        )
        config = EngineConfig(vae_slicing=False)
        for total in (10_000, 1_000_000):
            monkeypatch.setattr(pipelines, "memory", lambda device, total=total: (0, total))
            DiffusersPipeline(a_spec(folders["flux"]), pipe, torch.device("cuda"), config)
        assert went == ["turns", "all of it"]

    def test_a_cut_off_call_makes_room_for_the_first_part_of_the_next(
        self, folders: Folders, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pipeline = load(spec := a_spec(folders["flux"]))
        freed: list[int] = []
        monkeypatch.setattr(pipeline, "_offloaded", True)
        monkeypatch.setattr(pipeline._pipe, "maybe_free_model_hooks", lambda: freed.append(1))
        with pytest.raises(Stopped):
            pipeline.call(ask(spec), 7, lambda step, of, preview: None, lambda: True)
        assert freed == [1]

    def test_files_that_are_not_whole_are_estimated_by_the_catalogue(self, tmp_path: Path) -> None:
        (tmp_path / "cut.safetensors").write_bytes(b"\x10")
        backend = Diffusers(EngineConfig(device="cpu"))
        for place in ("cut.safetensors", "nowhere"):
            assert backend.estimate(a_spec(tmp_path / place, size_bytes=5_000_000)) == 5_000_000

    @pytest.mark.parametrize("family", ["flux", "sd3", "pixart-sigma"])
    def test_what_runs_out_once_is_painted_again_and_no_bit_changes(self, folders: Folders, family: str) -> None:
        pipeline = load(spec := a_spec(folders[family]))
        before = paint(pipeline, ask(spec))
        freed: list[object] = []
        stepper = Stepper(Forwards(), make_room=lambda hungry: None if freed else freed.append(hungry) or "no others")
        beside = stepper.join(neighbour := Convolutions(), ask_rows(), 7)
        with starving(pipeline, lambda forward: forward == 3):
            future = stepper.join(pipeline, ask(spec), 7, watching := Watching())
            stepper.run()
        assert np.array_equal(future.result().pixels, before)
        assert future.result().exact
        assert freed == [pipeline]
        assert watching.steps == [1, 2, 1, 2, 3, 4]
        assert same(beside.result(), alone(neighbour))

    def test_savings_come_one_after_the_other_and_then_it_fails_alone(self, folders: Folders) -> None:
        pipeline, stepper = load(spec := a_spec(folders["flux"]), vae_slicing=False), Stepper(Forwards())
        before = paint(pipeline, ask(spec))
        forwards: list[int] = []
        with starving(pipeline, lambda forward: forwards.append(forward) or len(forwards) >= 2):
            failing = stepper.join(pipeline, ask(spec), 7)
            beside = stepper.join(neighbour := Convolutions(), ask_rows(), 7)
            stepper.run()
        with pytest.raises(NoMemory):
            failing.result()
        assert len(forwards) == 4  # as it is, with VAE slicing, with VAE tiling too
        assert pipeline.save_memory() is None
        assert same(beside.result(), alone(neighbour))
        after = stepper.join(pipeline, ask(spec), 7)
        stepper.run()
        assert np.abs(after.result().pixels.astype(int) - before).max() <= 1
        assert not after.result().exact

    def test_calls_leave_nothing_behind_however_they_end(self, folders: Folders) -> None:
        specs = [a_spec(folders[family]) for family in ("flux", "pixart-sigma")]
        stepper, models = Stepper(Forwards()), [(spec, load(spec)) for spec in specs]

        def some(count: int) -> None:
            for number in range(count):
                spec, pipeline = models[number % 2]
                request = ask(spec, f"picture {number % 5}", num_inference_steps=1 + number % 3)
                watching = Watching(stop_at=1 if number % 5 == 0 else 1000, previews=number % 3 == 0)
                with starving(pipeline, lambda forward, number=number: number % 7 == 0 and forward == 1):
                    stepper.join(pipeline, request, number, watching)
                    stepper.run()

        for _, pipeline in models:  # what it saves once, it saves from then on
            while pipeline.save_memory() is not None:
                pass
        some(12)  # its last ones are like those of the next: what a scheduler still holds counts too
        tensors, threads = live_tensors(), threading.active_count()
        some(42)
        assert live_tensors() == tensors
        assert threading.active_count() == threads
        assert not stepper.busy


def same(one: Painted, other: Painted) -> bool:
    return bool(np.array_equal(one.pixels, other.pixels))


def alone(pipeline: Convolutions) -> Painted:
    stepper = Stepper(Forwards())
    future = stepper.join(pipeline, ask_rows(), 7)
    stepper.run()
    return future.result()
