"""What all stages of the training share: a journal, checkpoints that survive a cut, the falling rate."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path
from typing import Any

import torch


class Journal:
    """A log of losses beside the checkpoints, and a line on the terminal now and then."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a", encoding="utf-8")
        self._sums: dict[str, Any] = {}
        self._count = 0
        self._start = time.monotonic()

    def note(self, step: int, done: float, every: int = 20, **values: Any) -> None:
        """Adds to the running means; every so many steps they are written.

        A value may be a tensor on the device: it is waited for only when the mean is written.
        """
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._count += 1
        if self._count == every:
            means = {name: float(total) / self._count for name, total in self._sums.items()}
            self._sums, self._count = {}, 0
            self.say(step, done, **means)

    def say(self, step: int, done: float, **values: float) -> None:
        figures = "  ".join(f"{name} {value:.4f}" for name, value in values.items())
        line = f"step {step:6d}  {done:6.1%}  {time.monotonic() - self._start:7.0f} s  {figures}"
        print(line, flush=True)
        self._file.write(line + "\n")
        self._file.flush()


def checkpoint(path: Path, *, step: int, **parts: Any) -> None:
    """Saves everything with a `state_dict`, whole or not at all."""
    temporary = path.with_suffix(".part")
    torch.save({"step": step} | {name: part.state_dict() for name, part in parts.items()}, temporary)
    os.replace(temporary, path)


def restore(path: Path, **parts: Any) -> dict[str, Any]:
    """Loads what `checkpoint` saved into the parts; {} where there is none yet."""
    if not path.is_file():
        return {}
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    for name, part in parts.items():
        if name in state:
            part.load_state_dict(state[name])
    return state


def cosine(done: float) -> float:
    """From 1 at the start to 0 at the end."""
    return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
