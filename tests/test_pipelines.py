"""Painting with diffusers: tiny pipelines of the real classes, loaded and called as the big ones are."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from diffusers import DDIMScheduler, DiffusionPipeline, DPMSolverMultistepScheduler  # noqa: E402

from engine import latents  # noqa: E402
from engine.catalog import Catalog, Defaults, Family, ModelSpec, Ranges  # noqa: E402
from engine.config import EngineConfig  # noqa: E402
from engine.errors import ConfigError, ModelUnavailable  # noqa: E402
from engine.loading import Diffusers  # noqa: E402
from engine.local import LocalEngine  # noqa: E402
from engine.painting import NoMemory, Pixels, Stopped  # noqa: E402
from engine.pipelines import DiffusersPipeline, UnetPipeline  # noqa: E402
from engine.types import GenerationRequest, Picture, Progress, Sampler  # noqa: E402
from tests import tinypipes  # noqa: E402
from tests.marks import WITH_DIFFUSERS  # noqa: E402

pytestmark = WITH_DIFFUSERS

UNET_FAMILIES = ["sd1", "sd2", "sdxl", "turbo"]

Folders = dict[str, Path]


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    place = tmp_path_factory.mktemp("tiny")
    return {
        "sd1": tinypipes.save_sd(place / "sd1"),
        "sd2": tinypipes.save_sd(place / "sd2", v_prediction=True),
        "sdxl": tinypipes.save_sdxl(place / "sdxl"),
        "turbo": tinypipes.save_sdxl(place / "turbo", turbo=True),
    }


def a_spec(folder: Path, **options: Any) -> ModelSpec:
    turbo = folder.parent.name == "turbo"
    defaults = Defaults(width=64, height=64, num_inference_steps=4, guidance_scale=0 if turbo else 5)
    ranges = Ranges(size=(64, 128), guidance_scale=(0, 0) if turbo else (1, 20))
    return ModelSpec(**{"key": "mine", "repository": str(folder), "defaults": defaults, "ranges": ranges} | options)


def ask(spec: ModelSpec, prompt: str = "a red fox", **options: Any) -> GenerationRequest:
    return Catalog([spec]).request(spec.key, prompt, **{"seed": 7} | options)


def load(spec: ModelSpec, **config: Any) -> DiffusersPipeline:
    return Diffusers(EngineConfig(device="cpu", **config)).load(spec, lambda fraction, text: None, lambda: False)


@pytest.fixture(scope="session")
def loaded(folders: Folders) -> Callable[[str], tuple[ModelSpec, DiffusersPipeline]]:
    """Loads a family once for all tests that only paint."""
    kept: dict[str, tuple[ModelSpec, DiffusersPipeline]] = {}

    def get(name: str) -> tuple[ModelSpec, DiffusersPipeline]:
        if name not in kept:
            spec = a_spec(folders[name])
            kept[name] = (spec, load(spec))
        return kept[name]

    return get


Loaded = Callable[[str], tuple[ModelSpec, DiffusersPipeline]]


def paint(pipeline: DiffusersPipeline, request: GenerationRequest, seed: int = 7) -> Pixels:
    return pipeline.call(request, seed, lambda step, of, preview: None, lambda: False)


@pytest.mark.parametrize("family", UNET_FAMILIES)
def test_every_family_paints_with_progress_and_the_same_pixels_for_the_same_seed(loaded: Loaded, family: str) -> None:
    spec, pipeline = loaded(family)
    steps: list[tuple[int, int]] = []
    first = pipeline.call(ask(spec), 7, lambda step, of, preview: steps.append((step, of)), lambda: False)
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert first.shape == (64, 64, 3)
    assert first.std() > 5
    assert np.array_equal(paint(pipeline, ask(spec)), first)
    assert not np.array_equal(paint(pipeline, ask(spec), seed=8), first)


@pytest.mark.parametrize("family", UNET_FAMILIES)
@pytest.mark.parametrize("sampler", Sampler)
def test_every_sampler_paints_in_few_steps_and_many(loaded: Loaded, family: str, sampler: Sampler) -> None:
    spec, pipeline = loaded(family)
    for steps in (1, 7):
        pixels = paint(pipeline, ask(spec, sampler=sampler, num_inference_steps=steps))
        assert pixels.std() > 5


@pytest.mark.parametrize("family", ["sd1", "sd2", "sdxl"])
def test_the_pixels_are_those_of_diffusers_called_as_its_documentation_tells(
    folders: Folders, loaded: Loaded, family: str
) -> None:
    spec, pipeline = loaded(family)
    request = ask(spec, sampler=Sampler.DPMPP_2M_KARRAS, negative_prompt="blurry")
    stock = DiffusionPipeline.from_pretrained(folders[family])
    stock.set_progress_bar_config(disable=True)
    stock.scheduler = DPMSolverMultistepScheduler.from_config(stock.scheduler.config, use_karras_sigmas=True)
    [picture] = stock(
        request.prompt,
        negative_prompt="blurry",
        width=64,
        height=64,
        num_inference_steps=4,
        guidance_scale=5.0,
        generator=torch.Generator().manual_seed(7),
    ).images
    assert np.abs(paint(pipeline, request).astype(int) - np.asarray(picture)).max() <= 1


@pytest.mark.parametrize("family", UNET_FAMILIES)
def test_the_parts_of_the_seam_put_together_paint_what_the_whole_call_paints(loaded: Loaded, family: str) -> None:
    spec, pipeline = loaded(family)
    assert isinstance(pipeline, UnetPipeline)
    request = ask(spec, sampler=Sampler.DDIM, negative_prompt="" if family == "turbo" else "blurry")
    spacing = {"timestep_spacing": "trailing"} if family == "turbo" else {}
    scheduler = DDIMScheduler.from_config(pipeline.schedule, **spacing)
    with torch.inference_mode():
        conditions = pipeline.encode(request)
        rows = conditions.embeddings.shape[0]
        assert rows == (1 if family == "turbo" else 2)
        noisy = pipeline.latents(request, torch.Generator().manual_seed(7))
        scheduler.set_timesteps(4)
        for timestep in scheduler.timesteps:
            predicted = pipeline.unet(noisy.expand(rows, -1, -1, -1), timestep.expand(rows), conditions)
            if rows == 2:
                without, wanted = predicted.chunk(2)
                predicted = without + request.guidance_scale * (wanted - without)
            noisy = scheduler.step(predicted, timestep, noisy).prev_sample
        stepped = pipeline.decode(noisy)
    assert np.abs(stepped.astype(int) - paint(pipeline, request)).max() <= 1


def test_the_negative_prompt_and_the_guidance_matter(loaded: Loaded) -> None:
    spec, pipeline = loaded("sd1")
    plain = paint(pipeline, ask(spec))
    assert not np.array_equal(paint(pipeline, ask(spec, negative_prompt="blurry")), plain)
    assert not np.array_equal(paint(pipeline, ask(spec, guidance_scale=9)), plain)


def test_turbo_ignores_a_negative_prompt(loaded: Loaded) -> None:
    spec, pipeline = loaded("turbo")
    request = ask(spec, num_inference_steps=1)
    assert np.array_equal(
        paint(pipeline, request), paint(pipeline, request.model_copy(update={"negative_prompt": "blurry"}))
    )


def test_sizes_need_not_be_square(loaded: Loaded) -> None:
    spec, pipeline = loaded("sdxl")
    assert paint(pipeline, ask(spec, width=128, height=72)).shape == (72, 128, 3)


def test_a_small_model_paints_small_and_enlarges(folders: Folders) -> None:
    spec = a_spec(folders["sd1"], enlarge=2)
    pipeline = load(spec)
    previews: list[Pixels | None] = []
    big = pipeline.call(
        ask(spec, width=128, height=128), 7, lambda step, of, preview: previews.append(preview()), lambda: False
    )
    assert big.shape == (128, 128, 3)
    assert previews[0] is not None
    assert previews[0].shape == (8, 8, 3)


def test_a_preview_has_the_colours_of_the_picture() -> None:
    """Fitted to an autoencoder that mixes red, green and blue into four channels, the map takes them apart again."""
    mixing = torch.randn((4, 3), generator=torch.Generator().manual_seed(1)) / 4

    def encode(pictures: torch.Tensor) -> SimpleNamespace:
        mixed = torch.einsum("cr,brhw->bchw", mixing, torch.nn.functional.avg_pool2d(pictures, 8)) + 0.3
        return SimpleNamespace(latent_dist=SimpleNamespace(mean=mixed))

    def decode(mixed: torch.Tensor, return_dict: bool) -> tuple[torch.Tensor]:
        return (torch.einsum("rc,bchw->brhw", torch.linalg.pinv(mixing), mixed - 0.3) * 0.4,)

    vae = SimpleNamespace(encode=encode, decode=decode, dtype=torch.float32)
    preview_map = latents.fit_preview(vae, torch.device("cpu"))
    picture = torch.rand((1, 3, 64, 64), generator=torch.Generator().manual_seed(2)) * 2 - 1
    seen = latents.preview(encode(picture).latent_dist.mean[0], preview_map)
    pooled = torch.nn.functional.avg_pool2d(picture, 8)[0]
    assert np.abs(seen.astype(int) - latents.to_pixels(0.4 * pooled)).mean() < 3


@pytest.mark.parametrize("family", UNET_FAMILIES)
@pytest.mark.parametrize("after", [0, 2])
def test_a_cancelled_picture_stops_within_the_step_and_is_not_decoded(
    loaded: Loaded, family: str, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, pipeline = loaded(family)
    steps: list[int] = []
    decoded: list[object] = []
    vae = pipeline._pipe.vae
    monkeypatch.setattr(vae, "decode", lambda *args, **kwargs: decoded.append(args))
    with pytest.raises(Stopped):
        pipeline.call(ask(spec), 7, lambda step, of, preview: steps.append(step), lambda: len(steps) >= after)
    assert len(steps) == after
    assert decoded == []
    monkeypatch.undo()
    assert paint(pipeline, ask(spec)).std() > 5


@pytest.mark.parametrize("dtype", ["bf16", "fp16"])
@pytest.mark.parametrize("family", ["sd1", "sdxl"])
def test_half_precision_comes_close(folders: Folders, loaded: Loaded, family: str, dtype: str) -> None:
    spec, pipeline = loaded(family)
    half = load(spec, dtype=dtype)
    assert half.bytes < pipeline.bytes
    difference = np.abs(paint(half, ask(spec)).astype(int) - paint(pipeline, ask(spec)))
    assert difference.mean() < 12


def test_a_pipeline_without_bf16_decodes_in_full_precision(folders: Folders) -> None:
    spec = a_spec(folders["sd1"])
    half = load(spec, dtype="fp16")
    assert half._pipe.unet.dtype == torch.float16
    assert half._pipe.vae.dtype == torch.float32


def test_running_out_of_memory_is_told_apart_and_leaves_the_pipeline_usable(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, pipeline = loaded("sd1")
    before = paint(pipeline, ask(spec))
    forwards = 0

    def run_out(*args: object, **kwargs: object) -> None:
        nonlocal forwards
        forwards += 1
        if forwards == 3:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    hook = pipeline._pipe.unet.register_forward_pre_hook(run_out)
    with pytest.raises(NoMemory):
        paint(pipeline, ask(spec))
    hook.remove()
    assert np.array_equal(paint(pipeline, ask(spec)), before)


def test_the_savings_go_from_harmless_to_costly_and_end(folders: Folders) -> None:
    spec = a_spec(folders["sd1"])
    pipeline = load(spec, vae_slicing=False)
    assert pipeline.exact
    before = paint(pipeline, ask(spec))
    assert [pipeline.save_memory() for _ in range(4)] == ["VAE slicing", "VAE tiling", "attention slicing", None]
    assert not pipeline.exact
    assert np.abs(paint(pipeline, ask(spec)).astype(int) - before).max() <= 1


def test_savings_can_be_settings(folders: Folders) -> None:
    pipeline = load(a_spec(folders["sdxl"]), vae_tiling=True, attention_slicing=True)
    assert pipeline.save_memory() is None


def test_the_variant_is_taken_where_it_is_and_the_plain_files_otherwise(folders: Folders, tmp_path: Path) -> None:
    both = shutil.copytree(folders["sd1"], tmp_path / "both")
    tinypipes.save_sd(tmp_path / "fp16", variant="fp16")
    shutil.copytree(tmp_path / "fp16" / "model" / "unet", both / "unet", dirs_exist_ok=True)
    pipeline = load(a_spec(both, variant="fp16"))
    assert paint(pipeline, ask(a_spec(both))).std() > 5


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda folder: (folder / "model_index.json").write_text("{"), r"model_index\.json cannot be read"),
        (lambda folder: shutil.rmtree(folder / "unet"), "the folder unet is missing"),
        (lambda folder: next((folder / "unet").glob("*.safetensors")).unlink(), "the weights of unet are missing"),
        (lambda folder: cut(folder / "vae"), r"its vae cannot be loaded"),
        (lambda folder: cut(folder / "text_encoder"), r"its text_encoder cannot be loaded"),
        (lambda folder: (folder / "tokenizer" / "tokenizer.json").write_text("{"), "its pipeline cannot be loaded"),
        (lambda folder: rename(folder / "unet", ".bin"), "can run code"),
        (lambda folder: rewrite(folder, "unet", ["my_code", "MyUNet"]), "needs code of its own"),
        (lambda folder: rewrite(folder, "unet", ["diffusers", "UNetOf2031"]), "has no UNetOf2031"),
    ],
)
def test_a_damaged_folder_says_which_part_is_broken(
    folders: Folders, tmp_path: Path, damage: Callable[[Path], object], says: str
) -> None:
    folder = shutil.copytree(folders["sd1"], tmp_path / "model")
    damage(folder)
    with pytest.raises(ModelUnavailable, match=says):
        load(a_spec(folder))


def cut(folder: Path) -> None:
    weights = next(folder.glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-1000])


def rename(folder: Path, suffix: str) -> None:
    weights = next(folder.glob("*.safetensors"))
    weights.rename(weights.with_suffix(suffix))


def rewrite(folder: Path, part: str, value: list[str]) -> None:
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(index | {part: value}))


def test_a_single_file_without_a_family_says_what_to_set(tmp_path: Path) -> None:
    file = tmp_path / "mine.safetensors"
    file.write_bytes(b"")
    with pytest.raises(ModelUnavailable, match="Set its family"):
        load(a_spec(file))


@pytest.mark.parametrize("dtype", ["fp32", "fp16"])
def test_a_single_file_paints_what_its_folder_paints(folders: Folders, tmp_path: Path, dtype: str) -> None:
    file = tinypipes.to_single_file(folders["sd1"], tmp_path / "mine.safetensors")
    spec = a_spec(file, family=Family.SD1, base=str(folders["sd1"]))
    pipeline = load(spec, dtype=dtype)
    assert isinstance(pipeline, UnetPipeline)
    assert np.array_equal(paint(pipeline, ask(spec)), paint(load(a_spec(folders["sd1"]), dtype=dtype), ask(spec)))


def test_a_single_file_whose_settings_cannot_be_had_says_what_to_set(
    folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    file = tinypipes.to_single_file(folders["sd1"], tmp_path / "mine.safetensors")
    with pytest.raises(ModelUnavailable, match=r"only weights.*set its base"):
        Diffusers(EngineConfig(device="cpu", models_dir=tmp_path)).load(
            a_spec(file, family=Family.SD1), lambda fraction, text: None, lambda: False
        )


def test_a_single_file_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.safetensors"
    file.write_bytes(b"\x10\0\0\0\0\0\0\0{")
    with pytest.raises(ModelUnavailable, match=r"mine\.safetensors cannot be loaded"):
        load(a_spec(file, family=Family.SD1))


def test_loading_tells_how_far_it_is_and_can_be_stopped(folders: Folders) -> None:
    backend = Diffusers(EngineConfig(device="cpu"))
    fractions: list[float] = []

    def report(fraction: float | None, text: str) -> None:
        fractions.append(fraction or 0)

    backend.load(a_spec(folders["sdxl"]), report, lambda: False)
    assert len(fractions) >= 5
    assert fractions == sorted(fractions)
    with pytest.raises(Stopped):
        backend.load(a_spec(folders["sdxl"]), report, lambda: True)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has the device")
def test_a_device_that_is_not_there_is_a_mistake_in_the_settings() -> None:
    with pytest.raises(ConfigError, match="finds no such device"):
        Diffusers(EngineConfig(device="cuda"))


async def test_a_worker_process_paints_exactly_what_a_thread_paints(folders: Folders) -> None:
    spec = a_spec(folders["sdxl"])
    pictures: list[list[bytes]] = []
    for executor in ("process", "thread"):
        async with LocalEngine(EngineConfig(executor=executor, device="cpu"), Catalog([spec])) as engine:
            events = [event async for event in engine.generate(1, ask(spec, num_images=2, num_inference_steps=30))]
            pictures.append([event.png for event in events if isinstance(event, Picture)])
            assert any(isinstance(event, Progress) and event.preview for event in events)
            alone = [event async for event in engine.generate(2, ask(spec, seed=8, num_inference_steps=30))]
            assert isinstance(alone[-1], Picture)
            second = engine_pixels(pictures[-1][1])
            assert np.array_equal(engine_pixels(alone[-1].png), second)
    assert pictures[0] == pictures[1]


def engine_pixels(png: bytes) -> Pixels:
    from engine.images import read_picture

    return read_picture(png)
