"""The shell command: what it paints, how it names pictures, and what it says when something does not fit."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

import engine.__main__ as cli
from engine import database, house, shell
from engine.catalog import Catalog
from engine.config import EngineConfig, load_settings
from engine.dispatch import Update
from engine.errors import EaselError, InvalidRequest, ModelUnavailable
from engine.ledger import HistoryFilter, Ledger
from engine.shell import Progress, destinations, read_prompts, size_text, slug
from engine.types import SHELL, Event, Generation, GenerationRequest, Loading, Status
from engine.types import Progress as Steps
from tests.fakes import FakeEngine, paint, small_catalog

CONFIG = """
default_model = "plain"
[[models]]
key = "plain"
repository = "nowhere/at-all"
best_for = "tests, [not markup]"
size_bytes = 1234000000
defaults = { num_inference_steps = 2, guidance_scale = 2.0, width = 64, height = 64, sampler = "DDIM" }
ranges = { num_inference_steps = [1, 50], size = [64, 128] }
"""


class Opened(FakeEngine):
    """The fake in the place of LocalEngine, which is opened with the configuration."""

    def __init__(self, config: EngineConfig, catalog: Catalog) -> None:
        # A device that this test's configuration names has a model that fails once.
        super().__init__(errors=[ModelUnavailable("plain", "it is gone.")] if config.device == "mps" else [])

    async def __aenter__(self) -> Opened:
        return self

    async def __aexit__(self, *of_no_interest: object) -> None:
        await self.aclose()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command runs: a configuration, and an engine that paints one colour."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(house, "LocalEngine", Opened)
    (tmp_path / "config.toml").write_text(CONFIG)
    return tmp_path


def easel(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(cli.app, list(arguments), input=typed)


def expected(prompt: str, seed: int) -> bytes:
    return paint(load_settings(Path("config.toml")).catalog().request("plain", prompt), seed)


def test_a_picture_is_written_where_it_was_asked_for(folder: Path) -> None:
    done = easel("imagine", "a red apple", "--seed", "7", "--out", "made/apple.png")
    assert (done.exit_code, done.stdout) == (0, "made/apple.png\n")
    assert (folder / "made/apple.png").read_bytes() == expected("a red apple", 7)


def test_the_same_command_again_makes_the_same_file(folder: Path) -> None:
    easel("imagine", "a red apple", "--seed", "7", "--out", "apple.png")
    first = (folder / "apple.png").read_bytes()
    assert easel("imagine", "a red apple", "--seed", "7", "--out", "apple.png").exit_code == 0
    assert (folder / "apple.png").read_bytes() == first


def test_without_out_pictures_are_named_after_what_they_show(folder: Path) -> None:
    done = easel("imagine", "A red Apple, please!", "--seed", "7", "--count", "2")
    assert done.stdout.split() == ["a-red-apple-please-7.png", "a-red-apple-please-8.png"]
    assert (folder / "a-red-apple-please-8.png").read_bytes() == expected("A red Apple, please!", 8)


def test_a_file_of_prompts_becomes_numbered_pictures(folder: Path) -> None:
    (folder / "prompts.txt").write_text("\ufeffa fox\n\n  eine Ähre  \nein Boot\n", encoding="utf-8")
    done = easel("imagine", "--prompts-file", "prompts.txt", "--out-dir", "out", "--seed", "3")
    assert done.exit_code == 0, done.output
    assert done.stdout.split() == ["out/000.png", "out/001.png", "out/002.png"]
    assert (folder / "out/001.png").read_bytes() == expected("eine Ähre", 3)


def test_prompts_come_from_a_pipe_as_well(folder: Path) -> None:
    done = easel("imagine", "--prompts-file", "-", "--out-dir", "out", typed="a fox\na boat\n")
    assert done.stdout.split() == ["out/000.png", "out/001.png"]


def test_every_picture_is_in_the_history_with_its_file(folder: Path) -> None:
    easel("imagine", "a red apple", "--seed", "7", "--out", "apple.png")
    easel("imagine", "a [bold]blue[/bold] boat", "--seed", "8", "--out", "boat.png")
    listed = easel("history")
    assert listed.exit_code == 0
    assert listed.stdout.index("a [bold]blue[/bold] boat") < listed.stdout.index("a red apple")
    found = easel("history", "--search", "apple", "--model", "plain", "--limit", "5").stdout
    assert "boat" not in found
    (file,) = [word for word in found.split() if word.endswith(".png")]
    assert (folder / file).read_bytes() == (folder / "apple.png").read_bytes()


def test_a_history_without_anything_says_so(folder: Path) -> None:
    done = easel("history")
    assert done.exit_code == 2
    assert "Nothing was painted with this data folder yet." in done.stderr
    easel("imagine", "a red apple")
    assert "Nothing was found." in easel("history", "--search", "zebra").stderr


def test_a_deleted_picture_is_listed_as_such(folder: Path) -> None:
    easel("imagine", "a red apple")

    async def delete() -> None:
        async with Ledger.open(folder / "data") as ledger:
            (generation,) = await ledger.history(HistoryFilter())
            await ledger.delete_pictures(generation.id)

    asyncio.run(delete())
    assert "deleted" in easel("history").stdout


def test_models_are_listed_with_what_they_are_good_for(folder: Path) -> None:
    listed = easel("models").stdout
    assert "plain (default)" in listed
    assert "tests, [not markup]" in listed
    assert "stable-diffusion-xl-base" in listed
    assert "1.2 GB" in listed


def test_one_model_is_told_in_full(folder: Path) -> None:
    told = easel("models", "info", "sdxl-turbo").stdout
    assert "stabilityai/sdxl-turbo" in told
    assert "1 (1 to 4)" in told
    assert re.search(r"Negative prompt +not heard", told)
    assert "its noise schedule is not here" in told


def test_a_model_tells_which_samplers_go_step_by_step(folder: Path) -> None:
    schedule = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "clip_sample": False}
    (folder / "fox" / "scheduler").mkdir(parents=True)
    (folder / "fox" / "scheduler" / "scheduler_config.json").write_text(json.dumps(schedule))
    for key, family in (("fox", "sd1"), ("moth", "other")):
        with (folder / "config.toml").open("a") as config:
            config.write(f"\n[[models]]\nkey = '{key}'\nfamily = '{family}'\nrepository = '{folder / 'fox'}'\n")
    told = easel("models", "info", "fox").stdout
    assert re.search(r"Step by step +DDIM, Euler, ", told)
    assert re.search(r"By diffusers +UniPC, PNDM", told)
    told = easel("models", "info", "moth").stdout
    assert re.search(r"Step by step +none", told)
    assert re.search(r"By diffusers +DDIM, Euler, ", told)


def test_a_model_of_flow_matching_tells_that_it_has_a_sampler_of_its_own(folder: Path) -> None:
    (folder / "flow" / "scheduler").mkdir(parents=True)
    (folder / "flow" / "scheduler" / "scheduler_config.json").write_text(json.dumps({"shift": 3.0}))
    with (folder / "config.toml").open("a") as config:
        config.write(f"\n[[models]]\nkey = 'flow'\nrepository = '{folder / 'flow'}'\n")
    assert re.search(r"By diffusers +its own sampler, whichever is chosen", easel("models", "info", "flow").stdout)


def test_a_gated_model_tells_its_licence_and_what_to_do(folder: Path) -> None:
    told = easel("models", "info", "flux-1-schnell").stdout
    assert re.search(r"Licence +Apache 2\.0", told)
    assert re.search(r"Gated +accept its licence on its page of the hub, and set HF_TOKEN", told)
    assert re.search(r"By diffusers +Euler *\n", told)
    assert "Gated" not in easel("models", "info", "sdxl-turbo").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["imagine"], "Give a prompt"),
        (["imagine", "a fox", "--prompts-file", "x.txt"], "Give a prompt"),
        (["imagine", "a fox", "--out-dir", "x"], "--out-dir belongs to --prompts-file"),
        (["imagine", "--prompts-file", "x.txt", "--out", "x"], "--out is for one prompt"),
        (["imagine", "a fox", "--out", "fox.jpg"], "a .png file or a folder"),
        (["imagine", "a fox", "--steps", "51"], "num_inference_steps: 51 does not fit"),
        (["imagine", "a fox", "--cfg", "-1"], "guidance_scale"),
        (["imagine", "a fox", "--width", "63"], "width: 63 does not fit"),
        (["imagine", "a fox", "--height", "4096"], "height: 4096 does not fit"),
        (["imagine", "a fox", "--seed", "-2"], "seed: -2 does not fit"),
        (["imagine", "a fox", "--count", "5"], "num_images: 5 does not fit"),
        (["imagine", "a fox", "--sampler", "Magic"], "sampler: 'Magic' does not fit"),
        (["imagine", " "], "prompt"),
        (["imagine", "a fox", "--model", "plane"], "Did you mean plain"),
        (["models", "info", "plane"], "Did you mean plain"),
        (["history", "--model", "plane"], "Did you mean plain"),
        (["imagine", "a fox", "--config", "mine.toml"], "There is no file mine.toml"),
    ],
)
def test_what_does_not_fit_is_explained_and_nothing_is_painted(folder: Path, arguments: list[str], said: str) -> None:
    done = easel(*arguments)
    assert done.exit_code == shell.MISUSED
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "data").exists()


@pytest.mark.parametrize(
    ("text", "said"), [(None, "cannot be read"), (b"\n\n", "no prompt"), (b"\xff\xfe\x00", "UTF-8")]
)
def test_a_bad_file_of_prompts_is_explained(folder: Path, text: bytes | None, said: str) -> None:
    if text is not None:
        (folder / "prompts.txt").write_bytes(text)
    done = easel("imagine", "--prompts-file", "prompts.txt")
    assert done.exit_code == shell.FAILED
    assert said in done.stderr


def test_a_busy_ledger_says_what_to_do(folder: Path) -> None:
    with database.owned(folder / "data"):
        done = easel("imagine", "a fox")
    assert done.exit_code == shell.FAILED
    assert "--data-dir" in done.stderr


def test_another_data_folder_can_be_named(folder: Path) -> None:
    assert easel("imagine", "a fox", "--data-dir", "other").exit_code == 0
    assert "a fox" in easel("history", "--data-dir", "other").stdout
    assert not (folder / "data").exists()


def test_one_failure_is_told_with_its_prompt_and_the_others_are_painted(folder: Path) -> None:
    (folder / "config.toml").write_text(CONFIG + '[engine]\ndevice = "mps"\n')
    done = easel("imagine", "--prompts-file", "-", "--out-dir", "out", typed="a fox\na boat\n")
    assert done.exit_code == shell.FAILED
    assert "a fox: The model plain cannot be used: it is gone." in done.stderr
    assert done.stdout == "out/001.png\n"


class Interrupted(Opened):
    """Painting with it meets the signal that an init system sends."""

    async def generate(self, id: int, request: GenerationRequest) -> AsyncIterator[Event]:
        os.kill(os.getpid(), signal.SIGTERM)
        self.gate = asyncio.Event()  # never set: it would paint for ever
        async for event in super().generate(id, request):
            yield event


def test_what_is_interrupted_does_not_stay_queued(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(house, "LocalEngine", Interrupted)
    stopped = easel("imagine", "--prompts-file", "-", typed="a fox\na boat\n")
    assert stopped.exit_code == shell.INTERRUPTED
    assert "Nothing stays queued" in stopped.stderr

    async def left() -> list[Status]:
        async with Ledger.open(folder / "data") as ledger:
            return [generation.status for generation in await ledger.history(HistoryFilter(status=None))]

    assert asyncio.run(left()) == [Status.CANCELLED, Status.CANCELLED]


def test_a_picture_that_cannot_be_copied_is_kept_and_its_place_told(folder: Path) -> None:
    (folder / "taken").write_text("a file where a folder should be")
    done = easel("imagine", "a fox", "--out", "taken/fox.png")
    assert done.exit_code == shell.FAILED
    kept = next((folder / "data").rglob("*.png"))
    assert "The picture is kept as" in done.stderr
    assert kept.name in done.stderr


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("A red Apple, please!", "a-red-apple-please"),
        ("雪地里的红狐狸", "雪地里的红狐狸"),
        ("ｆｕｌｌ　ｗｉｄｔｈ", "full-width"),
        ("../../etc/passwd", "etc-passwd"),
        ("🦊", "picture"),
        ("word " * 40, "-".join(["word"] * 12)),
    ],
)
def test_names_are_safe_and_short(prompt: str, name: str) -> None:
    assert slug(prompt) == name
    assert len(slug("雪" * 2000).encode()) < 200


def test_sizes_are_written_as_people_read_them() -> None:
    assert [size_text(size) for size in (None, 0, 56_400_000, 6_940_000_000)] == ["unknown", "0 MB", "56 MB", "6.9 GB"]


def request(prompt: str = "a fox", count: int = 1) -> GenerationRequest:
    return small_catalog().request("tiny", prompt, seed=5, num_images=count)


def test_several_pictures_under_one_name_are_numbered(tmp_path: Path) -> None:
    assert destinations([request(count=2)], tmp_path / "a.png", numbered=False) == [
        [tmp_path / "a-0.png", tmp_path / "a-1.png"]
    ]
    assert destinations([request(count=2)], tmp_path, numbered=True) == [
        [tmp_path / "000-0.png", tmp_path / "000-1.png"]
    ]
    with pytest.raises(InvalidRequest):
        destinations([request()], tmp_path / "a.webp", numbered=False)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(EaselError, match=r"nowhere\.txt cannot be read"):
        read_prompts(Path("nowhere.txt"))


def shown(*, terminal: bool) -> str:
    """What two jobs show from beginning to end."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, width=100, legacy_windows=False)
    done = Generation(
        id=1, status=Status.STORED, request=request(), origin=SHELL, attempt=1, created_at=datetime.now(UTC),
        seconds_running=1.5,
    )  # fmt: skip
    with Progress(console, 2) as progress:
        for prompt in ("a [red] fox", "a boat"):
            progress.begin(request(prompt))
            progress.show(Update(1, Status.RUNNING, event=Loading(0.5, "Loading [tiny]")))
            for step in range(1, 5):
                progress.show(Update(1, Status.RUNNING, event=Steps(step, 4)))
            progress.show(Update(1, Status.STORED, generation=done))
            progress.end()
    return file.getvalue()


def test_in_a_pipe_progress_is_a_line_for_each_picture_without_signs_for_terminals() -> None:
    lines = shown(terminal=False).splitlines()
    assert lines == ["1/2 a [red] fox: painted in 1.5 s", "2/2 a boat: painted in 1.5 s"]


def test_on_a_terminal_progress_is_drawn_and_taken_away_again() -> None:
    text = shown(terminal=True)
    assert "\x1b[" in text
    assert "100%" in text
    assert text.endswith("\x1b[2K")
