"""How the engine reaches its worker: a process of its own, or a thread of this one. The same frames go through both."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.wire import Frame, next_frame

worker_log = logging.getLogger("engine.worker")

WORKER = "engine.leash"
GRACE_S = 5.0


@dataclass(slots=True)
class Link:
    """One running worker. `kill` ends it at once (a thread: asks it to end, and forgets it); `ended` waits for that."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    pid: int
    kill: Callable[[], None]
    ended: Callable[[], Awaitable[str]]
    """Returns how it ended, in words."""

    async def receive(self, timeout: float) -> Frame | None:
        """The next frame; None when the worker is gone. TimeoutError leaves the stream unusable: kill after it."""
        async with asyncio.timeout(timeout):
            return await next_frame(self.reader)

    def send(self, frame: Frame) -> None:
        if not self.writer.is_closing():
            self.writer.write(bytes(frame))

    async def close(self) -> str:
        """Hangs up, which ends the worker; kills it where it does not end soon."""
        self.writer.close()
        try:
            async with asyncio.timeout(GRACE_S):
                return await self.ended()
        except TimeoutError:
            self.kill()
            return await self.ended()


async def start(executor: Literal["process", "thread"], first: Frame) -> Link:
    """A worker that has been told `first`. Returns without waiting for it to be ready."""
    link = await (_start_process() if executor == "process" else _start_thread())
    link.send(first)
    return link


async def _start_process() -> Link:
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", WORKER, str(os.getpid()))
    # The worker finds this very package, whatever the working directory is.
    path = os.pathsep.join(filter(None, (str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH"))))
    # A session of its own: Ctrl-C in the terminal is for the parent, which then ends the worker in good order.
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        start_new_session=True,
        env=os.environ | {"PYTHONPATH": path},
        limit=1 << 20,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    logs = asyncio.create_task(_forward_log(process.stderr), name="worker log")

    def kill() -> None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()

    async def ended() -> str:
        code = await process.wait()
        await logs
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

    return Link(process.stdout, process.stdin, process.pid, kill, ended)


async def _forward_log(stderr: asyncio.StreamReader) -> None:
    """The worker's lines in the parent's log, at the level they name; a library's own prints and tracebacks as info."""
    pending = b""
    while chunk := await stderr.read(1 << 16):
        *lines, pending = (pending + chunk).replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            _log_line(line.decode("utf-8", "replace").rstrip())
    _log_line(pending.decode("utf-8", "replace").rstrip())


def _log_line(line: str) -> None:
    level, _, rest = line.partition(" ")
    number = logging.getLevelNamesMapping().get(level)
    if number is not None:
        worker_log.log(number, "%s", rest)
    elif line:
        worker_log.info("%s", line)


async def _start_thread() -> Link:
    from engine.worker import serve  # imports numpy and Pillow: not for a parent that paints in another process

    here, there = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=here)

    def run() -> None:
        unsent = contextlib.suppress(ConnectionError)  # when the other end closed
        with unsent, there, there.makefile("rb") as incoming, there.makefile("wb") as outgoing:
            serve(incoming, outgoing, linger_s=GRACE_S)

    thread = threading.Thread(target=run, name="engine worker", daemon=True)
    thread.start()

    async def ended() -> str:
        await asyncio.to_thread(thread.join, GRACE_S)
        return "its thread was given up" if thread.is_alive() else "its thread ended"

    return Link(reader, writer, os.getpid(), writer.close, ended)
