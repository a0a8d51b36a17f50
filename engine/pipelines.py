"""Diffusers, behind the seam of `engine.painting`: how a model is loaded, and how it paints.

The only file that imports diffusers. Every model is painted through diffusers' own pipeline, one picture at a time,
each from a CPU generator of its own: picture n of several is bit-equal to the picture painted alone with its seed.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
import transformers
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    LCMScheduler,
    PNDMScheduler,
    UniPCMultistepScheduler,
)

from engine import download, hub, images
from engine.catalog import Family, ModelSpec
from engine.config import EngineConfig
from engine.device import choose_device, device_name, free_memory, memory, memory_errors
from engine.errors import ModelUnavailable
from engine.painting import OnStep, Pixels, Report, ShouldStop, Stopped
from engine.types import GenerationRequest, Sampler

log = logging.getLogger("engine.worker")

SCHEDULERS: dict[Sampler, tuple[Any, dict[str, Any]]] = {
    Sampler.DDIM: (DDIMScheduler, {}),
    Sampler.EULER: (EulerDiscreteScheduler, {}),
    Sampler.EULER_A: (EulerAncestralDiscreteScheduler, {}),
    Sampler.DPMPP_2M: (DPMSolverMultistepScheduler, {"algorithm_type": "dpmsolver++", "use_karras_sigmas": False}),
    Sampler.DPMPP_2M_KARRAS: (
        DPMSolverMultistepScheduler,
        {"algorithm_type": "dpmsolver++", "use_karras_sigmas": True},
    ),
    Sampler.DPMPP_2M_SDE: (
        DPMSolverMultistepScheduler,
        {"algorithm_type": "sde-dpmsolver++", "use_karras_sigmas": False},
    ),
    Sampler.LCM: (LCMScheduler, {}),
    Sampler.UNIPC: (UniPCMultistepScheduler, {}),
    Sampler.PNDM: (PNDMScheduler, {"skip_prk_steps": True}),
}

SINGLE_FILE: dict[Family, Any] = {
    Family.SD1: diffusers.StableDiffusionPipeline,
    Family.SD2: diffusers.StableDiffusionPipeline,
    Family.SDXL: diffusers.StableDiffusionXLPipeline,
}
UNET_PIPELINES = (diffusers.StableDiffusionPipeline, diffusers.StableDiffusionXLPipeline)


def scheduler_for(sampler: Sampler, config: Any, spec: ModelSpec) -> Any:
    """Diffusers' scheduler of that name on the model's own noise schedule, with its kind of prediction.

    A model without guidance is distilled to few steps: those must end at the last timestep, whatever a single file's
    configuration says ("trailing", https://arxiv.org/abs/2305.08891, section 3.3).
    """
    kind, options = SCHEDULERS[sampler]
    if spec.ranges.guidance_scale[1] <= 1:
        options = options | {"timestep_spacing": "trailing"}
    return kind.from_config(config, **options)


class DiffusersPipeline:
    """A loaded model: a diffusers pipeline on the device."""

    def __init__(self, spec: ModelSpec, pipe: Any, device: torch.device, config: EngineConfig) -> None:
        self._spec, self._pipe, self._device = spec, pipe, device
        self._schedule = pipe.scheduler.config
        self._of_noise = "beta_schedule" in self._schedule
        self._unet_family = isinstance(pipe, UNET_PIPELINES)
        self._should_stop: ShouldStop = lambda: False
        self._offloaded = False
        self._preview_map: torch.Tensor | None = None
        pipe.set_progress_bar_config(disable=True)
        self._watch_blocks()
        self._savings = self._possible_savings()
        for wanted, saving in (
            (config.vae_slicing, "VAE slicing"),
            (config.vae_tiling, "VAE tiling"),
            (config.cpu_offload, "CPU offload"),
            (config.attention_slicing, "attention slicing"),
        ):
            if wanted and saving in self._savings:
                self._savings.pop(saving)()
        if not self._offloaded:
            pipe.to(device)

    @property
    def bytes(self) -> int:
        sizes = [sum(tensor.nbytes for tensor in (*part.parameters(), *part.buffers())) for part in self._modules()]
        return max(sizes) if self._offloaded else sum(sizes)

    def _modules(self) -> list[torch.nn.Module]:
        return [part for part in self._pipe.components.values() if isinstance(part, torch.nn.Module)]

    def call(self, request: GenerationRequest, seed: int, on_step: OnStep, should_stop: ShouldStop) -> Pixels:
        self._should_stop = should_stop
        try:
            with memory_errors(), torch.inference_mode():
                pixels = self._paint(request, seed, on_step)
        finally:
            self._should_stop = lambda: False
        return images.enlarge(pixels, request.width, request.height)

    def _paint(self, request: GenerationRequest, seed: int, on_step: OnStep) -> Pixels:
        # A scheduler of its own for each picture: it holds state, and the next picture must not see it.
        if self._of_noise:
            self._pipe.scheduler = scheduler_for(request.sampler, self._schedule, self._spec)
        else:  # flow matching: the samplers people choose are not made for it
            self._pipe.scheduler = type(self._pipe.scheduler).from_config(self._schedule)
        self._pipe.scheduler.step = self._told(self._pipe.scheduler, on_step)
        result = self._pipe(
            **self._options(request),
            width=request.width // self._spec.enlarge,
            height=request.height // self._spec.enlarge,
            num_inference_steps=request.num_inference_steps,
            generator=torch.Generator("cpu").manual_seed(seed),
            output_type="latent" if self._unet_family else "pil",
        ).images
        return self.decode(result) if self._unet_family else np.asarray(result[0].convert("RGB"))

    def _options(self, request: GenerationRequest) -> dict[str, Any]:
        """The prompts and the guidance, in the words of this pipeline's class."""
        accepted = inspect.signature(self._pipe.__call__).parameters
        options: dict[str, Any] = {"prompt": request.prompt}
        if "guidance_scale" in accepted:
            options["guidance_scale"] = request.guidance_scale
        if "negative_prompt" in accepted and request.guidance_scale > 1 and request.negative_prompt:
            options["negative_prompt"] = request.negative_prompt
        true_scale = accepted.get("true_cfg_scale")
        if true_scale is not None and (true_scale.default or 0) > 1:
            # Classes such as Qwen-Image guide by this one, and only beside a negative prompt; in Flux's it is an extra.
            options |= {"true_cfg_scale": request.guidance_scale, "negative_prompt": request.negative_prompt or " "}
            options.pop("guidance_scale", None)
        return options

    def _told(self, scheduler: Any, on_step: OnStep) -> Callable[..., Any]:
        """The scheduler's `step`, which now also tells of each step. Unlike callbacks, every pipeline has it."""
        step, done = scheduler.step, 0

        @functools.wraps(step)  # pipelines look at its parameters
        def step_and_tell(*args: Any, **kwargs: Any) -> Any:
            nonlocal done
            result = step(*args, **kwargs | {"return_dict": True})
            done = min(done + 1, len(scheduler.timesteps))
            self._check()
            on_step(done, len(scheduler.timesteps), lambda: self._preview(_predicted(scheduler, result)))
            return result if kwargs.get("return_dict", True) else (result.prev_sample,)

        return step_and_tell

    def _check(self) -> None:
        if self._should_stop():
            raise Stopped

    def _watch_blocks(self) -> None:
        """Asks `should_stop` before each block of each network: a step can take minutes on a CPU, and a decode too."""

        def check(_module: torch.nn.Module, _inputs: Any) -> None:
            self._check()

        for part in self._modules():
            for block in outer_blocks(part):
                block.register_forward_pre_hook(check)

    def decode(self, latents: torch.Tensor) -> Pixels:
        """Latents (1, channels, height / 8, width / 8) as the sampler leaves them -> a picture (height, width, 3)."""
        vae = self._pipe.vae
        decoded = vae.decode(self._unscaled(latents).to(self._pipe._execution_device, vae.dtype), return_dict=False)[0]
        self._pipe.maybe_free_model_hooks()
        return to_pixels(decoded[0])

    def _unscaled(self, latents: torch.Tensor) -> torch.Tensor:
        """Latents in the autoencoder's own scale."""
        config: Any = self._pipe.vae.config
        scaled: torch.Tensor = latents / config.scaling_factor
        mean, std = config.get("latents_mean"), config.get("latents_std")
        if mean is None or std is None:
            return scaled
        shape = (1, -1, 1, 1)
        return scaled * latents.new_tensor(std).view(shape) + latents.new_tensor(mean).view(shape)

    def _preview(self, latents: torch.Tensor) -> Pixels | None:
        """The latents as a small picture through a linear map of their channels; None where they are no image."""
        if not self._unet_family or latents.ndim != 4:
            return None
        if self._preview_map is None:
            self._preview_map = fit_preview(self._pipe.vae, self._pipe._execution_device)
        channels = self._unscaled(latents.float())[0].movedim(0, -1)
        flat = torch.cat([channels, torch.ones_like(channels[..., :1])], dim=-1)
        return to_pixels((flat @ self._preview_map).movedim(-1, 0))

    def _possible_savings(self) -> dict[str, Callable[[], None]]:
        """What can be done when memory runs short, the least harmful first."""
        vae: Any = getattr(self._pipe, "vae", None)
        savings: dict[str, Callable[[], None]] = {}
        if hasattr(vae, "enable_slicing"):
            savings["VAE slicing"] = vae.enable_slicing
        if hasattr(vae, "enable_tiling"):
            savings["VAE tiling"] = vae.enable_tiling
        if self._device.type != "cpu":
            savings["CPU offload"] = self._offload
        if hasattr(self._pipe, "enable_attention_slicing"):
            savings["attention slicing"] = self._pipe.enable_attention_slicing  # last: it gives up the fast kernels
        return savings

    def _offload(self) -> None:
        self._offloaded = True
        self._pipe.enable_model_cpu_offload(device=self._device)

    def save_memory(self) -> str | None:
        if not self._savings:
            return None
        name = next(iter(self._savings))
        self._savings.pop(name)()
        free_memory()
        return name

    def close(self) -> None:
        self._pipe.remove_all_hooks()
        self._pipe = None
        free_memory()


def _predicted(scheduler: Any, result: Any) -> torch.Tensor:
    """What the picture will be as far as the sampler can tell now; the noisy latents where it does not say."""
    predicted: torch.Tensor | None = getattr(result, "pred_original_sample", None)
    if predicted is None and getattr(scheduler, "model_outputs", None):
        predicted = scheduler.model_outputs[-1]  # of the multistep solvers, which work on predictions of the picture
    noisy: torch.Tensor = result.prev_sample
    return noisy if predicted is None else predicted


def to_pixels(image: torch.Tensor) -> Pixels:
    """(3, height, width) from -1 to 1 -> (height, width, 3) bytes."""
    scaled = (image.float() / 2 + 0.5).clamp(0, 1).mul(255).round()
    pixels: Pixels = scaled.to(torch.uint8).movedim(0, -1).cpu().numpy()
    return pixels


def outer_blocks(module: torch.nn.Module) -> Iterator[torch.nn.Module]:
    """The members of the outermost lists of a network: its layers, or its down and up blocks."""
    for child in module.children():
        if isinstance(child, torch.nn.ModuleList):
            yield from child
        else:
            yield from outer_blocks(child)


def fit_preview(vae: Any, device: torch.device) -> torch.Tensor:
    """(channels + 1, 3): the linear map from latents in the autoencoder's scale to RGB from -1 to 1, last row constant.

    Fitted by least squares to what this autoencoder makes of smooth coloured noise: every family gets its own, also a
    fine-tuned one.
    """
    generator = torch.Generator("cpu").manual_seed(0)
    patches = torch.rand((4, 3, 8, 8), generator=generator) * 2 - 1
    pictures = torch.nn.functional.interpolate(patches, size=(128, 128), mode="bilinear")
    latents = vae.encode(pictures.to(device, vae.dtype)).latent_dist.mean.float().cpu()
    pooled = torch.nn.functional.adaptive_avg_pool2d(pictures, latents.shape[-2:])
    inputs = latents.movedim(1, -1).flatten(0, 2)
    inputs = torch.cat([inputs, torch.ones_like(inputs[:, :1])], dim=1)
    solution: torch.Tensor = torch.linalg.lstsq(inputs, pooled.movedim(1, -1).flatten(0, 2)).solution
    return solution.to(device)


class Diffusers:
    """The backend: the device of this machine, and models from folders, files and the hub."""

    def __init__(self, config: EngineConfig) -> None:
        self._config = config
        for library in (diffusers.utils.logging, transformers.utils.logging):
            library.disable_progress_bar()
        transformers.utils.logging.set_verbosity_error()  # else it speaks of image processors that nobody uses
        self._device, self._dtype = choose_device(config)
        self.device = device_name(self._device, self._dtype)

    def estimate(self, spec: ModelSpec) -> int:
        return hub.size_on_disk(spec, self._config.models_dir) or spec.size_bytes or 0

    def memory(self) -> tuple[int | None, int | None]:
        return memory(self._device)

    def last_words(self) -> str:
        if self._device.type == "cpu":
            return "Try a smaller size or a smaller model, or close other programs."
        return "Try a smaller size, a smaller model, or cpu_offload = true under [engine] in config.toml."

    def load(self, spec: ModelSpec, report: Report, should_stop: ShouldStop) -> DiffusersPipeline:
        place = download.fetch(spec, self._config.models_dir, report, should_stop)
        with memory_errors():
            if place.is_file():
                pipe = self._load_file(spec, place, report)
            else:
                pipe = self._load_folder(spec, place, report, should_stop)
            if self._dtype == torch.float16 and getattr(pipe, "vae", None) is not None:
                _upcast_decoding(pipe.vae)
            report(0.95, "Moving to the device")
            return DiffusersPipeline(spec, pipe, self._device, self._config)

    def _load_folder(self, spec: ModelSpec, folder: Path, report: Report, should_stop: ShouldStop) -> Any:
        """Part by part, so that people see how far it is, and which part is broken."""
        try:
            index = hub.read_index(folder)
            components = hub.plan_folder(folder, spec.variant)
        except hub.Incomplete as problem:
            raise ModelUnavailable(spec.key, f"{problem}.", f"Look into {folder}.") from None
        heavy = [component for component in components if component.weights]
        sizes = [sum((folder / file).stat().st_size for file in component.weights) for component in heavy]
        parts: dict[str, Any] = dict.fromkeys(hub.UNUSED & index.keys())
        if "safety_checker" in index:
            parts["requires_safety_checker"] = False
        for number, component in enumerate(heavy):
            if should_stop():
                raise Stopped
            report(0.9 * sum(sizes[:number]) / sum(sizes), f"Loading {component.name}")
            parts[component.name] = self._load_part(spec, folder, component)
        with _as_unavailable(spec, "its pipeline"):
            return diffusers.AutoPipelineForText2Image.from_pretrained(
                folder, dtype=self._dtype, use_safetensors=True, local_files_only=True, **parts
            )

    def _load_part(self, spec: ModelSpec, folder: Path, component: hub.Component) -> Any:
        if component.library not in ("diffusers", "transformers"):
            reason = f"its {component.name} needs code of its own ({component.library}), which is not run."
            raise ModelUnavailable(spec.key, reason, "Choose another model.")
        kind = getattr(importlib.import_module(component.library), component.class_name, None)
        if kind is None:
            reason = f"this version of {component.library} has no {component.class_name}."
            raise ModelUnavailable(spec.key, reason, "Update Easel.")
        with _as_unavailable(spec, f"its {component.name}"):
            return kind.from_pretrained(
                folder / component.name,
                dtype=self._dtype,
                variant=component.variant,
                use_safetensors=True,
                local_files_only=True,
            )

    def _load_file(self, spec: ModelSpec, file: Path, report: Report) -> Any:
        kind = SINGLE_FILE.get(spec.family)
        if kind is None:
            hint = "Set its family in config.toml: sd1, sd2 or sdxl."
            raise ModelUnavailable(spec.key, "a single file does not say how it is run.", hint)
        report(None, f"Loading {file.name}")
        with _as_unavailable(spec, file.name):
            options = {"safety_checker": None} if spec.family is not Family.SDXL else {}
            return kind.from_single_file(str(file), dtype=self._dtype, use_safetensors=True, **options)


@contextlib.contextmanager
def _as_unavailable(spec: ModelSpec, what: str) -> Iterator[None]:
    """Whatever a library says of files that do not fit becomes one sentence; running out of memory stays what it is."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError):
        raise
    except Exception as error:
        log.warning("loading %s of %s failed", what, spec.key, exc_info=True)
        said = str(error).strip().splitlines() or [type(error).__name__]
        hint = "Its files may be cut short: delete them and load it again."
        raise ModelUnavailable(spec.key, f"{what} cannot be loaded ({said[0][:200]}).", hint) from None


def _upcast_decoding(vae: Any) -> None:
    """The autoencoders overflow in half precision: this one stays in fp32, whatever it is given."""
    vae.to(torch.float32)
    decode = vae.decode
    vae.decode = functools.wraps(decode)(lambda latents, *args, **kwargs: decode(latents.float(), *args, **kwargs))
