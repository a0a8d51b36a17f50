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
    """A token for an exact value: `_m` for a model, `_f` for somebody's favourite, `_p` for a person, `_g` for a guild.

    What others may see of a person and a guild has `_q` and `_h` besides: walking past what they may not would take
    as long as there is much of it.
    """
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
    found.append(tag("m", model))
    for kind in ("p", "g") if private else ("p", "g", "q", "h"):
        if (whose := person_id if kind in "pq" else guild_id) is not None:
            found.append(tag(kind, whose))
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
    """A full-text query for prompts that hold every word of `text`; "" where it holds none.

    Words of two letters and more also match longer words that begin with them.
    """
    text = text.lower()
    terms = [f'"{word}"*' if len(word) > 1 else f'"{word}"' for word in _WORD.findall(text)]
    for run in _RUN.findall(text):
        terms += [f'"{pair}"' for pair in _pairs(run)] or [f'"{run}"']
    if not terms:
        return ""
    whose, where = ("q", "h") if private is False else ("p", "g")
    narrowed = ((whose, person_id), (where, guild_id), ("m", model), ("f", favourites_of))
    tags = [f'"{tag(kind, value)}"' for kind, value in narrowed if value is not None]
    if private:
        tags.append(f'"{PRIVATE}"')
    wanted = " AND ".join(dict.fromkeys(tags + terms[:MAX_TERMS]))
    return f'({wanted}) NOT "{PRIVATE}"' if private is False else wanted


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)]
