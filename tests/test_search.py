"""Words of the history's search, and what they find in SQLite's index."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import schema, search


def index() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    schema.migrate(connection)
    return connection


def put(connection: sqlite3.Connection, id: int, prompt: str, person_id: str = "1", model: str = "tiny") -> None:
    found = search.tokens(prompt, person_id=person_id, guild_id=None, model=model)
    connection.execute("INSERT INTO prompts (rowid, tokens) VALUES (?, ?)", (id, found))


def finds(prompt: str, text: str) -> bool:
    connection = index()
    put(connection, 1, prompt)
    query = search.query(text)
    return bool(query and connection.execute("SELECT 1 FROM prompts WHERE prompts MATCH ?", (query,)).fetchall())


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("a red fox in the snow", "fox"),
        ("a red fox in the snow", "SNOW Red"),
        ("two foxes", "fox"),
        ("photorealistic", "photoreal"),
        ("un café à Paris", "cafe"),
        ("一只可爱的小猫", "小猫"),
        ("一只可爱的小猫", "猫"),
        ("一只可爱的小猫", "可爱的小猫"),
        ("一只小猫 by Monet", "monet 小猫"),
        ("ピカチュウの絵", "ピカ"),
        ("고양이가 자고 있다", "고양이"),
        ("рыжая лиса", "ЛИСА"),
        ("3d render, octane", "3d"),
    ],
)
def test_a_prompt_is_found(prompt: str, text: str) -> None:
    assert finds(prompt, text)


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("a red fox", "fox dog"),
        ("outfox", "fox"),
        ("一只可爱的小猫", "小狗"),
        ("大小不一的猫", "小猫"),
        ("a fox", "!!!"),
        ("a fox", "_p31"),
        ("a fox", "p31"),
    ],
)
def test_a_prompt_is_not_found(prompt: str, text: str) -> None:
    assert not finds(prompt, text)


@settings(deadline=None)
@given(st.text(max_size=200), st.text(max_size=200))
def test_no_text_is_an_error_to_the_index(prompt: str, text: str) -> None:
    finds(prompt, text)


@settings(deadline=None)
@given(st.lists(st.text("abcé小猫犬ñ", min_size=1, max_size=5), min_size=1, max_size=40))
def test_a_prompt_is_found_by_all_of_its_own_words(words: list[str]) -> None:
    prompt = " ".join(words)
    assert finds(prompt, prompt)


def test_a_page_is_narrowed_in_the_index_itself() -> None:
    connection = index()
    put(connection, 1, "a fox", person_id="1")
    put(connection, 2, "a fox", person_id="2")
    put(connection, 3, "a fox", person_id="1", model="stable-diffusion-v1-5")

    def found(**narrow: str) -> list[int]:
        query = search.query("fox", **narrow)
        return [id for (id,) in connection.execute("SELECT rowid FROM prompts WHERE prompts MATCH ?", (query,))]

    assert found() == [1, 2, 3]
    assert found(person_id="1") == [1, 3]
    assert found(person_id="1", model="stable-diffusion-v1-5") == [3]
    assert found(person_id="11") == []


def test_a_very_long_search_uses_its_first_words() -> None:
    assert finds("a b c", "a " * 2000)
    assert finds("fox", "fox " * 500)
