"""Words for the full-text index of the history, and queries for it. Pure.

Everything is a token of one column: the words of a prompt, and tags for what a page is often narrowed to, so that
one person's page never walks through everybody's matches. Tags begin with `_`, which no word holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# Chinese and Japanese are written without spaces: each sign is a word of its own for the search, and so is each pair.
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_RUN = re.compile(f"[{_CJK}]+")
_WORD = re.compile(f"[^\\W_{_CJK}]+")


MAX_TERMS = 30
"""Words of a query that count; SQLite refuses some hundreds."""


PRIVATE = "_v"


def tag(kind: str, value: str) -> str:
    """A token for an exact value: `_p` for a person, `_g` for a guild, `_m` a model, `_f` somebody's favourite."""
    return f"_{kind}{value.encode().hex()}"


def tokens(
    prompt: str,
    *,
    person_id: str,
    guild_id: str | None,
    model: str,
    private: bool = False,
    favourites_of: Iterable[str] = (),
) -> str:
    """What the index holds of one generation."""
    text = prompt.lower()
    found = _WORD.findall(text)
    for run in _RUN.findall(text):
        found += run
        found += _pairs(run)
    found += [tag("p", person_id), tag("m", model)]
    if guild_id is not None:
        found.append(tag("g", guild_id))
    if private:
        found.append(PRIVATE)
    found += [tag("f", person) for person in favourites_of]
    return " ".join(dict.fromkeys(found))


def query(
    text: str,
    *,
    person_id: str | None = None,
    guild_id: str | None = None,
    model: str | None = None,
    favourites_of: str | None = None,
    private: bool | None = None,
) -> str:
    """A full-text query for prompts that hold every word of `text`; "" where that is signs without any word.

    Words of two letters and more also match longer words that begin with them. Without a text the tags decide.
    """
    text = text.lower().strip()
    terms = [f'"{word}"*' if len(word) > 1 else f'"{word}"' for word in _WORD.findall(text)]
    for run in _RUN.findall(text):
        terms += [f'"{pair}"' for pair in _pairs(run)] or [f'"{run}"']
    if text and not terms:
        return ""
    narrowed = (("f", favourites_of), ("p", person_id), ("g", guild_id), ("m", model))
    tags = [f'"{tag(kind, value)}"' for kind, value in narrowed if value is not None]
    tags += [f'"{PRIVATE}"'] if private else []
    wanted = " AND ".join(dict.fromkeys(tags + terms[:MAX_TERMS]))
    return f'({wanted}) NOT "{PRIVATE}"' if private is False and wanted else wanted


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)]
