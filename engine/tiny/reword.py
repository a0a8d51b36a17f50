"""The text model goes on alone: it learns more wordings, and says of them what the UNet already understands.

Whatever a caption's words are, its states shall be those that the model of the text stage has for the plainest wording
of the same thing. So the UNet, which has learned that model's states, needs no training.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from engine.tiny import unet
from engine.tiny.colors import COLORS
from engine.tiny.data import Subject
from engine.tiny.progress import Journal, checkpoint, cosine, restore
from engine.tiny.stream import Batch, captions
from engine.tiny.text import build
from engine.tiny.tokens import TOKENS, tokenize
from engine.tiny.vocabulary import Vocabulary

EMPTY = 0.05
"""Share of captions without words: what guidance starts from must stay what it was."""

WORDS_WEIGHT = 0.3
"""Of the states at the words themselves, to which the UNet listens, too. They stay near what they were; those of a
misread caption say what is meant as early as the words before tell, or the UNet would be told two things at once."""

UNDERSTOOD = 0.1
"""How far, in the mean square, the end of a caption may be from the plainest wording's for having been understood."""

SHORT = 36
"""Tokens that three steps in four look at, since most captions end before."""


def plain(subjects: Sequence[Subject], asked: Batch) -> list[str]:
    """The plainest wording of each: "a cat and a dog on a red background"."""
    texts = []
    for subject, second, color in zip(*(part.tolist() for part in asked[1:]), strict=True):
        text = f"a {subjects[subject].label.lower()}"
        if second < len(subjects):
            text += f" and a {subjects[second].label.lower()}"
        if color < len(COLORS):
            text += f" on a {COLORS[color].en[0]} background"
        texts.append(text)
    return texts


def train(subjects: list[Subject], vocabulary: Vocabulary, out: Path, minutes: float, device: str, batch: int) -> None:
    """Trains for `minutes`; goes on from the checkpoint in `out`. `text-taught.pt` there is the model to agree with."""
    taught = out / "text-taught.pt"
    if not taught.is_file():
        shutil.copyfile(out / "text.pt", taught)
    _, tokenizer, model = unet.earlier_stages(out, device)
    model.train().requires_grad_(True)
    teacher: Any = build(tokenizer).to(device).eval().requires_grad_(False)
    restore(taught, model=teacher)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    step = first = int(restore(out / "text.pt").get("step", 0))
    journal = Journal(out / "reword.log")
    start = saved = time.monotonic()
    for asked in captions(subjects, vocabulary, tokenizer, batch, step + 9000, device, empty=EMPTY):
        done = (time.monotonic() - start) / (60 * minutes)
        if done >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = 8e-4 * cosine(done) * min(1, (step - first + 1) / 30)
        seen = TOKENS if step % 4 == 0 else SHORT
        written = asked.ids[:, :seen]
        silent = written[:, 1:2] == tokenizer.eos_token_id
        plainest = tokenize(tokenizer, plain(subjects, asked))[:, :seen].to(device)
        plainest = torch.where(silent, written, plainest)
        with torch.autocast(device, torch.bfloat16):
            with torch.no_grad():
                meant, said = (teacher(ids).last_hidden_state.float() for ids in (plainest, written))
            states = model(written).last_hidden_state.float()
        words = (written != tokenizer.eos_token_id).float()  # every pad is an end token, too
        after = (1 - words) * (plainest == tokenizer.eos_token_id)
        understood = (said[:, -1] - meant[:, -1]).square().mean(dim=1, keepdim=True) < UNDERSTOOD
        said = torch.where(understood[..., None], said, meant[:, -1:])
        told = ((states - meant).square().mean(dim=2) * after).sum() / after.sum()
        moved = ((states - said).square().mean(dim=2) * words).sum() / words.sum()
        loss = told + WORDS_WEIGHT * moved
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        journal.note(step, done, every=100 if device == "cuda" else 20, loss=loss.detach(), told=told.detach())
        if time.monotonic() - saved > 120:
            saved = time.monotonic()
            checkpoint(out / "text.pt", step=step, model=model)
    checkpoint(out / "text.pt", step=step, model=model)
