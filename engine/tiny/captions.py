"""Endless captions as people write them, in English and Chinese, each with what it asks for.

The first noun is the subject; whatever follows (scenery, a second thing, quality words, words nobody knows) must
not change it. A colour counts as the background's only where the caption says background.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from engine.tiny import fillers
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
        chinese, loose = self._random.random() < 0.45, self._random.random() < 0.6
        if loose:
            text = self._loose_chinese(subject, color) if chinese else self._loose_english(subject, color)
        else:
            text = self._chinese(subject, color) if chinese else self._english(subject, color)
        return Caption(text, subject, color)

    def plain(self, subject: int, color: int) -> str:
        """The shortest caption that says it."""
        name = self.names_en[subject][0]
        return name if color == NO_COLOR else f"{name}, {COLORS[color].en[0]} background"

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

    def _loose_english(self, subject: int, color: int) -> str:
        """The name among words that have nothing to do with it: only where it stands tells that it is the subject."""
        pick, roll = self._random.choice, self._random.random
        name = self._name(self.names_en[subject])
        if roll() < 0.04:
            name = _slip(name, self._random)
        if roll() < 0.45:
            name = f"{self._kind()} {name}"
        lead = roll()
        if lead < 0.5:
            name = f"{pick(EN['articles'])} {name}"
        elif lead < 0.65:
            name = f"{pick(fillers.PEOPLE_EN)}'s {name}"
        elif lead < 0.7:
            name = f"the {self._thing()}'s {name}"
        words = name + "".join(f" {self._clause()}" for _ in range(self._random.choice((0, 0, 1, 1, 1, 2, 3))))
        if roll() < 0.4:
            words = pick(fillers.FRAMES_EN).format(x=words)
        if roll() < 0.1:
            words = f"{self._clause()}, {words}"
        for _ in range(self._random.choice((0, 0, 0, 1, 1, 2, 3))):
            words += ", " + pick(fillers.LOOKS_EN if roll() < 0.5 else EN["qualities"])
        if color != NO_COLOR:
            kind = pick(fillers.GROUND_KINDS_EN)
            words = pick(fillers.BACKGROUNDS_EN).format(
                x=words, a=pick(("a ", "a ", "")), k=kind, color=pick(COLORS[color].en), ground=pick(fillers.GROUND_EN)
            )
            if roll() < 0.3:
                words += ", " + pick(fillers.LOOKS_EN)
        return words[0].upper() + words[1:] if roll() < 0.1 else words

    def _kind(self) -> str:
        roll = self._random.random()
        if roll < 0.1:
            return _unknown_word(self._random)
        if roll < 0.25:
            return self._random.choice(self._random.choice(COLORS).en)
        return self._random.choice(fillers.KINDS_EN)

    def _thing(self) -> str:
        roll = self._random.random()
        if roll < 0.12:
            return _unknown_word(self._random)
        return self._random.choice(self._others_en if roll < 0.35 else fillers.THINGS_EN)

    def _clause(self) -> str:
        """What it does, where and with what: "crossing the muddy lane", "found near a pier"."""
        pick, roll = self._random.choice, self._random.random
        owner, kind = pick(("the", "a", "an", "my", "its", "their", "")), self._kind() if roll() < 0.3 else ""
        thing = f"{owner} {kind} {self._thing()}"
        place = f"{pick(fillers.PREPOSITIONS_EN)} {thing}"
        form = roll()
        if form < 0.35:
            words = place
        elif form < 0.6:
            words = f"{pick(fillers.DOING_EN)} {place}"
        elif form < 0.7:
            words = f"{pick(fillers.DOING_EN)} {thing}"
        elif form < 0.8:
            words = f"that {pick(fillers.PEOPLE_EN)} {_unknown_word(self._random)} {place}"
        elif form < 0.87:
            words = (
                f"{pick(('that', 'which', 'who'))} {pick(('is', 'was', 'has', 'will be', 'needs', 'wants'))} {thing}"
            )
        elif form < 0.94:
            words = f"{pick(fillers.PREPOSITIONS_EN)} {pick(fillers.PEOPLE_EN)}"
        else:
            words = f"and {thing}"
        return " ".join(words.split())

    def _loose_chinese(self, subject: int, color: int) -> str:
        """Chinese says what a thing does before its name: "孩子们在山坡上堆的雪人"."""
        pick, roll = self._random.choice, self._random.random
        words = self._name(self.names_zh[subject])
        if roll() < 0.3:
            words = f"{self._kind_zh()}{pick(('的', '的', ''))}{words}"
        if roll() < 0.3:
            words = pick(ZH["measures"]) + words
        for _ in range(pick((0, 1, 1, 1, 1, 2))):
            words = f"{self._clause_zh()}{pick(('的', '的', '的', '的', ''))}{words}"
        if roll() < 0.25:
            words = pick(ZH["measures"]) + words
        if roll() < 0.25:
            words += pick(("，", "", ",", " ")) + self._clause_zh()
        if roll() < 0.12:
            words += f"{pick(('和', '与', '，还有', '旁边有', '追着', '拿着', '吃着', '看着'))}{pick(self._others_zh)}"
        words = pick(fillers.FRAMES_ZH).format(x=words)
        if roll() < 0.1:
            words = f"{pick(fillers.TIMES_ZH)}，{words}"
        for _ in range(pick((0, 0, 0, 1, 1, 2))):
            words += pick(("，", ",", "、", " ")) + pick(fillers.KINDS_ZH if roll() < 0.5 else ZH["qualities"])
        if color != NO_COLOR:
            words = pick(fillers.BACKGROUNDS_ZH).format(
                x=words,
                color=pick(COLORS[color].zh),
                de=pick(("", "的")),
                in_=pick(fillers.IN_ZH),
                tail=pick(fillers.KINDS_ZH),
            )
        return words

    def _kind_zh(self) -> str:
        roll = self._random.random()
        if roll < 0.15:
            return "".join(self._random.sample(fillers.RARE_ZH, self._random.randint(1, 3)))
        if roll < 0.25:
            return self._random.choice(self._random.choice(COLORS).zh)
        return self._random.choice(fillers.KINDS_ZH if roll < 0.6 else ZH["adjectives"])

    def _clause_zh(self) -> str:
        pick, roll = self._random.choice, self._random.random
        parts = []
        if roll() < 0.3:
            parts.append(pick(fillers.TIMES_ZH))
        if roll() < 0.35:
            parts.append(pick(fillers.PEOPLE_ZH))
        if roll() < 0.5:
            parts.append(pick(("在", "", "", "从", "被")) + pick(fillers.PLACES_ZH) + pick(fillers.WHERE_ZH))
        if roll() < 0.55:
            parts.append(pick(("", "", "正在", "刚", "会")) + pick(fillers.DOING_ZH))
        if roll() < 0.12:
            parts.append(pick(self._others_zh) + pick(("", "上", "里", "旁边")))
        if not parts or roll() < 0.15:
            parts.append("".join(self._random.sample(fillers.RARE_ZH, self._random.randint(1, 4))))
        return "".join(parts)

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
