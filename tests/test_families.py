"""Models that are not of Stable Diffusion's UNet: tiny ones of the real classes, through diffusers' own call."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from diffusers import DiffusionPipeline, FlowMatchEulerDiscreteScheduler, FluxPipeline  # noqa: E402

from engine import latents, pipelines  # noqa: E402
from engine.catalog import Catalog, ModelSpec  # noqa: E402
from engine.config import EngineConfig  # noqa: E402
from engine.errors import ModelUnavailable  # noqa: E402
from engine.images import read_metadata, read_picture  # noqa: E402
from engine.local import LocalEngine  # noqa: E402
from engine.painting import Pixels, Stopped  # noqa: E402
from engine.pipelines import DiffusersPipeline  # noqa: E402
from engine.schedulers import predicted  # noqa: E402
from engine.types import Picture, Progress, Sampler  # noqa: E402
from tests import tinypipes  # noqa: E402
from tests.families import FAMILIES, FLOWS, a_spec, ask, load, paint  # noqa: E402
from tests.marks import WITH_DIFFUSERS  # noqa: E402

pytestmark = WITH_DIFFUSERS

Folders = dict[str, Path]
Loaded = Callable[[str], tuple[ModelSpec, DiffusersPipeline]]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    place = tmp_path_factory.mktemp("tiny")
    return {name: save(place / name) for name, save in FAMILIES.items()}


@pytest.fixture(scope="module")
def loaded(folders: Folders) -> Loaded:
    """Loads a family once for all tests that only paint."""
    kept: dict[str, tuple[ModelSpec, DiffusersPipeline]] = {}

    def get(name: str) -> tuple[ModelSpec, DiffusersPipeline]:
        if name not in kept:
            spec = a_spec(folders[name], key=name)
            kept[name] = (spec, load(spec))
        return kept[name]

    return get


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_paints_with_progress_sketches_and_the_same_pixels_for_the_same_seed(
    loaded: Loaded, family: str
) -> None:
    spec, pipeline = loaded(family)
    seen: list[tuple[int, int, Pixels | None]] = []
    first = pipeline.call(ask(spec), 7, lambda step, of, sketch: seen.append((step, of, sketch())), lambda: False)
    assert [(step, of) for step, of, _ in seen] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    for *_, sketch in seen:
        assert sketch is not None
        assert sketch.shape[0] == sketch.shape[1] <= 32
        assert sketch.std() > 5
    assert first.shape == (64, 64, 3)
    assert first.std() > 5
    assert np.array_equal(paint(pipeline, ask(spec)), first)
    assert not np.array_equal(paint(pipeline, ask(spec), seed=8), first)
    assert not np.array_equal(paint(pipeline, ask(spec, "a blue whale")), first)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_pixels_are_those_of_diffusers_called_as_its_documentation_tells(
    folders: Folders, loaded: Loaded, family: str
) -> None:
    spec, pipeline = loaded(family)
    stock = DiffusionPipeline.from_pretrained(folders[family])
    stock.set_progress_bar_config(disable=True)
    told = {"true_cfg_scale": 5.0} if family == "qwen-image" else {"guidance_scale": 5.0}
    told |= {"max_sequence_length": 256} if family == "flux" else {}
    [picture] = stock(
        "a red fox",
        negative_prompt="blurry",
        width=64,
        height=64,
        num_inference_steps=4,
        generator=torch.Generator().manual_seed(7),
        **told,
    ).images
    ours = paint(pipeline, ask(spec, negative_prompt="blurry", sampler=Sampler.DPMPP_2M))
    assert np.abs(ours.astype(int) - np.asarray(picture)).max() <= 1


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("after", [0, 2])
def test_a_cancelled_picture_stops_within_the_step_and_is_not_decoded(
    loaded: Loaded, family: str, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, pipeline = loaded(family)
    steps: list[int] = []
    decoded: list[object] = []
    monkeypatch.setattr(pipeline._pipe.vae, "decode", lambda *args, **kwargs: decoded.append(args))
    with pytest.raises(Stopped):
        pipeline.call(ask(spec), 7, lambda step, of, preview: steps.append(step), lambda: len(steps) >= after)
    assert len(steps) == after
    assert decoded == []
    monkeypatch.undo()
    assert paint(pipeline, ask(spec)).std() > 5


@pytest.mark.parametrize("family", FAMILIES)
def test_any_size_comes_out_as_it_was_asked_for(loaded: Loaded, family: str) -> None:
    """Transformers paint in squares of 16 pixels; what is too much is cut off."""
    spec, pipeline = loaded(family)
    assert paint(pipeline, ask(spec, width=72, height=88, num_inference_steps=1)).shape == (88, 72, 3)


@pytest.mark.parametrize("family", ["sd3", "pixart-sigma", "pixart-alpha", "qwen-image", "z-image"])
def test_the_negative_prompt_and_the_guidance_matter(loaded: Loaded, family: str) -> None:
    spec, pipeline = loaded(family)
    plain = paint(pipeline, ask(spec))
    assert not np.array_equal(paint(pipeline, ask(spec, negative_prompt="blurry")), plain)
    assert not np.array_equal(paint(pipeline, ask(spec, guidance_scale=9)), plain)
    assert paint(pipeline, ask(spec, guidance_scale=0)).std() > 5


def test_what_a_class_knows_nothing_of_does_it_no_harm(loaded: Loaded) -> None:
    """Flux has its guidance taught, or none: a negative prompt is not heard."""
    spec, pipeline = loaded("flux")
    assert np.array_equal(paint(pipeline, ask(spec, negative_prompt="blurry")), paint(pipeline, ask(spec)))


@pytest.mark.parametrize(("taught", "tokens"), [(False, 256), (True, 512)])
def test_four_step_flux_reads_as_many_words_as_it_was_taught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taught: bool, tokens: int
) -> None:
    spec = a_spec(tinypipes.save_flux(tmp_path, guidance_embeds=taught))
    read: list[int] = []
    encode = FluxPipeline.encode_prompt
    monkeypatch.setattr(
        FluxPipeline,
        "encode_prompt",
        lambda self, *args, **options: read.append(options["max_sequence_length"]) or encode(self, *args, **options),
    )
    pipeline = load(spec)
    assert paint(pipeline, ask(spec, "a red fox in the snow " * 50, num_inference_steps=1)).std() > 5
    assert read == [tokens]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_words_are_read_once(loaded: Loaded, family: str) -> None:
    spec, pipeline = loaded(family)
    read: list[object] = []
    encoders = [part for name, part in pipeline._pipe.components.items() if name.startswith("text_encoder")]
    hooks = [part.register_forward_pre_hook(lambda part, _: read.append(part)) for part in encoders]
    for seed in range(4):
        paint(pipeline, ask(spec, "a green whale", num_inference_steps=1, guidance_scale=0), seed)
    for hook in hooks:
        hook.remove()
    assert len(read) == len(encoders)


@pytest.mark.parametrize("family", FAMILIES)
def test_samplers_are_for_noise_schedules_and_flow_matching_has_its_own(loaded: Loaded, family: str) -> None:
    spec, pipeline = loaded(family)
    painted = {paint(pipeline, ask(spec, sampler=sampler)).tobytes() for sampler in Sampler}
    assert (len(painted) == 1) is (family in FLOWS)


class TestSketches:
    def test_the_patches_of_flux_are_unpacked_as_flux_does_it(self) -> None:
        packed = torch.randn((1, 6 * 4, 16))
        theirs = FluxPipeline._unpack_latents(packed, 96, 64, 8)
        assert torch.equal(latents.unpacked(packed, 8, 12), theirs)

    def test_flow_matching_sees_the_picture_at_every_step(self) -> None:
        scheduler = FlowMatchEulerDiscreteScheduler(shift=3.0)
        scheduler.set_timesteps(4)
        clean, noise = torch.randn((1, 4, 8, 8)), torch.randn((1, 4, 8, 8))
        sample = noise
        for timestep in scheduler.timesteps:
            result = scheduler.step(noise - clean, timestep, sample)
            assert torch.allclose(predicted(scheduler, result, noise - clean, sample), clean, atol=1e-5)
            sample = result.prev_sample

    def test_what_cannot_be_sketched_is_painted_without(self, loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
        spec, pipeline = loaded("sd3")
        sketches: list[Pixels | None] = []

        def run_out(*_: object) -> None:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

        for place, name, value in ((pipelines, "PREVIEWED", ()), (pipelines, "preview", run_out)):
            with monkeypatch.context() as patch:
                patch.setattr(place, name, value)
                pipeline.call(ask(spec), 7, lambda step, of, sketch: sketches.append(sketch()), lambda: False)
        assert sketches == [None] * 8


class TestEngine:
    """All families at once, behind the engine that the bot has."""

    @pytest.mark.parametrize("executor", ["thread", "process"])
    async def test_who_is_cancelled_leaves_and_the_others_paint_what_they_paint_alone(
        self, folders: Folders, executor: Any
    ) -> None:
        families = ["flux", "pixart-sigma"] if executor == "process" else list(FAMILIES)
        specs = {name: a_spec(folders[name], key=name) for name in families}
        catalog = Catalog(specs.values())

        async with LocalEngine(EngineConfig(executor=executor, device="cpu"), catalog) as engine:

            async def painted(number: int, name: str, stop_at: int = 1000) -> tuple[list[Progress], list[Pixels]]:
                steps, pictures = [], []
                events = engine.generate(number, ask(specs[name], num_images=2))
                async for event in events:
                    match event:
                        case Progress():
                            steps.append(event)
                        case Picture():
                            pictures.append(read_picture(event.png))
                            assert read_metadata(event.png)["easel"]["exact"] is True
                    if len(steps) >= stop_at:
                        await events.aclose()
                        break
                return steps, pictures

            alone = {name: await painted(number, name) for number, name in enumerate(families)}
            for steps, pictures in alone.values():
                done = [step.step for step in steps]
                assert done == sorted(done)
                assert set(done) == set(range(1, 9))
                assert any(step.preview for step in steps)
                assert [picture.shape for picture in pictures] == [(64, 64, 3)] * 2
                assert not np.array_equal(*pictures)

            everybody = [painted(100 + number, name) for number, name in enumerate(families)]
            leaving = painted(200, families[0], stop_at=3)
            *together, (steps, pictures) = await asyncio.gather(*everybody, leaving)
            for name, (_, pixels) in zip(families, together, strict=True):
                assert all(np.array_equal(*pair) for pair in zip(pixels, alone[name][1], strict=True))
            assert (len(steps), pictures) == (3, [])
            async with asyncio.timeout(20):
                while (await engine.status()).running:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            assert (await engine.status()).free > 0
            _, again = await painted(300, families[0])
            assert all(np.array_equal(*pair) for pair in zip(again, alone[families[0]][1], strict=True))


class TestClasses:
    def test_a_tokenizer_may_be_a_sentencepiece_file_alone(self, tmp_path: Path, folders: Folders) -> None:
        folder = shutil.copytree(folders["pixart-sigma"], tmp_path / "model")
        tinypipes.to_sentencepiece(folder / "tokenizer")
        pipeline = load(spec := a_spec(folder))
        assert not np.array_equal(paint(pipeline, ask(spec)), paint(pipeline, ask(spec, "a blue whale")))

    def test_a_class_that_diffusers_own_table_lacks_paints_too(self, tmp_path: Path) -> None:
        folder = tinypipes.save_sd(tmp_path / "sd")
        rename(folder, "StableDiffusionPanoramaPipeline")
        pipeline = load(spec := a_spec(folder))
        assert paint(pipeline, ask(spec)).std() > 5

    def test_what_does_not_paint_from_text_is_refused(self, tmp_path: Path, folders: Folders) -> None:
        folder = shutil.copytree(folders["flux"], tmp_path / "model")
        rename(folder, "LTXPipeline")
        with pytest.raises(ModelUnavailable, match="its pipeline cannot be loaded"):
            load(a_spec(folder))


def rename(folder: Path, kind: str) -> None:
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(index | {"_class_name": kind}))
