"""`python -m engine bench`: what it counts, what it shows, and what it says of a model that is not here."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from engine.__main__ import app
from engine.bench import AT_ONCE, FEWEST, Figures, timed
from engine.catalog import Catalog, ModelSpec
from engine.types import Engine, EngineStatus, Event, GenerationRequest, ModelState, Picture, Progress
from tests.tinypipes import save_sd


class Painting(Engine):
    """An engine that needs no time, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[GenerationRequest] = []
        self.running = self.most = 0

    async def generate(self, id: int, request: GenerationRequest) -> AsyncIterator[Event]:
        self.asked.append(request)
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0)
        yield Progress(1, 1)
        yield Picture(0, request.seed, b"", request.width, request.height)
        self.running -= 1

    async def models(self) -> list[ModelState]:
        return []

    def load(self, key: str) -> AsyncIterator[Event]:
        raise NotImplementedError

    async def unload(self, key: str) -> None:
        raise NotImplementedError

    async def status(self) -> EngineStatus:
        return EngineStatus(device="abacus (fp32)", free=1)

    async def aclose(self) -> None:
        """Nothing is held."""


async def test_pictures_are_painted_alone_and_then_several_at_once() -> None:
    engine, catalog = Painting(), Catalog()
    figures = await timed(engine, catalog, catalog.get("tiny"), seconds=0, load_s=1.5)
    assert (figures.device, figures.load_s, figures.steps) == ("abacus (fp32)", 1.5, 15)
    assert engine.most == AT_ONCE
    assert figures.pictures == len(engine.asked) >= 1 + 2 * FEWEST
    assert len({(request.prompt, request.seed) for request in engine.asked}) == len(engine.asked)


def test_a_model_that_is_not_here_is_named_with_what_to_do(tmp_path: Path) -> None:
    config = tmp_path / "mine.toml"
    config.write_text('[engine]\nmodels_dir = "models"\n', encoding="utf-8")
    result = CliRunner().invoke(app, ["bench", "--model", "sdxl-turbo", "--config", str(config)])
    assert result.exit_code == 1
    assert "sdxl-turbo is not on this machine. Paint with it once" in result.output
    assert "imagine --model sdxl-turbo" in result.output


def test_an_unknown_model_is_met_with_the_closest_name() -> None:
    result = CliRunner().invoke(app, ["bench", "--model", "tinny"])
    assert result.exit_code == 2
    assert "tiny" in result.output


def test_figures_are_kept_as_json() -> None:
    figures = Figures("tiny", "CPU (fp32)", 512, 512, 20, 4.0, 1.0, 0.5, 3.0, 4, 20, 0.1, 0.25)
    kept: dict[str, Any] = json.loads(figures.as_json())
    assert Figures(**kept) == figures


@pytest.mark.slow
def test_a_model_of_ones_own_is_measured_through_the_real_engine(tmp_path: Path) -> None:
    spec = ModelSpec(key="own", repository=str(save_sd(tmp_path)))
    config = tmp_path / "mine.toml"
    config.write_text(
        f"""
default_model = "own"
[engine]
device = "cpu"
[[models]]
key = "own"
repository = {json.dumps(spec.repository)}
defaults = {{ num_inference_steps = 2, width = 64, height = 64 }}
ranges = {{ size = [64, 64] }}
""",
        encoding="utf-8",
    )
    file = tmp_path / "figures.json"
    result = CliRunner().invoke(app, ["bench", "--seconds", "1", "--json", str(file), "--config", str(config)])
    assert result.exit_code == 0, result.output
    figures = Figures(**json.loads(file.read_text(encoding="utf-8")))
    assert (figures.model, figures.width, figures.device) == ("own", 64, "CPU (fp32)")
    assert figures.pictures_a_second > 0
    assert figures.share_of_peak is not None
    assert 0 < figures.share_of_peak < 1
    assert "Pictures a second" in result.output
