"""Who waits, and what they are told of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine import line
from engine.fairness import Queued
from engine.line import Line
from engine.updates import Position


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def job(id: int, person: str = "", model: str = "tiny", retry_in_s: float | None = None) -> Queued:
    now = datetime.now(UTC)
    retry_at = None if retry_in_s is None else now + timedelta(seconds=retry_in_s)
    return Queued(id, person or str(id), None, model, row_steps=40, attempt=0, created_at=now, retry_at=retry_at)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def waiting(clock: Clock) -> Line:
    return Line(clock)


def position(waiting: Line, id: int, held: tuple[str, ...] = (), slots: int = 1) -> Position | None:
    return waiting.position(id, running=(), slots=slots, speeds={"tiny": 0.5}, held=held)


def test_whoever_leaves_does_not_wait_and_stays_as_it_was_if_nothing_came_of_it(waiting: Line, clock: Clock) -> None:
    waiting.join(job(1))
    clock.now += 5
    left = waiting.leave(1)
    assert left is not None
    assert (len(waiting), 1 in waiting, waiting.leave(1)) == (0, False, None)
    waiting.put(left)
    assert [each.since for each in waiting] == [1000.0]


def test_jobs_are_told_oldest_first_whatever_came_back_when(waiting: Line) -> None:
    for id in (3, 1, 2):
        waiting.join(job(id))
    assert [each.id for each in waiting.jobs] == [1, 2, 3]


@pytest.mark.parametrize(("retry_in_s", "after_s"), [(10, 10), (86_400, 60), (-5, 0)])
def test_the_time_to_try_again_is_a_minute_away_at_most(
    waiting: Line, clock: Clock, retry_in_s: float, after_s: float
) -> None:
    waiting.join(job(1, retry_in_s=retry_in_s))
    clock.now += max(0, after_s - 1)
    assert (waiting.choose(waiting) is None) == (after_s > 0)
    clock.now += 2
    assert waiting.choose(waiting) is not None


def test_what_comes_back_is_not_counted_as_served(waiting: Line, clock: Clock) -> None:
    waiting.charge(job(1, "ann"), clock.now)
    waiting.join(job(2, "ann"))
    waiting.join(job(3, "bob"))
    first = waiting.choose(waiting)
    assert first is not None
    assert first.job.person_id == "bob"
    waiting.come_back(job(1, "ann"), since=clock.now - 1, wait=0)
    first = waiting.choose(waiting)
    assert first is not None
    assert first.job.id == 1


def test_a_short_line_is_looked_through_whenever_it_changes_and_a_long_one_once_a_second(
    waiting: Line, clock: Clock
) -> None:
    waiting.join(job(1))
    waiting.join(job(2))
    assert position(waiting, 2) == Position(1, 40 / 4 * 0.5)
    waiting.leave(1)
    assert position(waiting, 2) == Position(0, 0.0)
    for id in range(3, 3 + line.SHORT):
        waiting.join(job(id))
    last = 2 + line.SHORT
    clock.now += line.FRESH_S
    assert position(waiting, last) == Position(line.SHORT, 40 / 4 * 0.5 * line.SHORT)
    joined = job(last + 1)
    waiting.join(joined)
    assert position(waiting, joined.id) == Position(line.SHORT + 1, None)  # not looked through yet: it is the last
    clock.now += line.FRESH_S
    found = position(waiting, joined.id)
    assert found is not None
    assert found.seconds is not None


def test_models_that_are_held_begin_after_all_others(waiting: Line) -> None:
    waiting.join(job(1, model="other"))
    waiting.join(job(2))
    assert position(waiting, 2, held=("other",)) == Position(0, 0.0)
    assert position(waiting, 3) is None
