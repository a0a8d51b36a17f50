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
from engine.tiny.data import Subject
from engine.tiny.progress import Journal, checkpoint, restore
from engine.tiny.scenes import Scenes
from engine.tiny.stream import captions
from engine.tiny.vocabulary import Vocabulary

UNCONDITIONAL = 0.1
"""Share of pictures trained without words, for guidance."""


def build() -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=autoencoder.LATENT_SIZE,
        in_channels=autoencoder.LATENT_CHANNELS,
        out_channels=autoencoder.LATENT_CHANNELS,
        block_out_channels=(128, 192, 256),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=text.WIDTH,
        attention_head_dim=(4, 6, 8),
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


def train(
    subjects: list[Subject],
    pictures: np.ndarray,
    vocabulary: Vocabulary,
    out: Path,
    minutes: float,
    device: str,
    batch: int,
    rate: float = 8e-4,
    decay: float = 0.4,
    faster: bool = False,
) -> None:
    """Trains for `minutes`, the rate falling over the last `decay` of them; goes on from the checkpoint in `out`.

    The autoencoder and the text model of the earlier stages stay as they are.
    """
    torch.manual_seed(int(time.time()))
    vae, tokenizer, encoder = earlier_stages(out, device)
    model: Any = build().to(device, memory_format=torch.channels_last)
    if device == "cpu":
        # SDPA's backward pass on a CPU costs a third of the step.
        model.set_attn_processor(AttnProcessor())
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    average = averaged(model)
    state = restore(out / "unet.pt", model=model, average=average, optimizer=optimizer)
    average.to(device)
    step = first = int(state.get("step", 0))
    scenes = Scenes(pictures, device, seed=step)
    alphas = scheduler().alphas_cumprod.to(device)
    journal = Journal(out / "unet.log")
    if faster:
        vae.encoder.compile()
        model.compile()
    start = saved = time.monotonic()
    for asked in captions(subjects, vocabulary, tokenizer, batch, step + 5000, device, empty=UNCONDITIONAL):
        done = (time.monotonic() - start) / (60 * minutes)
        if done >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1, (step - first + 1) / 200, (1 - done) / decay)
        with torch.no_grad(), torch.autocast(device, torch.bfloat16):
            picture = scenes.compose(asked.subjects, asked.seconds, scenes.backgrounds(asked.colors))
            clean = vae.encode(picture.to(memory_format=torch.channels_last)).latent_dist.mean.float()
            words = encoder(asked.ids).last_hidden_state
        time_ = torch.randint(len(alphas), (batch,), device=device)
        noise = torch.randn_like(clean)
        kept = alphas[time_][:, None, None, None]
        signal, sigma = kept.sqrt(), (1 - kept).sqrt()
        with torch.autocast(device, torch.bfloat16):
            predicted = model(signal * clean + sigma * noise, time_, words, return_dict=False)[0]
        loss = F.mse_loss(predicted.float(), signal * noise - sigma * clean)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        if step % 5 == 0:
            average.step(model.parameters())
        journal.note(step, done, every=100 if device == "cuda" else 20, loss=loss.detach())
        if time.monotonic() - saved > 240:
            saved = time.monotonic()
            checkpoint(out / "unet.pt", step=step, model=model, average=average, optimizer=optimizer)
    checkpoint(out / "unet.pt", step=step, model=model, average=average, optimizer=optimizer)


def averaged(model: UNet2DConditionModel) -> EMAModel:
    """A running mean of the weights, taken every fifth step."""
    return EMAModel(model.parameters(), decay=0.99, use_ema_warmup=True, power=2 / 3, foreach=True)


def earlier_stages(out: Path, device: str) -> tuple[AutoencoderKL, CLIPTokenizer, CLIPTextModel]:
    """The autoencoder and the text model as their stages left them, frozen."""
    vae: Any = autoencoder.build()
    encoder: Any
    if not (out / "tokenizer" / "tokenizer.json").is_file() or not restore(out / "autoencoder-unit.pt", model=vae):
        raise SystemExit(f"{out} lacks the autoencoder or the tokenizer: train the earlier stages first.")
    tokenizer = CLIPTokenizer.from_pretrained(out / "tokenizer")
    encoder = text.build(tokenizer)
    if not restore(out / "text.pt", model=encoder):
        raise SystemExit(f"{out} lacks the text model: train that stage first.")
    vae.to(device, memory_format=torch.channels_last)
    return vae.eval().requires_grad_(False), tokenizer, encoder.to(device).eval().requires_grad_(False)
