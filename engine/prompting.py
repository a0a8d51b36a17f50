r"""Prompts with weights, as people write them. Pure.

    (word)  ((word))     1.1 times as strong, 1.21 times
    (word:1.3)           1.3 times; below 1 weaker, 0 takes it out
    [word]               1.1 times weaker
    \( \) \[ \] \\       the sign itself

The notation of AUTOMATIC1111's web UI
(https://github.com/AUTOMATIC1111/stable-diffusion-webui/wiki/Features#attentionemphasis), with three decisions of ours:
a bracket without its partner is text, so a smile stays a smile; weights end at `WEIGHTS`, in what nested brackets come
to; and （红色：1.3） is as good as (红色:1.3), since that is what a Chinese or Japanese keyboard types. Its other signs
(`[from:to:when]`, `[a|b]`, `BREAK`, `<lora:…>`) mean nothing here.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import groupby

STRONGER = 1.1
"""What a pair of brackets multiplies by, or divides by where it is a square one."""

WEIGHTS = (0.0, 2.0)
"""Beyond 2, pictures fall apart; below nothing there is nothing."""

_SIGNS = re.compile(
    r"""
    \\ (?P<escaped> [()\[\]\\（）])
    | (?P<opening> [(\[（])
    | (?: [:：] \s* (?P<weight> [+-]? (?: \d+ (?:\.\d*)? | \.\d+ ) ) \s* )? (?P<round> [)）])
    | (?P<square> \])
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Fragment:
    """Words that weigh the same; spaces around them belong to them."""

    text: str
    weight: float = 1.0


@dataclass(slots=True)
class _Piece:
    text: str
    weight: float = 1.0


def parse(prompt: str) -> list[Fragment]:
    """The words of a prompt with their weights, neighbours of equal weight as one; none for an empty prompt."""
    pieces: list[_Piece] = []
    opened: list[tuple[str, int]] = []  # brackets that wait for their partner, and their pieces' places
    waiting: Counter[str] = Counter()
    end = 0
    for sign in _SIGNS.finditer(prompt):
        pieces.append(_Piece(prompt[end : sign.start()]))
        end = sign.end()
        if sign["escaped"]:
            pieces.append(_Piece(sign["escaped"]))
        elif sign["opening"]:
            kind = "[" if sign["opening"] == "[" else "("
            opened.append((kind, len(pieces)))
            waiting[kind] += 1
            pieces.append(_Piece(sign["opening"]))
        elif not waiting[kind := "[" if sign["square"] else "("]:
            pieces.append(_Piece(sign[0]))
        else:
            while True:  # what was opened in between has no partner: it stays text
                other, place = opened.pop()
                waiting[other] -= 1
                if other == kind:
                    break
            factor = 1 / STRONGER if kind == "[" else _finite(float(sign["weight"] or STRONGER))
            pieces[place].text = ""
            for piece in pieces[place:]:
                piece.weight = _finite(piece.weight * factor)
    pieces.append(_Piece(prompt[end:]))
    lowest, highest = WEIGHTS
    # Rounded: 1.1 times stronger and weaker again is 1.
    weighed = [(piece.text, min(max(round(piece.weight, 4), lowest), highest)) for piece in pieces if piece.text]
    return [
        Fragment("".join(text for text, _ in alike), weight) for weight, alike in groupby(weighed, lambda each: each[1])
    ]


def _finite(factor: float) -> float:
    return min(max(factor, 0.0), 1e6)


def plain(prompt: str) -> str:
    """The words alone, for models that know no weights."""
    return "".join(fragment.text for fragment in parse(prompt))
