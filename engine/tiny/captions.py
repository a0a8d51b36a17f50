"""Endless captions as people write them, in English and Chinese, each with what it asks for.

The first noun is the subject; whatever follows (scenery, a second thing, quality words, words nobody knows) must
not change it, unless the two are joined by "and". A colour counts as the background's only where the caption says
background.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from engine.tiny.chinese import Chinese
from engine.tiny.colors import COLORS
from engine.tiny.data import Subject
from engine.tiny.english import English
from engine.tiny.names import names_by_subject
from engine.tiny.vocabulary import Vocabulary

NO_COLOR = len(COLORS)
"""The background's class where the caption names none."""

CHINESE = 0.5
"""Share of captions in Chinese."""

PAIRS = 0.1
"""Share of captions that ask for two subjects beside each other."""


@dataclass(frozen=True, slots=True)
class Caption:
    """`subject` indexes the subjects, `color` the colours; NO_COLOR where the caption names none.

    `second` stands to the right of the subject; it is the number of subjects where there is only one.
    """

    text: str
    subject: int
    second: int
    color: int


class Captioner:
    """Writes captions. The same seed writes the same ones."""

    def __init__(self, subjects: Sequence[Subject], seed: int, vocabulary: Vocabulary | None = None) -> None:
        self._random = random.Random(seed)
        self._alone = len(subjects)
        self._concrete = [i for i, subject in enumerate(subjects) if subject.concrete]
        self._emoji = ["".join(chr(int(part, 16)) for part in subject.hexcode.split("-")) for subject in subjects]
        self.names_en = names_by_subject(subjects, "en", vocabulary.no_names_en if vocabulary else ())
        self.names_zh = names_by_subject(subjects, "zh", vocabulary.no_names_zh if vocabulary else ())
        short_en = [s.label.lower() for s in subjects if s.concrete and len(s.label) < 16]
        short_zh = [s.words["zh"][0] for s in subjects if s.concrete and len(s.words["zh"][0]) < 6]
        names = [name for each in (*self.names_en, *self.names_zh) for name in each]
        around = vocabulary.without(names) if vocabulary else None
        # Right before a name even a name is none: "an orange cat".
        self._english = English(self._random, short_en, around, vocabulary.adjectives_en if vocabulary else ())
        self._chinese = Chinese(self._random, short_zh, around, vocabulary.adjectives_zh if vocabulary else ())

    def write(self, subject: int, color: int | None = None, *, pairs: bool = True) -> Caption:
        """A caption of that subject; `color` None lets chance decide whether a background is named."""
        roll = self._random.random
        if color is None:
            color = self._random.randrange(len(COLORS)) if roll() < 0.5 else NO_COLOR
        second = self._random.choice(self._concrete) if pairs and self._concrete and roll() < PAIRS else self._alone
        chinese = roll() < CHINESE
        names = self.names_zh if chinese else self.names_en
        writer = self._chinese if chinese else self._english
        name = self._emoji[subject] if roll() < 0.02 else self._name(names[subject])
        if second != self._alone:
            name = writer.joined(name, self._name(names[second]))
        text = writer.write(name, COLORS[color] if color != NO_COLOR else None)
        return Caption(text, subject, second, color)

    def _name(self, names: Sequence[str]) -> str:
        """The label half of the time, one of the other names otherwise."""
        if len(names) == 1 or self._random.random() < 0.5:
            return names[0]
        return self._random.choice(names[1:])
