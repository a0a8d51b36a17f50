"""The pages of the history: which rows, in which order, for whose eyes."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.database import FILE
from engine.errors import NotFound
from engine.files import picture_path
from engine.ledger import HistoryFilter, Ledger
from tests.test_ledger import ANN, BOB, stored


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    async with Ledger.open(tmp_path) as ledger:
        yield ledger


async def ids(ledger: Ledger, before: int | None = None, after: int | None = None, **filter: object) -> list[int]:
    chosen = HistoryFilter(**filter)  # type: ignore[arg-type]
    return [generation.id for generation in await ledger.history(chosen, before=before, after=after, limit=3)]


async def test_history_pages_newest_first_without_gaps(ledger: Ledger) -> None:
    ids = [(await stored(ledger)).id for _ in range(7)]
    seen: list[int] = []
    before = None
    while page := await ledger.history(HistoryFilter(person_id="1"), before=before, limit=3):
        seen += [generation.id for generation in page]
        before = seen[-1]
    assert seen == ids[::-1]


async def test_history_filters_by_person_model_and_words(ledger: Ledger) -> None:
    fox = await stored(ledger, "a red fox in the snow")
    cat = await stored(ledger, "一只可爱的小猫", BOB)
    await stored(ledger, "an apple")

    async def found(**filter: object) -> list[int]:
        return [generation.id for generation in await ledger.history(HistoryFilter(**filter))]  # type: ignore[arg-type]

    assert await found(person_id="2") == [cat.id]
    assert await found(guild_id="11") == []
    assert await found(model="other") == []
    assert await found(search="fox snow") == [fox.id]
    assert await found(search="sno") == [fox.id]
    assert await found(search="小猫") == [cat.id]
    assert await found(search="猫") == [cat.id]
    assert await found(search="小狗") == []
    assert await found(search="fox", person_id="2") == []
    assert await found(search='"; DROP TABLE generations --') == []
    assert await found(search="!!!") == []
    assert len(await found(since=datetime(2020, 1, 1, tzinfo=UTC))) == 3
    assert await found(until=datetime(2020, 1, 1, tzinfo=UTC)) == []


async def test_favourites_are_a_history_of_their_own_and_survive_retention(ledger: Ledger) -> None:
    old, liked = await stored(ledger), await stored(ledger)
    assert await ledger.set_favourite("9", liked.id, 0)
    assert [g.id for g in await ledger.history(HistoryFilter(favourites_of="9"))] == [liked.id]
    assert [g.id for g in await ledger.history(HistoryFilter(favourites_of="9", search="fox"))] == [liked.id]
    assert await ledger.retain(keep_bytes=0) == 1
    assert (await ledger.get(old.id)).pictures[0].deleted_at is not None
    kept = (await ledger.get(liked.id)).pictures[0]
    assert kept.deleted_at is None
    assert picture_path(ledger.data_dir, kept.path).is_file()


@pytest.mark.parametrize("search", [None, "fox"], ids=["by rows", "by words"])
async def test_pages_turn_both_ways_and_newer_ones_are_those_that_one_came_from(
    search: str | None, ledger: Ledger
) -> None:
    all_ids = [(await stored(ledger)).id for _ in range(8)][::-1]
    first = await ids(ledger, search=search)
    second = await ids(ledger, before=first[-1], search=search)
    third = await ids(ledger, before=second[-1], search=search)
    assert first + second + third == all_ids
    assert await ids(ledger, after=third[0], search=search) == second
    assert await ids(ledger, after=second[0], search=search) == first
    assert await ids(ledger, after=first[0], search=search) == []


@pytest.mark.parametrize("search", [None, "fox"], ids=["by rows", "by words"])
async def test_what_others_see_has_full_pages_without_anything_private(search: str | None, ledger: Ledger) -> None:
    shown, hidden = [], []
    for _ in range(6):
        shown.append((await stored(ledger)).id)
        hidden.append((await stored(ledger, origin=replace(ANN, private=True))).id)
    assert await ids(ledger, guild_id="10", private=False, search=search) == shown[:-4:-1]
    assert await ids(ledger, guild_id="10", person_id="1", private=False, search=search) == shown[:-4:-1]
    assert await ids(ledger, person_id="1", private=True, search=search) == hidden[:-4:-1]
    assert await ids(ledger, person_id="1", search=search) == [hidden[5], shown[5], hidden[4]]


async def test_liking_a_picture_twice_or_one_that_is_not_there_changes_nothing(ledger: Ledger) -> None:
    job = await stored(ledger, num_images=2)
    assert await ledger.set_favourite("9", job.id, 1)
    assert not await ledger.set_favourite("9", job.id, 1)
    with pytest.raises(NotFound, match="picture"):
        await ledger.set_favourite("9", job.id, 2)
    assert await ledger.favourites("9", [job.id]) == {(job.id, 1)}
    assert await ledger.favourites("8", [job.id]) == set()


async def test_favourites_are_found_by_words_as_long_as_one_of_their_pictures_is_liked(ledger: Ledger) -> None:
    fox, cat = await stored(ledger, "a red fox", num_images=2), await stored(ledger, "a red cat", BOB)
    await stored(ledger, "a red owl")
    for person, job, position in (("9", fox, 0), ("9", fox, 1), ("9", cat, 0), ("8", cat, 0)):
        await ledger.set_favourite(person, job.id, position)
    assert await ids(ledger, favourites_of="9", search="red") == [cat.id, fox.id]
    assert await ids(ledger, favourites_of="9", search="fox") == [fox.id]
    assert await ids(ledger, favourites_of="9", person_id="2") == [cat.id]
    assert await ids(ledger, favourites_of="8", search="red") == [cat.id]
    await ledger.set_favourite("9", fox.id, 0, liked=False)
    assert await ids(ledger, favourites_of="9", search="fox") == [fox.id]
    await ledger.set_favourite("9", fox.id, 1, liked=False)
    assert await ids(ledger, favourites_of="9", search="red") == [cat.id]
    assert await ids(ledger, favourites_of="9") == [cat.id]
    assert await ids(ledger, search="fox") == [fox.id]


async def test_a_ledger_of_the_first_schema_finds_what_it_held_by_the_new_tags(tmp_path: Path) -> None:
    async with Ledger.open(tmp_path) as ledger:
        fox = await stored(ledger, "a red fox")
        await ledger.set_favourite("9", fox.id, 0)
        await ledger.set_favourite("8", fox.id, 0)
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        connection.execute("INSERT INTO prompts (prompts) VALUES ('delete-all')")
        connection.execute("INSERT INTO prompts (rowid, tokens) VALUES (?, 'a red fox')", (fox.id,))
        for index in ("generations_of_guild_shown", "generations_of_guild_person_shown", "generations_started"):
            connection.execute(f"DROP INDEX {index}")
        connection.execute("ALTER TABLE deliveries DROP COLUMN locale")
        connection.execute("PRAGMA user_version = 1")
        connection.commit()
    async with Ledger.open(tmp_path) as ledger:
        assert await ids(ledger, search="fox", guild_id="10", private=False) == [fox.id]
        assert await ids(ledger, search="fox", favourites_of="9") == [fox.id]
        await ledger.set_favourite("9", fox.id, 0, liked=False)
        assert await ids(ledger, search="fox", favourites_of="9") == []
        assert await ids(ledger, search="fox", favourites_of="8") == [fox.id]
