"""The GPU suite rehearsed on the CPU with small models: nothing should fail for the first time on a GPU."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from engine.types import Sampler
from tests.bench import gpu, gpu_bits, gpu_pictures
from tests.bench.models import build, kinds
from tests.bench.rig import Report, Rig

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Report:
    file = tmp_path_factory.mktemp("figures") / "gpu.json"
    gpu.main(file, {"g1", "g3", "g4", "g5", "g6"}, minutes=20, tiny=True)
    found: Report = json.loads(file.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("part", ["g1", "g3", "g4", "g5", "g6"])
def test_every_part_comes_to_its_end(rehearsed: Report, part: str) -> None:
    assert "reason" not in rehearsed[part]
    assert {"figure", "goal", "met", "arms", "seconds"} <= rehearsed[part].keys()
    assert rehearsed[part]["arms"]


def test_bits_do_not_depend_on_neighbours_where_it_is_rehearsed(rehearsed: Report) -> None:
    assert rehearsed["g5"]["figure"] == 0
    assert not any(arm["graph_differs_from_eager"] for arm in rehearsed["g5"]["arms"].values())


def test_the_arms_paint_the_same_before_they_are_timed(tmp_path: Path) -> None:
    rig = Rig(CPU, torch.float32, kinds(tiny=True), tmp_path, ends=float("inf"), compile=False)
    for kind in rig.kinds.values():
        assert gpu_pictures.parity(rig, kind, kind.steps)["largest"] <= 1


def test_a_part_that_fails_says_why_and_keeps_what_it_found(tmp_path: Path) -> None:
    rig = Rig(CPU, torch.float32, kinds(tiny=True), tmp_path, ends=float("inf"), compile=False)

    def broken(rig: Rig, report: Report) -> None:
        report["arms"] = {"one": 1}
        raise RuntimeError("the device fell off the bus")

    report: Report = {}
    gpu.run_part(rig, broken, report, longest=60)
    assert report["arms"] == {"one": 1}
    assert report["reason"] == "RuntimeError: the device fell off the bus"
    assert (report["figure"], report["met"]) == (None, None)


def test_weights_are_random_and_the_same_each_time(tmp_path: Path) -> None:
    kind = kinds(tiny=True)["sdxl"]
    one, other = (build(kind, CPU, torch.float32, tmp_path) for _ in range(2))
    for mine, theirs in zip(one.unet.parameters(), other.unet.parameters(), strict=True):
        assert torch.equal(mine, theirs)
        assert mine.count_nonzero() == mine.numel()


def test_mixed_requests_differ_in_steps_guidance_and_samplers() -> None:
    requests = gpu_bits.mixed(kinds(tiny=True)["sd15"])
    assert len({request.num_inference_steps for request in requests}) > 3
    assert {request.rows for request in requests} == {1, 2}
    assert Sampler.DPMPP_2M_SDE in {request.sampler for request in requests}
