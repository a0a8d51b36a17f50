"""One command from two packages to the saved pipeline.

    npm pack @lobehub/fluent-emoji-3d@1.1.0 emojibase-data@17.0.0
    python -m engine.tiny.train --data FOLDER

Each stage goes on from its checkpoint in `--out`, so that the command can be cut off and given again at any time.
`--minutes` is how long a stage goes on; its rate of learning falls towards the end of that time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from diffusers import StableDiffusionPipeline

from engine.tiny import autoencoder, text, unet
from engine.tiny.data import Subject, compose, load_pictures, load_subjects
from engine.tiny.progress import checkpoint, restore

MINUTES = {"autoencoder": 60.0, "text": 30.0, "unet": 240.0, "decoder": 30.0}
"""What each stage takes on two cores; a GPU needs a tenth."""


def main(
    data: Annotated[Path, typer.Option(help="Folder with the two packages, as npm packs them.")],
    out: Annotated[Path, typer.Option(help="Where checkpoints and logs go.")] = Path("data/tiny"),
    save: Annotated[Path, typer.Option(help="Where the pipeline is saved.")] = Path("engine/tiny/model"),
    stage: Annotated[str, typer.Option(help="all, autoencoder, text, anchor, unet, decoder or export.")] = "all",
    minutes: Annotated[float | None, typer.Option(help="How long the stage goes on.")] = None,
    decay: Annotated[float, typer.Option(help="Share of the UNet's time in which its rate falls.")] = 0.3,
) -> None:
    """Trains the embedded model."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    out.mkdir(parents=True, exist_ok=True)
    pictures = load_pictures(data)
    subjects = load_subjects(data, pictures.keys())
    labelled = np.stack([pictures[subject.hexcode] for subject in subjects])
    if stage in ("all", "autoencoder"):
        autoencoder.train(pictures, out, minutes or MINUTES["autoencoder"], device)
        settle(labelled, out, device)
    if stage in ("all", "text"):
        text.train(subjects, labelled, out, minutes or MINUTES["text"], device)
    if stage == "anchor":
        text.anchor(subjects, out, minutes or MINUTES["text"], device)
    if stage in ("all", "unet"):
        unet.train(subjects, labelled, out, minutes or MINUTES["unet"], device, decay=decay)
    if stage in ("all", "decoder"):
        autoencoder.train(pictures, out, minutes or MINUTES["decoder"], device, decoder_only=True)
    if stage in ("all", "decoder", "export"):
        export(subjects, out, save)


def settle(pictures: np.ndarray, out: Path, device: str) -> None:
    """Gives the latents unit variance. From here on the encoder must not change."""
    model: Any = autoencoder.build()
    state = restore(out / "autoencoder.pt", model=model)
    model.to(device)
    random = np.random.default_rng(0)
    chosen = pictures[random.integers(len(pictures), size=1024)]
    colors = random.integers(0, 256, size=(1024, 3))
    colors[:512] = 255
    autoencoder.normalise(model, autoencoder.encode(model, autoencoder.to_tensor(compose(chosen, colors)).to(device)))
    checkpoint(out / "autoencoder-unit.pt", step=int(state["step"]), model=model)


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
