"""Stage two: words. A CLIP text model that already knows what each caption asks for.

Trained apart from the UNet, and first: the states at the end of the prompt must tell the subjects, their coarse looks
and the background. Then the UNet meets a condition that says the same thing however it was worded, and needs no
language.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from engine.tiny.captions import NO_COLOR, Captioner
from engine.tiny.data import Subject
from engine.tiny.progress import Journal, checkpoint, cosine, restore
from engine.tiny.stream import Batch, captions
from engine.tiny.tokens import TOKENS, tokenize, train_tokenizer
from engine.tiny.vocabulary import Vocabulary

WIDTH = 192
LAYERS = 5
LOOKS = 96
"""How many principal components of a picture the states must tell."""


def build(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=WIDTH,
            intermediate_size=4 * WIDTH,
            projection_dim=WIDTH,
            num_hidden_layers=LAYERS,
            num_attention_heads=6,
            max_position_embeddings=TOKENS,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


class Heads(torch.nn.Module):
    """What the states must tell; thrown away after this stage."""

    def __init__(self, subjects: int) -> None:
        super().__init__()
        self.subject = torch.nn.Linear(WIDTH, subjects)
        self.second = torch.nn.Linear(WIDTH, subjects + 1)
        self.color = torch.nn.Linear(WIDTH, NO_COLOR + 1)
        self.looks = torch.nn.Linear(WIDTH, LOOKS)

    def loss(self, state: torch.Tensor, asked: Batch, looks: torch.Tensor) -> torch.Tensor:
        """How far a state (n, WIDTH) is from telling what its caption asked for."""
        return (
            F.cross_entropy(self.subject(state).float(), asked.subjects, label_smoothing=0.05)
            + 0.5 * F.cross_entropy(self.second(state).float(), asked.seconds)
            + 0.5 * F.cross_entropy(self.color(state).float(), asked.colors)
            + F.mse_loss(self.looks(state).float(), looks[asked.subjects])
        )


def looks_of(pictures: np.ndarray) -> torch.Tensor:
    """Principal components of premultiplied pictures (n, S, S, 4) shrunk to 16²: (n, LOOKS), of unit variance."""
    part = pictures.shape[1] // 16
    small = pictures.reshape(len(pictures), 16, part, 16, part, 4).mean(axis=(2, 4), dtype=np.float32)
    flat = torch.from_numpy(small.reshape(len(pictures), -1) / 255)
    flat = flat - flat.mean(dim=0)
    _, _, directions = torch.linalg.svd(flat, full_matrices=False)
    looks = flat @ directions[:LOOKS].T
    return looks / looks.std()


def tokenizer_in(out: Path, subjects: list[Subject], vocabulary: Vocabulary) -> CLIPTokenizer:
    """The tokenizer of this training, learned when it is first asked for."""
    folder = out / "tokenizer"
    if not (folder / "tokenizer.json").is_file():
        captioner = Captioner(subjects, 0, vocabulary)
        names = [name for table in (captioner.names_en, captioner.names_zh) for each in table for name in each]
        texts = [captioner.write(i % len(subjects)).text for i in range(60_000)]
        return train_tokenizer(texts, names, folder)
    tokenizer: CLIPTokenizer = CLIPTokenizer.from_pretrained(folder)
    return tokenizer


def train(
    subjects: list[Subject],
    pictures: np.ndarray,
    vocabulary: Vocabulary,
    out: Path,
    minutes: float,
    device: str,
    batch: int,
) -> None:
    """Trains for `minutes`; goes on from the checkpoint in `out`, if any."""
    torch.manual_seed(0)
    tokenizer = tokenizer_in(out, subjects, vocabulary)
    model: Any = build(tokenizer).to(device)
    heads = Heads(len(subjects)).to(device)
    parameters = [*model.parameters(), *heads.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    state = restore(out / "text.pt", model=model, heads=heads)
    step = first = int(state.get("step", 0))
    looks = looks_of(pictures).to(device)
    rows = torch.arange(batch, device=device)
    journal = Journal(out / "text.log")
    start = saved = time.monotonic()
    for asked in captions(subjects, vocabulary, tokenizer, batch, step + 1, device):
        done = (time.monotonic() - start) / (60 * minutes)
        if done >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = 1.5e-3 * cosine(done) * min(1, (step - first + 1) / 200)
        ends = (asked.ids == tokenizer.eos_token_id).int().argmax(dim=1)
        # The pads must tell the same as the end of the prompt: the UNet listens to all of them.
        later = ends + (torch.rand(batch, device=device) * (TOKENS - ends)).long()
        with torch.autocast(device, torch.bfloat16):
            states = model(asked.ids).last_hidden_state
            loss = heads.loss(states[rows, ends], asked, looks) + heads.loss(states[rows, later], asked, looks)
        right = (heads.subject(states[rows, ends].detach().float()).argmax(dim=1) == asked.subjects).float().mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        step += 1
        journal.note(step, done, every=100 if device == "cuda" else 20, loss=loss.detach(), right=right)
        if time.monotonic() - saved > 120:
            saved = time.monotonic()
            checkpoint(out / "text.pt", step=step, model=model, heads=heads)
    checkpoint(out / "text.pt", step=step, model=model, heads=heads)
    journal.say(step, 1.0, **told_apart(model, heads, tokenizer, subjects, vocabulary))


@torch.no_grad()
def told_apart(
    model: Any, heads: Heads, tokenizer: CLIPTokenizer, subjects: list[Subject], vocabulary: Vocabulary
) -> dict[str, float]:
    """The share of fresh captions of concrete subjects that are understood, per language."""
    device = next(model.parameters()).device
    captioner = Captioner(subjects, 7, vocabulary)
    written = [captioner.write(i, pairs=False) for i, subject in enumerate(subjects) if subject.concrete]
    batches = [[caption.text for caption in written[i : i + 64]] for i in range(0, len(written), 64)]
    states = torch.cat([model(tokenize(tokenizer, texts).to(device)).last_hidden_state[:, -1] for texts in batches])
    subject = heads.subject(states).argmax(dim=1).tolist()
    color = heads.color(states).argmax(dim=1).tolist()
    figures = {}
    for name, english in (("en", True), ("zh", False)):
        rows = [i for i, caption in enumerate(written) if caption.text.isascii() == english]
        figures[f"subject_{name}"] = float(np.mean([subject[i] == written[i].subject for i in rows]))
        figures[f"background_{name}"] = float(np.mean([color[i] == written[i].color for i in rows]))
    return figures
