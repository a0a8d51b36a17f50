"""A sheet of numbered paintings, to be looked at before their prompts, which are printed, are read.

    python -m engine.tiny.sheet --out FILE [--model FOLDER] [--prompts FILE]

FILE of prompts is evaluate's; without it, `PROMPTS` are painted. The sheet in card.md is made by this.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image, ImageDraw

from engine.tiny.evaluate import DEFAULTS, open_pipeline, questions_from

TILE = 128
"""Width and height of a painting on the sheet, in pixels."""

PROMPTS = (
    "a cute cat playing with a ball, high quality, detailed",
    "a red apple on a white table",
    "a blue bird flying in the sky",
    "my neighbour's puppy, happy",
    "a fox on a green background",
    "a penguin on a pink background",
    "a lion, orange background",
    "一只可爱的熊猫",
    "an owl at night, dark blue background",
    "a frog on a lily pad",
    "an octopus on a yellow background",
    "a ladybug",
    "蓝色背景上的一只蝴蝶",
    "a unicorn, lavender background",
    "a dragon breathing fire",
    "a sunflower on a light blue background",
    "a red rose for you",
    "仙人掌，米色背景",
    "a palm tree by the sea",
    "a mushroom in the forest",
    "ripe banana, teal background",
    "草莓，白色背景",
    "a slice of watermelon",
    "a burger on a yellow background",
    "pizza for dinner, best quality",
    "生日蛋糕，粉色背景",
    "a cup of coffee",
    "a donut on a light green background",
    "an old auto on a street",
    "a bicycle, gray background",
    "火箭，深蓝色背景",
    "a sailboat at sunrise",
    "a castle on a purple background",
    "a snowman in the snow",
    "an electric guitar, black background",
    "a soccer ball on a green background",
    "一把金色的钥匙",
    "a golden crown on a red background",
    "a robot learning to paint",
    "a smiling face with sunglasses",
)
"""In both languages, with and without a background, as people write them."""


def sheet(pictures: Sequence[Image.Image], columns: int = 8) -> Image.Image:
    """The pictures in rows, numbered from 1."""
    rows = -(-len(pictures) // columns)
    result = Image.new("RGB", (columns * (TILE + 8), rows * (TILE + 20)), "white")
    draw = ImageDraw.Draw(result)
    for i, picture in enumerate(pictures):
        x, y = i % columns * (TILE + 8) + 4, i // columns * (TILE + 20) + 4
        result.paste(picture.resize((TILE, TILE), Image.Resampling.LANCZOS), (x, y))
        draw.text((x, y + TILE + 2), str(i + 1), fill="black")
    return result


def main(
    out: Annotated[Path, typer.Option(help="The sheet, PNG or WebP.")],
    model: Annotated[Path, typer.Option(help="The saved pipeline.")] = Path("engine/tiny/model"),
    prompts: Annotated[Path | None, typer.Option(help="Lines of label<TAB>background or nothing<TAB>prompt.")] = None,
    steps: int = DEFAULTS.num_inference_steps,
    cfg: float = DEFAULTS.guidance_scale,
    limit: int = 40,
) -> None:
    """Paints a sheet."""
    import torch

    texts = [question.prompt for question in questions_from(prompts)] if prompts else list(PROMPTS)
    texts = texts[:: max(1, len(texts) // limit)][:limit]
    seeds = [torch.Generator().manual_seed(i) for i in range(len(texts))]
    made = open_pipeline(model)(texts, num_inference_steps=steps, guidance_scale=cfg, generator=seeds)
    sheet(made.images).save(out, quality=85)
    for number, text in enumerate(texts, 1):
        print(f"{number}. {text}")


if __name__ == "__main__":
    typer.run(main)
