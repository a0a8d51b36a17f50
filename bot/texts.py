"""What people read, from the catalogue in `bot/locales/`: one Fluent file a language, named by Discord's code for it.

`Texts.speaker` gives a `Say` for a person: `say("history-empty")`. Fluent chooses plurals and writes numbers. A key
that a language lacks, or puts wrong values into, is said in English; a key that English lacks is a bug and raises
KeyError.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import discord
from discord import app_commands
from fluent.runtime import FluentBundle, FluentResource
from fluent.syntax import ast

LOCALES = Path(__file__).parent / "locales"

Say = Callable[..., str]
"""`say(key, **values)`: the words of one language. Values are put in as they are: escape what people typed."""


class Texts:
    """Every language of the catalogue. `languages` are Discord's locale codes, English first."""

    def __init__(self, folder: Path = LOCALES) -> None:
        self._bundles: dict[str, FluentBundle] = {}
        self._own: dict[str, set[str]] = {}
        english = _parsed(folder / "en.ftl")
        for path in sorted(folder.glob("*.ftl"), key=lambda path: (path.stem != "en", path.stem)):
            resource = _parsed(path)
            # Isolation marks around values would show up as boxes in some Discord clients.
            bundle = FluentBundle([path.stem, "en"], use_isolating=False)
            bundle.add_resource(resource)
            bundle.add_resource(english)  # what a text refers to, such as a command's name, may not be translated yet
            self._bundles[path.stem] = bundle
            self._own[path.stem] = {entry.id.name for entry in resource.body if isinstance(entry, ast.Message)}

    @property
    def languages(self) -> list[str]:
        return list(self._bundles)

    def spoken(self, *locales: str | None) -> str:
        """The first language that is there: `es-419` is met by `es-ES` too, and English is always there."""
        for locale in filter(None, locales):
            language = locale.partition("-")[0]
            for tag in self._bundles:
                if tag == locale or (locale not in self._bundles and tag.partition("-")[0] == language):
                    return tag
        return "en"

    def speaker(self, *locales: str | None) -> Say:
        """The words for the first of these locales that the catalogue has: a person's, then their server's."""
        tags = dict.fromkeys([self.spoken(*locales), "en"])

        def say(key: str, /, **values: Any) -> str:
            for tag in tags:
                pattern = self._bundles[tag].get_message(key).value if key in self._own[tag] else None
                if pattern is not None:
                    text, errors = self._bundles[tag].format_pattern(pattern, values)
                    if not errors:
                        return str(text)
                    if tag == "en":
                        raise errors[0]
            raise KeyError(key)

        return say


@functools.cache
def _parsed(path: Path) -> ast.Resource:
    """Once for each file: parsing all of them takes a third of a second."""
    resource = FluentResource(path.read_text(encoding="utf-8"))
    if junk := [entry for entry in resource.body if isinstance(entry, ast.Junk)]:
        raise ValueError(f"{path} does not parse here: {junk[0].content}")
    return resource


def label(key: str) -> app_commands.locale_str:
    """A command's name or description: English as Discord's default, with the key for its translations."""
    return app_commands.locale_str(_english(key), key=key)


class Translations(app_commands.Translator):
    """Gives Discord the names and descriptions of commands in every language of the catalogue."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    async def translate(
        self, string: app_commands.locale_str, locale: discord.Locale, context: app_commands.TranslationContextTypes
    ) -> str | None:
        """None, where Discord shall show its default: for English, and for languages that the catalogue lacks."""
        key = string.extras.get("key")
        if key is None or self._texts.spoken(str(locale)) == "en":
            return None
        return self._texts.speaker(str(locale))(key)


_english = Texts().speaker()
