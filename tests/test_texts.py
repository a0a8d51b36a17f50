"""The catalogue of what people read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.texts import LOCALES, Texts, label

KEYS = re.findall(r"^([a-z][\w-]*) =", (LOCALES / "en.ftl").read_text(encoding="utf-8"), re.MULTILINE)
SOURCES = "\n".join(path.read_text(encoding="utf-8") for path in (LOCALES.parent).glob("*.py"))
COMPUTED = (
    "button-",
    "state-",
    "limits-kind-",
    "style-",
    "press-",
    "defaults-",
    "best-",
    "field-",
    "allowed-",
    "error-queue_closed-",
)
"""Keys whose last part is made by the program."""


def test_no_text_is_written_down_and_never_said() -> None:
    unused = [key for key in KEYS if not re.search(f"['\"]{key}['\"]", SOURCES) and not key.startswith(COMPUTED)]
    assert unused == []


def test_every_text_that_is_said_is_written_down() -> None:
    said = set(re.findall(r'(?:say|label|Refused)\(\s*"([\w-]+)"', SOURCES))
    assert said - set(KEYS) == set()


def test_commands_and_options_are_described_within_discords_limits() -> None:
    for key in KEYS:
        if key.endswith("-name"):
            assert re.fullmatch(r"[-_\w]{1,32}", str(label(key))), key
        if key.endswith("-description") or key.startswith("option-"):
            assert 1 <= len(str(label(key))) <= 100, key


def test_the_first_language_that_is_there_is_spoken_and_english_fills_its_gaps(tmp_path: Path) -> None:
    (tmp_path / "en.ftl").write_text("hello = Hello\nbye = Bye\n")
    (tmp_path / "fr.ftl").write_text("hello = Bonjour\n")
    (tmp_path / "es-ES.ftl").write_text("hello = Hola\n")
    texts = Texts(tmp_path)
    assert texts.languages == ["en", "es-ES", "fr"]
    assert texts.speaker("fr-CA")("hello") == "Bonjour"
    assert texts.speaker("es-419")("hello") == "Hola"
    assert texts.speaker("fr")("bye") == "Bye"
    assert texts.speaker("ja")("hello") == "Hello"
    assert texts.speaker("ja", None, "fr")("hello") == "Bonjour"
    assert texts.speaker("en-GB", "fr")("hello") == "Hello"
    assert texts.speaker()("hello") == "Hello"


def test_a_text_that_no_language_has_is_a_bug() -> None:
    with pytest.raises(KeyError):
        Texts().speaker()("no-such-text")


def test_a_text_that_does_not_parse_is_named_when_the_bot_starts(tmp_path: Path) -> None:
    (tmp_path / "en.ftl").write_text("hello =\n    Hello\n    **world**\n")
    with pytest.raises(ValueError, match="world"):
        Texts(tmp_path)
