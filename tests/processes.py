"""The bot as people start it: a process of its own, with a configuration of its own."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.catalog import TINY_FOLDER

ROOT = Path(__file__).parent.parent

STARTED_S = 60
"""How long the bot may take to say its address on a machine that is busy otherwise."""


def sandbox_config(folder: Path, extra: str = "") -> Path:
    """A configuration with the embedded model, or one of the same classes with random weights, and a second one."""
    model = TINY_FOLDER
    if not (model / "model_index.json").is_file():
        from tests.tinypipes import save_sd

        model = save_sd(folder)
    path = folder / "config.toml"
    path.write_text(
        f"""
[sandbox]
port = 0
[repositories]
tiny = {str(model)!r}
[[models]]
key = "sketch"
repository = {str(model)!r}
family = "sd1"
speed = 5
quality = 1
best_for = "trying out /model use"
enlarge = 8
defaults = {{ num_inference_steps = 8, guidance_scale = 4.0, sampler = "DDIM" }}
ranges = {{ num_inference_steps = [1, 50], size = [512, 512] }}
{extra}
"""
    )
    return path


@dataclass
class Running:
    """A bot that said it is ready. `data` is the sandbox's data folder."""

    process: subprocess.Popen[str]
    url: str
    data: Path
    log: Path

    def children(self) -> list[int]:
        """The processes it started, by Linux's own list."""
        tasks = Path(f"/proc/{self.process.pid}/task")
        return [int(pid) for task in tasks.iterdir() for pid in (task / "children").read_text().split()]


@contextlib.contextmanager
def started(command: str, config: Path, environment: dict[str, str] | None = None) -> Iterator[Running]:
    """`python -m bot COMMAND`, ready. It is stopped as Ctrl-C stops it, if it still runs at the end."""
    log = config.parent / "stderr.txt"
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", command, "--config", str(config)],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1", "DISCORD_TOKEN": ""} | (environment or {}),
        )
    try:
        yield Running(process, _address(process, log), config.parent / "data" / "sandbox", log)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(STARTED_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        finally:
            assert process.stdout is not None
            process.stdout.close()


def _address(process: subprocess.Popen[str], log: Path) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"http://127\.0\.0\.1:\d+/#\S+", line):
            return found.group()
    raise AssertionError(f"the sandbox ended before it was open:\n{log.read_text()}")
