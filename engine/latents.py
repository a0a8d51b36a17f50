"""Between latents and pixels: small pieces that all models share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from engine.painting import Pixels


def to_pixels(image: torch.Tensor) -> Pixels:
    """(3, height, width) from -1 to 1 -> (height, width, 3) bytes."""
    scaled = (image.float() / 2 + 0.5).clamp(0, 1).mul(255).movedim(0, -1)
    if scaled.device.type == "cpu":  # torch would wake its other threads to round even the smallest picture
        pixels: Pixels = np.rint(scaled.numpy()).astype(np.uint8)
    else:
        pixels = scaled.round().to(torch.uint8).cpu().numpy()
    return pixels


def unscaled(latents: torch.Tensor, config: Any) -> torch.Tensor:
    """Latents as the network knows them -> in the scale of the autoencoder of that configuration."""
    scaled: torch.Tensor = latents / config.get("scaling_factor", 1.0)
    mean, std = config.get("latents_mean"), config.get("latents_std")
    if mean is None or std is None:
        return scaled + (config.get("shift_factor") or 0.0)
    shape = (1, -1, 1, 1)
    return scaled * latents.new_tensor(std).view(shape) + latents.new_tensor(mean).view(shape)


def unpacked(latents: torch.Tensor, width: int, height: int) -> torch.Tensor:
    """Squares of 2×2 latents in a row (1, height / 2 · width / 2, 4 · channels) -> (1, channels, height, width)."""
    squares = latents.reshape(len(latents), height // 2, width // 2, -1, 2, 2)
    return squares.permute(0, 3, 1, 4, 2, 5).reshape(len(latents), -1, height, width)


def cut(pixels: Pixels, width: int, height: int) -> Pixels:
    """The middle of a picture, as large as that where it is larger."""
    top, left = max(0, pixels.shape[0] - height) // 2, max(0, pixels.shape[1] - width) // 2
    return np.ascontiguousarray(pixels[top : top + height, left : left + width])


def fit_preview(vae: Any, device: torch.device) -> torch.Tensor:
    """(9 channels + 1, 3): the linear map from a latent and its neighbours to RGB from -1 to 1; last row constant.

    Fitted by least squares to what this autoencoder makes of latents like its own, with noise on them as the samplers
    leave it: every family gets its own map, and so does every fine-tuned autoencoder.
    """
    generator = torch.Generator("cpu").manual_seed(0)
    patches = torch.rand((4, 3, 8, 8), generator=generator) * 2 - 1
    pictures = torch.nn.functional.interpolate(patches, size=(128, 128), mode="bilinear")
    if film := hasattr(vae, "temperal_downsample"):  # such as Qwen-Image's: a picture is a film of one frame
        pictures = pictures.unsqueeze(2)
    latents = vae.encode(pictures.to(device, vae.dtype)).latent_dist.mean.float().cpu()
    spread = latents.std(dim=(0, *range(2, latents.ndim)), keepdim=True)
    latents = latents + spread * torch.randn(latents.shape, generator=generator)
    decoded = vae.decode(latents.to(device, vae.dtype), return_dict=False)[0].float().cpu().clamp(-1, 1)
    if film:
        latents, decoded = latents.squeeze(2), decoded.squeeze(2)
    pooled = torch.nn.functional.adaptive_avg_pool2d(decoded, latents.shape[-2:])
    colours = pooled.flatten(2).movedim(1, -1).flatten(0, 1)
    solution: torch.Tensor = torch.linalg.lstsq(_neighbourhoods(latents).flatten(0, 1), colours).solution
    return solution.to(device)


def preview(latents: torch.Tensor, preview_map: torch.Tensor) -> Pixels:
    """Latents (channels, height, width) in the autoencoder's scale -> a picture of that many pixels."""
    colours = _neighbourhoods(latents[None].float())[0] @ preview_map
    return to_pixels(colours.movedim(-1, 0).reshape(3, *latents.shape[-2:]))


def _neighbourhoods(latents: torch.Tensor) -> torch.Tensor:
    """(batch, channels, height, width) -> (batch, height * width, 9 channels + 1): those around each, and a 1."""
    padded = torch.nn.functional.pad(latents, (1, 1, 1, 1), mode="replicate")
    around = torch.nn.functional.unfold(padded, 3).movedim(1, -1)
    return torch.cat([around, torch.ones_like(around[..., :1])], dim=-1)


def outer_blocks(module: torch.nn.Module) -> Iterator[torch.nn.Module]:
    """The members of the outermost lists of a network: its layers, or its down and up blocks."""
    for child in module.children():
        if isinstance(child, torch.nn.ModuleList):
            yield from (block for block in child if block is not None)  # an autoencoder may do without attention
        else:
            yield from outer_blocks(child)
