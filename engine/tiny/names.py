"""What people call each subject: labels, synonyms and tags, each name meaning one subject only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from engine.tiny.data import Subject
from engine.tiny.words import ALIASES_EN, ALIASES_ZH


def names_by_subject(
    subjects: Sequence[Subject], language: str, no_names: Collection[str] = ()
) -> list[tuple[str, ...]]:
    """For each subject its label, then every other word that means it and nothing else.

    The tags of faces tell what they feel ("yes", "thanks"), and a tag among `no_names` what its subject is like
    ("sharp"): people write them around other things. Any other tag belongs to the subject whose label it is; else to
    the only concrete subject that has it; else, when it ends the label of some ("apple" in "red apple"), to the first
    of those.
    """
    scripts = ("zh", "zh-hant") if language == "zh" else (language,)
    aliases = ALIASES_ZH if language == "zh" else ALIASES_EN
    unfit = frozenset(no_names)
    names: list[list[str]] = [[] for _ in subjects]
    taken: set[str] = set()
    by_label = {subject.label.lower(): i for i, subject in enumerate(subjects)}
    for i, subject in enumerate(subjects):
        for script in scripts:
            label = subject.words.get(script, subject.words[language])[0].lower()
            initials = label.isascii() and len(label) < 3 and not subject.concrete  # "on", "up", "id": signs' labels
            if label not in taken and not initials:
                names[i].append(label)
                taken.add(label)
    for label, words in aliases.items():
        if label not in by_label:
            raise ValueError(f"no subject is called {label!r}")
        names[by_label[label]] += [word for word in words if word not in taken]
        taken |= set(words)
    owners: dict[str, list[int]] = defaultdict(list)
    for i, subject in enumerate(subjects):
        if subject.concrete and "face" not in subject.label.lower():
            for script in scripts:
                for tag in map(str.lower, subject.words.get(script, ())[1:]):
                    if tag not in taken and tag not in unfit and i not in owners[tag]:
                        owners[tag].append(i)
    for tag, found in owners.items():
        endings = [
            i
            for i in found
            if any(subjects[i].words[s][0].lower().endswith(tag) for s in scripts if s in subjects[i].words)
        ]
        if len(found) == 1 or endings:
            names[(endings or found)[0]].append(tag)
    return [tuple(dict.fromkeys(each)) or (subjects[i].label.lower(),) for i, each in enumerate(names)]
