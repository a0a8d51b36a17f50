"""When jobs will start: arithmetic, so that speeds and slots are made up."""

from __future__ import annotations

from datetime import UTC, datetime

from engine.fairness import Queued
from engine.forecast import positions
from engine.updates import Position


def job(id: int, row_steps: int = 10, model: str = "tiny", side: int = 1024) -> Queued:
    return Queued(id, "ann", None, model, row_steps, 0, datetime(2026, 1, 1, tzinfo=UTC), pixels=side * side)


def test_with_one_slot_each_job_waits_for_all_before_it() -> None:
    found = positions([job(1), job(2, 20), job(3)], {"tiny": 0.5}, [], slots=1)
    assert found == {1: Position(0, 0.0), 2: Position(1, 5.0), 3: Position(2, 15.0)}


def test_with_two_slots_a_job_takes_the_one_that_is_free_first() -> None:
    found = positions([job(1), job(2, 40), job(3)], {"tiny": 0.5}, [], slots=2)
    assert found[3] == Position(2, 5.0)


def test_of_what_runs_only_the_rest_is_waited_for() -> None:
    assert positions([job(2)], {"tiny": 0.5}, [(job(1), 0.75)], slots=1) == {2: Position(0, 1.25)}


def test_a_quarter_of_the_pixels_takes_a_quarter_of_the_time() -> None:
    found = positions([job(1, side=512), job(2)], {"tiny": 0.5}, [], slots=1)
    assert found[2] == Position(1, 1.25)


def test_behind_a_model_that_was_never_timed_the_time_is_not_known() -> None:
    found = positions([job(1), job(2, model="new"), job(3), job(4)], {"tiny": 0.5}, [(job(0), 0.0)], slots=1)
    assert found == {1: Position(0, 5.0), 2: Position(1, 10.0), 3: Position(2, None), 4: Position(3, None)}
    assert positions([job(1)], {}, [(job(0), 0.99)], slots=1) == {1: Position(0, None)}


def test_an_empty_queue_has_no_places() -> None:
    assert positions([], {"tiny": 0.5}, [(job(0), 0.5)], slots=1) == {}
