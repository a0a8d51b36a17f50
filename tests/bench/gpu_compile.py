"""Compiles one network for one shape, and ends: its work stays in the compiler's cache on disk."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from engine.config import EngineConfig
from engine.device import choose_device
from tests.bench import models
from tests.bench.models import Kind, kinds
from tests.bench.rig import Rig, call


def alone(make: Callable[[Kind], torch.nn.Module], rig: Rig, kind: Kind) -> Any:
    """One network, as it is within a whole pipeline: other processes want the memory too."""
    with torch.inference_mode(False), models.numbers(rig.dtype), rig.device:
        network = make(kind)
    models.randomize(network, seed=0)
    return network.to(memory_format=torch.channels_last).eval().requires_grad_(False)


def main(form: str, name: str, count: int, *, tiny: bool = False) -> None:
    """`form`: a UNet's "rows" as the engine calls it, diffusers' whole "call", or the "decoder" of an autoencoder."""
    device, dtype = choose_device(EngineConfig())
    with tempfile.TemporaryDirectory() as scratch:
        rig = Rig(device, dtype, kinds(tiny=tiny), Path(scratch), time.monotonic() + 300, compile=True)
        kind = rig.kinds[name]
        with torch.inference_mode():
            if form == "rows":
                arguments, options = rig.rows(kind, count)
                rig.compiled(alone(models.unet, rig, kind))(*arguments, **options)
            elif form == "call":
                with torch.inference_mode(False):  # weights are not made for one call
                    pipe = rig.plain(kind, dtype, channels_last=True)
                pipe.unet = rig.compiled(pipe.unet)
                call(pipe, kind.ask(num_inference_steps=1))
            else:
                side = kind.pixels // 8
                rig.compiled(alone(models.vae, rig, kind).decoder)(
                    torch.randn((count, 4, side, side), device=device, dtype=dtype)
                )
        rig.wait()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
