"""The CPU suite, C1 to C9: runs anywhere, in less than six minutes on two quiet cores."""

from __future__ import annotations

import json
import os
import platform
import tempfile
import time
import traceback
from collections.abc import Callable, Collection
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.arms import Goal, Report, report
from tests.bench.arrivals import c3
from tests.bench.cancel import c7
from tests.bench.exact import c4
from tests.bench.guests import c8
from tests.bench.history import measure, worst
from tests.bench.lag import c5
from tests.bench.overhead import c1
from tests.bench.png import c2
from tests.bench.process import c6


def c9(folder: Path, *, long: int = 1_000_000) -> Report:
    """A page of the history among so many rows beside one among a thousand; text search apart."""
    found = worst(measure(folder, long=long))
    pages = [cost for kind, cost in found.items() if kind != "text"]
    figures = {
        "time among many ÷ among few": (max(cost.ratio for cost in pages), Goal(at_most=2)),
        "ms of the slowest": (max(cost.long_ms for cost in pages), Goal(at_most=5)),
        "ms of the slowest search": (found["text"].long_ms, Goal(at_most=100)),
    }
    arms = {
        kind: {"page": cost.page, "few_ms": cost.short_ms, "many_ms": cost.long_ms, "cold_ms": cost.cold_ms}
        for kind, cost in found.items()
    }
    return report(figures, arms, rows=long)


PARTS: dict[str, Callable[[Path], Report]] = {
    "c1": lambda folder: c1(),
    "c2": lambda folder: c2(),
    "c3": c3,
    "c4": c4,
    "c5": c5,
    "c6": c6,
    "c7": c7,
    "c8": c8,
    "c9": c9,
}


def run(json_file: Path | None = None, only: Collection[str] = ()) -> dict[str, Report]:
    """Runs the parts, and writes the file after each: what goes wrong in one is its reason, and the others go on."""
    console = Console(stderr=True)
    began = time.monotonic()
    reports: dict[str, Report] = {"about": about()}
    for name, part in PARTS.items():
        if only and name not in only:
            continue
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="easel-bench-") as folder:
            try:
                reports[name] = part(Path(folder))
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"[:500]
                reports[name] = {"figure": None, "goal": None, "met": False, "arms": {}, "reason": reason}
                traceback.print_exc()
        reports[name]["seconds"] = round(time.monotonic() - started, 1)
        console.print(f"{name}: {reports[name]['figure']} in {reports[name]['seconds']} s", highlight=False)
        reports["about"]["seconds"] = round(time.monotonic() - began, 1)
        if json_file is not None:
            json_file.parent.mkdir(parents=True, exist_ok=True)
            json_file.write_text(json.dumps(reports, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    show(reports)
    return reports


def about() -> Report:
    """The machine. Where the load is above zero before anything began, the times are not to be trusted."""
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "torch": version("torch"),
        "diffusers": version("diffusers"),
        "load_before": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def show(reports: dict[str, Report]) -> None:
    table = Table(box=None, title=f"{reports['about']['cores']} cores, load {reports['about']['load_before']} before")
    for column in ("", "what", "figure", "goal", "met"):
        table.add_column(column, overflow="fold")
    for name, found in reports.items():
        if name == "about":
            continue
        if not found["figure"]:
            table.add_row(name, found["reason"], "", "", "" if found["met"] is None else "no")
            continue
        for what, figure in found["figure"].items():
            table.add_row(name, what, f"{figure:g}", found["goal"][what], "no" if what in found["missed"] else "yes")
            name = ""
    Console(width=120).print(table)
