"""Compiles one network for one shape, and ends: its work stays in the compiler's cache on disk."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import torch

from engine.config import EngineConfig
from engine.device import choose_device
from tests.bench.models import kinds
from tests.bench.rig import Rig


def main(name: str, part: str, rows: int, *, tiny: bool = False) -> None:
    device, dtype = choose_device(EngineConfig())
    with tempfile.TemporaryDirectory() as scratch:
        rig = Rig(device, dtype, kinds(tiny=tiny), Path(scratch), time.monotonic() + 300, compile=True)
        kind = rig.kinds[name]
        network = rig.network(kind, part)
        with torch.inference_mode():
            if part == "unet":
                arguments, options = rig.rows(kind, rows)
                rig.compiled(network)(*arguments, **options)
            else:
                side = kind.pixels // 8
                rig.compiled(network)(torch.randn((rows, 4, side, side), device=device, dtype=dtype))
        rig.wait()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
