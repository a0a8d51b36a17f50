"""A page of a long history costs what a page of a short one costs.

Cost is counted in the steps of SQLite's virtual machine, which do not depend on how busy the machine is; the
milliseconds are printed beside. EASEL_SCALE_ROWS=1000000 makes the long one as long as it gets.
"""

from __future__ import annotations

import os
import random
import sqlite3
import statistics
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path

import pytest

from engine import database, rows, search
from engine.ledger import HistoryFilter
from engine.types import first_id_at

SHORT = 1_000
LONG = int(os.environ.get("EASEL_SCALE_ROWS", "40000"))
START = datetime(2026, 1, 1, tzinfo=UTC)
PAGE = 10

PAGES = {
    "newest": HistoryFilter(),
    "a busy person": HistoryFilter(person_id="0"),
    "a rare person": HistoryFilter(person_id="399"),
    "a person who is not there": HistoryFilter(person_id="nobody"),
    "a server": HistoryFilter(guild_id="0"),
    "a person in a server": HistoryFilter(person_id="0", guild_id="0"),
    "a model": HistoryFilter(model="tiny"),
    "a rare model": HistoryFilter(model="rare"),
    "a rare model of a server": HistoryFilter(model="rare", guild_id="0"),
    "a model of a person": HistoryFilter(model="tiny", person_id="0"),
    "favourites": HistoryFilter(favourites_of="fan"),
    "favourites with a word": HistoryFilter(favourites_of="fan", search="the"),
    "a common word": HistoryFilter(search="the"),
    "the beginning of many words": HistoryFilter(search="wo"),
    "two common words": HistoryFilter(search="the fox"),
    "a rare word": HistoryFilter(search="zebra"),
    "no such word": HistoryFilter(search="xylophone"),
    "a common sign": HistoryFilter(search="一"),
    "two signs": HistoryFilter(search="小猫"),
    "a common word of a rare person": HistoryFilter(search="the", person_id="399"),
    "a common word of a rare model": HistoryFilter(search="the", model="rare"),
    "until the first day": HistoryFilter(until=datetime(2026, 1, 2, tzinfo=UTC)),
    "since for ever": HistoryFilter(since=datetime(2025, 6, 1, tzinfo=UTC)),
    "since tomorrow": HistoryFilter(since=datetime(2100, 1, 1, tzinfo=UTC)),
}


def fill(file: Path, count: int) -> None:
    """`count` stored generations, one every two minutes; words, people and servers as uneven as in life."""
    dice = random.Random(1)
    english = ["the", "fox", "red", "snow", "castle", *(f"word{number}" for number in range(5000))]
    signs = [chr(0x4E00 + number) for number in range(2000)]
    uneven = list(accumulate(1 / (rank + 1) for rank in range(len(english))))
    uneven_signs = uneven[: len(signs)]
    database.prepare(file)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        for number in range(count):
            id = first_id_at(START) + (number * 120_000 << 22)
            if number % 5:
                prompt = " ".join(dice.choices(english, cum_weights=uneven, k=12))
            else:
                prompt = "".join(dice.choices(signs, cum_weights=uneven_signs, k=12))
            prompt = {3: "a zebra", 4: "一只小猫在睡觉"}.get(number, prompt)
            person, guild = str(int(400 * dice.random() ** 3)), str(int(20 * dice.random() ** 3))
            model = "rare" if number % (count // 4) == 5 else dice.choice(("tiny", "sdxl-turbo"))
            connection.execute(
                "INSERT INTO generations (id, status, attempt, prompt, negative_prompt, model, num_inference_steps,"
                " guidance_scale, width, height, sampler, seed, num_images, person_id, guild_id, created_at,"
                " easel_version) VALUES (?, 'stored', 1, ?, '', ?, 20, 7.5, 512, 512, 'DDIM', 1, 1, ?, ?, ?, '0')",
                (id, prompt, model, person, guild, rows.stamp(START) + number * 120_000_000),
            )
            connection.execute(
                "INSERT INTO pictures (generation_id, position, seed, path, bytes, sha256, width, height)"
                " VALUES (?, 0, 1, 'pictures/x.png', 1, '0', 512, 512)",
                (id,),
            )
            found = search.tokens(prompt, person_id=person, guild_id=guild, model=model)
            connection.execute("INSERT INTO prompts (rowid, tokens) VALUES (?, ?)", (id, found))
            if number % (count // 100) == 0:
                connection.execute("INSERT INTO favourites VALUES ('fan', ?, 0, 0)", (id,))
        connection.commit()


def cost(connection: sqlite3.Connection, filter: HistoryFilter, before: int | None) -> tuple[int, float, int]:
    """Steps and milliseconds that a page took, and how many it found."""
    query, values = rows.history_query(filter, before, PAGE)
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    connection.set_progress_handler(step, 1)
    found = connection.execute(query, values).fetchall()
    connection.set_progress_handler(None, 1)
    times = []
    for _ in range(5):
        began = time.perf_counter()
        connection.execute(query, values).fetchall()
        times.append(1000 * (time.perf_counter() - began))
    return steps, statistics.median(times), len(found)


@pytest.fixture(scope="module")
def histories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[sqlite3.Connection, sqlite3.Connection]]:
    """A short history and a long one."""
    folder = tmp_path_factory.mktemp("histories")
    for count in (SHORT, LONG):
        fill(folder / str(count), count)
    with (
        closing(sqlite3.connect(folder / str(SHORT))) as short,
        closing(sqlite3.connect(folder / str(LONG))) as long,
    ):
        yield short, long


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("deep", [False, True], ids=["first page", "deep page"])
def test_a_page_of_a_long_history_costs_what_one_of_a_short_history_costs(
    page: str, deep: bool, histories: tuple[sqlite3.Connection, sqlite3.Connection]
) -> None:
    short, long = histories
    middle = first_id_at(START) + (LONG // 2 * 120_000 << 22) if deep else None
    steps_short, ms_short, _ = cost(short, PAGES[page], None)
    steps, ms, found = cost(long, PAGES[page], middle)
    print(f"{page}: {ms_short:.2f} ms at {SHORT} rows, {ms:.2f} ms at {LONG} ({steps_short} and {steps} steps)")
    # A page that was not full among few may be full among many; a row takes some tens of steps, and walking all of
    # them hundreds of thousands. On top come the pieces that the words' index is in, the two days of slack that bound
    # a walk by time, and one look into the index for each of a person's hundred favourites.
    slack = 1500 * 15 if PAGES[page].until else 100 * 250 if PAGES[page].favourites_of else 0
    assert steps <= steps_short + 600 + 100 * found + slack


@pytest.mark.slow
def test_what_the_long_history_finds_is_right(histories: tuple[sqlite3.Connection, sqlite3.Connection]) -> None:
    _, long = histories
    for page in ("a rare word", "two signs"):
        query, values = rows.history_query(PAGES[page], None, PAGE)
        assert len(long.execute(query, values).fetchall()) == 1
    query, values = rows.history_query(PAGES["until the first day"], None, PAGE)
    [newest, *_] = long.execute(query, values).fetchone()
    assert newest == first_id_at(START) + (719 * 120_000 << 22)
