"""Between latents and pixels: small pieces that every model of the UNet families shares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from engine.painting import Pixels


def to_pixels(image: torch.Tensor) -> Pixels:
    """(3, height, width) from -1 to 1 -> (height, width, 3) bytes."""
    scaled = (image.float() / 2 + 0.5).clamp(0, 1).mul(255).round()
    pixels: Pixels = scaled.to(torch.uint8).movedim(0, -1).cpu().numpy()
    return pixels


def unscaled(latents: torch.Tensor, config: Any) -> torch.Tensor:
    """Latents as the UNet knows them -> in the scale of the autoencoder of that configuration."""
    scaled: torch.Tensor = latents / config.scaling_factor
    mean, std = config.get("latents_mean"), config.get("latents_std")
    if mean is None or std is None:
        return scaled
    shape = (1, -1, 1, 1)
    return scaled * latents.new_tensor(std).view(shape) + latents.new_tensor(mean).view(shape)


def fit_preview(vae: Any, device: torch.device) -> torch.Tensor:
    """(channels + 1, 3): the linear map from latents in the autoencoder's scale to RGB from -1 to 1, last row constant.

    Fitted by least squares to what this autoencoder makes of smooth coloured noise: every family gets its own, and
    so does every fine-tuned autoencoder.
    """
    generator = torch.Generator("cpu").manual_seed(0)
    patches = torch.rand((4, 3, 8, 8), generator=generator) * 2 - 1
    pictures = torch.nn.functional.interpolate(patches, size=(128, 128), mode="bilinear")
    latents = vae.encode(pictures.to(device, vae.dtype)).latent_dist.mean.float().cpu()
    pooled = torch.nn.functional.adaptive_avg_pool2d(pictures, latents.shape[-2:])
    channels = latents.movedim(1, -1).flatten(0, 2)
    colours = pooled.movedim(1, -1).flatten(0, 2)
    solution: torch.Tensor = torch.linalg.lstsq(_with_constant(channels), colours).solution
    return solution.to(device)


def preview(latents: torch.Tensor, preview_map: torch.Tensor) -> Pixels:
    """Latents (channels, height, width) in the autoencoder's scale -> a picture of that many pixels."""
    return to_pixels((_with_constant(latents.float().movedim(0, -1)) @ preview_map).movedim(-1, 0))


def _with_constant(channels: torch.Tensor) -> torch.Tensor:
    return torch.cat([channels, torch.ones_like(channels[..., :1])], dim=-1)


def outer_blocks(module: torch.nn.Module) -> Iterator[torch.nn.Module]:
    """The members of the outermost lists of a network: its layers, or its down and up blocks."""
    for child in module.children():
        if isinstance(child, torch.nn.ModuleList):
            yield from (block for block in child if block is not None)  # an autoencoder may do without attention
        else:
            yield from outer_blocks(child)
