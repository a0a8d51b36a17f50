"""What a page of the history costs in a long ledger, beside what it costs in a short one.

    .venv/bin/python -m tests.bench.history --rows 1000000

Both are read through the real Ledger, in turns, so that whatever else the machine does falls on both.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate, islice
from pathlib import Path

from engine import database, rows, search
from engine.database import FILE
from engine.ledger import HistoryFilter, Ledger
from engine.types import first_id_at

START = datetime(2026, 1, 1, tzinfo=UTC)
EVERY_MS = 120_000
PAGE = 10
AT_ONCE = 10_000
"""Rows that are written together."""
ROUNDS = 45

PAGES: dict[str, dict[str, HistoryFilter]] = {
    "newest": {
        "newest": HistoryFilter(),
        "until the first day": HistoryFilter(until=datetime(2026, 1, 2, tzinfo=UTC)),
        "since for ever": HistoryFilter(since=datetime(2025, 6, 1, tzinfo=UTC)),
        "since tomorrow": HistoryFilter(since=datetime(2100, 1, 1, tzinfo=UTC)),
    },
    "person": {
        "a busy person": HistoryFilter(person_id="0"),
        "a rare person": HistoryFilter(person_id="rare"),
        "a person who is not there": HistoryFilter(person_id="nobody"),
    },
    "server": {
        "a server": HistoryFilter(guild_id="0"),
        "a person in a server": HistoryFilter(person_id="0", guild_id="0"),
        "what a server shows": HistoryFilter(guild_id="0", private=False),
        "what a secretive person shows": HistoryFilter(guild_id="0", person_id="secretive", private=False),
    },
    "model": {
        "a model": HistoryFilter(model="tiny"),
        "a rare model": HistoryFilter(model="rare"),
        "a rare model of a server": HistoryFilter(model="rare", guild_id="0"),
        "a model of a person": HistoryFilter(model="tiny", person_id="0"),
    },
    "favourite": {
        "favourites": HistoryFilter(favourites_of="fan"),
        "favourites of a person": HistoryFilter(favourites_of="fan", person_id="0"),
        "favourites of a rare model": HistoryFilter(favourites_of="fan", model="rare"),
    },
    "text": {
        "a common word": HistoryFilter(search="the"),
        "the beginning of many words": HistoryFilter(search="wo"),
        "two common words": HistoryFilter(search="the fox"),
        "a rare word": HistoryFilter(search="zebra"),
        "no such word": HistoryFilter(search="xylophone"),
        "a common sign": HistoryFilter(search="一"),
        "two signs": HistoryFilter(search="小猫"),
        "a common word of a rare person": HistoryFilter(search="the", person_id="rare"),
        "a common word of a rare model": HistoryFilter(search="the", model="rare"),
        "a common word that a secretive person shows": HistoryFilter(
            search="the", guild_id="0", person_id="secretive", private=False
        ),
        "favourites with a common word": HistoryFilter(favourites_of="fan", search="the"),
        "favourites with a rare word": HistoryFilter(favourites_of="fan", search="zebra"),
    },
}
"""Every shape of page, by what it is looked up by."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds of one page, at the median; `cold_ms` is its first reading, with the file out of memory."""

    kind: str
    page: str
    deep: bool
    short_ms: float
    long_ms: float
    cold_ms: float

    @property
    def ratio(self) -> float:
        return self.long_ms / self.short_ms


def id_of(number: int) -> int:
    """The id of the n-th generation that `fill` writes."""
    return first_id_at(START) + (number * EVERY_MS << 22)


def fill(file: Path, count: int) -> None:
    """`count` stored generations, one every two minutes; words, people and servers as uneven as in life."""
    file.parent.mkdir(parents=True, exist_ok=True)
    database.prepare(file)
    with closing(sqlite3.connect(file)) as connection:
        # Nothing is lost that could not be made again; the indexes are made at the end, which is faster.
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -200000"):
            connection.execute(f"PRAGMA {pragma}")
        indexes = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'generations' AND sql IS NOT NULL"
        ).fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        made = _made(count)
        while some := list(islice(made, AT_ONCE)):
            _write(connection, some)
        for _, sql in indexes:
            connection.execute(sql)
        connection.commit()
        connection.execute("PRAGMA journal_mode = WAL")


@dataclass(frozen=True, slots=True)
class _Made:
    id: int
    prompt: str
    model: str
    person: str
    guild: str
    private: bool
    at: int
    liked: tuple[str, ...]


def _made(count: int) -> Iterator[_Made]:
    dice = random.Random(1)
    english = ["the", "fox", "red", "snow", "castle", *(f"word{number}" for number in range(5000))]
    signs = [chr(0x4E00 + number) for number in range(2000)]
    uneven = list(accumulate(1 / (rank + 1) for rank in range(len(english))))
    uneven_signs = uneven[: len(signs)]
    first, began = id_of(0), rows.stamp(START)
    for number in range(count):
        if number % 5:
            prompt = " ".join(dice.choices(english, cum_weights=uneven, k=12))
        else:
            prompt = "".join(dice.choices(signs, cum_weights=uneven_signs, k=12))
        prompt = {3: "a zebra", 4: "一只小猫在睡觉"}.get(number, prompt)
        person, guild = str(int(400 * dice.random() ** 3)), str(int(20 * dice.random() ** 3))
        private = number % 20 == 7
        if number % 10 == 7:  # somebody who hides all but the first few
            person, guild, private = "secretive", "0", number > 200
        model = dice.choice(("tiny", "sdxl-turbo"))
        if number % (count // 20) == 12:  # as rare among many as among few: twenty times
            person, guild, model, prompt = "rare", "0", "rare", f"the {prompt}"
        yield _Made(
            id=first + (number * EVERY_MS << 22),
            prompt=prompt,
            model=model,
            person=person,
            guild=guild,
            private=private,
            at=began + number * EVERY_MS * 1000,
            liked=("fan",) if number % (count // 100) == 1 else (),
        )


def _write(connection: sqlite3.Connection, some: list[_Made]) -> None:
    connection.executemany(
        "INSERT INTO generations (id, status, attempt, prompt, negative_prompt, model, num_inference_steps,"
        " guidance_scale, width, height, sampler, seed, num_images, person_id, guild_id, private, created_at,"
        " started_at, finished_at, easel_version) VALUES (?1, 'stored', 1, ?2, '', ?3, 20, 7.5, 512, 512,"
        " 'DDIM', 1, 1, ?4, ?5, ?6, ?7, ?7, ?7, '0')",
        ((each.id, each.prompt, each.model, each.person, each.guild, each.private, each.at) for each in some),
    )
    connection.executemany(
        "INSERT INTO pictures (generation_id, position, seed, path, bytes, sha256, width, height)"
        " VALUES (?, 0, 1, 'pictures/x.png', 1, '0', 512, 512)",
        ((each.id,) for each in some),
    )
    connection.executemany("INSERT INTO prompts (rowid, tokens) VALUES (?, ?)", map(_entry, some))
    connection.executemany(
        "INSERT INTO favourites VALUES (?, ?, 0, 0)", ((fan, each.id) for each in some for fan in each.liked)
    )


def _entry(made: _Made) -> tuple[int, str]:
    tokens = search.tokens(
        made.prompt,
        person_id=made.person,
        guild_id=made.guild,
        model=made.model,
        private=made.private,
        favourites_of=made.liked,
    )
    return made.id, tokens


def measure(folder: Path, *, short: int = 1_000, long: int = 1_000_000, rounds: int = ROUNDS) -> list[Cost]:
    """Every page, the first one and one from the middle. The ledgers are made under `folder` where they are not there.

    A million rows take a minute to make and about 1.5 GB.
    """
    for count in (short, long):
        if not (folder / str(count) / FILE).exists():
            part = folder / f"{count}.part"
            fill(part / FILE, count)
            part.rename(folder / str(count))
    return asyncio.run(_measure(folder / str(short), folder / str(long), long, rounds))


async def _measure(short_dir: Path, long_dir: Path, count: int, rounds: int) -> list[Cost]:
    costs = []
    for kind, pages in PAGES.items():
        for page, chosen in pages.items():
            for deep in (False, True):
                before = id_of(count // 2) if deep else None
                _forget(long_dir / FILE)
                async with Ledger.open(short_dir, owner=False) as short, Ledger.open(long_dir, owner=False) as long:
                    cold = await _time(long, chosen, before)
                    pairs = [
                        (await _time(short, chosen, None), await _time(long, chosen, before)) for _ in range(rounds)
                    ]
                short_ms, long_ms = (statistics.median(times) for times in zip(*pairs, strict=True))
                costs.append(Cost(kind, page, deep, short_ms, long_ms, cold))
    return costs


async def _time(ledger: Ledger, chosen: HistoryFilter, before: int | None) -> float:
    began = time.perf_counter()
    await ledger.history(chosen, before=before, limit=PAGE)
    return 1000 * (time.perf_counter() - began)


def _forget(file: Path) -> None:
    """Asks the system to drop the file from its memory, so that the next reading comes from the disk."""
    if sys.platform == "linux":
        with file.open("rb") as stream:
            os.fsync(stream.fileno())
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def worst(costs: list[Cost]) -> dict[str, Cost]:
    """The page with the largest ratio of each kind."""
    return {kind: max((each for each in costs if each.kind == kind), key=lambda each: each.ratio) for kind in PAGES}


def table(costs: list[Cost]) -> str:
    """The costs as text, a line each."""
    lines = [f"{'kind':10} {'page':45} {'short ms':>9} {'long ms':>9} {'ratio':>6} {'cold ms':>8}"]
    for each in costs:
        name = f"{each.page}{', deep' if each.deep else ''}"
        numbers = f"{each.short_ms:9.2f} {each.long_ms:9.2f} {each.ratio:6.2f} {each.cold_ms:8.1f}"
        lines.append(f"{each.kind:10} {name:45} {numbers}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.history", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="keeps the ledgers here, for another time")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        costs = measure(options.folder or Path(scratch), long=options.rows)
    sys.stdout.write(table(costs) + "\n")
    for kind, each in worst(costs).items():
        sys.stdout.write(f"worst {kind}: {each.page}, {each.ratio:.2f} times, {each.long_ms:.1f} ms\n")


if __name__ == "__main__":
    main()
