"""Diffusers' own schedulers, for pictures that are painted by whole calls: which sampler is which of them."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    LCMScheduler,
    PNDMScheduler,
    UniPCMultistepScheduler,
)

from engine.catalog import ModelSpec
from engine.types import Sampler

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

TABLES = 64
"""How many samplers' tables are kept, one for each number of steps."""


def scheduler_for(sampler: Sampler, config: Any, spec: ModelSpec) -> Any:
    """Diffusers' scheduler of that name on the model's own noise schedule, with its kind of prediction.

    A model without guidance is distilled to few steps: those must end at the last timestep, whatever a single file's
    configuration says ("trailing", https://arxiv.org/abs/2305.08891, section 3.3).
    """
    kind, options = SCHEDULERS[sampler]
    if not spec.guidable:
        options = options | {"timestep_spacing": "trailing"}
    return kind.from_config(config, **options)


def predicted(scheduler: Any, result: Any, model_output: torch.Tensor, sample: torch.Tensor) -> torch.Tensor:
    """What the picture will be as far as the sampler can tell after a step; the noisy latents where it does not say.

    `result` is what the scheduler's `step` gave back, `model_output` what the network said of `sample`.
    """
    seen: torch.Tensor | None = getattr(result, "pred_original_sample", None)
    if seen is None and getattr(scheduler, "model_outputs", None):
        seen = scheduler.model_outputs[-1]  # of the multistep solvers, which work on predictions of the picture
    if seen is None and isinstance(scheduler, FlowMatchEulerDiscreteScheduler):
        # sample = (1 - sigma)·clean + sigma·noise, and the network says noise - clean
        seen = sample.float() - scheduler.sigmas[scheduler.step_index - 1] * model_output.float()
    noisy: torch.Tensor = result.prev_sample
    return noisy if seen is None else seen
