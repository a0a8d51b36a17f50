"""C6: the bot's own process: how soon it is logged in, how large it is, and that it knows no torch."""

from __future__ import annotations

import asyncio
import os
import re
import statistics
import sys
import time
from pathlib import Path
from typing import BinaryIO

from tests.bench.arms import Goal, Report, report
from tests.bench.lag import spec_in
from tests.wire import WireDiscord

ROOT = Path(__file__).parents[2]


def configured(folder: Path) -> Path:
    folder.mkdir(parents=True)
    model = next(iter(spec_in(folder))).repository
    config = folder / "config.toml"
    config.write_text(
        f"[storage]\ndata_dir = {str(folder / 'data')!r}\nmin_free_mb = 0\n"
        f"[logging]\nfolder = {str(folder / 'logs')!r}\n[repositories]\ntiny = {model!r}\n"
    )
    return config


async def start(config: Path, log: BinaryIO) -> dict[str, float]:
    """One start of the real `python -m bot`, with its real worker beside it, against a Discord of this process.

    The memory is taken once its commands are there: resident, in MB, as the system counts it.
    """
    async with WireDiscord() as wire:
        wire.add_guild("A server")
        began = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.wire.launch", wire.url, "bot", "run", "--config", str(config)),
            cwd=ROOT,
            env={**os.environ, "DISCORD_TOKEN": wire.token},
            stdout=log,
            stderr=log,
        )
        try:
            await wire.ready(60)
            seconds = time.perf_counter() - began
            await wire.synced("imagine")
            return {"seconds": seconds, "megabytes": resident(process.pid), "torch": float(torch_in(process.pid))}
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


def resident(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1000


def torch_in(pid: int) -> bool:
    """Importing torch maps its library."""
    return "libtorch" in Path(f"/proc/{pid}/maps").read_text()


def c6(folder: Path, *, rounds: int = 5) -> Report:
    if sys.platform != "linux":
        return {"figure": None, "goal": None, "met": None, "arms": {}, "reason": "it looks at /proc, which is Linux's"}
    starts = []
    for number in range(rounds):
        config = configured(folder / str(number))
        with (config.parent / "output.txt").open("wb") as log:
            starts.append(asyncio.run(start(config, log)))
    figures = {
        "MB resident": (statistics.median(each["megabytes"] for each in starts), Goal(at_most=120)),
        "seconds to READY": (statistics.median(each["seconds"] for each in starts), Goal(at_most=1.5)),
        "starts with torch": (sum(each["torch"] for each in starts), Goal(at_most=0)),
    }
    return report(figures, {f"start {number + 1}": each for number, each in enumerate(starts)})
