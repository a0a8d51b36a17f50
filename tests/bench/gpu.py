"""The GPU suite, G1 to G6: full-size models with random weights, so that it needs no download.

    python -m tests.bench gpu --json out.json [--only g5,g1] [--minutes 7] [--tiny]

The bits first; what is timed comes once everything is compiled. Each part stands alone: what goes wrong in one is
written down as its reason, and the others go on. `--tiny` rehearses all of it on a CPU with small models; its figures
mean nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import diffusers
import torch
import transformers
from rich.console import Console
from rich.table import Table

from engine.config import EngineConfig
from engine.device import choose_device, device_name
from tests.bench import gpu_arrivals, gpu_bits, gpu_forward, gpu_pictures
from tests.bench.models import kinds
from tests.bench.rig import Report, Rig

ORDER: tuple[tuple[str, Callable[[Rig, Report], None], float], ...] = (
    ("g5", gpu_bits.g5, 100),
    ("g1", gpu_forward.g1, 110),
    ("g5", gpu_bits.g5_compiled, 60),
    ("g2", gpu_pictures.g2, 140),
    ("g3", gpu_forward.g3, 40),
    ("g6", gpu_pictures.g6, 60),
    ("g4", gpu_arrivals.g4, 90),
)
"""The parts, with the seconds that each may take at most. The bits are asked twice: before and after compiling."""

PARTS = sorted({name for name, _, _ in ORDER})

SHAPES = (
    *(("rows", name, count) for name, count in gpu_forward.BUCKETS),
    *(("call", name, 1) for name in ("sdxl", "turbo", "sd15")),
    *(("decoder", name, 1) for name in ("sdxl", "sd15")),
)
"""What is compiled ahead, each by a process of its own: the compiler keeps its work on disk, where we find it."""
COMPILED_AFTER = 150
"""Seconds that we wait for those at most."""


class OutOfTime(Exception):
    """The part took longer than it may."""


def main(
    json_file: Path | None, only: set[str], minutes: float, *, tiny: bool = False, compile: bool = False
) -> Report:
    """Runs the parts, writes the file after each, prints the table, and returns all of it."""
    begun = time.monotonic()
    device, dtype = choose_device(EngineConfig())
    reports: Report = {"about": about(device, dtype, tiny=tiny)}
    torch._dynamo.config.recompile_limit = 64  # each shape of each model is a graph of its own
    with tempfile.TemporaryDirectory(prefix="easel-bench-", dir=_roomy()) as scratch:
        rig = Rig(
            device=device,
            dtype=dtype,
            kinds=kinds(tiny=tiny),
            scratch=Path(scratch),
            ends=begun + 60 * minutes,
            compile=compile or device.type == "cuda",
        )
        with compiling_ahead(rig) as wait_for_it:
            for number, (name, part, longest) in enumerate(ORDER):
                if only and name not in only:
                    continue
                if number:
                    reports["about"]["compiled_ahead_s"] = wait_for_it()
                report = reports.setdefault(name, {})
                run_part(rig, part, report, longest)
                write(json_file, reports)
                Console(stderr=True).print(f"{name}: {report.get('figure')} after {time.monotonic() - begun:.0f} s")
    reports["about"]["seconds"] = round(time.monotonic() - begun, 1)
    write(json_file, reports)
    show(reports)
    return reports


def about(device: torch.device, dtype: torch.dtype, *, tiny: bool) -> Report:
    return {
        "device": device_name(device, dtype),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "diffusers": diffusers.__version__,
        "transformers": transformers.__version__,
        "rehearsal": tiny,
        "models": "of the public shapes, with random weights",
    }


def run_part(rig: Rig, part: Callable[[Rig, Report], None], report: Report, longest: float) -> None:
    """The part, at most that long; what it has found stays in the report whatever happens."""
    begun = time.monotonic()
    try:
        with at_most(min(longest, rig.left)):
            part(rig, report)
    except Exception as error:
        report["reason"] = f"{type(error).__name__}: {error}"[:500]
        traceback.print_exc()
    report.setdefault("figure", None)
    report.setdefault("met", None)
    report["seconds"] = round(report.get("seconds", 0) + time.monotonic() - begun, 1)


@contextlib.contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raises OutOfTime after so many seconds."""
    if seconds < 1:
        raise OutOfTime("no time was left")

    def ring(*_: object) -> None:
        raise OutOfTime(f"it was stopped after {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def compiling_ahead(rig: Rig) -> Iterator[Callable[[], float]]:
    """Compiles every shape at once, a process each, while bits are compared; gives what waits for them."""
    begun, children = time.monotonic(), []
    if rig.device.type == "cuda":
        for form, name, count in SHAPES:
            command = [sys.executable, "-m", "tests.bench.gpu_compile", form, name, str(count)]
            children.append(
                subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ | {"OMP_NUM_THREADS": "1"})
            )

    def wait() -> float:
        for child in children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(max(0.1, COMPILED_AFTER - (time.monotonic() - begun)))
        for child in children:
            if child.poll() is None:
                child.kill()
                child.wait()
        children.clear()
        return round(time.monotonic() - begun, 1)

    try:
        yield wait
    finally:
        wait()


def _roomy() -> str | None:
    """Memory instead of a disk, where there is enough: what is saved there is as large as the models."""
    shared = Path("/dev/shm")
    with contextlib.suppress(OSError):
        if shutil.disk_usage(shared).free > 30e9:
            return str(shared)
    return None


def write(file: Path | None, reports: Report) -> None:
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(reports, indent=1, ensure_ascii=False) + "\n")


def show(reports: Report) -> None:
    """A line for each arm, short enough for a log's end."""
    about = reports["about"]
    table = Table(title=f"{about['device']}, torch {about['torch']}, {about['seconds']} s", box=None)
    for column in ("", "figure", "goal", "met", "s"):
        table.add_column(column, overflow="fold")
    for name, report in reports.items():
        if name == "about":
            continue
        values = (report.get("figure"), report.get("goal"), report.get("met"), report["seconds"])
        table.add_row(name, *(str(value) for value in values))
        if "reason" in report:
            table.add_row("", report["reason"])
    console = Console(width=150)
    console.print(table)
    for name, report in reports.items():
        if name != "about":
            for arm, found in report.get("arms", {}).items():
                console.print(f"{name} {arm}: {json.dumps(found, ensure_ascii=False)}", markup=False, highlight=False)


def command_line(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench gpu", description="The GPU suite.")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--only", default="", help="such as g5,g1")
    parser.add_argument("--minutes", type=float, default=7.0)
    parser.add_argument("--tiny", action="store_true", help="rehearse with small models, also on a CPU")
    given = parser.parse_args(arguments)
    only = {name for name in given.only.split(",") if name}
    if only - set(PARTS):
        parser.error(f"there is no {', '.join(sorted(only - set(PARTS)))}: choose from {', '.join(PARTS)}")
    if not given.tiny and not torch.cuda.is_available():
        parser.error("there is no GPU here; --tiny rehearses on the CPU")
    main(given.json, only, given.minutes, tiny=given.tiny)


if __name__ == "__main__":
    command_line()
