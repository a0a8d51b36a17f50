"""What the writers of captions share: how tidy a caption is, and drawing words."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Sequence

from engine.tiny.colors import Color
from engine.tiny.vocabulary import Vocabulary


class Writer(ABC):
    """Writes one caption around a name. `others` are names of other subjects, which are only near it.

    `adjectives` stand right before the name, and may be names themselves.
    """

    def __init__(
        self,
        random: random.Random,
        others: Sequence[str],
        vocabulary: Vocabulary | None,
        adjectives: Sequence[str] = (),
    ) -> None:
        self._random = random
        self._others = others
        self._words = vocabulary
        self._adjectives = adjectives

    def write(self, name: str, color: Color | None) -> str:
        """`color` is the background's; None asks for none."""
        form = self._random.random()
        if form < 0.3:
            return self._tidy(name, color)
        if form < 0.6 or self._words is None:
            return self._loose(name, color)
        return self._free(name, self._words, color)

    @abstractmethod
    def joined(self, name: str, second: str) -> str:
        """Two names that ask for two subjects."""

    @abstractmethod
    def _tidy(self, name: str, color: Color | None) -> str:
        """As people write who know what they want."""

    @abstractmethod
    def _loose(self, name: str, color: Color | None) -> str:
        """The name among words that have nothing to do with it: only where it stands tells that it is the subject."""

    @abstractmethod
    def _free(self, name: str, vocabulary: Vocabulary, color: Color | None) -> str:
        """Any common words before and after: whatever they are, the one known name is the subject."""

    def _some(self, words: Sequence[str], chances: Sequence[float]) -> list[str]:
        """As many different words as chances hold, one after the other."""
        count = 0
        for chance in chances:
            if self._random.random() >= chance:
                break
            count += 1
        return self._random.sample(list(words), count)
