"""Tiny pipelines of the real classes with random weights: a second to build, the same code as the big ones to load."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    PNDMScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

WIDTH = 32
"""Of the text embeddings."""


def tokenizer(folder: Path) -> CLIPTokenizer:
    """A byte-level CLIP tokenizer without merges: every letter is a token."""
    folder.mkdir(parents=True, exist_ok=True)
    letters = [chr(code) for code in range(33, 127)]
    words = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=77)


def text_config(vocabulary: int, **options: object) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=vocabulary,
        hidden_size=WIDTH,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        projection_dim=WIDTH,
        max_position_embeddings=77,
        bos_token_id=vocabulary - 2,
        eos_token_id=vocabulary - 1,
        pad_token_id=vocabulary - 1,
        **options,
    )


def autoencoder() -> AutoencoderKL:
    """Eight pixels a latent, as in the big ones."""
    return AutoencoderKL(
        block_out_channels=(8, 8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        norm_num_groups=4,
        sample_size=64,
    )


def unet(**options: object) -> UNet2DConditionModel:
    defaults: dict[str, object] = {
        "block_out_channels": (8, 16),
        "layers_per_block": 1,
        "sample_size": 8,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "cross_attention_dim": WIDTH,
        "attention_head_dim": 4,
        "norm_num_groups": 4,
    }
    return UNet2DConditionModel(**(defaults | options))


def save_sd(folder: Path, *, v_prediction: bool = False, **save: object) -> Path:
    """SD 1.x, or SD 2.x with its v-prediction, saved to that folder."""
    torch.manual_seed(0)
    words = tokenizer(folder / "words")
    options = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}
    scheduler = (
        DDIMScheduler(**options, clip_sample=False, prediction_type="v_prediction")
        if v_prediction
        else PNDMScheduler(**options, skip_prk_steps=True)
    )
    StableDiffusionPipeline(
        vae=autoencoder(),
        text_encoder=CLIPTextModel(text_config(len(words))),
        tokenizer=words,
        unet=unet(),
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder / "model", **save)
    return folder / "model"


def save_sdxl(folder: Path, *, turbo: bool = False, **save: object) -> Path:
    """SDXL, or SDXL-Turbo with its own schedule, saved to that folder."""
    torch.manual_seed(0)
    words = tokenizer(folder / "words")
    config = text_config(len(words), hidden_act="gelu")
    options = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}
    scheduler = (
        EulerAncestralDiscreteScheduler(**options, timestep_spacing="trailing")
        if turbo
        else EulerDiscreteScheduler(**options, timestep_spacing="leading")
    )
    StableDiffusionXLPipeline(
        vae=autoencoder(),
        text_encoder=CLIPTextModel(config),
        text_encoder_2=CLIPTextModelWithProjection(config),
        tokenizer=words,
        tokenizer_2=words,
        unet=unet(
            cross_attention_dim=2 * WIDTH,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=6 * 8 + WIDTH,
            transformer_layers_per_block=(1, 2),
            use_linear_projection=True,
        ),
        scheduler=scheduler,
    ).save_pretrained(folder / "model", **save)
    return folder / "model"
