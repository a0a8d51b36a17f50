"""Which rows are in the next forward: a pure choice."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.rowplan import RowPlan, Turn, bucket_for, largest_for


@dataclass(eq=False)
class Someone:
    name: str
    rows: int = 2
    steps: int = 5
    turns: list[int] = field(default_factory=list)
    """When it was in a forward."""

    def __repr__(self) -> str:
        return self.name


def names(turn: Turn[Someone] | None) -> str:
    assert turn is not None
    return " ".join(member.name for member in turn.members)


def test_nobody_is_nobodys_turn() -> None:
    assert RowPlan[Someone]().next_turn() is None


def test_two_people_share_a_forward_of_four_rows() -> None:
    plan: RowPlan[Someone] = RowPlan()
    for name in "ab":
        plan.join(Someone(name), "group", 4)
    assert [names(plan.next_turn()) for _ in range(3)] == ["a b", "a b", "a b"]


def test_three_people_take_turns_and_no_row_stays_empty() -> None:
    plan: RowPlan[Someone] = RowPlan()
    for name in "abc":
        plan.join(Someone(name), "group", 4)
    assert [names(plan.next_turn()) for _ in range(4)] == ["a b", "a c", "b c", "a b"]


def test_who_needs_one_row_fills_the_gap_beside_who_needs_two() -> None:
    plan: RowPlan[Someone] = RowPlan()
    for name, rows in (("a", 1), ("b", 2), ("c", 2), ("d", 1)):
        plan.join(Someone(name, rows), "group", 4)
    assert names(plan.next_turn()) == "a b d"
    assert names(plan.next_turn()) == "a c d"


def test_groups_take_turns_and_a_large_one_gets_more_of_them() -> None:
    plan: RowPlan[Someone] = RowPlan()
    plan.join(Someone("x"), "small", 2)
    for name in "abc":
        plan.join(Someone(name), "large", 2)
    assert [names(plan.next_turn()) for _ in range(8)] == ["x", "a", "b", "c", "x", "a", "b", "c"]


def test_who_joins_and_leaves_does_so_between_two_forwards() -> None:
    plan: RowPlan[Someone] = RowPlan()
    first, second = Someone("first"), Someone("second")
    plan.join(first, "group", 4)
    assert names(plan.next_turn()) == "first"
    plan.join(second, "group", 4)
    assert names(plan.next_turn()) == "first second"
    plan.leave(first)
    assert names(plan.next_turn()) == "second"
    plan.leave(second)
    assert plan.next_turn() is None
    assert len(plan) == 0


def test_what_does_not_rotate_goes_to_its_end_beside_the_others() -> None:
    plan: RowPlan[Someone] = RowPlan()
    calls = [Someone("1", 1), Someone("2", 1)]
    for call in calls:
        plan.join(call, "calls", 1, rotates=False)
    plan.join(Someone("a"), "rows", 2)
    assert [names(plan.next_turn()) for _ in range(5)] == ["1", "a", "1", "a", "1"]
    plan.leave(calls[0])
    assert [names(plan.next_turn()) for _ in range(3)] == ["2", "a", "2"]


def test_a_fixed_bucket_stays_whatever_waits_and_one_that_may_grow_has_rows_for_all_as_far_as_it_may() -> None:
    for largest, buckets in ((None, [4, 4, 4, 4]), (10, [4, 6, 10, 10])):
        plan: RowPlan[Someone] = RowPlan()
        seen = []
        for crowd in (1, 2, 4, 8):
            for _ in range(crowd):
                plan.join(Someone("a"), "group", 4, largest)
            turn = plan.next_turn()
            assert turn is not None
            seen.append(turn.bucket)
        assert seen == buckets


def test_a_group_that_had_grown_too_large_for_the_memory_goes_back_to_its_bucket() -> None:
    plan: RowPlan[Someone] = RowPlan()
    for name in "abc":
        plan.join(Someone(name), "group", 2, 8)
    for rows in (6, 2):
        turn = plan.next_turn()
        assert turn is not None
        assert turn.bucket == rows
        assert plan.shrink("group", turn.bucket) == (rows == 6)


def test_a_group_that_was_too_large_for_the_memory_goes_on_smaller_until_it_has_emptied() -> None:
    plan: RowPlan[Someone] = RowPlan()
    members = [Someone(name) for name in "ab"]
    for member in members:
        plan.join(member, "group", 4)
    assert plan.shrink("group", 4)
    assert [names(plan.next_turn()) for _ in range(3)] == ["a", "b", "a"]
    assert not plan.shrink("group", 2)
    for member in members:
        plan.leave(member)
    plan.join(Someone("c"), "group", 4)
    turn = plan.next_turn()
    assert turn is not None
    assert turn.bucket == 4


def test_who_needs_two_rows_finds_them_in_a_group_that_had_shrunk_to_one() -> None:
    plan: RowPlan[Someone] = RowPlan()
    plan.join(Someone("a", 1), "group", 2)
    assert plan.shrink("group", 2)
    plan.join(Someone("b", 2), "group", 2)
    assert {names(plan.next_turn()), names(plan.next_turn())} == {"a", "b"}


@pytest.mark.parametrize("device", ["cpu", "cuda", "mps"])
@pytest.mark.parametrize("pixels", [64, 64 * 64, 128 * 128, 256 * 256])
def test_a_bucket_holds_at_least_one_picture_and_a_power_of_two(device: str, pixels: int) -> None:
    for guided in (True, False):
        bucket = bucket_for(device, pixels, guided)
        assert bucket >= (2 if guided else 1)
        assert bucket & (bucket - 1) == 0
        assert largest_for(device, pixels, bucket) % bucket == 0


arrivals = st.lists(
    st.tuples(st.sampled_from("xyz"), st.integers(1, 2), st.integers(1, 12), st.integers(0, 5)), min_size=1, max_size=25
)


@given(arrivals, st.sampled_from([2, 4]), st.sampled_from([1, 4]))
def test_everybody_gets_every_step_and_nobody_waits_longer_than_all_others_take(
    people: list[tuple[str, int, int, int]], bucket: int, growth: int
) -> None:
    plan: RowPlan[Someone] = RowPlan()
    now = 0
    everybody = []

    def go() -> None:
        nonlocal now
        turn = plan.next_turn()
        if turn is None:
            return
        now += 1
        assert 0 < sum(member.rows for member in turn.members) <= turn.bucket
        for member in turn.members:
            member.turns.append(now)
            if len(member.turns) == member.steps:
                plan.leave(member)

    for group, rows, steps, pause in people:
        someone = Someone(group, rows, steps)
        someone.turns.append(now)  # counts as its first, so that the wait for the real one is looked at too
        someone.steps += 1
        everybody.append(someone)
        plan.join(someone, group, bucket, bucket * growth)
        for _ in range(pause):
            go()
    while len(plan):
        go()
    for someone in everybody:
        assert len(someone.turns) == someone.steps
        assert max(b - a for a, b in zip(someone.turns, someone.turns[1:], strict=False)) <= len(people)
