"""Stage three: the UNet, from the words' states to the autoencoder's latents."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from diffusers.training_utils import EMAModel
from transformers import CLIPTextModel, CLIPTokenizer

from engine.tiny import autoencoder, text
from engine.tiny.captions import NO_COLOR, Captioner
from engine.tiny.colors import COLORS
from engine.tiny.data import Subject, compose
from engine.tiny.progress import Journal, checkpoint, restore

VIEWS = 8
"""Latents kept of each subject, each on a background of its own."""

UNCONDITIONAL = 0.1
"""Share of pictures trained without words, for guidance."""


def build() -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=16,
        in_channels=autoencoder.LATENT_CHANNELS,
        out_channels=autoencoder.LATENT_CHANNELS,
        block_out_channels=(64, 128, 192, 256),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=text.WIDTH,
        attention_head_dim=(2, 4, 6, 8),
        norm_num_groups=16,
    )


def scheduler() -> DDIMScheduler:
    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )


class Latents:
    """What the UNet learns to paint: VIEWS latents of each subject, replaced a few at a time as training goes on."""

    def __init__(self, vae: AutoencoderKL, pictures: np.ndarray, seed: int) -> None:
        self._vae, self._pictures = vae, pictures
        self._random = np.random.default_rng(seed)
        count = len(pictures)
        self.colors = np.zeros((count, VIEWS), dtype=np.int64)
        self.values = torch.zeros(count, VIEWS, autoencoder.LATENT_CHANNELS, 16, 16, dtype=torch.bfloat16)
        for view in range(VIEWS):
            for rows in np.array_split(np.arange(count), max(1, count // 64)):
                self._paint(rows, np.full(len(rows), view))

    def refresh(self, count: int) -> None:
        self._paint(self._random.integers(len(self._pictures), size=count), self._random.integers(VIEWS, size=count))

    def batch(self, subjects: np.ndarray) -> tuple[torch.Tensor, np.ndarray]:
        """Latents (n, 8, 16, 16) of these subjects, and the colours behind them."""
        views = self._random.integers(VIEWS, size=len(subjects))
        return self.values[subjects, views].float(), self.colors[subjects, views]

    @torch.no_grad()
    def _paint(self, subjects: np.ndarray, views: np.ndarray) -> None:
        # The first three views are for captions that name no background.
        colors = np.where(views < 3, NO_COLOR, self._random.integers(len(COLORS), size=len(views)))
        backgrounds = np.stack([background(int(color), self._random) for color in colors])
        pictures = autoencoder.to_tensor(compose(self._pictures[subjects], backgrounds))
        device = next(self._vae.parameters()).device
        latents = self._vae.encode(pictures.to(device)).latent_dist.mean
        self.values[subjects, views] = latents.to("cpu", torch.bfloat16)
        self.colors[subjects, views] = colors


def background(color: int, random: np.random.Generator) -> np.ndarray:
    """A colour near the named one; white or a light tint where none is named."""
    if color == NO_COLOR:
        return np.full(3, 255.0) if random.random() < 0.6 else 255 - random.random(3) * 28
    return np.clip(np.array(COLORS[color].rgb) + random.normal(0, 4, size=3), 0, 255)


def train(
    subjects: list[Subject],
    pictures: np.ndarray,
    out: Path,
    minutes: float,
    device: str,
    batch: int = 64,
    rate: float = 6e-4,
    decay: float = 0.3,
) -> None:
    """Trains for `minutes`, the rate falling over the last `decay` of them; goes on from the checkpoint in `out`.

    The autoencoder and the text model of the earlier stages stay as they are.
    """
    torch.manual_seed(int(time.time()))
    vae, tokenizer, encoder = earlier_stages(out, device)
    model: Any = build().to(device, memory_format=torch.channels_last)
    # SDPA's backward pass on a CPU costs a third of the step.
    model.set_attn_processor(AttnProcessor())
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    average = averaged(model)
    state = restore(out / "unet.pt", model=model, average=average, optimizer=optimizer)
    step = first = int(state.get("step", 0))
    latents = Latents(vae, pictures, seed=step)
    captioner = Captioner(subjects, seed=5000 + step)
    random = np.random.default_rng(step)
    weights = text.sampling_weights(subjects)
    alphas = scheduler().alphas_cumprod.to(device)
    journal = Journal(out / "unet.log")
    start = saved = time.monotonic()
    while (done := (time.monotonic() - start) / (60 * minutes)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1, (step - first + 1) / 150, (1 - done) / decay)
        chosen = random.choice(len(subjects), size=batch, p=weights)
        clean, colors = latents.batch(chosen)
        captions = [captioner.write(int(s), int(c)).text for s, c in zip(chosen, colors, strict=True)]
        captions = ["" if random.random() < UNCONDITIONAL else caption for caption in captions]
        clean = clean.to(device, memory_format=torch.channels_last)
        time_ = torch.randint(len(alphas), (batch,), device=device)
        noise = torch.randn_like(clean)
        kept = alphas[time_][:, None, None, None]
        signal, sigma = kept.sqrt(), (1 - kept).sqrt()
        with torch.autocast(device, torch.bfloat16):
            with torch.no_grad():
                words = encoder(text.tokenize(tokenizer, captions).to(device)).last_hidden_state
            predicted = model(signal * clean + sigma * noise, time_, words).sample
        loss = F.mse_loss(predicted.float(), signal * noise - sigma * clean)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        if step % 5 == 0:
            average.step(model.parameters())
        latents.refresh(2)
        journal.note(step, done, loss=loss.item())
        if time.monotonic() - saved > 240:
            saved = time.monotonic()
            checkpoint(out / "unet.pt", step=step, model=model, average=average, optimizer=optimizer)
    checkpoint(out / "unet.pt", step=step, model=model, average=average, optimizer=optimizer)


def averaged(model: UNet2DConditionModel) -> EMAModel:
    """A running mean of the weights, taken every fifth step."""
    return EMAModel(model.parameters(), decay=0.99, use_ema_warmup=True, power=2 / 3)


def earlier_stages(out: Path, device: str) -> tuple[AutoencoderKL, CLIPTokenizer, CLIPTextModel]:
    """The autoencoder and the text model as their stages left them, frozen."""
    vae: Any = autoencoder.build()
    encoder: Any
    tokenizer = CLIPTokenizer.from_pretrained(out / "tokenizer")
    encoder = text.build(tokenizer)
    if not restore(out / "autoencoder-unit.pt", model=vae) or not restore(out / "text.pt", model=encoder):
        raise SystemExit(f"{out} lacks the autoencoder or the text model: train these stages first.")
    return vae.to(device).eval().requires_grad_(False), tokenizer, encoder.to(device).eval().requires_grad_(False)
