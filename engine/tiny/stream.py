"""Captions without end, written and tokenized beside the training, on as many cores as the machine has to spare."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info
from transformers import CLIPTokenizer

from engine.tiny.captions import Captioner
from engine.tiny.data import Subject
from engine.tiny.tokens import tokenize
from engine.tiny.vocabulary import Vocabulary


class Batch(NamedTuple):
    """What `n` captions say and ask for."""

    ids: torch.Tensor
    """(n, TOKENS) token ids, padded with the end token."""
    subjects: torch.Tensor
    """(n,)."""
    seconds: torch.Tensor
    """(n,): the number of subjects where there is only one."""
    colors: torch.Tensor
    """(n,): NO_COLOR where the caption names none."""

    def to(self, device: str) -> Batch:
        return Batch(*(part.to(device, non_blocking=True) for part in self))


class _Captions(IterableDataset[Batch]):
    def __init__(
        self,
        subjects: Sequence[Subject],
        vocabulary: Vocabulary,
        tokenizer: CLIPTokenizer,
        batch: int,
        seed: int,
        empty: float,
    ) -> None:
        self._subjects, self._vocabulary, self._tokenizer = subjects, vocabulary, tokenizer
        self._batch, self._seed, self._empty = batch, seed, empty

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        seed = self._seed * 1009 + (worker.id if worker else 0)
        random = np.random.default_rng(seed)
        captioner = Captioner(self._subjects, seed, self._vocabulary)
        weights = sampling_weights(self._subjects)
        while True:
            chosen = random.choice(len(self._subjects), size=self._batch, p=weights)
            captions = [captioner.write(int(subject)) for subject in chosen]
            silent = random.random(self._batch) < self._empty
            texts = ["" if quiet else caption.text for quiet, caption in zip(silent, captions, strict=True)]
            yield Batch(
                tokenize(self._tokenizer, texts),
                torch.tensor([caption.subject for caption in captions]),
                torch.tensor([caption.second for caption in captions]),
                torch.tensor([caption.color for caption in captions]),
            )


def captions(
    subjects: Sequence[Subject],
    vocabulary: Vocabulary,
    tokenizer: CLIPTokenizer,
    batch: int,
    seed: int,
    device: str,
    empty: float = 0.0,
) -> Iterator[Batch]:
    """Batches on the device, never the same; `empty` is the share whose words are left out, for guidance."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    # On a small machine writing captions costs a hundredth of the step: no process of its own is worth it.
    spare = (os.cpu_count() or 1) - 2
    loader = DataLoader(
        _Captions(subjects, vocabulary, tokenizer, batch, seed, empty),
        batch_size=None,
        num_workers=min(12, spare) if spare > 2 else 0,
        prefetch_factor=8 if spare > 2 else None,
        pin_memory=device == "cuda",
    )
    for written in loader:
        yield Batch(*written).to(device)


def sampling_weights(subjects: Sequence[Subject]) -> np.ndarray:
    """How often training meets each subject: things before signs, signs before the many variants of people."""
    weights = np.array([3.0 if s.concrete else 0.5 if s.gendered else 1.0 for s in subjects])
    return weights / weights.sum()
