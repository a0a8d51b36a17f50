"""What the device can do at most, and what one row of a UNet's forward asks of it: for `engine.bench`.

A process of its own, `python -m engine.peak`: a request as JSON on its standard input, the answer on its last line.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from torch.utils.flop_counter import FlopCounterMode

from engine import download
from engine.catalog import ModelSpec
from engine.config import EngineConfig
from engine.device import choose_device

TOKENS = 77
SECONDS = 1.0
"""How long products are timed."""


def matmul_tflops(device: torch.device, dtype: torch.dtype, side: int | None = None) -> float:
    """TFLOP/s of the fastest of several products of square matrices of random numbers (zeros are faster)."""
    side = side or (1024 if device.type == "cpu" else 8192)
    one, other = (torch.randn((side, side), device=device, dtype=dtype) for _ in range(2))
    best, until = float("inf"), time.perf_counter() + SECONDS
    while time.perf_counter() < until or best == float("inf"):
        begun = time.perf_counter()
        float((one @ other)[0, 0])  # reading a number waits for the device
        best = min(best, time.perf_counter() - begun)
    return 2 * side**3 / best / 1e12


def forward_tflop(folder: Path, width: int, height: int) -> float | None:
    """The arithmetic of one row at that size in pixels, counted without weights; None where there is no UNet."""
    if not (folder / "unet" / "config.json").is_file():
        return None
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(folder / "unet"))
        settings: Any = unet.config
        latents = torch.empty((1, settings.in_channels, height // 8, width // 8))
        words = torch.empty((1, TOKENS, settings.cross_attention_dim))
        added = None
        if settings.addition_embed_type == "text_time":
            wide = settings.projection_class_embeddings_input_dim - 6 * settings.addition_time_embed_dim
            added = {"text_embeds": torch.empty((1, wide)), "time_ids": torch.empty((1, 6))}
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            unet(latents, torch.empty((1,)), words, added_cond_kwargs=added)
    return float(counter.get_total_flops()) / 1e12


def main() -> None:
    asked = json.load(sys.stdin)
    config, spec = EngineConfig.model_validate(asked["config"]), ModelSpec.model_validate(asked["spec"])
    place = download.fetch(spec, config.models_dir, lambda fraction, text: None, lambda: False)
    size = (spec.defaults.width // spec.enlarge, spec.defaults.height // spec.enlarge)
    answer = {"peak_tflops": matmul_tflops(*choose_device(config)), "forward_tflop": forward_tflop(place, *size)}
    print(json.dumps(answer))  # noqa: T201


if __name__ == "__main__":
    main()
