"""English captions, from the tidy to the rambling."""

from __future__ import annotations

import random

from engine.tiny import fillers
from engine.tiny.colors import COLORS, Color
from engine.tiny.vocabulary import Vocabulary
from engine.tiny.words import EN
from engine.tiny.writer import Writer


class English(Writer):
    """English: other subjects follow the first without asking."""

    def write(self, name: str, color: Color | None) -> str:
        return super().write(slip(name, self._random) if self._random.random() < 0.03 else name, color)

    def joined(self, name: str, second: str) -> str:
        pick, roll = self._random.choice, self._random.random
        link = pick(("and", "and", "and", "and", "&", "together with"))
        kind = f"{pick(EN['adjectives'])} ".format(color=pick(pick(COLORS).en)) if roll() < 0.25 else ""
        return f"{name} {link} {pick(('a ', 'a ', 'the ', 'an ', ''))}{kind}{second}"

    def _tidy(self, name: str, color: Color | None) -> str:
        """ "a photo of a cute cat on a table, high quality, blue background"."""
        pick, roll = self._random.choice, self._random.random
        adjectives = [a.format(color=pick(pick(COLORS).en)) for a in self._some(EN["adjectives"], (0.35, 0.2, 0.2))]
        words = " ".join([*adjectives, name])
        if roll() < 0.6:
            words = f"{pick(EN['articles'])} {words}"
        if roll() < 0.3:
            words = f"{pick(EN['openings'])} {words}"
        for scene in self._some(EN["scenes"], (0.4, 0.25)):
            words += " " + self._fill(scene)
        words += "".join(f", {tail}" for tail in self._tails())
        if color is not None:
            hue = pick(color.en)
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
            tails.append(unknown_word(self._random))
        if self._random.random() < 0.05:
            tails.append(f"in the style of {unknown_word(self._random)}")
        return tails

    def _fill(self, scene: str) -> str:
        pick = self._random.choice
        return scene.format(
            other=pick(self._others),
            color=pick(pick(COLORS).en),
            place=pick(EN["places"]),
            word=unknown_word(self._random),
        )

    def _loose(self, name: str, color: Color | None) -> str:
        pick, roll = self._random.choice, self._random.random
        if roll() < 0.45:
            name = f"{self._kind()} {name}"
        words = self._led(name) + "".join(f" {self._clause()}" for _ in range(pick((0, 0, 1, 1, 1, 2, 3))))
        if (framed := roll()) < 0.35:
            words = pick(fillers.FRAMES_EN).format(x=words)
        elif framed < 0.65:
            words = pick(fillers.IN_MEDIA_EN).format(x=words, medium=pick(fillers.MEDIA_EN))
        if roll() < 0.1:
            words = f"{self._clause(others=False)}, {words}"
        return self._finished(words, color)

    def _free(self, name: str, vocabulary: Vocabulary, color: Color | None) -> str:
        pick, roll = self._random.choice, self._random.random
        if roll() < 0.4:
            name = f"{pick(self._adjectives)} {name}"
        if roll() < 0.1:
            name = f"{pick(vocabulary.nouns_en)} {name}"
        words = self._led(name)
        if roll() < 0.4:
            words = f"{self._phrase(vocabulary)}{pick((' ', ' ', ', ', ': ', '! ', '. '))}{words}"
        for _ in range(pick((0, 1, 1, 2))):
            words += pick((" ", " ", " ", ", ", ", ", "; ", ". ", " - ", "? ")) + self._phrase(vocabulary)
        if roll() < 0.15:
            words += f" {pick(fillers.PREPOSITIONS_EN)} {pick(('a', 'the', 'its', 'his', ''))} {pick(self._others)}"
            words = " ".join(words.split())
            if roll() < 0.4:
                words += " " + self._phrase(vocabulary)
        return self._finished(words, color)

    def _phrase(self, vocabulary: Vocabulary) -> str:
        pick = self._random.choice
        if self._random.random() < 0.5:
            said = pick(vocabulary.sentences_en).split()
            start = self._random.randrange(max(1, len(said) - 2))
            return " ".join(said[start : start + self._random.randint(1, 6)])
        kinds = (
            vocabulary.nouns_en,
            vocabulary.nouns_en,
            vocabulary.verbs_en,
            vocabulary.adjectives_en,
            vocabulary.adverbs_en,
        )
        words: list[str] = []
        for _ in range(pick((1, 1, 2, 2, 3))):
            words += self._random.sample(fillers.GLUE_EN, pick((0, 1, 1, 2)))
            word = pick(pick(kinds))
            words.append(word + pick(("", "", "", "", "s", "ing", "ed", "'s")))
        return " ".join(words)

    def _led(self, name: str) -> str:
        pick, lead = self._random.choice, self._random.random()
        if lead < 0.5:
            return f"{pick(EN['articles'])} {name}"
        if lead < 0.65:
            return f"{pick(fillers.PEOPLE_EN)}'s {name}"
        if lead < 0.7:
            return f"the {self._thing(others=False)}'s {name}"
        return name

    def _finished(self, words: str, color: Color | None) -> str:
        pick, roll = self._random.choice, self._random.random
        for _ in range(pick((0, 0, 0, 1, 1, 2, 3))):
            words += ", " + pick(fillers.LOOKS_EN if roll() < 0.5 else EN["qualities"])
        if color is not None:
            words = pick(fillers.BACKGROUNDS_EN).format(
                x=words,
                a=pick(("a ", "a ", "")),
                k=pick(fillers.GROUND_KINDS_EN),
                color=pick(color.en),
                ground=pick(fillers.GROUND_EN),
                word=self._phrase(self._words) if self._words else unknown_word(self._random),
            )
            if roll() < 0.3:
                words += ", " + pick(fillers.LOOKS_EN)
        return words[0].upper() + words[1:] if roll() < 0.1 else words

    def _kind(self) -> str:
        roll = self._random.random()
        if roll < 0.1:
            return unknown_word(self._random)
        if roll < 0.25:
            return self._random.choice(self._random.choice(COLORS).en)
        return self._random.choice(fillers.KINDS_EN)

    def _thing(self, others: bool = True) -> str:
        roll = self._random.random()
        if roll < 0.12:
            return unknown_word(self._random)
        if self._words is not None and roll < 0.4:
            return self._random.choice(self._words.nouns_en)
        return self._random.choice(self._others if others and roll < 0.6 else fillers.THINGS_EN)

    def _clause(self, others: bool = True) -> str:
        """What it does, where and with what: "crossing the muddy lane", "found near a pier"."""
        pick, roll = self._random.choice, self._random.random
        owner, kind = pick(("the", "a", "an", "my", "its", "their", "")), self._kind() if roll() < 0.3 else ""
        thing = f"{owner} {kind} {self._thing(others)}"
        place = f"{pick(fillers.PREPOSITIONS_EN)} {thing}"
        form = roll()
        if form < 0.35:
            words = place
        elif form < 0.6:
            words = f"{pick(fillers.DOING_EN)} {place}"
        elif form < 0.72:
            words = f"{pick(fillers.DOING_EN)} {thing}"
        elif form < 0.8:
            words = f"that {pick(fillers.PEOPLE_EN)} {unknown_word(self._random)} {place}"
        elif form < 0.9:
            words = (
                f"{pick(('that', 'which', 'who'))} {pick(('is', 'was', 'has', 'will be', 'needs', 'wants'))} {thing}"
            )
        else:
            words = f"{pick(fillers.PREPOSITIONS_EN)} {pick(fillers.PEOPLE_EN)}"
        return " ".join(words.split())


def slip(word: str, random: random.Random) -> str:
    """The word with two neighbouring letters swapped, or one missing."""
    if len(word) < 5:
        return word
    i = random.randrange(1, len(word) - 2)
    return word[:i] + word[i + 1] + word[i] + word[i + 2 :] if random.random() < 0.5 else word[:i] + word[i + 1 :]


def unknown_word(random: random.Random) -> str:
    """A word that no language has, so that names and new words do no harm."""
    syllables = [
        random.choice("bcdfghjklmnprstvwz") + random.choice(("a", "e", "i", "o", "u", "ar", "en", "is", "on"))
        for _ in range(random.randint(1, 4))
    ]
    return "".join(syllables) + random.choice(("", "", "s", "x", "ing", "ed"))
