"""Diffusers, behind the seam of `engine.painting`: how a loaded model paints. `engine.loading` loads it.

Each picture comes from a CPU generator of its own: picture n of several is bit-equal to the picture painted alone with
its seed.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import logging
import math
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL, AutoencoderKLQwenImage, FluxPipeline

from engine import images
from engine.catalog import ModelSpec
from engine.compiled import GraphedUnet
from engine.config import EngineConfig
from engine.device import free_memory, memory, memory_errors
from engine.embeddings import TextEncoder
from engine.errors import GenerationFailed
from engine.latents import cut, fit_preview, outer_blocks, preview, to_pixels, unpacked, unscaled
from engine.painting import Conditions, OnStep, Pixels, ShouldStop, Stopped
from engine.prompting import plain
from engine.rowplan import bucket_for
from engine.samebits import steady
from engine.samplers import Table, choosable, table
from engine.schedulers import predicted, scheduler_for
from engine.types import GenerationRequest, Sampler

log = logging.getLogger("engine.worker")


PREVIEWED = (AutoencoderKL, AutoencoderKLQwenImage)
"""Autoencoders whose latents a small picture can be made of."""
TABLES = 64
"""How many samplers' tables are kept, one for each number of steps."""
TEXTS = 8
"""How many texts are kept as models of other classes read them; megabytes each."""
SCHNELL_TOKENS = 256
"""The longest prompt that the four-step FLUX was taught; https://huggingface.co/docs/diffusers/api/pipelines/flux."""


class DiffusersPipeline:
    """A loaded model of any class that paints from text: a diffusers pipeline on the device, called as a whole."""

    _multiple = 16
    """Pixels. Eight make a latent, and transformers take those in squares of two by two."""

    def __init__(self, spec: ModelSpec, pipe: Any, device: torch.device, config: EngineConfig) -> None:
        self._spec, self._pipe, self._device = spec, pipe, device
        self._schedule: Any = pipe.scheduler.config
        self._watch = threading.local()  # a picture may be decoded while others are stepped
        self._offloaded = False
        self._inexact: list[str] = []
        self._preview_map: torch.Tensor | None = None
        pipe.set_progress_bar_config(disable=True)
        if hasattr(pipe, "encode_prompt"):
            pipe.encode_prompt = _remembered(pipe.encode_prompt)
        self._watch_blocks()
        self._savings = self._possible_savings()
        wanted = {
            "VAE slicing": config.vae_slicing,
            "VAE tiling": config.vae_tiling,
            "CPU offload": config.cpu_offload,
            "attention slicing": config.attention_slicing,
        }
        _, total = memory(device)
        if "CPU offload" in self._savings and total is not None and self.bytes > total:
            log.warning("%s is larger than the device's memory: its parts take turns there", spec.key)
            wanted["CPU offload"] = True
        for saving in [saving for saving in self._savings if wanted[saving]]:
            self._save(saving)
        if not self._offloaded:
            pipe.to(device)

    @property
    def exact(self) -> bool:
        return not self._inexact

    @property
    def offloaded(self) -> bool:
        return self._offloaded

    @property
    def bytes(self) -> int:
        sizes = [sum(tensor.nbytes for tensor in (*part.parameters(), *part.buffers())) for part in self._modules()]
        return max(sizes) if self._offloaded else sum(sizes)

    def _modules(self) -> list[torch.nn.Module]:
        return [part for part in self._pipe.components.values() if isinstance(part, torch.nn.Module)]

    def call(self, request: GenerationRequest, seed: int, on_step: OnStep, should_stop: ShouldStop) -> Pixels:
        with self.watched(should_stop), memory_errors(), torch.inference_mode():
            try:
                pixels = self._paint(request, seed, on_step)
            except Exception:
                if self._offloaded:  # its end would have made room for the first part of the next call
                    self._pipe.maybe_free_model_hooks()
                raise
        return images.enlarge(pixels, request.width, request.height)

    def _paint(self, request: GenerationRequest, seed: int, on_step: OnStep) -> Pixels:
        picture = self._run(request, torch.Generator("cpu").manual_seed(seed), on_step, output_type="pil")[0]
        width, height = request.width // self._spec.enlarge, request.height // self._spec.enlarge
        return cut(np.asarray(picture.convert("RGB")), width, height)

    def _run(self, request: GenerationRequest, generator: torch.Generator, on_step: OnStep, **options: Any) -> Any:
        """What the pipeline's call gives back."""
        # A scheduler of its own for each picture: it holds state, and the next picture must not see it.
        if choosable(self._schedule):
            self._pipe.scheduler = scheduler_for(request.sampler, self._schedule, self._spec)
        else:  # flow matching: the samplers people choose are not made for it
            # A single step would have to be the first and the last at once: diffusers divides zero by zero.
            single = {"shift_terminal": None} if request.num_inference_steps == 1 else {}
            self._pipe.scheduler = type(self._pipe.scheduler).from_config(self._schedule, **single)
        width, height = (
            math.ceil(side // self._spec.enlarge / self._multiple) * self._multiple
            for side in (request.width, request.height)
        )
        self._pipe.scheduler.step = self._told(self._pipe.scheduler, on_step, width, height)
        return self._pipe(
            **self._options(request),
            width=width,
            height=height,
            num_inference_steps=request.num_inference_steps,
            generator=generator,
            **options,
        ).images

    def _options(self, request: GenerationRequest) -> dict[str, Any]:
        """The prompts and the guidance, in the words of this pipeline's class.

        Only what UNets are told has weights: here they are taken out, and a prompt is cut at the length that its text
        encoder was trained with.
        """
        accepted = inspect.signature(self._pipe.__call__).parameters
        options: dict[str, Any] = {"prompt": plain(request.prompt)}
        unwanted = plain(request.negative_prompt)
        if "guidance_scale" in accepted:
            options["guidance_scale"] = request.guidance_scale
        if "negative_prompt" in accepted and request.guidance_scale > 1 and unwanted:
            options["negative_prompt"] = unwanted
        if isinstance(self._pipe, FluxPipeline) and not self._pipe.transformer.config.guidance_embeds:
            options["max_sequence_length"] = SCHNELL_TOKENS
        if "clean_caption" in accepted:  # PixArt's washing of scraped captions; what people type is clean
            options["clean_caption"] = False
        true_scale = accepted.get("true_cfg_scale")
        if true_scale is not None and (true_scale.default or 0) > 1:
            # Classes such as Qwen-Image guide by this one, and only beside a negative prompt; in Flux's it is an extra.
            options |= {"true_cfg_scale": request.guidance_scale, "negative_prompt": unwanted or " "}
            options.pop("guidance_scale", None)
        return options

    def _told(self, scheduler: Any, on_step: OnStep, width: int, height: int) -> Callable[..., Any]:
        """The scheduler's `step`, which now also tells of each step. Unlike callbacks, every pipeline has it."""
        step, done = scheduler.step, 0

        @functools.wraps(step)  # pipelines look at its parameters
        def step_and_tell(model_output: torch.Tensor, timestep: Any, sample: torch.Tensor, **kwargs: Any) -> Any:
            nonlocal done
            result = step(model_output, timestep, sample, **kwargs | {"return_dict": True})
            of = len(scheduler.timesteps)
            done = min(done + 1, of)
            self._check()
            if done == of and not result.prev_sample.isfinite().all():
                raise self._overflow(model_output.dtype)
            seen = predicted(scheduler, result, model_output, sample)
            on_step(done, of, lambda: self._sketch(seen, width, height))
            # PixArt Alpha's single step takes the second, which few of diffusers' schedulers give.
            return result if kwargs.get("return_dict", True) else (result.prev_sample, seen)

        return step_and_tell

    def _overflow(self, dtype: torch.dtype) -> GenerationFailed:
        """What is painted of infinities is black, or noise."""
        text = f"{self._spec.key} left the range of its numbers ({str(dtype).removeprefix('torch.')})."
        text += ' Set dtype = "bf16" or "fp32" under [engine] in config.toml.'
        log.error(text)
        return GenerationFailed(text)

    def _sketch(self, latents: torch.Tensor, width: int, height: int) -> Pixels | None:
        """A small picture of what the pipeline's call has between its steps; None where it cannot be had cheaply."""
        if self._offloaded or not isinstance(getattr(self._pipe, "vae", None), PREVIEWED):
            return None
        try:
            if latents.ndim == 3:
                scale = self._pipe.vae_scale_factor
                latents = unpacked(latents, width // scale, height // scale)
            return self.preview(latents)
        except Stopped:
            raise
        except Exception:  # the picture itself is what matters
            log.warning("a sketch of %s failed", self._spec.key, exc_info=True)
            return None

    def preview(self, latents: torch.Tensor) -> Pixels | None:
        """A small picture of latents (1, channels, height / 8, width / 8) as the sampler leaves them."""
        vae = self._pipe.vae
        if self._preview_map is None:
            self._preview_map = fit_preview(vae, self._device)
        return preview(unscaled(latents.float(), vae.config)[0], self._preview_map)

    @contextlib.contextmanager
    def watched(self, should_stop: ShouldStop) -> Iterator[None]:
        before = getattr(self._watch, "should_stop", None)
        self._watch.should_stop = should_stop
        try:
            yield
        finally:
            self._watch.should_stop = before

    def _check(self) -> None:
        should_stop = getattr(self._watch, "should_stop", None)
        if should_stop is not None and should_stop():
            raise Stopped

    def _watch_blocks(self) -> None:
        """Asks `should_stop` before each block of each network: a step can take minutes on a CPU, and a decode too."""

        def check(_module: torch.nn.Module, _inputs: Any) -> None:
            self._check()

        for part in self._watched_modules():
            for block in outer_blocks(part):
                block.register_forward_pre_hook(check)

    def _watched_modules(self) -> list[torch.nn.Module]:
        return self._modules()

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
        if any(hasattr(part, "set_attention_slice") for part in self._modules()):  # transformers cannot
            savings["attention slicing"] = self._pipe.enable_attention_slicing  # last: it gives up the fast kernels
        return savings

    def _offload(self) -> None:
        self._offloaded = True
        self._pipe.enable_model_cpu_offload(device=self._device)

    def _save(self, saving: str) -> None:
        self._savings.pop(saving)()
        if saving in ("VAE tiling", "attention slicing"):
            self._inexact.append(saving)

    def save_memory(self) -> str | None:
        if not self._savings:
            return None
        saving = next(iter(self._savings))
        self._save(saving)
        free_memory()
        return saving

    def close(self) -> None:
        self._pipe.remove_all_hooks()
        self._pipe = None
        free_memory()


def _remembered(encode: Callable[..., Any]) -> Callable[..., Any]:
    """`encode`, which reads what comes again once: what reads for these models can be larger than what paints."""
    kept = functools.lru_cache(TEXTS)(encode)
    words = (str, int, float, type(None), torch.device, torch.dtype)

    @functools.wraps(encode)
    def encode_prompt(*args: Any, **options: Any) -> Any:
        if not all(isinstance(value, words) for value in (*args, *options.values())):
            return encode(*args, **options)
        return _copied(kept(*args, **options))

    return encode_prompt


def _copied(told: Any) -> Any:
    """Nobody shall change what others will be told."""
    if isinstance(told, torch.Tensor):
        return told.clone()
    return type(told)(map(_copied, told)) if isinstance(told, list | tuple) else told


class UnetPipeline(DiffusersPipeline):
    """SD 1.x, SD 2.x, SDXL and its Turbo: can be taken apart into encode, latents, unet and decode."""

    _multiple = 8

    def __init__(self, spec: ModelSpec, pipe: Any, device: torch.device, config: EngineConfig) -> None:
        self._graphed = GraphedUnet(pipe.unet)
        self._graphs = config.compile and device.type == "cuda"
        super().__init__(spec, pipe, device, config)
        self._text = TextEncoder(pipe, device)
        self._table = functools.lru_cache(TABLES)(self._tabled)
        if device.type == "cpu":
            steady(pipe.unet)
        if device.type == "cuda":  # as its convolutions want them
            pipe.unet.to(memory_format=torch.channels_last)
        if device.type in ("cuda", "cpu"):  # on a CPU the UNet gains nothing, and the autoencoder a seventh
            pipe.vae.to(memory_format=torch.channels_last)

    def table(self, request: GenerationRequest) -> Table | None:
        return self._table(request.sampler, request.num_inference_steps)

    def _tabled(self, sampler: Sampler, steps: int) -> Table | None:
        return table(sampler, steps, self._schedule, trailing=not self.guidable)

    @property
    def guidable(self) -> bool:
        return self._spec.guidable

    @property
    def schedule(self) -> Any:
        """The configuration of the model's noise schedule: betas, kind of prediction, spacing."""
        return self._schedule

    def encode(self, request: GenerationRequest) -> Conditions:
        """The conditions of a request: two rows where its guidance scale is above 1, else one."""
        guided = request.guidance_scale > 1
        prompt, pooled = self._text.embed(request.prompt)
        if pooled is None:
            if not guided:
                return Conditions(prompt)
            unwanted, _ = self._text.embed(request.negative_prompt, "negative_prompt")
            return Conditions(torch.cat(self._text.alike(unwanted, prompt)))
        size = (request.height // self._spec.enlarge, request.width // self._spec.enlarge)
        times = self._pipe._get_add_time_ids(
            size,
            (0, 0),
            size,
            dtype=prompt.dtype,
            text_encoder_projection_dim=self._pipe.text_encoder_2.config.projection_dim,
        ).to(prompt.device)
        if not guided:
            return Conditions(prompt, pooled, times)
        if request.negative_prompt or not self._pipe.config.force_zeros_for_empty_prompt:
            unwanted, unwanted_pooled = self._text.embed(request.negative_prompt, "negative_prompt")
        else:  # SDXL was trained on zeros for no prompt
            unwanted, unwanted_pooled = torch.zeros_like(prompt), torch.zeros_like(pooled)
        both = torch.cat(self._text.alike(unwanted, prompt))
        return Conditions(both, torch.cat([unwanted_pooled, pooled]), times.repeat(2, 1))

    def _options(self, request: GenerationRequest) -> dict[str, Any]:
        """Its own call is told what the UNet is told in rows: with weights, and at any length."""
        told = self.encode(request)
        options: dict[str, Any] = {"guidance_scale": request.guidance_scale, "prompt_embeds": told.embeddings[-1:]}
        if told.pooled is not None:
            options["pooled_prompt_embeds"] = told.pooled[-1:]
        if len(told.embeddings) > 1:
            options["negative_prompt_embeds"] = told.embeddings[:1]
            if told.pooled is not None:
                options["negative_pooled_prompt_embeds"] = told.pooled[:1]
        return options

    def latents(self, request: GenerationRequest, generator: torch.Generator) -> torch.Tensor:
        """(1, channels, height / 8, width / 8): that generator's noise, drawn in fp32 for every dtype alike."""
        scale = self._spec.enlarge * self._pipe.vae_scale_factor
        shape = (1, self._pipe.unet.config.in_channels, request.height // scale, request.width // scale)
        return torch.randn(shape, generator=generator).to(self._device, self._pipe.unet.dtype)

    def unet(self, latents: torch.Tensor, timesteps: torch.Tensor, conditions: Conditions) -> torch.Tensor:
        """What the UNet predicts for these rows: latents already scaled for their timesteps (rows,)."""
        if self._graphs and not self._offloaded:
            return self._graphed(latents, timesteps, conditions)
        return self._graphed.eager(latents, timesteps, conditions)

    def compile(self, rows: int | None = None) -> None:
        """Compiles the UNet for pictures of the model's default size, `rows` of them or as many as they run in."""
        request = GenerationRequest(prompt=" ", model=self._spec.key, seed=0, **self._spec.defaults.model_dump())
        with memory_errors(), torch.inference_mode():
            latents = self.latents(request, torch.Generator("cpu").manual_seed(0))
            rows = rows or bucket_for(self._device.type, latents[0, 0].numel(), self.guidable)
            told = self.encode(request)
            parts: list[Any] = [told.embeddings, told.pooled, told.time_ids]
            alike: list[Any] = [None if part is None else part[-1:].repeat_interleave(rows, 0) for part in parts]
            times = torch.full((rows,), 500.0, device=latents.device)
            self._graphed.compile(latents.repeat(rows, 1, 1, 1), times, Conditions(*alike))

    def _watched_modules(self) -> list[torch.nn.Module]:
        """A graph asks nobody within a forward, and takes no second."""
        return [part for part in self._modules() if not (self._graphs and part is self._pipe.unet)]

    def _save(self, saving: str) -> None:
        self._graphed.forget()  # they hold memory, and what the networks were
        super()._save(saving)

    def close(self) -> None:
        self._graphed.forget()
        self._text.close()
        self._table.cache_clear()
        super().close()

    def decode(self, latents: torch.Tensor) -> Pixels:
        """Latents (1, channels, height / 8, width / 8) as the sampler leaves them -> a picture (height, width, 3)."""
        vae = self._pipe.vae
        latents = unscaled(latents, vae.config).to(self._device, vae.dtype)
        decoded = vae.decode(latents, return_dict=False)[0]
        if self._offloaded:
            self._pipe.maybe_free_model_hooks()
        return to_pixels(decoded[0])

    def _paint(self, request: GenerationRequest, seed: int, on_step: OnStep) -> Pixels:
        generator = torch.Generator("cpu").manual_seed(seed)
        noise = self.latents(request, generator)
        return self.decode(self._run(request, generator, on_step, latents=noise, output_type="latent"))
