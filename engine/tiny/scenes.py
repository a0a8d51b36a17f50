"""What the model learns to paint: one subject, or two beside each other, composed on a colour, on the device."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from engine.tiny.captions import NO_COLOR
from engine.tiny.colors import COLORS, WHITE
from engine.tiny.data import SIZE

HALF = SIZE * 9 // 16
"""Width and height of each of two subjects in one picture, in pixels."""


class Scenes:
    """All pictures in the device's memory: premultiplied RGBA, uint8, (count, SIZE, SIZE, 4)."""

    def __init__(self, pictures: np.ndarray, device: str, seed: int = 0) -> None:
        self._pictures = torch.from_numpy(pictures).to(device)
        self._palette = torch.tensor([color.rgb for color in COLORS], device=device) / 255
        self._device = device
        self._random = torch.Generator(device).manual_seed(seed)

    def __len__(self) -> int:
        return len(self._pictures)

    def compose(self, subjects: torch.Tensor, seconds: torch.Tensor, colors: torch.Tensor) -> torch.Tensor:
        """(n, 3, SIZE, SIZE) in −1 to 1 of subjects (n,), each on an RGB colour (n, 3) of 0 to 1.

        Where `seconds` (n,) is a subject too, the two stand beside each other, smaller.
        """
        rgba = self._rgba(subjects)
        pairs = (seconds < len(self)).nonzero().flatten()
        if len(pairs):
            rgba[pairs] = beside(rgba[pairs], self._rgba(seconds[pairs]))
        return (rgba[:, :3] + (1 - rgba[:, 3:]) * colors[:, :, None, None]) * 2 - 1

    def backgrounds(self, colors: torch.Tensor) -> torch.Tensor:
        """RGB (n, 3) of 0 to 1 near the named colours (n,): white or a light tint where a caption names none."""
        count = len(colors)
        near = self._palette[colors.clamp(max=NO_COLOR - 1)]
        near = near + torch.randn(count, 3, generator=self._random, device=self._device) * (4 / 255)
        tint = 1 - torch.rand(count, 3, generator=self._random, device=self._device) * 0.11
        white = torch.rand(count, 1, generator=self._random, device=self._device) < 0.6
        light = torch.where(white, self._palette[WHITE], tint)
        return torch.where((colors == NO_COLOR)[:, None], light, near).clamp(0, 1)

    def anything(self, count: int) -> torch.Tensor:
        """`count` pictures for the autoencoder: any picture, mirrored, moved or paired, on any colour."""
        subjects = torch.randint(len(self), (count,), generator=self._random, device=self._device)
        seconds = torch.randint(len(self) * 8, (count,), generator=self._random, device=self._device)
        colors = torch.rand(count, 3, generator=self._random, device=self._device)
        colors[: count // 4] = 1
        pictures = self.compose(subjects, seconds, colors)
        pictures[::2] = pictures[::2].flip(-1)
        down, right = (int(torch.randint(-8, 9, ())) for _ in range(2))
        return torch.roll(pictures, (down, right), dims=(2, 3))

    def _rgba(self, subjects: torch.Tensor) -> torch.Tensor:
        return self._pictures[subjects].permute(0, 3, 1, 2).float() / 255


def beside(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Two pictures (n, 4, SIZE, SIZE), shrunk, side by side in one, the left one before the other."""
    top = (SIZE - HALF) // 2
    small = F.interpolate(torch.cat([left, right]), size=(HALF, HALF), mode="bilinear", antialias=True)
    scene = torch.zeros_like(left)
    scene[:, :, top : top + HALF, SIZE - HALF :] = small[len(left) :]
    here = small[: len(left)]
    there = scene[:, :, top : top + HALF, :HALF]
    scene[:, :, top : top + HALF, :HALF] = here + (1 - here[:, 3:]) * there
    return scene
