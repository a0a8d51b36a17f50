"""Stage two: words. A BPE tokenizer and a CLIP text model that already knows what each caption asks for.

Trained apart from the UNet, and first: the states at the end of the prompt must tell the subject, its coarse looks and
the background. Then the UNet meets a condition that says the same thing however it was worded, and needs no language.
"""

from __future__ import annotations

import json
import random
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer, trainers
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from engine.tiny.captions import NO_COLOR, Captioner
from engine.tiny.colors import COLORS
from engine.tiny.data import Subject
from engine.tiny.progress import Journal, checkpoint, cosine, restore

TOKENS = 48
"""Longest prompt, start and end included."""

VOCABULARY = 8192
WIDTH = 192
LOOKS = 96
"""How many principal components of a picture the states must tell."""


def train_tokenizer(captioner: Captioner, count: int, folder: Path) -> CLIPTokenizer:
    """Byte-level BPE over captions, in the files every CLIP tokenizer reads."""
    blank = CLIPTokenizer()
    tokenizer: Tokenizer = blank.backend_tokenizer
    start, end = "<|startoftext|>", "<|endoftext|>"
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[start, end],
        end_of_word_suffix="</w>",
        initial_alphabet=_byte_alphabet(),
        show_progress=False,
    )
    texts = [captioner.write(i % count).text for i in range(60_000)]
    texts += [name for table in (captioner.names_en, captioner.names_zh) for names in table for name in names] * 3
    tokenizer.train_from_iterator(texts, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    vocab: dict[str, int] = model["vocab"]
    # CLIP's own BPE knows each byte inside a word and at its end; the trainer leaves out those it did not meet.
    for byte in _byte_alphabet():
        vocab.setdefault(byte + "</w>", len(vocab))
    made = CLIPTokenizer(vocab=vocab, merges=[tuple(merge) for merge in model["merges"]], model_max_length=TOKENS)
    made.save_pretrained(folder)
    return made


def _byte_alphabet() -> list[str]:
    from tokenizers.pre_tokenizers import ByteLevel

    return sorted(ByteLevel.alphabet())


def build(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=WIDTH,
            intermediate_size=4 * WIDTH,
            projection_dim=WIDTH,
            num_hidden_layers=3,
            num_attention_heads=4,
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
        self.color = torch.nn.Linear(WIDTH, NO_COLOR + 1)
        self.looks = torch.nn.Linear(WIDTH, LOOKS)


def looks_of(pictures: np.ndarray) -> torch.Tensor:
    """Principal components of premultiplied pictures (n, 64, 64, 4) shrunk to 16²: (n, LOOKS), of unit variance."""
    small = (
        pictures.reshape(len(pictures), 16, 4, 16, 4, 4).mean(axis=(2, 4), dtype=np.float32).reshape(len(pictures), -1)
    )
    small = torch.from_numpy(small / 255)
    small = small - small.mean(dim=0)
    _, _, directions = torch.linalg.svd(small, full_matrices=False)
    looks = small @ directions[:LOOKS].T
    return looks / looks.std()


def tokenize(tokenizer: CLIPTokenizer, texts: list[str], length: int = TOKENS) -> torch.Tensor:
    """Ids, (n, length): cut at the end, padded with the end token, as the pipeline does."""
    ids = tokenizer(texts, padding="max_length", max_length=length, truncation=True, return_tensors="pt").input_ids
    return torch.as_tensor(ids)


def sampling_weights(subjects: list[Subject]) -> np.ndarray:
    """How often training meets each subject: things before signs, signs before the many variants of people."""
    weights = np.array([3.0 if s.concrete else 0.6 if s.gendered else 1.2 for s in subjects])
    return weights / weights.sum()


def train(
    subjects: list[Subject], pictures: np.ndarray, out: Path, minutes: float, device: str, batch: int = 192
) -> None:
    """Trains for `minutes`; goes on from the checkpoint in `out`, if any."""
    torch.manual_seed(0)
    captioner = Captioner(subjects, seed=0)
    folder = out / "tokenizer"
    if not (folder / "tokenizer.json").is_file():
        train_tokenizer(captioner, len(subjects), folder)
    tokenizer = CLIPTokenizer.from_pretrained(folder)
    model: Any = build(tokenizer).to(device)
    heads = Heads(len(subjects)).to(device)
    parameters = [*model.parameters(), *heads.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    state = restore(out / "text.pt", model=model, heads=heads)
    step = first = int(state.get("step", 0))
    captioner = Captioner(subjects, seed=1000 + step)
    random_ = np.random.default_rng(step)
    weights = sampling_weights(subjects)
    looks = looks_of(pictures).to(device)
    journal = Journal(out / "text.log")
    start = saved = time.monotonic()
    while (done := (time.monotonic() - start) / (60 * minutes)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = 1.5e-3 * cosine(done) * min(1, (step - first + 1) / 100)
        captions = [captioner.write(int(i)) for i in random_.choice(len(subjects), size=batch, p=weights)]
        ids = tokenize(tokenizer, [caption.text for caption in captions])
        # Only as long as needed, and a few pads: they must tell the same as the end of the prompt.
        ends = (ids == tokenizer.eos_token_id).int().argmax(dim=1)
        ids = ids[:, : min(TOKENS, int(ends.max()) + random.randint(1, 6))].to(device)
        subject = torch.tensor([caption.subject for caption in captions], device=device)
        color = torch.tensor([caption.color for caption in captions], device=device)
        with torch.autocast(device, torch.bfloat16):
            states = model(ids).last_hidden_state
            rows = torch.arange(batch, device=device)
            after = ends + (torch.rand(batch) * (ids.shape[1] - ends)).long()
            loss = torch.zeros((), device=device)
            for position in (ends, after):
                told = states[rows, position.to(device)]
                loss = loss + F.cross_entropy(heads.subject(told).float(), subject, label_smoothing=0.05)
                loss = loss + 0.5 * F.cross_entropy(heads.color(told).float(), color)
                loss = loss + F.mse_loss(heads.looks(told).float(), looks[subject])
        right = (heads.subject(told.float()).argmax(dim=1) == subject).float().mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        step += 1
        journal.note(step, done, loss=loss.item(), right=right.item())
        if time.monotonic() - saved > 120:
            saved = time.monotonic()
            checkpoint(out / "text.pt", step=step, model=model, heads=heads)
    checkpoint(out / "text.pt", step=step, model=model, heads=heads)
    told_apart(model, heads, tokenizer, subjects, journal)


def anchor(subjects: list[Subject], out: Path, minutes: float, device: str, batch: int = 128) -> None:
    """Goes on learning wordings, with the states after a prompt held to what the first model said of the plain caption.

    A UNet trained on the first model's states can so be used with the new one. The first stays as text-anchor.pt; the
    new one is text.pt only when the time is over, and text-wide.pt before.
    """
    first, wide = out / "text-anchor.pt", out / "text-wide.pt"
    tokenizer = CLIPTokenizer.from_pretrained(out / "tokenizer")
    teacher: Any = build(tokenizer)
    model: Any = build(tokenizer)
    heads = Heads(len(subjects))
    if not first.is_file():
        shutil.copyfile(out / "text.pt", first)
    restore(first, model=teacher, heads=heads)
    state = restore(wide, model=model) or restore(first, model=model)
    teacher.to(device).eval().requires_grad_(False)
    heads.to(device).requires_grad_(False)
    model.to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    step = begun = int(state["step"])
    captioner, random_ = Captioner(subjects, seed=9000 + step), np.random.default_rng(step)
    weights = sampling_weights(subjects)
    told: dict[tuple[int, int], torch.Tensor] = {}
    journal = Journal(out / "text.log")
    rows, places = torch.arange(batch, device=device), torch.arange(TOKENS, device=device)
    start = saved = time.monotonic()
    while (done := (time.monotonic() - start) / (60 * minutes)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = 1e-3 * cosine(done) * min(1, (step - begun + 1) / 50)
        captions = [captioner.write(int(i)) for i in random_.choice(len(subjects), size=batch, p=weights)]
        wanted = [(caption.subject, caption.color) for caption in captions]
        ids = tokenize(tokenizer, [caption.text for caption in captions]).to(device)
        ends = (ids == tokenizer.eos_token_id).int().argmax(dim=1)
        with torch.autocast(device, torch.bfloat16):
            if new := [pair for pair in dict.fromkeys(wanted) if pair not in told]:
                with torch.no_grad():
                    plain = tokenize(tokenizer, [captioner.plain(*pair) for pair in new]).to(device)
                    told |= dict(zip(new, teacher(plain).last_hidden_state.bfloat16(), strict=True))
            states = model(ids).last_hidden_state
            target = torch.stack([told[pair] for pair in wanted])
            after = (places >= ends[:, None]).float()[..., None]
            apart = ((states.float() - target.float()).square() * after).sum() / (after.sum() * target.float().var())
            apart = apart / WIDTH
            loss = 4 * apart
            later = ends + (torch.rand(batch, device=device) * (TOKENS - ends)).long()
            subject = torch.tensor([pair[0] for pair in wanted], device=device)
            color = torch.tensor([pair[1] for pair in wanted], device=device)
            for position in (ends, later):
                said = states[rows, position]
                loss = loss + 0.5 * F.cross_entropy(heads.subject(said).float(), subject)
                loss = loss + 0.25 * F.cross_entropy(heads.color(said).float(), color)
        right = (heads.subject(said.float()).argmax(dim=1) == subject).float().mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        journal.note(step, done, loss=loss.item(), apart=apart.item(), right=right.item())
        if time.monotonic() - saved > 120:
            saved = time.monotonic()
            checkpoint(wide, step=step, model=model, heads=heads)
    checkpoint(wide, step=step, model=model, heads=heads)
    shutil.copyfile(wide, out / "text.pt")
    told_apart(model, heads, tokenizer, subjects, journal)


@torch.no_grad()
def told_apart(model: Any, heads: Heads, tokenizer: CLIPTokenizer, subjects: list[Subject], journal: Journal) -> None:
    """Says how many of fresh captions are understood, per language."""
    captioner = Captioner(subjects, seed=7)
    concrete = [i for i, subject in enumerate(subjects) if subject.concrete]
    captions = [captioner.write(i) for i in concrete]
    states = torch.cat(
        [
            model(tokenize(tokenizer, [c.text for c in captions[i : i + 64]])).last_hidden_state[:, -1]
            for i in range(0, len(captions), 64)
        ]
    )
    subject = heads.subject(states).argmax(dim=1).tolist()
    color = heads.color(states).argmax(dim=1).tolist()
    for name, chosen in (
        ("en", [c.text.isascii() for c in captions]),
        ("zh", [not c.text.isascii() for c in captions]),
    ):
        rows = [i for i, yes in enumerate(chosen) if yes]
        right = sum(subject[i] == captions[i].subject for i in rows) / len(rows)
        backgrounds = sum(color[i] == captions[i].color for i in rows) / len(rows)
        journal.say(0, 1.0, **{f"subject_{name}": right, f"background_{name}": backgrounds})


assert len(COLORS) == NO_COLOR
