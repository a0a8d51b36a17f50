"""Models at their full size, made of nothing: the shapes of the public ones with random weights, and no download.

Speed depends on shapes alone, as long as the weights are not zeros: those run faster than any real ones. The shapes are
the configurations published beside the weights of stable-diffusion-v1-5, stable-diffusion-xl-base-1.0 and sdxl-turbo.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderTiny,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from engine.catalog import BUILT_IN, Catalog, ModelSpec
from engine.types import GenerationRequest, Sampler
from tests.tinypipes import tokenizer

BETAS: dict[str, Any] = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "steps_offset": 1,
}
SD15_UNET: dict[str, Any] = {"cross_attention_dim": 768, "sample_size": 64}
"""UNet2DConditionModel's defaults are Stable Diffusion 1's, but for this."""
SDXL_UNET: dict[str, Any] = {
    "block_out_channels": (320, 640, 1280),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "transformer_layers_per_block": (1, 2, 10),
    "attention_head_dim": (5, 10, 20),
    "cross_attention_dim": 2048,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
    "sample_size": 128,
}
VAE: dict[str, Any] = {
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 2,
    "latent_channels": 4,
    "norm_num_groups": 32,
}
CLIP_L: dict[str, Any] = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "projection_dim": 768,
    "vocab_size": 49408,
}
CLIP_G: dict[str, Any] = {
    "hidden_size": 1280,
    "intermediate_size": 5120,
    "num_hidden_layers": 32,
    "num_attention_heads": 20,
    "projection_dim": 1280,
    "vocab_size": 49408,
    "hidden_act": "gelu",
}
SMALL_UNET: dict[str, Any] = {
    "block_out_channels": (8, 16),
    "layers_per_block": 1,
    "sample_size": 8,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
    "attention_head_dim": 4,
    "norm_num_groups": 4,
    "cross_attention_dim": 32,
}
SMALL_SDXL_UNET: dict[str, Any] = SMALL_UNET | {
    "cross_attention_dim": 64,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 8,
    "projection_class_embeddings_input_dim": 6 * 8 + 32,
    "transformer_layers_per_block": (1, 2),
    "use_linear_projection": True,
}
SMALL_TEXT: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "projection_dim": 32,
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A model of the suite, as people use it: its size, steps and guidance."""

    name: str
    key: str
    """Of the catalogue."""
    steps: int
    pixels: int
    guidance: float
    sampler: Sampler
    """Of every arm, so that they paint the same."""
    tiny: bool = False

    @property
    def xl(self) -> bool:
        return self.name != "sd15"

    @property
    def turbo(self) -> bool:
        return self.name == "turbo"

    @property
    def spec(self) -> ModelSpec:
        """The catalogue's, with the sampler of this suite; a rehearsal's takes small sizes."""
        spec = next(spec for spec in BUILT_IN if spec.key == self.key)
        size = {"width": self.pixels, "height": self.pixels, "sampler": self.sampler}
        sizes = {"size": (64, 1024)} if self.tiny else {}
        return spec.model_copy(
            update={
                "defaults": spec.defaults.model_copy(update=size),
                "ranges": spec.ranges.model_copy(update=sizes),
                "variant": None,
            }
        )

    def ask(self, seed: int = 0, prompt: str = "a red fox in the snow", **options: object) -> GenerationRequest:
        """A request as people make it; options change it."""
        usual = {"num_inference_steps": self.steps, "guidance_scale": self.guidance, "seed": seed}
        return Catalog([self.spec]).request(self.key, prompt, **usual | options)


def kinds(*, tiny: bool = False) -> dict[str, Kind]:
    """The suite's models. `tiny` is the rehearsal's: the same classes, a thousandth of the size."""
    return {
        "sd15": Kind("sd15", "stable-diffusion-v1-5", 4 if tiny else 30, 64 if tiny else 512, 7.5, Sampler.EULER, tiny),
        "sdxl": Kind(
            "sdxl", "stable-diffusion-xl-base", 4 if tiny else 30, 128 if tiny else 1024, 5.0, Sampler.EULER, tiny
        ),
        "turbo": Kind("turbo", "sdxl-turbo", 1, 64 if tiny else 512, 0.0, Sampler.EULER_A, tiny),
    }


def build(kind: Kind, device: torch.device, dtype: torch.dtype, folder: Path) -> Any:
    """The diffusers pipeline of that kind, its weights drawn on the device. `folder` takes the tokenizer's files."""
    words = tokenizer(folder)
    with numbers(dtype), torch.device(device):
        parts: dict[str, Any] = {"unet": unet(kind), "vae": vae(kind), "text_encoder": _text(kind, len(words))}
        if kind.xl:
            parts["text_encoder_2"] = _text(kind, len(words), second=True)
    for number, part in enumerate(parts.values()):
        randomize(part, seed=number)
        part.eval().requires_grad_(False)
    parts |= {"tokenizer": words, "scheduler": scheduler(kind)}
    if kind.xl:
        pipe = StableDiffusionXLPipeline(**parts, tokenizer_2=words)
    else:
        pipe = StableDiffusionPipeline(
            **parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False
        )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def scheduler(kind: Kind) -> Any:
    if kind.turbo:
        return EulerAncestralDiscreteScheduler(**BETAS, timestep_spacing="trailing")
    return EulerDiscreteScheduler(**BETAS, timestep_spacing="leading")


def unet_shape(kind: Kind) -> dict[str, Any]:
    if not kind.tiny:
        return SDXL_UNET if kind.xl else SD15_UNET
    return SMALL_SDXL_UNET if kind.xl else SMALL_UNET


def unet(kind: Kind) -> UNet2DConditionModel:
    return UNet2DConditionModel(**unet_shape(kind))


def vae(kind: Kind) -> AutoencoderKL:
    small = {"block_out_channels": (8, 8, 8, 8), "layers_per_block": 1, "norm_num_groups": 4} if kind.tiny else {}
    scale = 0.13025 if kind.xl else 0.18215
    return AutoencoderKL(**(VAE | small), sample_size=kind.pixels, scaling_factor=scale, force_upcast=kind.xl)


def tiny_vae(device: torch.device, dtype: torch.dtype) -> AutoencoderTiny:
    """The shape of TAESD, which diffusers has for its defaults."""
    with numbers(dtype), torch.device(device):
        small = AutoencoderTiny()
    randomize(small, seed=9)
    return small.eval().requires_grad_(False)


def _text(kind: Kind, vocabulary: int, *, second: bool = False) -> Any:
    """A text encoder; the tokenizer's words are the first of its vocabulary."""
    shape = SMALL_TEXT | {"vocab_size": vocabulary} if kind.tiny else CLIP_G if second else CLIP_L
    ends = {"bos_token_id": vocabulary - 2, "eos_token_id": vocabulary - 1, "pad_token_id": vocabulary - 1}
    config = CLIPTextConfig(**shape, **ends, max_position_embeddings=77)
    return CLIPTextModelWithProjection(config) if second else CLIPTextModel(config)


def randomize(module: torch.nn.Module, seed: int) -> None:
    """Normal weights that keep the variance of what goes through a layer; norms near one."""
    generators: dict[torch.device, torch.Generator] = {}
    with torch.no_grad():
        for parameter in module.parameters():
            generator = generators.setdefault(
                parameter.device, torch.Generator(parameter.device).manual_seed(1000 + seed)
            )
            if parameter.ndim > 1:
                parameter.normal_(0, (parameter.shape[0] / parameter.numel()) ** 0.5, generator=generator)
            else:
                parameter.normal_(0, 0.02, generator=generator)
        for name, parameter in module.named_parameters():
            if parameter.ndim == 1 and name.endswith("weight"):
                parameter.add_(1)


@contextlib.contextmanager
def numbers(dtype: torch.dtype) -> Iterator[None]:
    """Within, new weights are of that kind: a model is never there in fp32 first."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
