"""Easel for the drills: as a process of its own that can be killed, or in this one with a fake engine."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bot.client import EaselBot
from bot.config import Config
from bot.store import Store
from engine.catalog import Catalog
from engine.dispatch import Dispatcher
from engine.ledger import FILE, Ledger
from engine.types import Engine
from tests.drills.box import TRIES
from tests.wire import Invocation, Judge, Message, WireDiscord

REPOSITORY = Path(__file__).parents[2]
SETTINGS = """
default_model = "box"
drain_s = 5

[storage]
data_dir = "{folder}/data"
min_free_mb = 0

[logging]
folder = "{folder}/logs"

[limits]
waiting_per_person = 1000

[[models]]
key = "box"
repository = "{folder}"
defaults = {{ num_inference_steps = 4, guidance_scale = 1.0, width = 64, height = 64 }}
ranges = {{ size = [64, 128], num_inference_steps = [1, 100] }}
"""


class BotProcess:
    """`async with BotProcess(wire, folder) as easel`: the real `python -m bot`, its real worker, and a noise model.

    It can be killed and started again as often as one likes; the folder stays. `die_at` are traps of
    `tests.wire.launch` for its first life.
    """

    def __init__(self, wire: WireDiscord, folder: Path, *, settings: str = "", die_at: Sequence[str] = ()) -> None:
        self.wire, self.folder, self.die_at = wire, folder, die_at
        self.config = folder / "config.toml"
        self.config.write_text(SETTINGS.format(folder=folder.as_posix()) + settings)
        self.process: asyncio.subprocess.Process | None = None
        self.kills = 0
        self.longest_orphan_s = 0.0

    async def __aenter__(self) -> Self:
        await self.start(die_at=self.die_at)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.running:
            await self.stop()

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.returncode is None

    async def start(self, *, die_at: Sequence[str] = (), ready: bool = True) -> None:
        """Starts it, and waits until it is logged in. `die_at` are traps of `tests.wire.launch`."""
        traps = [part for trap in die_at for part in ("--die-at", trap)]
        command = (
            sys.executable,
            "-m",
            "tests.drills.launch",
            self.wire.url,
            *traps,
            "run",
            "--config",
            str(self.config),
        )
        environment = {
            **os.environ,
            TRIES: str(self.folder / "tries.txt"),
            "DISCORD_TOKEN": self.wire.token,
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        with (self.folder / "output.txt").open("ab") as output:
            self.process = await asyncio.create_subprocess_exec(
                *command, cwd=REPOSITORY, env=environment, stdout=output, stderr=output
            )
        if ready:
            try:
                await self.ready()
            except BaseException:
                if self.running:
                    self.strike()
                raise

    async def ready(self) -> None:
        ended = asyncio.create_task(self.ended())
        waiting = asyncio.create_task(self.wire.ready(60))
        await asyncio.wait((ended, waiting), return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            waiting.cancel()
            raise AssertionError(f"the bot ended by itself: {self.output()[-3000:]}")
        ended.cancel()
        await waiting
        await self.wire.synced("imagine")

    async def ended(self) -> int:
        assert self.process is not None
        return await self.process.wait()

    def strike(self) -> None:
        """SIGKILL, this instant."""
        assert self.process is not None
        self.kills += 1
        self.process.send_signal(signal.SIGKILL)

    async def kill(self) -> None:
        """SIGKILL from outside, then waits until no worker is left.

        AssertionError after two seconds; one whose interpreter was still starting, and holds nothing yet, may need
        longer where the machine is busy: it looks for its parent first thing.
        """
        workers = self.workers()
        self.strike()
        await self.ended()
        died = time.monotonic()
        working = [pid for pid in workers if f"the worker runs as process {pid} " in self.output()]
        while alive := [pid for pid in workers if _is_worker(pid)]:
            waited = time.monotonic() - died
            assert waited < 2 or not set(alive) & set(working), f"workers {alive} outlived their bot by 2 s"
            assert waited < 30, f"workers {alive} outlived their bot by 30 s"
            await asyncio.sleep(0.01)
            if set(alive) & set(working):
                self.longest_orphan_s = max(self.longest_orphan_s, time.monotonic() - died)
        self.wire.gateway.cut()

    async def stop(self) -> int:
        """SIGTERM, and its exit code."""
        assert self.process is not None
        self.process.terminate()
        try:
            async with asyncio.timeout(30):
                return await self.ended()
        except TimeoutError:
            self.strike()
            await self.ended()
            raise AssertionError(f"the bot did not end within 30 s of SIGTERM: {self.output()[-3000:]}") from None

    def workers(self) -> list[int]:
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        try:
            return [pid for pid in map(int, children.read_text().split()) if _is_worker(pid)]
        except FileNotFoundError:
            return []

    def tries(self) -> Counter[str]:
        """How often the worker began to paint each prompt."""
        file = self.folder / "tries.txt"
        return Counter(file.read_text().splitlines()) if file.exists() else Counter()

    def output(self) -> str:
        return (self.folder / "output.txt").read_text(errors="replace")

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Reads the ledger's file, whoever owns it."""
        return rows(self.folder / "data", query, *values)


def rows(data_dir: Path, query: str, *values: object) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{data_dir / FILE}?mode=ro", uri=True, timeout=10)) as connection:
        return connection.execute(query, values).fetchall()


def settled(data_dir: Path) -> bool:
    """Every job has ended, and every end has been delivered, or is known to be undeliverable."""
    owed = "SELECT 1 FROM generations WHERE status IN ('queued', 'running')"
    return not rows(data_dir, f"{owed} UNION ALL SELECT 1 FROM deliveries WHERE status = 'pending' LIMIT 1")


async def until(probe: Callable[[], object], timeout: float, what: str) -> None:
    """For what only the ledger's file tells: asks again and again."""
    deadline = time.monotonic() + timeout
    while not probe():
        assert time.monotonic() < deadline, f"waited {timeout:g} s for {what}"
        await asyncio.sleep(0.05)


def _is_worker(pid: int) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return b"engine.leash" in words and state != "Z"


@asynccontextmanager
async def bot_here(
    wire: WireDiscord,
    folder: Path,
    engine: Engine,
    catalog: Catalog,
    *,
    settings: dict[str, Any] | None = None,
    **dispatcher_options: Any,
) -> AsyncIterator[EaselBot]:
    """The bot in this process, opened as `python -m bot` opens it, over an engine of the test's, and logged in."""
    values = {"storage": {"data_dir": folder / "data", "min_free_mb": 0}, "default_model": "tiny", **(settings or {})}
    config = Config.model_validate(values)
    async with AsyncExitStack() as stack:
        stack.enter_context(wire.patched())
        ledger = await stack.enter_async_context(Ledger.open(config.storage.data_dir))
        dispatcher = await stack.enter_async_context(
            Dispatcher(ledger, engine, catalog, min_free_bytes=0, **dispatcher_options)
        )
        bot = EaselBot(config, catalog, dispatcher, Store(ledger), engine, ledger)
        bot._connection.guild_ready_timeout = 0.05
        await stack.enter_async_context(bot)
        await stack.enter_async_context(bot.outbox)
        await stack.enter_async_context(bot.notices)
        connection = asyncio.create_task(bot.start(wire.token))
        try:
            await wire.ready()
            await bot.connected.wait()
            await wire.synced("imagine")
            yield bot
        finally:
            if (greeting := bot._connection._ready_task) is not None:
                greeting.cancel()  # discord.py would tell of it when it has no loop any more
            await bot.close()
            await asyncio.gather(connection, return_exceptions=True)


def results_of(judge: Judge, invocation: Invocation, prompt: str) -> list[Message]:
    """Every message anywhere that shows this job's pictures: the answer itself, or one that names its prompt."""
    answers = judge.of(invocation)
    return [m for m in judge.results() if m in answers or prompt in m.text]
