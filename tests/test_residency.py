"""Which models stay, and when another is worth its load: pure, so that models, people and time are made up."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.affinity import Affinity
from engine.catalog import ModelSpec
from engine.config import EngineConfig
from engine.dispatch import Dispatcher
from engine.fairness import Queued, Shares, Waiting
from engine.fairness import choose as fairest
from engine.ledger import Ledger
from engine.local import LocalEngine
from engine.modelcache import ModelCache
from engine.painting import Report, ShouldStop
from engine.residency import LONGEST_TURN_S, SHORTEST_TURN_S, Asks, Choice, Loads, Model, choose, goes, pays
from engine.types import ModelState, Origin, Status
from tests import paintbox
from tests.paintbox import Colour

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def model(key: str, load_s: float = 5.0, bytes: int = 10, **facts: float | bool) -> Model:
    return Model(key, bytes, load_s, **{"chance": 0.0} | facts)  # type: ignore[arg-type]


models = st.lists(
    st.builds(
        lambda bytes, load_s, chance, in_use, jobs: (bytes, load_s, chance, in_use, jobs),
        st.integers(1, 50),
        st.floats(0, 60),
        st.floats(0, 1),
        st.booleans(),
        st.integers(0, 3),
    ),
    max_size=8,
).map(
    lambda made: [
        Model(str(i), bytes, load_s, chance=chance, in_use=in_use, jobs=jobs)
        for i, (bytes, load_s, chance, in_use, jobs) in enumerate(made)
    ]
)


class TestWhoGoes:
    @given(models, st.integers(0, 100))
    def test_with_room_for_all_nobody(self, loaded: list[Model], needed: int) -> None:
        budget = sum(each.bytes for each in loaded) + needed
        assert goes(loaded, needed, budget) == goes(loaded, needed, None) == []

    @given(models, st.integers(1, 100), st.integers(0, 300))
    def test_as_many_as_it_takes_and_none_of_them_in_vain(self, loaded: list[Model], needed: int, budget: int) -> None:
        going = goes(loaded, needed, budget)
        staying = [each for each in loaded if going is None or each not in going]
        over = sum(each.bytes for each in staying) + needed - budget
        if going is None:
            idle = sum(each.bytes for each in loaded if not each.in_use)
            assert any(each.in_use for each in loaded)
            assert over > idle
        else:
            assert not any(each.in_use for each in going)
            assert over <= 0 or not staying
            assert all(over + each.bytes > 0 for each in going)

    def test_the_one_whose_return_would_cost_least(self) -> None:
        slow, quick, often = model("slow", 30, chance=0.5), model("quick", 2, chance=0.5), model("often", 2, chance=1.0)
        assert goes([slow, often, quick], 10, 30) == [quick]

    def test_not_the_one_that_is_waited_for(self) -> None:
        assert goes([model("asked", 5, jobs=1), model("popular", 6, chance=0.8)], 10, 20) == [
            model("popular", 6, chance=0.8)
        ]

    def test_the_one_used_longest_ago_where_nothing_else_tells_them_apart(self) -> None:
        assert goes([model("a"), model("b")], 10, 20) == [model("a")]

    def test_a_small_one_stays_where_a_large_one_has_to_go_anyway(self) -> None:
        small, large = model("small", 1, bytes=5, chance=1), model("large", 50, bytes=60, chance=1)
        assert goes([small, large], 40, 70) == [large]


class TestWhetherItPays:
    def test_at_once_where_nobody_waits_for_what_goes(self) -> None:
        assert pays(model("cold", jobs=1, work_s=1), [model("idle")])

    def test_not_for_one_person_who_can_wait_until_the_others_are_done(self) -> None:
        assert not pays(model("cold", jobs=1, work_s=4), [model("warm", jobs=3, work_s=12)])

    def test_for_many_who_would_wait_long_for_a_few(self) -> None:
        assert pays(model("cold", jobs=10, work_s=20), [model("warm", jobs=1, work_s=60)])

    def test_a_model_that_fits_beside_the_others_never_waits(self) -> None:
        warm, cold = model("warm", jobs=9, work_s=90), model("cold", jobs=1, work_s=1)
        assert choose([warm], [cold], 20) == Choice()
        assert choose([warm], [cold], 19) == Choice(held=frozenset({"cold"}))

    def test_who_has_waited_long_enough_is_due_once_the_other_had_its_turn(self) -> None:
        warm, cold = model("warm", jobs=9, work_s=90, loaded_s=19), model("cold", jobs=1, work_s=1, waited_s=20)
        assert choose([warm], [cold], 10).held == {"cold"}
        assert choose([replace(warm, loaded_s=20)], [cold], 10).due == "cold"

    def test_of_two_who_have_waited_long_enough_the_longer_is_due_and_nobody_passes(self) -> None:
        warm = model("warm", jobs=1, work_s=500)
        longer, long, many = (
            model("longer", jobs=1, waited_s=30),
            model("long", jobs=1, waited_s=25),
            model("many", jobs=50, work_s=1),
        )
        assert pays(many, [warm])
        chosen = choose([warm], [many, long, longer], 10)
        assert chosen == Choice(frozenset({"many", "long"}), due="longer")
        assert [chosen.allows(key) for key in ("warm", "long", "longer")] == [False, False, True]

    def test_turns_follow_the_load_within_bounds(self) -> None:
        assert [model("", load).turn_s for load in (0.1, 10, 600)] == [SHORTEST_TURN_S, 40, LONGEST_TURN_S]


class TestWhatIsLearned:
    def test_asks_are_forgotten_by_half_every_ten_minutes(self) -> None:
        asks = Asks()
        assert asks.chance("a", 0.0) == 0
        for _ in range(40):
            asks.add("a", 0.0)
        asks.add("b", 600.0)
        for _ in range(19):
            asks.add("b", 600.0)
        assert asks.chance("a", 600.0) == asks.chance("b", 600.0) < asks.chance("a", 0.0) < 1

    def test_the_shortest_load_counts_since_the_first_may_have_fetched_the_files(self) -> None:
        loads = Loads()
        assert (loads.bytes("a"), loads.load_s("a")) == (None, None)
        loads.learn("a", 10, 300.0)
        loads.learn("a", 12, 4.0)
        loads.learn("a", 11, 5.0)
        assert list(loads) == [("a", 11, 4.0)]

    def test_the_cache_keeps_what_is_asked_for_often_though_it_was_used_longest_ago(self) -> None:
        now = [0.0]
        cache = ModelCache(2 * Colour().bytes, clock=lambda: now[0])
        for key, asks in (("often", 5), ("once", 1)):
            cache.add(key, Colour(), load_s=3.0)
            for _ in range(asks):
                cache.asked(key)
        now[0] = 30.0
        cache.get("once")
        assert cache.make_room(Colour().bytes)
        assert [key for key, _ in cache] == ["often"]

    def test_the_cache_keeps_what_calls_wait_for(self) -> None:
        cache = ModelCache(2 * Colour().bytes, waiting=lambda key: int(key == "awaited"))
        cache.add("awaited", Colour(), load_s=3.0)
        cache.add("popular", Colour(), load_s=3.0)
        cache.asked("popular")
        cache.add("third", Colour(), load_s=3.0)
        assert [key for key, _ in cache] == ["awaited", "third"]


@dataclass(slots=True)
class Played:
    """What became of a day: loads, each job's wait in seconds, and how long each cold model waited for its loads."""

    loads: int = 0
    unloads: int = 0
    painting_s: float = 0.0
    waits: list[float] = field(default_factory=list)
    turns: dict[str, list[float]] = field(default_factory=dict)
    ended: float = 0.0


@dataclass(frozen=True, slots=True)
class Kind:
    bytes: int
    load_s: float
    job_s: float


Picks = Callable[[Sequence[Waiting], Sequence[ModelState], int, Mapping[str, float], float], Waiting]


def easel() -> Picks:
    affinity, shares = Affinity(), Shares()

    def pick(
        queue: Sequence[Waiting], states: Sequence[ModelState], budget: int, speeds: Mapping[str, float], now: float
    ) -> Waiting:
        choice = affinity.choose(queue, [], states, budget, speeds, now)
        chosen = fairest([each for each in queue if choice.allows(each.job.model)], shares, now)
        assert chosen is not None, "somebody waits, and nobody may start"
        shares.charge(chosen.job, now)
        affinity.started(chosen.job.model, now)
        return chosen

    return pick


def first_come(
    queue: Sequence[Waiting], states: Sequence[ModelState], budget: int, speeds: Mapping[str, float], now: float
) -> Waiting:
    return queue[0]


def play(
    arrivals: Sequence[tuple[float, str]], kinds: Mapping[str, Kind], budget: int, pick: Picks, lru: bool
) -> Played:
    """One device that does one thing after another. `lru`: whoever was used longest ago makes room."""
    speeds = {key: kind.job_s / (10 * 512 * 512 / 1024**2) for key, kind in kinds.items()}
    played, here, asks, now = Played(), dict[str, float](), Asks(), 0.0
    coming = [
        Waiting(Queued(i, f"person {i}", None, key, 10, 0, NOW), at) for i, (at, key) in enumerate(sorted(arrivals))
    ]
    queue: list[Waiting] = []
    asked_since: dict[str, float] = {}
    while coming or queue:
        if not queue:
            now = max(now, coming[0].since)
        while coming and coming[0].since <= now:
            each = coming.pop(0)
            queue.append(each)
            asks.add(each.job.model, now)
            asked_since.setdefault(each.job.model, each.since)
        states = [
            ModelState(key, "loaded" if key in here else "on disk", needs=kind.bytes, load_s=kind.load_s)
            for key, kind in kinds.items()
        ]
        chosen = pick(queue, states, budget, speeds, now)
        queue.remove(chosen)
        key = chosen.job.model
        kind = kinds[key]
        if key not in here:
            oldest_first = [
                Model(each, kinds[each].bytes, 0.0 if lru else kinds[each].load_s, chance=asks.chance(each, now))
                for each in sorted(here, key=here.__getitem__)
            ]
            for gone in goes(oldest_first, kind.bytes, budget) or ():
                del here[gone.key]
                played.unloads += 1
            played.turns.setdefault(key, []).append(now - asked_since[key])
            played.loads += 1
            now += kind.load_s
        here[key] = now
        played.waits.append(now - chosen.since)
        now += kind.job_s
        played.painting_s += kind.job_s
        left = [each.since for each in queue if each.job.model == key]
        if left:
            asked_since[key] = max(min(left), here[key])
        else:
            del asked_since[key]
    played.ended = now
    return played


def alternating(count: int, every_s: float) -> list[tuple[float, str]]:
    return [(i * every_s, "ab"[i % 2]) for i in range(count)]


def test_two_models_that_alternate_in_the_room_of_one_are_painted_in_batches() -> None:
    kinds = dict.fromkeys("ab", Kind(10, load_s=6.0, job_s=2.0))
    coming = alternating(600, every_s=3.0)
    lru = play(coming, kinds, 10, first_come, lru=True)
    ours = play(coming, kinds, 10, easel(), lru=False)
    for name, arm in (("first come and LRU", lru), ("easel", ours)):
        waits = sorted(arm.waits)
        print(
            f"{name}: {arm.loads} loads for {len(waits)} jobs, mean wait {sum(waits) / len(waits):.1f} s,"
            f" p95 {waits[int(0.95 * len(waits))]:.1f} s, done after {arm.ended:.0f} s"
        )
    assert lru.loads == 600
    assert ours.loads <= 600 / 4
    assert sum(ours.waits) < sum(lru.waits) / 4
    assert max(ours.waits) <= 60


def test_models_of_uneven_worth_are_loaded_for_less_time_than_by_last_use() -> None:
    """Five models, room for two or three of them; some are asked for more than others, some take long to load."""
    kinds = {
        "tiny": Kind(1, 0.5, 0.5),
        "sd15": Kind(4, 4.0, 1.5),
        "turbo": Kind(10, 9.0, 0.5),
        "sdxl": Kind(10, 9.0, 6.0),
        "flux": Kind(20, 25.0, 8.0),
    }
    weights = (5, 4, 4, 1, 1)
    totals: dict[str, list[float]] = {"first come and LRU": [], "easel": []}
    for seed in range(5):
        chance = random.Random(seed)
        coming, at = [], 0.0
        for _ in range(400):
            at += chance.expovariate(1 / 6.0)
            coming.append((at, chance.choices(list(kinds), weights)[0]))
        for name, pick, lru in (("first come and LRU", first_come, True), ("easel", easel(), False)):
            played = play(coming, kinds, 26, pick, lru)
            totals[name].append(sum(played.waits) / len(played.waits))
            print(f"seed {seed}, {name}: {played.loads} loads, mean wait {totals[name][-1]:.1f} s")
    assert all(ours < other for ours, other in zip(totals["easel"], totals["first come and LRU"], strict=True))


days = st.tuples(
    st.lists(st.tuples(st.floats(0, 300), st.sampled_from("abcd")), min_size=1, max_size=60),
    st.fixed_dictionaries(
        {key: st.builds(Kind, st.integers(1, 10), st.floats(0.1, 30), st.floats(0.1, 8)) for key in "abcd"}
    ),
)


@settings(deadline=None)
@given(days)
def test_with_room_for_all_each_model_is_loaded_once_and_nothing_is_unloaded(
    day: tuple[list[tuple[float, str]], dict[str, Kind]],
) -> None:
    coming, kinds = day
    played = play(coming, kinds, sum(kind.bytes for kind in kinds.values()), easel(), lru=False)
    assert (played.loads, played.unloads) == (len({key for _, key in coming}), 0)


@settings(deadline=None, max_examples=200)
@given(days, st.integers(1, 25))
def test_no_model_waits_longer_for_its_load_than_the_others_turns_take(
    day: tuple[list[tuple[float, str]], dict[str, Kind]], budget: int
) -> None:
    """Its own patience, then for each other model its load, its turn, and the pictures that are painted at its ends."""
    coming, kinds = day
    played = play(coming, kinds, budget, easel(), lru=False)
    assert len(played.waits) == len(coming)
    facts = {key: model(key, kind.load_s) for key, kind in kinds.items()}
    for key, waited in played.turns.items():
        others = sum(facts[each].turn_s + kind.load_s + 2 * kind.job_s for each, kind in kinds.items() if each != key)
        assert max(waited) <= facts[key].turn_s + others


@pytest.mark.parametrize(("room_gb", "most"), [(0.5, 6), (1.3, 2)])
async def test_a_queue_of_two_models_by_turns_is_painted_in_batches(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, room_gb: float, most: int
) -> None:
    """Ledger, dispatcher and worker are real; a model takes 0.4 GB, and longer to load than to paint with."""
    load = paintbox.Paintbox.load

    def load_slowly(box: paintbox.Paintbox, spec: ModelSpec, report: Report, should_stop: ShouldStop) -> Colour:
        time.sleep(0.3)
        return load(box, spec, report, should_stop)

    monkeypatch.setattr(paintbox.Paintbox, "load", load_slowly)
    catalog = paintbox.catalog()
    config = EngineConfig(executor="thread", memory_budget_gb=room_gb)
    async with (
        LocalEngine(config, catalog, backend=paintbox.BACKEND) as engine,
        Ledger.open(tmp_path) as ledger,
        Dispatcher(ledger, engine, catalog, min_free_bytes=0) as dispatcher,
        dispatcher.subscribe() as ends,
    ):
        with caplog.at_level(logging.INFO, "engine.worker"):
            for number in range(24):
                request = catalog.request(("plain", "second")[number % 2], "a cat", seed=number)
                await dispatcher.submit(request, Origin(f"person {number}"))
            async with asyncio.timeout(30):
                ended = [await anext(ends) for _ in range(24)]
    assert {update.status for update in ended} == {Status.STORED}
    loads = [message for message in caplog.messages if message.startswith("loaded ")]
    print(f"24 jobs of two models by turns, room for {room_gb} GB: {len(loads)} loads")
    assert 2 <= len(loads) <= most
    assert any(message.startswith("unloaded") for message in caplog.messages) == (room_gb < 0.8)
