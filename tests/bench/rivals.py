"""Diffusers' pipeline and ours over the same weights, for arms that paint the same pictures.

Twice: with networks that are formulas, where what is left is what everything around them costs; and with the embedded
model.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models import ModelMixin

from engine.catalog import TINY_FOLDER, Catalog, Defaults, Family, ModelSpec, Ranges
from engine.config import EngineConfig
from engine.forwards import Forwards
from engine.loading import Diffusers
from engine.painting import Pixels
from engine.pipelines import UnetPipeline
from engine.schedulers import SCHEDULERS
from engine.stepper import Stepper
from engine.types import GenerationRequest, Sampler
from tests.tinypipes import WIDTH, save_sd, tokenizer


@dataclass(eq=False)
class Rivals:
    """One model, in diffusers' hands and in ours."""

    spec: ModelSpec
    pipe: StableDiffusionPipeline
    pipeline: UnetPipeline
    forwards: Forwards = field(default_factory=Forwards)
    """As a worker has them all its life: what they found out of the model, they know from then on."""

    def ask(self, prompt: str = "a red fox in the snow", **options: Any) -> GenerationRequest:
        return Catalog([self.spec]).request(self.spec.key, prompt, **{"seed": 7} | options)

    def call(self, *requests: GenerationRequest, output: str = "pil") -> list[Pixels]:
        """One call of diffusers' pipeline, as its documentation tells; requests must be alike but for prompt and seed.

        https://huggingface.co/docs/diffusers/using-diffusers/reusing_seeds: a generator for each picture.
        """
        first = requests[0]
        kind, options = SCHEDULERS[first.sampler]
        now = self.pipe.scheduler
        if type(now) is not kind or any(now.config[name] != value for name, value in options.items()):
            self.pipe.scheduler = kind.from_config(now.config, **options)
        made = self.pipe(
            [request.prompt for request in requests],
            width=first.width // self.spec.enlarge,
            height=first.height // self.spec.enlarge,
            num_inference_steps=first.num_inference_steps,
            guidance_scale=first.guidance_scale,
            generator=[torch.Generator("cpu").manual_seed(request.seed) for request in requests],
            output_type=output,
        ).images
        if output == "np":
            return [(picture * 255).round().astype(np.uint8) for picture in made]
        return [np.asarray(picture) for picture in made]

    def paint(self, *requests: GenerationRequest, bucket: int | None = None) -> list[Pixels]:
        """All of them together, through our stepper."""
        stepper = Stepper(self.forwards, bucket=bucket)
        try:
            futures = [stepper.join(self.pipeline, request, request.seed) for request in requests]
            stepper.run()
            return [future.result().pixels for future in futures]
        finally:
            stepper.close()


def embedded(folder: Path) -> Rivals:
    """The embedded model in fp32; where it is not there, one of its classes with random weights, saved to `folder`."""
    place = TINY_FOLDER if (TINY_FOLDER / "model_index.json").is_file() else save_sd(folder)
    spec = next(iter(Catalog())).model_copy(update={"repository": str(place)})
    pipeline = Diffusers(EngineConfig(device="cpu")).load(spec, lambda fraction, text: None, lambda: False)
    assert isinstance(pipeline, UnetPipeline)
    pipe = StableDiffusionPipeline.from_pretrained(place, dtype=torch.float32, safety_checker=None)
    pipe.set_progress_bar_config(disable=True)
    return Rivals(spec, pipe, pipeline)


def stubs() -> Rivals:
    """Networks that are formulas."""
    spec = ModelSpec(
        key="stub",
        repository="/nowhere",
        family=Family.SD1,
        defaults=Defaults(
            num_inference_steps=20, guidance_scale=7.5, width=64, height=64, sampler=Sampler.DPMPP_2M_KARRAS
        ),
        ranges=Ranges(size=(64, 64), guidance_scale=(0, 20)),
    )
    ours = UnetPipeline(spec, _stub(), torch.device("cpu"), EngineConfig(device="cpu"))
    return Rivals(spec, _stub(), ours)


def _stub() -> StableDiffusionPipeline:
    with tempfile.TemporaryDirectory() as folder:
        words = tokenizer(Path(folder))
    pipe = StableDiffusionPipeline(
        vae=_Vae(),
        text_encoder=_Words(),
        tokenizer=words,
        unet=_Unet(),
        scheduler=DPMSolverMultistepScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            steps_offset=1,
            algorithm_type="dpmsolver++",
            use_karras_sigmas=True,
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


class _Unet(ModelMixin, ConfigMixin):
    """A noise that depends on latents, time and words, each row on its own."""

    @register_to_config
    def __init__(self, in_channels: int = 4, sample_size: int = 8, time_cond_proj_dim: int | None = None) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(()), requires_grad=False)

    def forward(
        self, sample: torch.Tensor, timestep: torch.Tensor, encoder_hidden_states: torch.Tensor, **_: Any
    ) -> tuple[torch.Tensor]:
        told = torch.as_tensor(timestep, dtype=torch.float32) / 200 + encoder_hidden_states[:, 1, 0]
        return (torch.tanh(sample + torch.sin(told).view(-1, 1, 1, 1)),)


class _Vae(ModelMixin, ConfigMixin):
    """Eight pixels a latent; the first three channels are the colours."""

    @register_to_config
    def __init__(
        self,
        block_out_channels: tuple[int, ...] = (1, 1, 1, 1),
        latent_channels: int = 4,
        scaling_factor: float = 0.18215,
        force_upcast: bool = False,
    ) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(()), requires_grad=False)

    def decode(self, latents: torch.Tensor, return_dict: bool = True, **_: Any) -> tuple[torch.Tensor]:
        colours = latents[:, :3].repeat_interleave(8, dim=2).repeat_interleave(8, dim=3) / 10
        return (colours / (1 + colours.abs()),)  # tanh would be spread over threads, which takes longer than all else


class _Words(torch.nn.Module):
    """A text encoder: a number for each letter."""

    def __init__(self) -> None:
        super().__init__()
        self.config = SimpleNamespace()
        self.weight = torch.nn.Parameter(torch.ones(()), requires_grad=False)
        self.dtype, self.device = torch.float32, torch.device("cpu")

    def forward(self, ids: torch.Tensor, **_: Any) -> tuple[torch.Tensor]:
        return ((ids[..., None] / 100.0).expand(-1, -1, WIDTH).contiguous(),)
