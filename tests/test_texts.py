"""The catalogue of what people read, in every language."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import discord
import pytest
from fluent.syntax import ast, parse, serialize
from fluent.syntax.visitor import Visitor

from bot.texts import LOCALES, Texts, label

LANGUAGES = [tag for tag in Texts().languages if tag != "en"]
SOURCES = "\n".join(path.read_text(encoding="utf-8") for path in (LOCALES.parent).glob("*.py"))
COMPUTED = (
    "button-",
    "state-",
    "style-",
    "press-",
    "defaults-",
    "best-",
    "field-",
    "allowed-",
    "choice-",
    "error-queue_closed-",
)
"""Keys whose last part is made by the program."""

SAME = {
    "name-cfg",
    "field-cfg",
    "allowed-span",
    "allowed-names",
    "megabytes",
    "gigabytes",
    "more-title",
    "stage-loading",
}
"""What is written alike in every language."""

SAME_IN = {
    "es-ES": {
        "edit-prompt",
        "fact",
        "field-prompt",
        "field-sampler",
        "hours",
        "minutes",
        "name-id",
        "name-prompt",
        "name-sampler",
        "name-spoiler",
        "numbers-sampler",
        "seconds",
        "seconds-exact",
        "style-anime",
        "style-pixel-art",
    },
}
"""What a language says as English does."""


def entries(language: str) -> dict[str, ast.Message]:
    resource = parse((LOCALES / f"{language}.ftl").read_text(encoding="utf-8"))
    return {entry.id.name: entry for entry in resource.body if isinstance(entry, ast.Message)}


ENGLISH = entries("en")
KEYS = list(ENGLISH)


class Reader(Visitor):
    """The variables of a text, and the cases that it tells apart by each."""

    def __init__(self, entry: ast.Message) -> None:
        self.variables: set[str] = set()
        self.cases: dict[str, set[str]] = {}
        self.visit(entry)

    def visit_VariableReference(self, node: Any) -> None:
        self.variables.add(node.id.name)

    def visit_SelectExpression(self, node: Any) -> None:
        if isinstance(node.selector, ast.VariableReference):
            names = {v.key.name if isinstance(v.key, ast.Identifier) else v.key.value for v in node.variants}
            self.cases.setdefault(node.selector.id.name, set()).update(names)
        self.generic_visit(node)


def value(entry: ast.Message) -> str:
    return serialize(ast.Resource([ast.Message(ast.Identifier("x"), entry.value)]))


def test_no_text_is_written_down_and_never_said() -> None:
    unused = [key for key in KEYS if not re.search(f"['\"]{key}['\"]", SOURCES) and not key.startswith(COMPUTED)]
    assert unused == []


def test_every_text_that_is_said_is_written_down() -> None:
    said = set(re.findall(r'(?:say|label|Refused)\(\s*"([\w-]+)"', SOURCES))
    assert said - set(KEYS) == set()


def test_the_languages_are_codes_that_discord_knows() -> None:
    assert {"zh-CN", "zh-TW", "ja", "es-ES"} <= set(LANGUAGES)
    assert set(LANGUAGES) <= {locale.value for locale in discord.Locale}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_says_everything_and_nothing_else(language: str) -> None:
    there = entries(language)
    assert (sorted(set(KEYS) - set(there)), sorted(set(there) - set(KEYS))) == ([], [])


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_is_no_copy_of_english(language: str) -> None:
    there = entries(language)
    same = {key for key in there if key in ENGLISH and value(there[key]) == value(ENGLISH[key])}
    assert same - SAME - SAME_IN.get(language, set()) == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_puts_in_the_same_values(language: str) -> None:
    there = entries(language)
    wanted = {key: Reader(ENGLISH[key]).variables for key in there if key in ENGLISH}
    assert {key: Reader(there[key]).variables for key in wanted} == wanted


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_every_text_can_be_said_in_each_of_its_cases(language: str) -> None:
    say, there = Texts().speaker(language), entries(language)
    for key in KEYS:
        read = Reader(there.get(key, ENGLISH[key]))
        choices = [_values(name, read.cases.get(name, set())) for name in sorted(read.variables)]
        for values in itertools.product(*choices):
            text = say(key, **dict(zip(sorted(read.variables), values, strict=True)))
            assert text.strip(), key
            assert text.count("**") % 2 == 0, f"{key}: {text}"
            assert "{" not in text, f"{key}: {text}"


def _values(name: str, cases: set[str]) -> list[object]:
    plural = {"one", "other", "few", "many", "two", "zero"}
    if cases and cases <= plural:
        return [0, 1, 2, 1_000_000]
    if name in ("size", "seconds", "done", "total") and not cases:
        return [1.5]
    return ["x", *sorted(cases - {"other"})]


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_commands_and_options_are_described_within_discords_limits(language: str) -> None:
    say = Texts().speaker(language)
    for key in KEYS:
        text = say(key) if not Reader(ENGLISH[key]).variables else ""
        if re.fullmatch(r"menu-.*-name", key):
            assert 1 <= len(text) <= 32, key
        elif key.startswith("name-") or key.endswith("-name"):
            assert re.fullmatch(r"[-_\w]{1,32}", text), key
            assert text == text.lower(), key
        elif key.endswith("-description") or key.startswith("option-"):
            assert 1 <= len(text) <= 100, key


def test_english_is_what_discord_shows_by_default() -> None:
    assert str(label("imagine-name")) == "imagine"
    assert label("imagine-name").extras == {"key": "imagine-name"}


def test_the_first_language_that_is_there_is_spoken_and_english_fills_its_gaps(tmp_path: Path) -> None:
    (tmp_path / "en.ftl").write_text("hello = Hello\nbye = Bye, { name }\nname = friend\n")
    (tmp_path / "fr.ftl").write_text("hello = Bonjour, { name }\n")
    (tmp_path / "es-ES.ftl").write_text("hello = Hola\n")
    texts = Texts(tmp_path)
    assert texts.languages == ["en", "es-ES", "fr"]
    assert texts.speaker("fr-CA")("hello") == "Bonjour, friend"
    assert texts.speaker("es-419")("hello") == "Hola"
    assert texts.speaker("fr")("bye") == "Bye, friend"
    assert texts.speaker("ja")("hello") == "Hello"
    assert texts.speaker("ja", None, "fr")("hello") == "Bonjour, friend"
    assert texts.speaker("en-GB", "fr")("hello") == "Hello"
    assert texts.speaker()("hello") == "Hello"


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["3.2 s", "2.7 GB", "one picture", "2 pictures"]),
        ("es-ES", ["3,2 s", "2,7 GB", "una imagen", "2 imágenes"]),
        ("ja", ["3.2 秒", "2.7 GB", "1 枚", "2 枚"]),
        ("zh-TW", ["3.2 秒", "2.7 GB", "1 張", "2 張"]),
    ],
)
def test_numbers_and_plurals_are_the_languages_own(language: str, words: list[str]) -> None:
    say = Texts().speaker(language)
    said = [say("seconds-exact", seconds=3.21), say("gigabytes", size=2.74)]
    assert [*said, say("count", count=1), say("count", count=2)] == words


def test_a_text_that_puts_in_a_value_there_is_not_is_said_in_english(tmp_path: Path) -> None:
    (tmp_path / "en.ftl").write_text("hello = Hello, { $name }\n")
    (tmp_path / "fr.ftl").write_text("hello = Bonjour, { $nom }\n")
    assert Texts(tmp_path).speaker("fr")("hello", name="Ann") == "Hello, Ann"
    with pytest.raises(Exception, match="name"):
        Texts(tmp_path).speaker("en")("hello")


def test_a_text_that_no_language_has_is_a_bug() -> None:
    with pytest.raises(KeyError):
        Texts().speaker()("no-such-text")


def test_a_text_that_does_not_parse_is_named_when_the_bot_starts(tmp_path: Path) -> None:
    (tmp_path / "en.ftl").write_text("hello =\n    Hello\n    **world**\n")
    with pytest.raises(ValueError, match="world"):
        Texts(tmp_path)
