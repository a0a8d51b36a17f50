"""The bot as `pip install .` leaves it, without torch: it paints through an image service all the same."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from importlib import metadata
from pathlib import Path

import pytest

from tests.drills.easel import until
from tests.serving import BOX, ROOT, service_process
from tests.wire import WireDiscord

pytestmark = pytest.mark.slow

CONFIG = """
default_model = "box"
[engine]
url = "{url}"
[storage]
min_free_mb = 0
"""


def needed(names: list[str]) -> dict[str, metadata.Distribution]:
    """The distributions that these need, and those that they need, as they are installed here."""
    found: dict[str, metadata.Distribution] = {}
    left = list(names)
    while left:
        line = left.pop()
        name = re.split(r"[\[<>=~!; (]", line)[0]
        if name.lower() in found or "extra ==" in line:
            continue
        try:
            found[name.lower()] = distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            assert ";" in line, f"{name} is needed and not installed"  # only on other systems
            continue
        left += distribution.requires or []
    return found


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with Easel installed from a copy of its source, and with what its core needs, no extras.

    What it needs is linked from the environment of the tests, so that nothing is fetched.
    """
    folder = tmp_path_factory.mktemp("bare")
    source, wheels, home = folder / "source", folder / "wheels", folder / "venv"
    source.mkdir()
    for name in ("README.md", "LICENSE", "pyproject.toml"):
        shutil.copy(ROOT / name, source)
    for name in ("bot", "engine"):
        leave_out = shutil.ignore_patterns("__pycache__", "model")
        shutil.copytree(ROOT / name, source / name, ignore=leave_out)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    offline = ["--no-deps", "--no-index", "--no-build-isolation"]
    built = [*pip, "wheel", "-q", *offline, "-w", str(wheels), str(source)]
    subprocess.run(built, check=True, capture_output=True, timeout=120)
    venv.create(home, with_pip=False)
    [packages] = home.glob("lib/python*/site-packages")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for distribution in needed(project["dependencies"]).values():
        for file in distribution.files or []:
            top = file.parts[0]
            target = packages / top
            if top not in ("..", "__pycache__") and not target.exists():
                target.symlink_to(Path(str(distribution.locate_file(top))).resolve())
    [wheel] = wheels.glob("easel-*.whl")
    shutil.unpack_archive(wheel, packages, "zip")
    return home / "bin" / "python"


def run(python: Path, program: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [python, "-c", program], cwd=python.parent, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_bots_own_environment_has_no_torch_and_needs_none(python: Path) -> None:
    for absent in ("torch", "diffusers", "transformers", "fastapi", "uvicorn", "simcord"):
        assert run(python, f"import importlib.util as u; print(u.find_spec('{absent}'))") == "None", absent
    place = run(python, "import bot.__main__, engine.__main__, engine.remote; print(bot.__main__.__file__)")
    assert Path(place).is_relative_to(python.parent.parent), "it is the installed one, not the checkout"


async def test_the_bot_without_torch_paints_through_a_service(python: Path, tmp_path: Path) -> None:
    home = tmp_path / "bot"
    home.mkdir()
    shutil.copytree(ROOT / "tests" / "wire", home / "tests" / "wire")  # which points the bot at the Discord of the test
    (home / "tests" / "__init__.py").touch()
    async with WireDiscord() as wire:
        guild = wire.add_guild("Studio")
        room, ada = wire.channel(guild), wire.add_member(guild, "Ada")
        with service_process(tmp_path / "service", BOX) as service:
            models = BOX[BOX.index("[[models]]") :]
            (home / "config.toml").write_text(CONFIG.format(url=service.url) + models)
            with (home / "output.txt").open("ab") as output:
                bot = await asyncio.create_subprocess_exec(
                    python,
                    *("-m", "tests.wire.launch", wire.url, "bot", "run", "--config", str(home / "config.toml")),
                    cwd=home,
                    env={**os.environ, "DISCORD_TOKEN": wire.token, "PYTHONPATH": str(home)},
                    stdout=output,
                    stderr=output,
                )
            try:
                await wire.ready(60)
                await wire.synced("imagine")
                asked = await wire.slash(ada, room, "imagine", prompt="a red fox", seed=7, steps=3)
                files = lambda: [each for shown in wire.judge.of(asked) for each in shown.shown_files()]  # noqa: E731
                await until(files, 60, "the picture")
                [file] = files()
                assert file.data.startswith(b"\x89PNG")
            except BaseException:
                print((home / "output.txt").read_text()[-4000:])
                raise
            finally:
                bot.terminate()
                await bot.wait()
            assert bot.returncode == 0
