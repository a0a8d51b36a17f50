"""Drills 8, 9 and 11: memory that runs out, models that are damaged, and jobs that kill the worker.

Each goes from a person in Discord through the real worker process, in 8 and 9 with real diffusers and tiny weights.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bot.client import EaselBot
from engine.catalog import Catalog, Defaults, Family, ModelSpec, Ranges
from engine.config import EngineConfig
from engine.images import read_metadata
from engine.local import LocalEngine
from tests.drills.easel import BotProcess, bot_here, results_of, rows, settled, until
from tests.wire import Channel, Guild, Member, Message, WireDiscord

Figure = Callable[[str], None]
PATIENCE_S = 120
STARVED, STARVE = "tests.drills.starved:Starved", "EASEL_DRILL_STARVE"
STARVED_AT = "EASEL_DRILL_STARVED"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Stable Diffusion of the real classes, with random weights."""
    from tests import tinypipes

    return tinypipes.save_sd(tmp_path_factory.mktemp("weights"))


def a_model(key: str, folder: Path) -> ModelSpec:
    defaults = Defaults(width=64, height=64, num_inference_steps=3, guidance_scale=5.0)
    return ModelSpec(
        key=key, repository=str(folder), family=Family.SD1, defaults=defaults, ranges=Ranges(size=(64, 128))
    )


@asynccontextmanager
async def painting(
    wire: WireDiscord, folder: Path, catalog: Catalog, backend: str
) -> AsyncIterator[tuple[EaselBot, LocalEngine]]:
    config = EngineConfig(device="cpu", dtype="fp32", previews=False)
    async with (
        LocalEngine(config, catalog, backend=backend) as engine,
        bot_here(wire, folder, engine, catalog, settings={"models": [spec.model_dump() for spec in catalog]}) as easel,
    ):
        yield easel, engine


def png(message: Message) -> bytes:
    (file,) = message.shown_files()
    return file.data


def pixels(message: Message) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(Image.open(io.BytesIO(png(message))).convert("RGB"))


class TestMemory:
    """Drill 8."""

    @pytest.mark.parametrize(
        ("starve", "shared", "expected"),
        [
            ("5:2:1", False, [True, True, True]),  # once, in the second step of the second job: it is tried again
            ("5:2:2", False, [True, False, False]),  # twice: from there on memory is saved in ways that change bits
            ("1:3:1000", True, [True, True, True]),  # whenever people share a forward: they go on without sharing
        ],
    )
    async def test_what_runs_out_is_painted_all_the_same_and_jobs_before_and_after_it_keep_every_bit(
        self,
        wire: WireDiscord,
        ada: Member,
        room: Channel,
        weights: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        figure: Figure,
        starve: str,
        shared: bool,
        expected: list[bool],
    ) -> None:
        catalog = Catalog([a_model("tiny", weights)])
        pictures: dict[str, list[Message]] = {}
        monkeypatch.setenv(STARVED_AT, str(tmp_path / "starved"))
        for hunger in ("1:1:0", starve):
            monkeypatch.setenv(STARVE, hunger)
            async with painting(wire, tmp_path / hunger.replace(":", "-"), catalog, STARVED):
                asked = []
                for seed, prompt in enumerate(("a fox", "an owl", "a crow")):
                    options = {"model": "tiny", "seed": seed} | ({"steps": 60} if shared else {})
                    asked.append(await wire.slash(ada, room, "imagine", prompt=prompt, **options))
                    if not shared:
                        await asked[-1].result(PATIENCE_S)
                pictures[hunger] = [await each.result(PATIENCE_S) for each in asked]
        alone, starved = pictures.values()
        exact = [read_metadata(png(message))["easel"]["exact"] for message in starved]
        equal = [bool(np.array_equal(pixels(a), pixels(b))) for a, b in zip(alone, starved, strict=True)]
        figure(f"out of memory ({starve}): {len(starved)} pictures; equal to those painted with enough: {equal}")
        ran_out = (tmp_path / "starved").read_text(encoding="utf-8").split()
        assert {int(size) > 2 for size in ran_out} == {shared}
        assert exact == expected
        assert all(same for same, promised in zip(equal, exact, strict=True) if promised)
        wire.judge.assert_clean()

    async def test_what_never_fits_says_what_to_try_and_the_next_job_is_painted(
        self,
        wire: WireDiscord,
        ada: Member,
        room: Channel,
        weights: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        figure: Figure,
    ) -> None:
        # As it is, with tiling, with attention slicing: each of them twice.
        monkeypatch.setenv(STARVE, "1:1:6")
        monkeypatch.setenv(STARVED_AT, str(tmp_path / "starved"))
        catalog = Catalog([a_model("tiny", weights)])
        async with painting(wire, tmp_path, catalog, STARVED) as (easel, _):
            failing = await wire.slash(ada, room, "imagine", prompt="a fox", model="tiny")
            following = await wire.slash(ada, room, "imagine", prompt="an owl", model="tiny")
            await following.result(PATIENCE_S)
            await until(lambda: settled(easel.ledger.data_dir), 30, "every end to be delivered")
            assert failing.original is not None
            ends = rows(easel.ledger.data_dir, "SELECT status, error_code FROM generations ORDER BY id")
        figure(f"out of memory for good: {ends}; it says {failing.original.text.splitlines()[-1][:100]!r}")
        assert ends == [("failed", "out_of_memory"), ("stored", None)]
        assert "memory" in failing.original.text
        wire.judge.assert_clean()


DAMAGE: dict[str, Callable[[Path], object]] = {
    "cut short": lambda folder: _cut(folder / "unet"),
    "corrupt": lambda folder: (folder / "model_index.json").write_text("{"),
    "missing": lambda folder: shutil.rmtree(folder / "vae"),
}


def _cut(folder: Path) -> None:
    weights = next(folder.glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-1000])


async def test_a_damaged_model_is_disabled_and_the_others_serve(
    wire: WireDiscord, ada: Member, guild: Guild, room: Channel, weights: Path, tmp_path: Path, figure: Figure
) -> None:
    """Drill 9."""
    specs = [a_model("tiny", weights)]
    for name, damage in DAMAGE.items():
        folder = shutil.copytree(weights, tmp_path / "models" / name)
        damage(folder)
        specs.append(a_model(name.replace(" ", "-"), folder))
    admin = wire.add_member(guild, "Mo", manage_guild=True)
    async with painting(wire, tmp_path, Catalog(specs), "engine.loading:Diffusers") as (easel, engine):
        for spec in specs[1:]:
            asked = await wire.slash(ada, room, "imagine", prompt="a fox", model=spec.key)
            message = await asked.shows(lambda shown: "cannot be used" in shown.text, PATIENCE_S)
            figure(f"model {spec.key}: {message.text.splitlines()[-1][:120]!r}")
            assert tmp_path.name not in message.text, "a member reads a path of the server"
        good = await wire.slash(ada, room, "imagine", prompt="an owl", model="tiny")
        await good.result(PATIENCE_S)
        states = {state.key: state.state for state in await engine.models()}
        listed = await (await wire.slash(admin, room, "model list")).message()
        await until(lambda: settled(easel.ledger.data_dir), 30, "every end to be delivered")
        await until(lambda: len(wire.judge.messages(wire.dm(wire.world.owner))) == 3, 10, "the owner to be told")
        told = "".join(notice.text for notice in wire.judge.messages(wire.dm(wire.world.owner))).replace("\\", "")
    assert all(f"The model {spec.key} cannot be used" in told for spec in specs[1:])
    assert str(tmp_path / "models" / "corrupt") in told
    assert states == {"tiny": "loaded", **{spec.key: "broken" for spec in specs[1:]}}
    assert all(spec.key in listed.text.replace("\\", "") for spec in specs)
    wire.judge.assert_clean()


async def test_a_job_that_kills_the_worker_is_given_up_and_the_queue_goes_on(
    wire: WireDiscord, ada: Member, guild: Guild, room: Channel, tmp_path: Path, figure: Figure
) -> None:
    """Drill 11."""
    others = [wire.add_member(guild, f"Person {number}") for number in range(4)]
    async with BotProcess(wire, tmp_path) as easel:
        poison = await wire.slash(ada, room, "imagine", prompt="die fox")
        asked = {}
        for number, person in enumerate(others):
            asked[f"fox no {number}x"] = await wire.slash(person, room, "imagine", prompt=f"fox no {number}x")
        await until(lambda: settled(tmp_path / "data"), PATIENCE_S, "every end to be delivered")
        ends = dict(easel.rows("SELECT prompt, status FROM generations"))
        tries = easel.tries()
        assert poison.original is not None
        text = poison.original.text
    figure(
        f"poison: {ends.pop('die fox')} after {tries['die fox']} tries, it says {text.splitlines()[-1][:90]!r};"
        f" the others: {sorted(set(ends.values()))}, at most {max(tries[p] for p in asked)} tries each"
    )
    assert tries["die fox"] == 3
    assert set(ends.values()) == {"stored"}
    for prompt, invocation in asked.items():
        assert len(results_of(wire.judge, invocation, prompt)) == 1
    assert not wire.judge.left_thinking()
    wire.judge.assert_clean()
