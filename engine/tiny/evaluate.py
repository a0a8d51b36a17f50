"""Does the embedded model paint what was asked? Measured in pixels, against every reference picture.

    python -m engine.tiny.evaluate --data FOLDER [--prompts FILE] [--sweep] [--json OUT]

A painting counts when the nearest of all reference pictures, at 48² and composed on the same background, has the
expected label. FILE has lines `label<TAB>background or nothing<TAB>prompt`; `|` separates labels that are all right.
Without FILE, sentences are made from `EVALUATION` in this file, which training never reads.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from diffusers import DDIMScheduler, StableDiffusionPipeline
from PIL import Image

from engine.catalog import Catalog
from engine.tiny.colors import COLORS
from engine.tiny.data import Subject, compose, load_pictures, load_subjects

DEFAULTS = Catalog().get("tiny").defaults
"""What people get who say nothing: measured with, where nothing else is said."""

COMPARED = 48
"""Width and height at which pictures are compared, in pixels."""

EVALUATION: dict[str, tuple[str, ...]] = {
    "en": (
        "{name}",
        "a {name} resting after a long day",
        "a gorgeous {name}, crisp, award-worthy shot",
        "snapshot of one {name} near the old lighthouse",
        "could you do a {name} for my blog header?",
        "wallpaper with a {name} and nothing else",
        "hello! a {name} would be great, thank you",
        "a photo i took of a {name} at the weekend",
        "{name} in the style of a vintage travel poster",
        "a {name} seen through morning fog",
        "a {name} that belongs to my grandmother, warm mood",
        "a {name} on a {color} background",
        "{name}, sharp, {color} background",
        "against a {color} background there is a {name}",
        "a {name}; everything behind it is {color}",
        "{color} backdrop, one {name}, centred",
        "the {name} stands out from a background that is {color}",
    ),
    "zh": (
        "{name}",
        "一幅{name}的插图",
        "阳光明媚的早晨，{name}，清晰",
        "我想看{name}",
        "{name}，唯美，温暖的氛围",
        "给我来张{name}吧，谢谢",
        "这是我周末拍的{name}",
        "{name}，复古旅行海报风格",
        "雾气中若隐若现的{name}",
        "背景一片{color}的{name}",
        "{name}身后是{color}的背景，简洁",
        "{name}，后面全是{color}",
        "{color}的底色衬着{name}",
        "用{color}作背景，中间放{name}",
    ),
}


@dataclass(frozen=True, slots=True)
class Question:
    """A prompt, the labels that are right, and the background it names."""

    labels: frozenset[str]
    background: str | None
    prompt: str

    @property
    def language(self) -> str:
        return "zh" if any("\u4e00" <= sign <= "\u9fff" for sign in self.prompt) else "en"


def questions_from(file: Path) -> list[Question]:
    questions = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            parts = line.split("\t")
            if len(parts) != 3:
                raise SystemExit(f"{file}, line {number}: expected label<TAB>background or nothing<TAB>prompt.")
            labels = frozenset(label.strip().lower() for label in parts[0].split("|"))
            questions.append(Question(labels, parts[1].strip() or None, parts[2].strip()))
    return questions


def questions_about(subjects: Sequence[Subject], seed: int = 11) -> list[Question]:
    """One question a language for every subject: the sentence and the colour are drawn, the label is the name."""
    random = np.random.default_rng(seed)
    questions = []
    for subject in subjects:
        for language in ("en", "zh"):
            template = str(random.choice(EVALUATION[language]))
            color = COLORS[int(random.integers(len(COLORS)))]
            word = color.en[0] if language == "en" else color.zh[0]
            prompt = template.format(name=subject.words[language][0].lower(), color=word)
            questions.append(
                Question(frozenset({subject.label.lower()}), word if "{color}" in template else None, prompt)
            )
    return questions


class References:
    """Every labelled picture at 48², ready to be composed on any colour."""

    def __init__(self, folder: Path, subjects: Sequence[Subject]) -> None:
        pictures = load_pictures(folder, COMPARED)
        self.labels = [subject.label.lower() for subject in subjects]
        device = "cuda" if torch.cuda.is_available() else "cpu"
        self._rgba = torch.from_numpy(np.stack([pictures[subject.hexcode] for subject in subjects])).to(device).float()

    def nearest(self, picture: np.ndarray, background: np.ndarray, count: int = 5) -> list[str]:
        """The labels of the nearest references, nearest first, by mean squared difference."""
        rgba = self._rgba
        seen, behind = (torch.from_numpy(np.asarray(part, dtype=np.float32)).to(rgba) for part in (picture, background))
        distance = (rgba[..., :3] + (1 - rgba[..., 3:] / 255) * behind - seen).square().mean(dim=(1, 2, 3))
        return [self.labels[i] for i in distance.topk(count, largest=False).indices.tolist()]

    def mean(self) -> np.ndarray:
        """What a model that knows nothing would best paint."""
        white: np.ndarray = (self._rgba[..., :3] + 255 - self._rgba[..., 3:]).mean(dim=0).cpu().numpy()
        return white


def border(picture: np.ndarray) -> np.ndarray:
    """The colour behind: the median of the outermost pixels, of which a subject covers few."""
    edge = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    return np.asarray(np.median(edge, axis=0))


def judge(
    pictures: Iterable[np.ndarray], questions: Sequence[Question], references: References
) -> dict[str, dict[str, float]]:
    """top1, top5 and background, from 0 to 1, with the number of questions; per language and together."""
    words = {word: i for i, color in enumerate(COLORS) for word in (*color.en, *color.zh)}
    palette = np.array([color.rgb for color in COLORS], dtype=float)
    hits: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for picture, question in zip(pictures, questions, strict=True):
        named = words.get(question.background) if question.background else None
        seen = border(picture)
        found = references.nearest(picture, seen if named is None else palette[named])
        for group in ("all", question.language):
            hits[group]["top1"].append(found[0] in question.labels)
            hits[group]["top5"].append(any(label in question.labels for label in found))
            if named is not None:
                hits[group]["background"].append(int(np.square(palette - seen).sum(axis=1).argmin()) == named)
    return {
        group: {name: float(np.mean(values)) for name, values in each.items()} | {"questions": len(each["top1"])}
        for group, each in hits.items()
    }


@torch.no_grad()
def through_autoencoder(pipeline: Any, folder: Path, subjects: Sequence[Subject]) -> tuple[list[np.ndarray], float]:
    """The subjects' own pictures on white, encoded and decoded: what a perfect UNet would reach, at 48²; and in dB.

    The dB are those of the pictures that the autoencoder's training left out.
    """
    from engine.tiny import autoencoder

    stored = load_pictures(folder)
    white = compose(np.stack([stored[subject.hexcode] for subject in subjects]), np.full((len(subjects), 3), 255))
    vae = pipeline.vae
    pictures = []
    for chunk in autoencoder.to_tensor(white).split(32):
        decoded = vae.decode(vae.encode(chunk.to(vae.device)).latent_dist.mode()).sample
        images = pipeline.image_processor.postprocess(decoded, output_type="pil")
        pictures += [shrunk(image) for image in images]
    return pictures, autoencoder.psnr(vae, autoencoder.held_out_batch(stored))


def shrunk(image: Image.Image) -> np.ndarray:
    """48², float 0 to 255."""
    resampling = Image.Resampling.BOX if image.width % COMPARED == 0 else Image.Resampling.LANCZOS
    return np.asarray(image.resize((COMPARED, COMPARED), resampling), dtype=np.float32)


def paint(pipeline: Any, prompts: Sequence[str], steps: int, cfg: float) -> list[np.ndarray]:
    """48² pictures, float 0 to 255, each from a seed of its own."""
    pictures: list[np.ndarray] = []
    batch = 256 if pipeline.device.type == "cuda" else 32
    for start in range(0, len(prompts), batch):
        chunk = list(prompts[start : start + batch])
        seeds = [torch.Generator().manual_seed(start + i) for i in range(len(chunk))]
        made = pipeline(chunk, num_inference_steps=steps, guidance_scale=cfg, generator=seeds, output_type="pil")
        pictures += [shrunk(image) for image in made.images]
    return pictures


def open_pipeline(folder: Path, random_weights: bool = False) -> Any:
    pipeline = StableDiffusionPipeline.from_pretrained(
        folder, dtype=torch.float32, safety_checker=None, local_files_only=True
    )
    pipeline.scheduler = DDIMScheduler.from_config(pipeline.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    if random_weights:
        pipeline.unet = type(pipeline.unet).from_config(pipeline.unet.config)
    return pipeline.to("cuda" if torch.cuda.is_available() else "cpu")


def report(title: str, figures: dict[str, dict[str, float]]) -> None:
    for group, values in figures.items():
        line = "  ".join(f"{name} {value:.3f}" for name, value in values.items() if name != "questions")
        print(f"{title:32s} {group:4s} {line}  ({values['questions']:.0f} questions)", flush=True)


def main(
    data: Annotated[Path, typer.Option(help="Folder with the two packages, as npm packs them.")],
    model: Annotated[Path, typer.Option(help="The saved pipeline.")] = Path("engine/tiny/model"),
    prompts: Annotated[Path | None, typer.Option(help="Lines of label<TAB>background or nothing<TAB>prompt.")] = None,
    json_out: Annotated[Path | None, typer.Option("--json", help="Write the figures here, too.")] = None,
    steps: int = DEFAULTS.num_inference_steps,
    cfg: float = DEFAULTS.guidance_scale,
    limit: Annotated[int | None, typer.Option(help="Only so many concrete subjects, evenly spread.")] = None,
    everything: Annotated[bool, typer.Option(help="All labels too, people and signs included.")] = False,
    sweep: Annotated[bool, typer.Option(help="Try guidance and steps on some of the questions.")] = False,
) -> None:
    """Measures the embedded model."""
    subjects = load_subjects(data, load_pictures(data).keys())
    references = References(data, subjects)
    concrete = [subject for subject in subjects if subject.concrete]
    if limit:
        concrete = concrete[:: max(1, len(concrete) // limit)]
    sets = {"concrete": questions_from(prompts) if prompts else questions_about(concrete)}
    if everything:
        sets["all labels"] = questions_about(subjects)
    pipeline = open_pipeline(model)
    result: dict[str, Any] = {"steps": steps, "cfg": cfg}
    for name, questions in sets.items():
        texts = [question.prompt for question in questions]
        result[name] = judge(paint(pipeline, texts, steps, cfg), questions, references)
        report(name, result[name])
    decoded, decibels = through_autoencoder(pipeline, data, concrete)
    perfect = [Question(frozenset({subject.label.lower()}), None, subject.label) for subject in concrete]
    result["autoencoder"] = judge(decoded, perfect, references)
    result["autoencoder"]["held out"] = {"dB": decibels}
    report("autoencoder", {"all": result["autoencoder"]["all"]})
    print(f"{'autoencoder':32s} held out pictures {decibels:.1f} dB", flush=True)
    questions = sets["concrete"][:200]
    texts = [question.prompt for question in questions]
    result["random weights"] = judge(
        paint(open_pipeline(model, random_weights=True), texts, steps, cfg), questions, references
    )
    report("random weights", result["random weights"])
    result["mean picture"] = judge([references.mean()] * len(questions), questions, references)
    report("mean picture", result["mean picture"])
    if sweep:
        result["sweep"] = {}
        for tried_steps in (1, 4, 8, 12, 20, 30, 50):
            for tried_cfg in (1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0):
                name = f"{tried_steps} steps, cfg {tried_cfg:g}"
                result["sweep"][name] = judge(paint(pipeline, texts, tried_steps, tried_cfg), questions, references)
                report(name, {"all": result["sweep"][name]["all"]})
    if json_out:
        json_out.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
