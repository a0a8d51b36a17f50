"""A page of a long history costs what a page of a short one costs.

Cost is counted in the steps of SQLite's virtual machine, which do not depend on how busy the machine is.
EASEL_SCALE_ROWS=1000000 makes the long one as long as it gets; `tests.bench.history` measures milliseconds.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from engine import history
from engine.ledger import HistoryFilter
from tests.bench.history import PAGE, PAGES, fill, id_of, measure, table, worst

SHORT = 1_000
LONG = int(os.environ.get("EASEL_SCALE_ROWS", "40000"))
EVERY_PAGE = {page: chosen for pages in PAGES.values() for page, chosen in pages.items()}


def cost(connection: sqlite3.Connection, filter: HistoryFilter, **cursor: int | None) -> tuple[int, int]:
    """Steps that a page took, and how many rows it found."""
    query, values = history.query(filter, PAGE, **{"before": None, "after": None, **cursor})
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    connection.set_progress_handler(step, 1)
    found = connection.execute(query, values).fetchall()
    connection.set_progress_handler(None, 1)
    return steps, len(found)


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
@pytest.mark.parametrize("page", EVERY_PAGE)
@pytest.mark.parametrize("place", ["first page", "older page", "newer page"])
def test_a_page_of_a_long_history_costs_what_one_of_a_short_history_costs(
    page: str, place: str, histories: tuple[sqlite3.Connection, sqlite3.Connection]
) -> None:
    short, long = histories
    middle = id_of(LONG // 2)
    cursor = {"first page": {}, "older page": {"before": middle}, "newer page": {"after": middle}}[place]
    steps_short, _ = cost(short, EVERY_PAGE[page])
    steps, found = cost(long, EVERY_PAGE[page], **cursor)
    print(f"{page}: {steps_short} steps at {SHORT} rows, {steps} at {LONG}")
    # A page that was not full among few may be full among many; a row takes some tens of steps, and walking all of
    # them hundreds of thousands. On top come the pieces that the words' index is in, and the two days of slack that
    # bound a walk by time.
    slack = 1500 * 15 if EVERY_PAGE[page].until else 0
    assert steps <= steps_short + 600 + 100 * found + slack


@pytest.mark.slow
def test_what_the_long_history_finds_is_right(histories: tuple[sqlite3.Connection, sqlite3.Connection]) -> None:
    _, long = histories

    def found(page: str) -> list[int]:
        query, values = history.query(EVERY_PAGE[page], PAGE, before=None, after=None)
        return [id for (id,) in long.execute(query, values)]

    assert len(found("a rare word")) == len(found("two signs")) == 1
    assert found("until the first day")[0] == id_of(719)
    assert found("what a secretive person shows") == [id_of(number) for number in range(197, 97, -10)]
    assert len(found("favourites with a common word")) == PAGE


@pytest.mark.slow
def test_the_measurement_covers_every_page_twice_and_names_the_worst_of_each_kind(tmp_path: Path) -> None:
    costs = measure(tmp_path, short=1_000, long=2_000, rounds=1)
    assert len(costs) == 2 * len(EVERY_PAGE)
    assert set(worst(costs)) == set(PAGES)
    assert all(each.short_ms > 0 and each.long_ms > 0 and each.cold_ms > 0 for each in costs)
    assert all(page in table(costs) for page in EVERY_PAGE)
