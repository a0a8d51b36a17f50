"""Tiny pipelines of the real classes with random weights: a second to build, the same code as the big ones to load."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import sentencepiece
import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderKLQwenImage,
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
    PixArtAlphaPipeline,
    PixArtSigmaPipeline,
    PixArtTransformer2DModel,
    PNDMScheduler,
    QwenImagePipeline,
    QwenImageTransformer2DModel,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
    ZImagePipeline,
    ZImageTransformer2DModel,
)
from safetensors.torch import save_file
from tokenizers.pre_tokenizers import ByteLevel
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2Tokenizer,
    Qwen3Config,
    Qwen3Model,
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
)

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


def autoencoder(**options: object) -> AutoencoderKL:
    """Eight pixels a latent, as in the big ones."""
    return AutoencoderKL(
        block_out_channels=(8, 8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        norm_num_groups=4,
        sample_size=64,
        **options,
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
        vae=autoencoder(mid_block_add_attention=not v_prediction),
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


def t5_tokenizer() -> T5Tokenizer:
    """Every letter is a token."""
    words = ["<pad>", "</s>", "<unk>", "▁", *(chr(code) for code in range(33, 127))]
    return T5Tokenizer([(word, -float(number)) for number, word in enumerate(words)], extra_ids=0, model_max_length=77)


def to_sentencepiece(folder: Path) -> None:
    """Leaves a T5 tokenizer only the file that the older repositories have of it."""
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["a red fox in the snow", "a blue whale"] * 50),
        model_writer=written,
        vocab_size=20,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        minloglevel=2,
    )
    (folder / "tokenizer.json").unlink()
    (folder / "spiece.model").write_bytes(written.getvalue())


def t5() -> T5EncoderModel:
    config = T5Config(vocab_size=100, d_model=WIDTH, d_kv=8, d_ff=37, num_layers=2, num_heads=4)
    return T5EncoderModel(config).eval()


def save_flux(folder: Path, **options: object) -> Path:
    """Flux, saved to that folder: flow matching, a transformer, latents packed into a row of patches."""
    torch.manual_seed(0)
    words = tokenizer(folder / "words")
    transformer = FluxTransformer2DModel(
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=WIDTH,
        pooled_projection_dim=WIDTH,
        axes_dims_rope=(4, 4, 8),
        **options,
    )
    FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=autoencoder(shift_factor=0.1, scaling_factor=1.5),
        text_encoder=CLIPTextModel(text_config(len(words))),
        tokenizer=words,
        text_encoder_2=t5(),
        tokenizer_2=t5_tokenizer(),
        transformer=transformer,
    ).save_pretrained(folder / "model")
    return folder / "model"


def save_sd3(folder: Path) -> Path:
    """SD 3, saved to that folder: flow matching, a transformer, three text encoders."""
    torch.manual_seed(0)
    words = tokenizer(folder / "words")
    transformer = SD3Transformer2DModel(
        sample_size=8,
        patch_size=1,
        in_channels=4,
        num_layers=1,
        attention_head_dim=8,
        num_attention_heads=4,
        joint_attention_dim=WIDTH,
        caption_projection_dim=WIDTH,
        pooled_projection_dim=2 * WIDTH,
        out_channels=4,
    )
    StableDiffusion3Pipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=autoencoder(shift_factor=0.1, scaling_factor=1.5),
        text_encoder=CLIPTextModelWithProjection(text_config(len(words))),
        tokenizer=words,
        text_encoder_2=CLIPTextModelWithProjection(text_config(len(words))),
        tokenizer_2=words,
        text_encoder_3=t5(),
        tokenizer_3=t5_tokenizer(),
        transformer=transformer,
    ).save_pretrained(folder / "model")
    return folder / "model"


def save_pixart(folder: Path, *, alpha: bool = False) -> Path:
    """PixArt Sigma or Alpha, saved to that folder: a transformer on a noise schedule like SD's, no step callback."""
    torch.manual_seed(0)
    transformer = PixArtTransformer2DModel(
        sample_size=32,
        num_layers=2,
        patch_size=2,
        attention_head_dim=8,
        num_attention_heads=3,
        caption_channels=WIDTH,
        in_channels=4,
        cross_attention_dim=24,
        out_channels=8,
        attention_bias=True,
        num_embeds_ada_norm=1000,
        norm_type="ada_norm_single",
        norm_elementwise_affine=False,
        use_additional_conditions=False,
    )
    kind = PixArtAlphaPipeline if alpha else PixArtSigmaPipeline
    kind(
        tokenizer=t5_tokenizer(),
        text_encoder=t5(),
        vae=autoencoder(),
        transformer=transformer,
        scheduler=DPMSolverMultistepScheduler(),
    ).save_pretrained(folder / "model")
    return folder / "model"


def qwen_tokenizer() -> Qwen2Tokenizer:
    """Every byte is a token, and so is each of the signs between which a chat's turns stand."""
    words = [*sorted(ByteLevel.alphabet()), "<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    made = Qwen2Tokenizer({word: number for number, word in enumerate(words)}, [])
    made.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    made.chat_template = (
        "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
        "<|im_start|>assistant\n"
    )
    return made


QWEN = {
    "vocab_size": 272,
    "bos_token_id": 256,
    "eos_token_id": 258,
    "pad_token_id": 256,
    "hidden_size": WIDTH,
    "intermediate_size": WIDTH,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
}


def save_qwen(folder: Path) -> Path:
    """Qwen-Image, saved to that folder: flow matching, a language model that reads, an autoencoder made for films."""
    torch.manual_seed(0)
    rope = {"type": "default", "mrope_section": [2, 3, 3], "rope_theta": 10_000.0}
    seeing = {
        "depth": 1,
        "hidden_size": WIDTH,
        "intermediate_size": WIDTH,
        "num_heads": 2,
        "out_hidden_size": WIDTH,
        "fullatt_block_indexes": [0],
    }
    reading = Qwen2_5_VLConfig(text_config=QWEN | {"rope_parameters": rope}, vision_config=seeing)
    transformer = QwenImageTransformer2DModel(
        in_channels=16,
        out_channels=4,
        num_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=WIDTH,
        axes_dims_rope=(4, 6, 6),
    )
    QwenImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, max_shift=0.9, shift_terminal=0.02),
        vae=AutoencoderKLQwenImage(
            base_dim=8,
            z_dim=4,
            dim_mult=[1, 1, 1, 1],
            num_res_blocks=1,
            latents_mean=[0.1, -0.1, 0.2, 0.0],
            latents_std=[1.5, 1.0, 2.0, 1.2],
        ),
        text_encoder=Qwen2_5_VLForConditionalGeneration(reading),
        tokenizer=qwen_tokenizer(),
        transformer=transformer,
    ).save_pretrained(folder / "model")
    return folder / "model"


def save_zimage(folder: Path) -> Path:
    """Z-Image-Turbo, saved to that folder: flow matching, words and picture in one stream, no guidance."""
    torch.manual_seed(0)
    transformer = ZImageTransformer2DModel(
        in_channels=4,
        dim=32,
        n_layers=2,
        n_refiner_layers=1,
        n_heads=2,
        n_kv_heads=2,
        cap_feat_dim=WIDTH,
        axes_dims=[4, 6, 6],
        axes_lens=[1024, 64, 64],
    )
    for part in transformer.modules():  # its padding is torch.empty, which is anything at all
        for name in ("x_pad_token", "cap_pad_token"):
            if isinstance(token := getattr(part, name, None), torch.nn.Parameter):
                torch.nn.init.zeros_(token)
    ZImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=autoencoder(shift_factor=0.1, scaling_factor=0.36),
        text_encoder=Qwen3Model(Qwen3Config(**QWEN, head_dim=16)),
        tokenizer=qwen_tokenizer(),
        transformer=transformer,
    ).save_pretrained(folder / "model")
    return folder / "model"


_RESNET = {
    "norm1.": "in_layers.0.",
    "conv1.": "in_layers.2.",
    "time_emb_proj.": "emb_layers.1.",
    "norm2.": "out_layers.0.",
    "conv2.": "out_layers.3.",
    "conv_shortcut.": "skip_connection.",
}
_UNET = {
    "time_embedding.linear_1.": "time_embed.0.",
    "time_embedding.linear_2.": "time_embed.2.",
    "conv_in.": "input_blocks.0.0.",
    "conv_norm_out.": "out.0.",
    "conv_out.": "out.2.",
    "down_blocks.0.resnets.0.": "input_blocks.1.0.",
    "down_blocks.0.downsamplers.0.conv.": "input_blocks.2.0.op.",
    "down_blocks.1.resnets.0.": "input_blocks.3.0.",
    "down_blocks.1.attentions.0.": "input_blocks.3.1.",
    "mid_block.resnets.0.": "middle_block.0.",
    "mid_block.attentions.0.": "middle_block.1.",
    "mid_block.resnets.1.": "middle_block.2.",
    "up_blocks.0.resnets.0.": "output_blocks.0.0.",
    "up_blocks.0.attentions.0.": "output_blocks.0.1.",
    "up_blocks.0.resnets.1.": "output_blocks.1.0.",
    "up_blocks.0.attentions.1.": "output_blocks.1.1.",
    "up_blocks.0.upsamplers.0.conv.": "output_blocks.1.2.conv.",
    "up_blocks.1.resnets.0.": "output_blocks.2.0.",
    "up_blocks.1.resnets.1.": "output_blocks.3.0.",
}
_VAE = {
    r"down_blocks\.(\d)\.resnets\.": r"down.\1.block.",
    r"down_blocks\.(\d)\.downsamplers\.0\.": r"down.\1.downsample.",
    r"up_blocks\.(\d)\.resnets\.": lambda match: f"up.{3 - int(match[1])}.block.",
    r"up_blocks\.(\d)\.upsamplers\.0\.": lambda match: f"up.{3 - int(match[1])}.upsample.",
    r"mid_block\.resnets\.0": "mid.block_1",
    r"mid_block\.resnets\.1": "mid.block_2",
    r"mid_block\.attentions\.0\.group_norm": "mid.attn_1.norm",
    r"mid_block\.attentions\.0\.to_([qkv])": r"mid.attn_1.\1",
    r"mid_block\.attentions\.0\.to_out\.0": "mid.attn_1.proj_out",
    "conv_norm_out": "norm_out",
    "conv_shortcut": "nin_shortcut",
}


def to_single_file(folder: Path, file: Path) -> Path:
    """The weights of `save_sd`'s folder under the names of the original Stable Diffusion, in one file."""
    pipe = StableDiffusionPipeline.from_pretrained(folder)
    weights: dict[str, torch.Tensor] = {}
    for name, tensor in pipe.unet.state_dict().items():
        start = next(start for start in _UNET if name.startswith(start))
        rest = name.removeprefix(start)
        if ".resnets." in start:
            inner = next(inner for inner in _RESNET if rest.startswith(inner))
            rest = _RESNET[inner] + rest.removeprefix(inner)
        weights[f"model.diffusion_model.{_UNET[start]}{rest}"] = tensor
    for name, tensor in pipe.vae.state_dict().items():
        for pattern, replacement in _VAE.items():
            name = re.sub(pattern, replacement, name)
        linear = "attn_1" in name and name.endswith("weight") and tensor.ndim == 2
        weights[f"first_stage_model.{name}"] = tensor[:, :, None, None] if linear else tensor
    for name, tensor in pipe.text_encoder.state_dict().items():
        weights[f"cond_stage_model.transformer.text_model.{name.removeprefix('text_model.')}"] = tensor
    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, file)
    return file
