"""Stage one: the autoencoder, 128² pixels to 16×16 latents of 16 channels and back.

Stable Diffusion's three halvings with four times its channels: a small decoder has no room to make up details.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL

from engine.tiny.data import SIZE, compose, held_out
from engine.tiny.progress import Journal, checkpoint, cosine, restore
from engine.tiny.scenes import Scenes

LATENT_CHANNELS = 16
LATENT_SIZE = SIZE // 8
LATENT_NOISE = 0.08
"""Noise on the latents in training, in units of their deviation, so that the decoder forgives the UNet."""


def build() -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(48, 64, 96, 128),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=8,
        sample_size=SIZE,
        mid_block_add_attention=False,
        scaling_factor=1.0,
    )


def to_tensor(pictures: np.ndarray) -> torch.Tensor:
    """(n, H, W, 3) of 0 to 255 as (n, 3, H, W) of −1 to 1."""
    return torch.from_numpy(pictures.astype(np.float32)).permute(0, 3, 1, 2).contiguous() / 127.5 - 1


def loss_of(output: torch.Tensor, target: torch.Tensor, squares: float) -> torch.Tensor:
    """L1, squares (what the dB measure) and the L1 of the differences between neighbours (edges)."""
    error = output.float() - target
    edges = (error[..., 1:] - error[..., :-1]).abs().mean() + (error[..., 1:, :] - error[..., :-1, :]).abs().mean()
    return error.abs().mean() + squares * error.square().mean() + 0.5 * edges


def train(
    pictures: dict[str, np.ndarray],
    out: Path,
    minutes: float,
    device: str,
    batch: int,
    decoder_only: bool = False,
    faster: bool = False,
) -> None:
    """Trains for `minutes`, the rate falling to zero with them; goes on from the checkpoint in `out`, if any.

    `decoder_only` goes on from the settled autoencoder and keeps the encoder, and with it all latents, as they are. It
    polishes: less noise on the latents, more weight on what is far off.
    """
    file = out / ("autoencoder-unit.pt" if decoder_only else "autoencoder.pt")
    torch.manual_seed(0)
    model: Any = build().to(device, memory_format=torch.channels_last)
    parameters = (
        [*model.decoder.parameters(), *model.post_quant_conv.parameters()] if decoder_only else list(model.parameters())
    )
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, betas=(0.9, 0.99), weight_decay=1e-4, fused=True)
    state = restore(file, model=model)
    step = first = int(state.get("step", 0))
    shown = np.stack([picture for key, picture in pictures.items() if not held_out(key)])
    scenes = Scenes(shown, device, seed=step)
    test = held_out_batch(pictures)
    journal = Journal(out / "autoencoder.log")
    peak, latent_noise, squares = (4e-4, LATENT_NOISE / 2, 40.0) if decoder_only else (2e-3, LATENT_NOISE, 8.0)
    if faster:
        model.encoder.compile()
        model.decoder.compile()
    start = saved = time.monotonic()
    while (done := (time.monotonic() - start) / (60 * minutes)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = peak * cosine(done) * min(1, (step - first + 1) / (50 if decoder_only else 200))
        picture = scenes.anything(batch).to(memory_format=torch.channels_last)
        with torch.autocast(device, torch.bfloat16):
            with torch.set_grad_enabled(not decoder_only):
                mean = model.encode(picture).latent_dist.mean
            latent = mean + latent_noise * torch.randn_like(mean) * mean.detach().std()
            output = model.decode(latent).sample
        loss = loss_of(output, picture, squares)
        if not decoder_only:
            loss = loss + 1e-4 * mean.float().square().mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        step += 1
        journal.note(step, done, every=100 if device == "cuda" else 20, loss=loss.detach())
        if step % (1000 if device == "cuda" else 250) == 0:
            journal.say(step, done, psnr=psnr(model, test), latent=float(mean.detach().float().std()))
        if time.monotonic() - saved > 150:
            saved = time.monotonic()
            checkpoint(file, step=step, model=model)
    checkpoint(file, step=step, model=model)
    journal.say(step, 1.0, psnr=psnr(model, test), latent=float(mean.detach().float().std()))


def settle(pictures: np.ndarray, out: Path, device: str) -> None:
    """Gives the latents of labelled pictures unit variance. From here on the encoder must not change."""
    model: Any = build()
    state = restore(out / "autoencoder.pt", model=model)
    model.to(device)
    scenes = Scenes(pictures, device)
    normalise(model, torch.cat([encode(model, scenes.anything(64)) for _ in range(32)]))
    checkpoint(out / "autoencoder-unit.pt", step=int(state["step"]), model=model)


def held_out_batch(pictures: dict[str, np.ndarray], count: int = 128) -> torch.Tensor:
    """Pictures that training never saw, on colours spread over the cube."""
    chosen = np.stack([picture for key, picture in sorted(pictures.items()) if held_out(key)][:count])
    return to_tensor(compose(chosen, np.random.default_rng(1).integers(0, 256, size=(len(chosen), 3))))


@torch.no_grad()
def psnr(model: AutoencoderKL, test: torch.Tensor) -> float:
    """Peak signal to noise of the reconstruction in dB: the mean over pictures, each rounded to 8 bits."""
    device = next(model.parameters()).device
    values = []
    # In fp32, without compiling the networks anew for it.
    with torch.compiler.set_stance("force_eager"):
        for chunk in test.split(32):
            output = model.decode(model.encode(chunk.to(device)).latent_dist.mode()).sample.float().cpu().clamp(-1, 1)
            error = ((output + 1) * 127.5).round() - (chunk + 1) * 127.5
            values.append(10 * torch.log10(255**2 / error.square().mean(dim=(1, 2, 3)).clamp(min=1e-3)))
    return float(torch.cat(values).mean())


@torch.no_grad()
def encode(model: AutoencoderKL, pictures: torch.Tensor) -> torch.Tensor:
    """Latents, (n, 16, 16, 16), not scaled."""
    latents: torch.Tensor = model.encode(pictures).latent_dist.mean
    return latents


def normalise(model: AutoencoderKL, latents: torch.Tensor) -> None:
    """Folds each latent channel's mean and deviation into the 1×1 convolutions, so that diffusion meets unit noise."""
    mean, std = latents.mean(dim=(0, 2, 3)), latents.std(dim=(0, 2, 3))
    with torch.no_grad():
        quant, post = model.quant_conv, model.post_quant_conv
        quant.weight[:LATENT_CHANNELS] /= std[:, None, None, None]
        quant.bias[:LATENT_CHANNELS] = (quant.bias[:LATENT_CHANNELS] - mean) / std
        post.bias += F.conv2d(mean[None, :, None, None], post.weight).flatten()
        post.weight *= std[None, :, None, None]
