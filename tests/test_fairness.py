"""The choice of the next job: pure, so that time and people are made up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.fairness import REMEMBERED, Queued, Shares, Waiting, choose, order

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def job(id: int, person: str = "ann", model: str = "tiny", row_steps: int = 40, guild: str | None = None) -> Queued:
    return Queued(id, person, guild, model, row_steps, 0, NOW)


def waiting(*jobs: Queued, since: float = 0.0) -> list[Waiting]:
    return [Waiting(each, since) for each in jobs]


def starts(queue: list[Waiting], seconds_each: float = 1.0) -> list[Queued]:
    """The jobs in the order in which they start, one after the other."""
    shares, now, started = Shares(), 0.0, []
    while queue:
        chosen = choose(queue, shares, now)
        assert chosen is not None
        queue.remove(chosen)
        shares.charge(chosen.job, now)
        started.append(chosen.job)
        now += seconds_each
    return started


def test_nothing_waits_nothing_starts() -> None:
    assert choose([], Shares(), 0) is None


def test_one_persons_jobs_start_in_the_order_they_came() -> None:
    assert [each.id for each in starts(waiting(*(job(i) for i in range(5))))] == [0, 1, 2, 3, 4]


def test_nine_people_with_one_job_start_within_ten_of_somebody_with_five_hundred() -> None:
    hog = [job(i, "hog") for i in range(500)]
    others = [job(1000 + i, f"person {i}") for i in range(9)]
    started = starts(waiting(*hog, *others))
    last = max(started.index(each) for each in others)
    print(f"dispatches until each of nine started: {last + 1}")
    assert last < 10


def test_a_small_server_is_not_drowned_by_a_large_one() -> None:
    large = [job(i, f"large {i}", guild="large") for i in range(50)]
    small = [job(100 + i, f"small {i}", guild="small") for i in range(5)]
    started = starts(waiting(*large, *small))
    assert max(started.index(each) for each in small) < 15


def test_what_is_of_a_model_that_is_not_worth_its_load_yet_starts_after_all_others() -> None:
    queue = waiting(job(1, "cold", "other"), *(job(10 + i, f"warm {i}") for i in range(5)))
    assert order(queue, Shares(), 0.0, {"other"}) == [10, 11, 12, 13, 14, 1]
    assert order(queue, Shares(), 0.0)[0] == 1


def test_a_job_that_is_tried_again_later_does_not_hold_up_the_others() -> None:
    later = Waiting(job(1), 0.0, ready_at=100.0)
    now = Waiting(job(2, "bob"), 0.0)
    chosen = choose([later, now], Shares(), 5.0)
    assert chosen is now
    assert choose([later], Shares(), 5.0) is None
    assert choose([later], Shares(), 100.0) is later


def test_service_is_forgotten_with_time() -> None:
    shares = Shares()
    shares.charge(job(1, row_steps=1000), 0.0)
    assert shares.person("ann", 600.0) == 125  # of 1000 row-steps at a quarter of 1024×1024
    shares.refund(job(1, row_steps=1000), 600.0)
    assert shares.person("ann", 600.0) == 0


def test_a_picture_of_four_times_the_pixels_counts_as_four() -> None:
    small, large = job(1, row_steps=100), replace(job(2, "bob", row_steps=100), pixels=1024 * 1024)
    shares = Shares()
    shares.charge(small, 0.0)
    shares.charge(large, 0.0)
    assert (shares.person("ann", 0.0), shares.person("bob", 0.0)) == (25, 100)


def test_who_asks_for_large_pictures_gets_as_many_pixels_as_who_asks_for_small_ones() -> None:
    small = [job(i, "small") for i in range(200)]
    large = [replace(job(1000 + i, "large"), pixels=1024 * 1024) for i in range(200)]
    started = starts(waiting(*large, *small), seconds_each=0.0)[:100]
    pixels = {person: sum(each.pixels for each in started if each.person_id == person) for person in ("small", "large")}
    print(f"of 100 starts {sum(each.person_id == 'large' for each in started)} were large; pixels {pixels}")
    assert abs(pixels["small"] - pixels["large"]) <= 2 * 1024 * 1024


def test_one_who_had_much_is_not_passed_over_for_ever_by_people_who_had_nothing() -> None:
    shares = Shares()
    shares.charge(job(0, "ann", row_steps=200), 0.0)
    mine = Waiting(job(1, "ann"), 0.0)
    for second in range(1, 400):
        stranger = Waiting(job(100 + second, f"stranger {second}"), float(second))
        chosen = choose([mine, stranger], shares, float(second))
        assert chosen is not None
        if chosen is mine:
            break
        shares.charge(chosen.job, float(second))
    print(f"passed over for {second} s after 200 row-steps of service")
    assert second <= 200


def test_accounts_that_are_as_good_as_empty_are_forgotten() -> None:
    shares = Shares()
    for number in range(REMEMBERED + 10):
        shares.charge(job(number, f"person {number}", row_steps=1, guild=f"server {number}"), float(number))
    assert shares.person("person 0", 1e5) == shares.guild("server 0", 1e5) == 0
    assert len(shares.copy()._people) == len(shares.copy()._guilds) <= REMEMBERED


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["ann", "bob", "cid"]), st.sampled_from(["tiny", "other"])), min_size=1))
def test_what_is_chosen_now_is_what_looking_ahead_names_first(asked: list[tuple[str, str]]) -> None:
    queue = waiting(*(job(i, person, model) for i, (person, model) in enumerate(asked)))
    shares = Shares()
    shares.charge(job(99, "ann"), 0.0)
    now = 3.0
    for id in order(queue, shares, now):
        chosen = choose(queue, shares, now)
        assert chosen is not None
        assert chosen.job.id == id
        queue.remove(chosen)
        shares.charge(chosen.job, now)


people = st.sampled_from(["ann", "bob", "cid", "dora"])
jobs = st.lists(
    st.builds(
        lambda person, model, cost, guild: (person, model, cost, guild),
        people,
        st.sampled_from(["tiny", "other"]),
        st.integers(1, 400),
        st.sampled_from([None, "a", "b"]),
    ),
    min_size=1,
    max_size=40,
)


@settings(deadline=None)
@given(jobs)
def test_everybody_starts_once(made: list[tuple[str, str, int, str | None]]) -> None:
    queue = waiting(*(job(i, *each[:2], row_steps=each[2], guild=each[3]) for i, each in enumerate(made)))
    assert sorted(each.id for each in starts(list(queue))) == list(range(len(made)))


@settings(deadline=None)
@given(jobs)
def test_looking_ahead_names_each_job_once_and_changes_nothing(made: list[tuple[str, str, int, str | None]]) -> None:
    queue = waiting(*(job(i, *each[:2], row_steps=each[2], guild=each[3]) for i, each in enumerate(made)))
    shares = Shares()
    shares.charge(job(0), 0.0)
    before = shares.person("ann", 1.0)
    ids = order(queue, shares, 1.0)
    assert len(set(ids)) == len(ids) == min(100, len(queue))
    assert shares.person("ann", 1.0) == before


@settings(deadline=None)
@given(st.lists(people, min_size=8, max_size=80))
def test_equal_jobs_are_shared_equally_while_all_wait(asked: list[str]) -> None:
    queue = waiting(*(job(i, person) for i, person in enumerate(asked)))
    started = starts(queue, seconds_each=0.0)
    left = {person: asked.count(person) for person in set(asked)}
    got = dict.fromkeys(left, 0)
    for each in started:
        hungry = [person for person, count in left.items() if count]
        assert got[each.person_id] <= min(got[person] for person in hungry) + 1
        got[each.person_id] += 1
        left[each.person_id] -= 1
