"""Tiny models that are not of Stable Diffusion's UNet, loaded and asked as users' models are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.catalog import Catalog, Defaults, ModelSpec, Ranges
from engine.config import EngineConfig
from engine.loading import Diffusers
from engine.painting import Pixels
from engine.pipelines import DiffusersPipeline, UnetPipeline
from engine.types import GenerationRequest
from tests import tinypipes

FAMILIES: dict[str, Callable[[Path], Path]] = {
    "flux": tinypipes.save_flux,
    "sd3": tinypipes.save_sd3,
    "pixart-sigma": tinypipes.save_pixart,
    "pixart-alpha": lambda folder: tinypipes.save_pixart(folder, alpha=True),
    "qwen-image": tinypipes.save_qwen,
    "z-image": tinypipes.save_zimage,
}
FLOWS = ["flux", "sd3", "qwen-image", "z-image"]


def a_spec(folder: Path, **options: Any) -> ModelSpec:
    defaults = Defaults(width=64, height=64, num_inference_steps=4, guidance_scale=5)
    ranges = Ranges(size=(64, 128), guidance_scale=(0, 20))
    return ModelSpec(**{"key": "mine", "repository": str(folder), "defaults": defaults, "ranges": ranges} | options)


def ask(spec: ModelSpec, prompt: str = "a red fox", **options: Any) -> GenerationRequest:
    return Catalog([spec]).request(spec.key, prompt, **{"seed": 7} | options)


def load(spec: ModelSpec, **config: Any) -> DiffusersPipeline:
    pipeline = Diffusers(EngineConfig(device="cpu", **config)).load(spec, lambda fraction, text: None, lambda: False)
    assert not isinstance(pipeline, UnetPipeline)
    return pipeline


def paint(pipeline: DiffusersPipeline, request: GenerationRequest, seed: int = 7) -> Pixels:
    return pipeline.call(request, seed, lambda step, of, preview: None, lambda: False)
