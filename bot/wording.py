"""Text as Discord takes it: lengths, cuts, and words that cannot come alive as markdown. Pure.

Lengths are counted in UTF-16 units, Discord's strictest reading.
"""

from __future__ import annotations

import unicodedata

from bot.texts import Say
from engine.catalog import BUILT_IN, ModelSpec

ALT_LIMIT = 1024
TEXT_LIMIT = 4000
PROMPT_SHOWN = 700

_BEST_FOR = {(spec.key, spec.best_for) for spec in BUILT_IN}

# Every sign that can begin markdown, a mention, a link, an emoji or a time stamp in Discord.
_SIGNS = frozenset("\\`*_~|[]()<>#+-:@.!/")


def length(text: str) -> int:
    """In UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, limit: int) -> str:
    """The text, or its beginning and an ellipsis, in at most `limit` units."""
    return text if length(text) <= limit else begin(text, limit - 1).rstrip() + "…"


def begin(text: str, limit: int) -> str:
    """As much of the text as has at most `limit` units."""
    units = 0
    for index, sign in enumerate(text):
        units += 2 if ord(sign) > 0xFFFF else 1
        if units > limit:
            return text[:index]
    return text


def visible(text: str) -> str:
    """One line without control signs, lone surrogates and marks that turn the reading direction around.

    Where nothing else was there, an ellipsis stands for it: Discord refuses empty labels.
    """
    folded = " ".join(text.split())
    kept = "".join(sign for sign in folded if unicodedata.category(sign) not in ("Cc", "Cs") and not _turns(sign))
    return kept.strip() or ("…" if text else "")


def _turns(sign: str) -> bool:
    return "\u202a" <= sign <= "\u202e" or "\u2066" <= sign <= "\u2069"


def plain(text: object, limit: int = PROMPT_SHOWN) -> str:
    """What somebody typed, as it was typed: no markdown, no mention, no link comes alive. At most `limit` units."""
    pieces = ["@\u200b" if sign == "@" else f"\\{sign}" if sign in _SIGNS else sign for sign in visible(str(text))]
    if sum(map(length, pieces)) <= limit:
        return "".join(pieces)
    kept, units = [], 1
    for piece in pieces:
        units += length(piece)
        if units > limit:
            break
        kept.append(piece)
    return "".join(kept).rstrip() + "…"


def alt_text(prompt: str) -> str:
    """A picture's description for people who do not see it."""
    return cut(visible(prompt), ALT_LIMIT)


def duration(seconds: float, say: Say) -> str:
    if seconds < 10:
        return say("seconds-exact", seconds=seconds)
    if seconds < 90:
        return say("seconds", seconds=round(seconds))
    minutes = max(2, round(seconds / 60))
    if minutes < 90:
        return say("minutes", minutes=minutes)
    return say("hours", hours=minutes // 60, minutes=minutes % 60)


def best_for(spec: ModelSpec, say: Say) -> str:
    """In the reader's language for the models that come with Easel; the owner's own words for the others."""
    return say(f"best-{spec.key}") if (spec.key, spec.best_for) in _BEST_FOR else spec.best_for


def size(count: int, say: Say) -> str:
    """Bytes, as people speak of files."""
    if count >= 1e8:
        return say("gigabytes", size=count / 1e9)
    return say("megabytes", size=max(1, round(count / 1e6))) if count else say("megabytes", size=0)
