"""`python -m tests.crash_child DATA_DIR MOMENT`: works through a small day of a ledger, and dies at a moment of it.

Moments: `before commit N`, `after commit N`, `before rename N`, `after rename N`, `never`. Each line that it prints is
something that somebody was told: what was told must hold after the crash.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiosqlite

from engine import files
from engine.dispatch import Dispatcher
from engine.ledger import Ledger
from engine.types import Generation, Origin
from tests.fakes import FakeEngine, small_catalog


class Fuse:
    """Kills this process, as `kill -9` from outside would, when a moment has come."""

    def __init__(self, moment: str) -> None:
        self.moment = moment
        self.seen: dict[str, int] = {}

    def reached(self, what: str) -> None:
        self.seen[what] = self.seen.get(what, 0) + 1
        if f"{what} {self.seen[what]}" == self.moment:
            os.kill(os.getpid(), signal.SIGKILL)

    def around_commit(self, commit: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def fused(*args: Any) -> None:
            self.reached("before commit")
            await commit(*args)
            self.reached("after commit")

        return fused

    def around_rename(self, rename: Callable[..., None]) -> Callable[..., None]:
        def fused(*args: Any) -> None:
            self.reached("before rename")
            rename(*args)
            self.reached("after rename")

        return fused


def tell(what: str, job: Generation) -> None:
    print(what, job.id, flush=True)


async def day(data_dir: Path) -> None:
    catalog = small_catalog()
    request = catalog.request("tiny", "a fox", num_images=2)
    engine = FakeEngine(gate=asyncio.Event())
    assert engine.gate is not None
    async with Ledger.open(data_dir) as ledger, Dispatcher(ledger, engine, catalog, min_free_bytes=0) as dispatcher:
        jobs = []
        for person in ("ann", "bob", "cid"):
            jobs.append(await dispatcher.submit(request, Origin(person), key=person))
            tell("queued", jobs[-1])
        await dispatcher.cancel(jobs[1].id)
        tell("cancelled", jobs[1])
        engine.gate.set()
        async for _ in dispatcher.watch(jobs[0].id):
            pass
        tell("stored", jobs[0])
        async for _ in dispatcher.watch(jobs[2].id):
            pass
        await ledger.delete_pictures(jobs[0].id)
        tell("deleted", jobs[0])


if __name__ == "__main__":
    fuse = Fuse(sys.argv[2])
    aiosqlite.Connection.commit = fuse.around_commit(aiosqlite.Connection.commit)  # type: ignore[method-assign]
    files.os.replace = fuse.around_rename(os.replace)  # type: ignore[attr-defined]
    asyncio.run(day(Path(sys.argv[1])))
    print("the end", fuse.seen, flush=True)
