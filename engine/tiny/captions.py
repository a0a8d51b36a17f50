"""Endless captions as people write them, in English and Chinese, each with what it asks for.

The first noun is the subject; whatever follows (scenery, a second thing, quality words, words nobody knows) must
not change it. A colour counts as the background's only where the caption says background.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from engine.tiny.colors import COLORS
from engine.tiny.data import Subject
from engine.tiny.words import ALIASES_EN, ALIASES_ZH, EN, ZH

NO_COLOR = len(COLORS)
"""The background's class where the caption names none."""


@dataclass(frozen=True, slots=True)
class Caption:
    """`subject` indexes the subjects, `color` the colours; NO_COLOR where the caption names none."""

    text: str
    subject: int
    color: int


class Captioner:
    """Writes captions. The same seed writes the same ones."""

    def __init__(self, subjects: Sequence[Subject], seed: int) -> None:
        self._random = random.Random(seed)
        self._subjects = subjects
        self.names_en = names_by_subject(subjects, "en")
        self.names_zh = names_by_subject(subjects, "zh")
        self._others_en = [name for s in subjects if s.concrete and len(name := s.label.lower()) < 16]
        self._others_zh = [s.words["zh"][0] for s in subjects if s.concrete and len(s.words["zh"][0]) < 6]

    def write(self, subject: int, color: int | None = None) -> Caption:
        """A caption of that subject; `color` None lets chance decide whether a background is named."""
        if color is None:
            color = self._random.randrange(len(COLORS)) if self._random.random() < 0.5 else NO_COLOR
        text = self._chinese(subject, color) if self._random.random() < 0.4 else self._english(subject, color)
        return Caption(text, subject, color)

    def _some(self, words: Sequence[str], chances: Sequence[float]) -> list[str]:
        """As many different words as chances hold, one after the other."""
        count = 0
        for chance in chances:
            if self._random.random() >= chance:
                break
            count += 1
        return self._random.sample(list(words), count)

    def _english(self, subject: int, color: int) -> str:
        pick, roll = self._random.choice, self._random.random
        name = self._name(self.names_en[subject])
        if roll() < 0.03:
            name = _slip(name, self._random)
        adjectives = [a.format(color=pick(pick(COLORS).en)) for a in self._some(EN["adjectives"], (0.35, 0.2, 0.2))]
        words = " ".join([*adjectives, name])
        if roll() < 0.6:
            words = f"{pick(EN['articles'])} {words}"
        if roll() < 0.3:
            words = f"{pick(EN['openings'])} {words}"
        for scene in self._some(EN["scenes"], (0.4, 0.25)):
            words += " " + self._fill(scene)
        words += "".join(f", {tail}" for tail in self._tails())
        if color != NO_COLOR:
            hue = pick(COLORS[color].en)
            words = (
                pick(EN["backgrounds"]).format(words=words, color=hue) if roll() < 0.85 else f"{words} {hue} background"
            )
            words += "".join(f", {tail}" for tail in self._some(EN["qualities"], (0.15, 0.3)))
        if roll() < 0.08:
            words = words[0].upper() + words[1:] + pick((".", "!", ""))
        return words

    def _tails(self) -> list[str]:
        tails = self._some(EN["qualities"], (0.3, 0.5, 0.5, 0.4))
        if self._random.random() < 0.06:
            tails.append(_unknown_word(self._random))
        if self._random.random() < 0.05:
            tails.append(f"in the style of {_unknown_word(self._random)}")
        return tails

    def _fill(self, scene: str) -> str:
        pick = self._random.choice
        return scene.format(
            other=pick(self._others_en),
            color=pick(pick(COLORS).en),
            place=pick(EN["places"]),
            word=_unknown_word(self._random),
        )

    def _chinese(self, subject: int, color: int) -> str:
        pick, roll = self._random.choice, self._random.random
        words = self._name(self.names_zh[subject])
        for adjective in self._some(ZH["adjectives"], (0.35, 0.2)):
            words = f"{adjective}{pick(('的', '的', ''))}{words}"
        if roll() < 0.5:
            words = pick(ZH["measures"]) + words
        if roll() < 0.15:
            words = pick(ZH["openings"]) + words
        for scene in self._some(ZH["scenes"], (0.35, 0.15)):
            words += pick(("，", "", ",")) + scene.format(other=pick(self._others_zh), color=pick(pick(COLORS).zh))
        for tail in self._some(ZH["qualities"], (0.35, 0.5, 0.4)):
            words += pick(("，", ",", "、", " ")) + tail
        if color != NO_COLOR:
            words = pick(ZH["backgrounds"]).format(words=words, color=pick(COLORS[color].zh))
        return words

    def _name(self, names: Sequence[str]) -> str:
        """The label half of the time, one of the other names otherwise."""
        if len(names) == 1 or self._random.random() < 0.5:
            return names[0]
        return self._random.choice(names[1:])


def names_by_subject(subjects: Sequence[Subject], language: str) -> list[tuple[str, ...]]:
    """For each subject its label, then every other word that means it and nothing else.

    A tag belongs to the subject whose label it is; else to the only concrete subject that has it; else, when it ends
    the label of some ("apple" in "red apple"), to the first of those.
    """
    scripts = ("zh", "zh-hant") if language == "zh" else (language,)
    aliases = ALIASES_ZH if language == "zh" else ALIASES_EN
    names: list[list[str]] = [[] for _ in subjects]
    taken: set[str] = set()
    by_label = {subject.label.lower(): i for i, subject in enumerate(subjects)}
    for i, subject in enumerate(subjects):
        for script in scripts:
            label = subject.words.get(script, subject.words[language])[0].lower()
            if label not in taken:
                names[i].append(label)
                taken.add(label)
    for label, words in aliases.items():
        if label not in by_label:
            raise ValueError(f"no subject is called {label!r}")
        names[by_label[label]] += [word for word in words if word not in taken]
        taken |= set(words)
    owners: dict[str, list[int]] = defaultdict(list)
    for i, subject in enumerate(subjects):
        if subject.concrete:
            for script in scripts:
                for tag in subject.words.get(script, ())[1:]:
                    if tag.lower() not in taken and i not in owners[tag.lower()]:
                        owners[tag.lower()].append(i)
    for tag, found in owners.items():
        endings = [
            i
            for i in found
            if any(subjects[i].words[s][0].lower().endswith(tag) for s in scripts if s in subjects[i].words)
        ]
        if len(found) == 1 or endings:
            names[(endings or found)[0]].append(tag)
    return [tuple(dict.fromkeys(each)) or (subjects[i].label.lower(),) for i, each in enumerate(names)]


def _slip(word: str, random: random.Random) -> str:
    """The word with two neighbouring letters swapped, or one missing."""
    if len(word) < 5:
        return word
    i = random.randrange(1, len(word) - 2)
    return word[:i] + word[i + 1] + word[i] + word[i + 2 :] if random.random() < 0.5 else word[:i] + word[i + 1 :]


def _unknown_word(random: random.Random) -> str:
    """A word that no language has, so that names and new words do no harm."""
    syllables = [
        random.choice("bcdfghjklmnprstvwz") + random.choice(("a", "e", "i", "o", "u", "ar", "en", "is", "on"))
        for _ in range(random.randint(1, 4))
    ]
    return "".join(syllables) + random.choice(("", "", "s", "x", "ing", "ed"))
