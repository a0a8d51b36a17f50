"""The tokenizer: byte-level BPE as CLIP's, learned from captions, with one token for every Chinese character.

Plain BPE glues the particle before a Chinese name to the name's first character, because there are no spaces, and then
the same name has as many spellings as it has neighbours. So merges across characters are not learned at all.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, trainers
from tokenizers.pre_tokenizers import ByteLevel
from transformers import CLIPTokenizer

TOKENS = 64
"""Longest prompt, start and end included."""

ENGLISH = 3600
"""Entries for English pieces, single bytes included."""

END = "</w>"
"""CLIP's mark of a word's last piece."""


def train_tokenizer(texts: Iterable[str], names: Iterable[str], folder: Path) -> CLIPTokenizer:
    """Learns from texts, in which names count most, and saves the files that every CLIP tokenizer reads."""
    texts, names = list(texts), list(names)
    tokenizer: Tokenizer = CLIPTokenizer().backend_tokenizer
    trainer = trainers.BpeTrainer(
        vocab_size=ENGLISH,
        special_tokens=["<|startoftext|>", "<|endoftext|>"],
        end_of_word_suffix=END,
        initial_alphabet=sorted(ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator([text for text in [*texts, *names * 30] if text.isascii()], trainer)
    model: dict[str, Any] = json.loads(tokenizer.to_str())["model"]
    vocab: dict[str, int] = model["vocab"]
    merges = [tuple(merge) for merge in model["merges"]]
    # CLIP's own BPE knows each byte inside a word and at its end; the trainer leaves out those it did not meet.
    for byte in sorted(ByteLevel.alphabet()):
        vocab.setdefault(byte + END, len(vocab))
    counts = Counter(sign for text in texts for sign in text if is_chinese(sign))
    wanted = [sign for sign, count in counts.most_common() if count > 40]
    for sign in dict.fromkeys(
        [*"，。、：！？", *(sign for name in names for sign in name if is_chinese(sign)), *wanted]
    ):
        for merge in character_merges(sign):
            if (made := "".join(merge)) not in vocab:
                vocab[made] = len(vocab)
                merges.append(merge)
    made_tokenizer = CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=TOKENS)
    made_tokenizer.save_pretrained(folder)
    return made_tokenizer


def is_chinese(sign: str) -> bool:
    return "\u4e00" <= sign <= "\u9fff"


def character_merges(sign: str) -> list[tuple[str, str]]:
    """What makes one token of a character's three bytes, inside a run of characters and at its end."""
    first, second, third = (_BYTES[byte] for byte in sign.encode())
    return [(first, second), (first + second, third), (first + second, third + END)]


def tokenize(tokenizer: CLIPTokenizer, texts: list[str]) -> torch.Tensor:
    """Ids (n, TOKENS): cut at the end, padded with the end token, as the pipeline does."""
    ids = tokenizer(texts, padding="max_length", max_length=TOKENS, truncation=True, return_tensors="pt").input_ids
    return torch.as_tensor(ids)


def _byte_signs() -> dict[int, str]:
    """Byte-level BPE's sign for each byte: itself where it can be printed, else one from 256 on, in order."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = (byte for byte in range(256) if byte not in printable)
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + i) for i, byte in enumerate(others)}


_BYTES = _byte_signs()
