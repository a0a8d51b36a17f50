"""DiffusionService: plain calls, from wherever somebody has a Python prompt."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from engine import DiffusionService
from engine.catalog import Catalog
from engine.config import EngineConfig, Settings, load_settings
from engine.images import read_request
from engine.local import LocalEngine
from tests.serving import BOX, ROOT


@pytest.fixture(autouse=True)
def _noise_is_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = LocalEngine.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "backend", "tests.drills.box:Box")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "config.toml").write_text(BOX)
    return load_settings(tmp_path / "config.toml").model_copy(update={"engine": EngineConfig(executor="thread")})


@pytest.fixture
def service(tmp_path: Path, settings: Settings) -> Iterator[DiffusionService]:
    with DiffusionService(tmp_path / "out", settings=settings) as service:
        yield service


def test_pictures_come_back_as_images_files_seeds_and_metadata(service: DiffusionService, tmp_path: Path) -> None:
    result = service.generate_image("a red fox", num_inference_steps=2, width=128, height=64, seed=7, num_images=2)
    assert result["success"], result["message"]
    assert [image.size for image in result["images"]] == [(128, 64)] * 2
    assert result["seeds"] == [7, 8]
    for path, seed, image, metadata in zip(
        result["paths"], result["seeds"], result["images"], result["metadata"], strict=True
    ):
        assert Path(path).is_relative_to(tmp_path / "out")
        with Image.open(path) as kept:
            assert kept.tobytes() == image.tobytes()
        assert metadata["parameters"].startswith("a red fox\nSteps: 2")
        request = read_request(Path(path))
        assert request is not None
        assert (request.prompt, request.seed) == ("a red fox", 7)
        assert f"Seed: {seed}" in metadata["parameters"]


def test_a_random_seed_is_told_and_makes_the_same_picture_again(service: DiffusionService) -> None:
    first = service.generate_image("a boat")
    again = service.generate_image("a boat", seed=first["seeds"][0])
    other = service.generate_image("a boat")
    assert first["images"][0].tobytes() == again["images"][0].tobytes() != other["images"][0].tobytes()


def test_what_goes_wrong_is_told_and_nothing_is_raised(service: DiffusionService) -> None:
    for options, words in (
        ({"width": 60}, "width: 60 does not fit"),
        ({"num_images": 9}, "num_images: 9 does not fit; allowed: 1 to 4"),
        ({"model": "bix"}, "There is no model 'bix'. Did you mean box"),
    ):
        result = service.generate_image("a fox", **options)
        assert not result["success"]
        assert words in result["message"]
        assert result["images"] == result["paths"] == result["seeds"] == []
    assert service.load_model("bix")[0] is False
    assert service.current_model == "box"


def test_models_are_loaded_and_unloaded_by_name(service: DiffusionService) -> None:
    assert service.load_model("box") == (True, "box is loaded.")
    assert service.unload_model() == (True, "box is unloaded.")
    assert service.generate_image("a fox")["success"], "it is loaded again by itself"


def test_the_history_outlives_the_service(tmp_path: Path, settings: Settings) -> None:
    with DiffusionService(tmp_path / "out", settings=settings) as service:
        made = service.generate_image("a fox in the snow", negative_prompt="rain", seed=3)
        service.generate_image("a boat")
    with DiffusionService(tmp_path / "out", settings=settings) as service:
        newest, oldest = service.get_history()
        assert newest["prompt"] == "a boat"
        assert (oldest["prompt"], oldest["negative_prompt"], oldest["seeds"]) == ("a fox in the snow", "rain", [3])
        assert oldest["paths"] == made["paths"]
        assert service.get_history(search="snow") == [oldest]
        assert service.get_history(limit=1) == [newest]


def test_a_folder_in_use_is_told(service: DiffusionService, tmp_path: Path, settings: Settings) -> None:
    service.generate_image("a fox")
    with DiffusionService(tmp_path / "out", settings=settings) as second:
        result = second.generate_image("a boat")
    assert not result["success"]
    assert "Another Easel" in result["message"]


def test_a_folder_that_cannot_be_one_is_told(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "out").write_text("a file")
    with DiffusionService(tmp_path / "out", settings=settings) as service:
        result = service.generate_image("a boat")
    assert not result["success"]
    assert "cannot be written" in result["message"]


async def test_it_works_where_an_event_loop_runs_already_as_in_a_notebook(service: DiffusionService) -> None:
    assert asyncio.get_running_loop().is_running()
    assert service.generate_image("a fox")["success"]


def test_a_service_that_was_closed_opens_again(service: DiffusionService) -> None:
    service.generate_image("a fox")
    service.close()
    service.close()
    assert len(service.get_history()) == 1


UNGUARDED = """
from engine import DiffusionService
from engine.config import EngineConfig, load_settings
from engine.local import LocalEngine

print("the script begins")
LocalEngine.__init__.__kwdefaults__["backend"] = "tests.drills.box:Box"
service = DiffusionService("out", settings=load_settings(__import__("pathlib").Path("config.toml")))
result = service.generate_image("a fox", seed=5)
print(result["success"], len(service.get_history()), result["paths"][0])
{end}
"""


@pytest.mark.slow
@pytest.mark.parametrize(("end", "code"), [("", 0), ("raise SystemExit(3)", 3)], ids=["runs out", "leaves"])
def test_a_script_without_a_guard_runs_once_and_ends_by_itself(tmp_path: Path, end: str, code: int) -> None:
    (tmp_path / "config.toml").write_text(BOX)
    (tmp_path / "script.py").write_text(UNGUARDED.format(end=end))
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == code, done.stderr
    begins, result = done.stdout.splitlines()
    assert begins == "the script begins"
    assert result.startswith(f"True 1 {tmp_path}/out/pictures/")
    assert done.stderr == ""


@pytest.mark.slow
def test_the_embedded_model_paints_without_any_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = LocalEngine.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "backend", "engine.loading:Diffusers")
    assert "tiny" in Catalog()
    with DiffusionService(output_dir=tmp_path) as service:
        assert service.load_model("tiny") == (True, "tiny is loaded.")
        result = service.generate_image("a red apple", num_inference_steps=2, seed=7)
    assert result["success"], result["message"]
    assert result["images"][0].size == (512, 512)
