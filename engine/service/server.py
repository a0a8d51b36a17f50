"""`python -m engine serve`: listens, says so, and drains before it stops."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import signal
import socket
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import structlog
import uvicorn
from filelock import FileLock, Timeout

from engine import files, house, logs
from engine.config import Settings
from engine.errors import ConfigError, EaselError, NotFound
from engine.service.app import app
from engine.service.desk import Desk
from engine.service.keys import KeyRing
from engine.service.metrics import Counted, Metrics
from engine.service.security import Doorman, is_loopback

log = structlog.get_logger(__name__)

LOG_FILE = "image_service.log"
RUNNING = "image_service.json"
"""In the data folder: which process serves it, and where."""
LOCK = "image_service.lock"
"""Beside it: says whether that is still so."""

KEEP_S = 60
"""How long an idle connection is kept: longer than clients do, so that none writes into one that closes."""

CLOSE_S = 3
"""How long open streams may take to say their last words, once the jobs are drained."""

STOP_S = 30.0
"""How much longer than the drain a service may take to stop."""


class Server(uvicorn.Server):
    """Leaves signals alone: they are heard where the engine is drained."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(settings: Settings) -> None:
    """Serves until SIGTERM or Ctrl-C. Raises EaselError where it cannot start."""
    writing = settings.logging
    with logs.written(
        writing.folder,
        file=LOG_FILE,
        level=writing.level,
        file_bytes=writing.file_mb * 1_000_000,
        files=writing.files,
    ):
        asyncio.run(_until_stopped(settings))


async def _until_stopped(settings: Settings) -> None:
    """The first signal lets running jobs finish, the second one does not wait."""
    stop, loop, task = asyncio.Event(), asyncio.get_running_loop(), asyncio.current_task()

    def asked_to_stop() -> None:
        if stop.is_set() and task is not None:
            task.cancel()
        stop.set()

    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, asked_to_stop)
    with contextlib.suppress(asyncio.CancelledError):
        await run(settings, stop)


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """The service, until `stop` is set."""
    service, data_dir = settings.service, settings.storage.data_dir
    with listening(service.host, service.port) as socket_, _announced(data_dir, service.host, socket_) as url:
        async with opened(settings) as desk:
            server = Server(
                uvicorn.Config(
                    app(desk),
                    log_config=None,
                    access_log=False,
                    server_header=False,
                    lifespan="off",
                    timeout_keep_alive=KEEP_S,
                    timeout_graceful_shutdown=CLOSE_S,
                )
            )
            serving = asyncio.create_task(server.serve(sockets=[socket_]), name="http")
            stopping = asyncio.create_task(stop.wait(), name="stop")
            log.info(f"The image service listens at {url}", keys="demanded" if desk.doorman.demanded else "not needed")
            await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            log.info("stopping", drain_s=settings.drain_s)
            await desk.home.dispatcher.drain(settings.drain_s)
            server.should_exit = True
            await serving
    log.info("stopped")


@contextlib.asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Desk]:
    """Everything under the routes. Raises ConfigError where keys are demanded and there are none."""
    # The bot's configuration may be this one too; where it sends its jobs is here.
    settings = settings.model_copy(update={"engine": settings.engine.model_copy(update={"url": ()})})
    keys = KeyRing(settings.storage.data_dir)
    demanded = settings.service.require_keys or not is_loopback(settings.service.host)
    if demanded and not keys:
        raise ConfigError(
            "There is no API key yet, and everybody who reaches this address would need one. Make one: "
            "python -m engine keys add NAME (add --trusted for the bot's)"
        )
    metrics = Metrics()
    async with (
        house.opened(settings, drain_s=0, around=lambda engine: Counted(engine, metrics)) as home,
        home.dispatcher.subscribe() as updates,
    ):
        following = asyncio.create_task(metrics.follow(updates), name="metrics")
        try:
            yield Desk(settings, home, Doorman(keys, demanded), metrics)
        finally:
            following.cancel()
            await asyncio.wait((following,))


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """The port, before anything else is opened. ConfigError says who has it."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, family=socket.AF_INET if host == "localhost" else 0, type=socket.SOCK_STREAM
        )[0]
    except OSError as error:
        raise ConfigError(f"service.host: {host!r} is no address of this machine ({error.strerror}).") from None
    with socket.socket(family, kind, protocol) as found:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind(address)
            found.listen(2048)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise ConfigError(f"Port {port} is taken: {_who(host, port)}, or choose another: --port") from None
            raise ConfigError(f"It cannot listen at {host}:{port} ({error.strerror}).") from None
        yield found


def _who(host: str, port: int) -> str:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            f"{address(host, port)}/health", timeout=2
        ) as answer:
            if json.load(answer).get("service") == "easel":
                return "an image service of Easel runs there already. Stop it with `serve --stop`"
    except (OSError, ValueError, AttributeError):
        pass  # then it is something else
    return "another program listens there. Stop it"


def address(host: str, port: int) -> str:
    """Where a service is found from this machine."""
    if host in ("0.0.0.0", "::", "127.0.0.1"):
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextlib.contextmanager
def _announced(data_dir: Path, host: str, listening: socket.socket) -> Iterator[str]:
    """Leaves a note for `--stop` while it lasts; yields the address."""
    url = address(host, listening.getsockname()[1])
    busy = ConfigError(
        f"An image service uses {data_dir} already. Stop it with `serve --stop`, or give this one a data folder "
        "of its own: --data-dir"
    )
    with files.locked(data_dir, LOCK, busy):
        note = data_dir / RUNNING
        try:
            note.write_text(json.dumps({"pid": os.getpid(), "url": url}), encoding="utf-8")
            yield url
        finally:
            note.unlink(missing_ok=True)


def stop(settings: Settings) -> str:
    """Stops the service of that data folder, and waits until it has stopped; returns where it was.

    Raises NotFound where none runs, and EaselError where it does not stop.
    """
    data_dir = settings.storage.data_dir
    lock = FileLock(data_dir / LOCK)
    try:
        if not data_dir.is_dir():
            raise NotFound("image service", str(data_dir), "None runs on that data folder.")
        with lock.acquire(timeout=0):
            raise NotFound("image service", str(data_dir), "None runs on that data folder.")
    except Timeout:
        pass  # somebody holds it, so the note is true
    try:
        note = json.loads((data_dir / RUNNING).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise EaselError("The image service is just starting or stopping. Try again in a second.") from None
    os.kill(note["pid"], signal.SIGTERM)
    until = time.monotonic() + settings.drain_s + STOP_S
    while time.monotonic() < until:
        with contextlib.suppress(Timeout), lock.acquire(timeout=0.1):
            return str(note["url"])
    raise EaselError(f"The service at {note['url']} (process {note['pid']}) does not stop. Look into its log.")
