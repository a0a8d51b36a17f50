"""The machinery of the CPU suite, made small: that each part measures what it says. Times are not judged here."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # diffusers, of numpy
]
pytest.importorskip("torch")

from tests.bench import cpu  # noqa: E402
from tests.bench.arms import Report  # noqa: E402
from tests.bench.arrivals import Floor, compared, continuous, jobs, sequential, static  # noqa: E402
from tests.bench.cancel import c7  # noqa: E402
from tests.bench.exact import c4  # noqa: E402
from tests.bench.guests import latencies  # noqa: E402
from tests.bench.lag import idle, watched  # noqa: E402
from tests.bench.overhead import c1  # noqa: E402
from tests.bench.png import c2  # noqa: E402
from tests.bench.rivals import stubs  # noqa: E402


def test_overhead_times_three_arms_that_paint_the_same() -> None:
    found = c1(rounds=2)
    assert found["largest_gap"] <= 1
    assert all(set(arms) == {"diffusers", "diffusers tuned", "easel"} for arms in found["arms"].values())
    assert all(took > 0 for arms in found["arms"].values() for took in arms.values())


def test_files_are_compared_by_time_and_size() -> None:
    found = c2(side=64, rounds=1)
    assert set(found["arms"]) == {"smooth", "grainy", "natural"}
    assert all(figure > 0 for figure in found["figure"].values())


def test_every_policy_serves_everybody_who_came() -> None:
    rivals = stubs()
    for policy in (sequential, static, continuous):
        work = jobs(rivals, 12, rate=200.0, seed=1)
        floor = Floor(work)
        policy(rivals, floor)
        assert {id(job) for job, _ in floor.latencies} == {id(job) for job in work}
        assert all(latency > 0 for _, latency in floor.latencies)


def test_a_static_batch_holds_equals_only() -> None:
    rivals, batches = stubs(), []
    call = rivals.call
    rivals.call = lambda *requests, **options: batches.append(requests) or call(*requests, **options)  # type: ignore
    static(rivals, Floor([replace(job, at=0.0) for job in jobs(rivals, 12, 1.0, seed=2)]))
    assert max(map(len, batches)) > 1
    assert all(len({(each.num_inference_steps, each.guidance_scale) for each in batch}) == 1 for batch in batches)


def test_arrivals_are_compared_on_the_same_jobs() -> None:
    arms = compared(stubs(), 8, seeds=(1,))
    assert all(len(found) == 1 and found[0]["mean_s"] > 0 for found in arms.values())


def test_samplers_and_neighbours_are_compared_in_pixels_and_bits(tmp_path: Path) -> None:
    found = c4(tmp_path, steps=(2,), pictures=4)
    assert found["met"], found
    assert found["arms"]["compared among neighbours"] == 8
    assert len(found["arms"]["gap to diffusers"]) >= 7


def test_cancelling_is_counted_in_steps(tmp_path: Path) -> None:
    assert c7(tmp_path, moments=(2,))["met"]


async def test_a_loop_that_is_held_up_is_seen_to_lag() -> None:
    lags: list[float] = []
    await idle(lags, 0.05)
    assert lags
    held: list[float] = []
    async with watched(held):
        await asyncio.sleep(0.02)
        sum(range(3_000_000))
        await asyncio.sleep(0.02)
    assert max(held) > 5


def test_a_guest_is_timed_alone_and_beside_a_crowd(tmp_path: Path) -> None:
    found = asyncio.run(latencies(tmp_path, rounds=1, jobs=14))
    assert all(len(times) == 1 and times[0] > 0 for times in found.values())


def test_a_part_that_fails_is_told_and_the_others_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(folder: Path) -> Report:
        raise AssertionError("the arms paint different pictures")

    parts: dict[str, Any] = {"c1": broken, "c2": lambda folder: c2(side=32, rounds=1)}
    monkeypatch.setattr(cpu, "PARTS", parts)
    reports = cpu.run(tmp_path / "out.json")
    assert json.loads((tmp_path / "out.json").read_text()) == reports
    assert reports["c1"]["met"] is False
    assert "different pictures" in reports["c1"]["reason"]
    assert reports["c2"]["figure"]
