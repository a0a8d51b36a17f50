"""What judges the benchmarks."""

from __future__ import annotations

import math

import numpy as np
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.__main__ import chosen
from tests.bench.arms import Goal, medians, report, same_pictures
from tests.bench.fairness import arrivals, fair, fifo, jain, simulate

PICTURE = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)


def test_a_goal_is_met_at_its_bound_and_never_by_no_number() -> None:
    assert Goal(at_least=1.4).met(1.4)
    assert not Goal(at_least=1.4).met(1.39)
    assert Goal(at_most=2).met(2)
    assert not Goal(at_most=2).met(math.nan)


def test_a_report_is_met_only_when_all_of_its_figures_are() -> None:
    found = report({"fast": (3, Goal(at_least=2)), "small": (1.2, Goal(at_most=1.15))}, {"a": 1})
    assert found == {
        "figure": {"fast": 3, "small": 1.2},
        "goal": {"fast": "≥ 2", "small": "≤ 1.15"},
        "met": False,
        "missed": ["small"],
        "arms": {"a": 1},
    }


def test_arms_run_in_turns() -> None:
    ran: list[str] = []
    took = medians({"one": lambda: ran.append("one"), "other": lambda: ran.append("other")}, 2)
    assert ran == ["one", "other"] * 3
    assert set(took) == {"one", "other"}


def test_arms_that_paint_different_pictures_are_not_timed() -> None:
    assert same_pictures([PICTURE], [PICTURE + 1]) == 1
    with pytest.raises(AssertionError, match="different pictures"):
        same_pictures([PICTURE], [PICTURE + 2])
    with pytest.raises(AssertionError, match="one colour"):
        same_pictures([PICTURE * 0], [PICTURE * 0])


def test_a_part_that_is_not_there_is_named() -> None:
    assert chosen("c1, C3", {"c1", "c2", "c3"}) == {"c1", "c3"}
    with pytest.raises(typer.BadParameter, match="there is no c10"):
        chosen("c10", {"c1"})


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=20))
def test_jains_index_lies_between_one_share_and_equal_shares(shares: list[float]) -> None:
    assert 1 / len(shares) - 1e-9 <= jain(shares) <= 1 + 1e-9
    assert jain([3.0] * len(shares)) == pytest.approx(1)


def test_in_the_simulation_light_people_wait_less_than_behind_a_line_and_nobody_is_forgotten() -> None:
    coming = arrivals(1500, gpus=4, load=0.8)
    ours, line = simulate(coming, 4, fair, fit=3), simulate(coming, 4, fifo, fit=3)
    for outcome in (ours, line):
        assert len(outcome.light) + len(outcome.heavy) == len(coming)
        assert min(outcome.light + outcome.heavy) >= 0
    mean, behind_a_line = ours.figures()["light mean_s"], line.figures()["light mean_s"]
    print(f"light people wait {mean} s, behind a line {behind_a_line} s; Jain's index {ours.jain:.2f}, {line.jain:.2f}")
    assert mean < behind_a_line / 2
    assert ours.jain > line.jain
