"""C2: PNG files, by Pillow as it comes and by ours."""

from __future__ import annotations

import io
import zlib

import numpy as np
from PIL import Image

from engine.images import encode_png
from engine.painting import Pixels
from tests.bench.arms import Goal, Report, medians, report


def pictures(side: int) -> dict[str, Pixels]:
    """Three that are as hard to compress as what models paint: smooth, grainy, and with detail at every scale."""
    chance = np.random.default_rng(0)
    across, down = np.meshgrid(np.linspace(0, 6, side), np.linspace(0, 6, side))
    smooth = np.stack([np.sin(across + shift) * np.cos(down - shift) for shift in range(3)], axis=-1)
    grainy = smooth + chance.normal(0, 0.05, smooth.shape)
    # Photographs have a spectrum that falls with the frequency.
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side))) + 1 / side
    waves = np.fft.fft2(chance.normal(size=(3, side, side))) / frequency**1.4
    natural = np.moveaxis(np.fft.ifft2(waves).real, 0, -1)
    natural /= 2.5 * natural.std()
    return {
        name: (127.5 + 100 * np.clip(picture, -1, 1)).astype(np.uint8)
        for name, picture in (("smooth", smooth), ("grainy", grainy), ("natural", natural))
    }


def pillow(pixels: Pixels, **options: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", **options)
    return file.getvalue()


def c2(side: int = 1024, rounds: int = 5) -> Report:
    arms, times, sizes = {}, [], []
    for name, pixels in pictures(side).items():
        ours, theirs = encode_png(pixels), pillow(pixels)
        for file in (ours, theirs):
            decoded = np.asarray(Image.open(io.BytesIO(file)))
            assert np.array_equal(decoded, pixels), "a file does not decode to its pixels"
        took = medians(
            {
                "Pillow": lambda pixels=pixels: pillow(pixels),
                "Pillow, level 1": lambda pixels=pixels: pillow(pixels, compress_level=1),
                "easel": lambda pixels=pixels: encode_png(pixels),
            },
            rounds,
        )
        arms[name] = {arm: round(each, 2) for arm, each in took.items()} | {
            "Pillow, bytes": len(theirs),
            "easel, bytes": len(ours),
        }
        times.append(took["Pillow"] / took["easel"])
        sizes.append(len(ours) / len(theirs))
    figures = {
        "time of Pillow ÷ ours": (float(np.median(times)), Goal(at_least=15)),
        "size of ours ÷ Pillow's": (float(np.median(sizes)), Goal(at_most=1.15)),
    }
    return report(figures, arms, unit=f"medians of three pictures of {side}²; arms in ms", zlib=zlib.ZLIB_VERSION)
