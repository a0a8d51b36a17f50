"""LocalEngine: the engine on this machine, with a worker that it starts, watches and replaces.

Nothing here waits for the worker to be ready, and nothing here imports torch: `status()` and `models()` answer from
what the worker last said.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import math
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any

from engine import hub, link
from engine.catalog import Catalog, ModelSpec
from engine.config import EngineConfig
from engine.errors import EngineLost
from engine.types import EngineStatus, Event, GenerationRequest, Loading, ModelState, Progress
from engine.wire import Frame, WireError, frame_event, head_error

log = logging.getLogger(__name__)

ROWS = 4
"""Rows taken at a time until the worker says how many its device likes."""

START_TIMEOUT_S = 60.0
"""How long a new worker may take to say hello: on a busy machine that is not yet hanging."""

FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.2, 30.0


@dataclass(slots=True)
class _Call:
    """Something asked of the worker, and the events on their way back to whoever asked."""

    frame: Frame
    model: str
    id: int | None = None
    rows: int = 0
    """Of the UNet's forwards that it takes, or will take once its model is loaded."""
    events: asyncio.Queue[Event | Exception | None] = field(default_factory=asyncio.Queue)
    """None is the end."""


@dataclass(slots=True)
class _Worker:
    """What the worker last said of itself."""

    device: str = "starting"
    memory_used: int | None = None
    memory_total: int | None = None
    loaded: dict[str, int] = field(default_factory=dict)
    """The bytes of each model on the device."""
    model_budget: int | None = None
    learned: dict[str, tuple[int, float]] = field(default_factory=dict)
    """Of each model that was loaded so far: its bytes on the device, the seconds that its load took."""
    loading: dict[str, float | None] = field(default_factory=dict)
    rows: int = ROWS
    """What its device steps at a time, and a little more that stands ready."""
    pulse: int = 0
    alive_at: float | None = None
    """When it last got on, or had nothing to get on with; None until it says hello."""

    def beat(self, pulse: int, painting: bool, now: float) -> None:
        """A heartbeat. Idle or loading, a worker need not get on; one that paints must: its pulse has to change."""
        if not painting or pulse != self.pulse or self.alive_at is None:
            self.pulse, self.alive_at = pulse, now

    def hung(self, now: float, timeout: float) -> bool:
        return self.alive_at is not None and now - self.alive_at > timeout


class LocalEngine:
    """`async with LocalEngine(config, catalog) as engine`. `backend` names what opens the device, as "module:name"."""

    def __init__(self, config: EngineConfig, catalog: Catalog, *, backend: str = "engine.loading:Diffusers") -> None:
        self._config, self._catalog = config, catalog
        specs = [spec.model_dump(mode="json") for spec in catalog]
        self._first_frame = Frame(
            {"is": "start", "backend": backend, "config": config.model_dump(mode="json"), "specs": specs}
        )
        self._numbers = itertools.count(1)
        self._calls: dict[int, _Call] = {}
        self._worker = _Worker()
        self._broken: dict[str, str] = {}
        self._link: link.Link | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._failures = 0

    async def __aenter__(self) -> LocalEngine:
        self._keeper = asyncio.create_task(self._keep_a_worker(), name="engine worker")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Ends the worker; whoever still waits for a picture gets EngineLost."""
        if self._keeper is not None:
            keeper, self._keeper = self._keeper, None
            keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeper

    async def generate(self, id: int, request: GenerationRequest) -> AsyncGenerator[Event]:
        """Paints; closing the iterator cancels. Raises the errors that `engine.types.Engine` names."""
        request = request.with_seed()
        values = {"is": "paint", "request": request.model_dump(mode="json")}
        async with contextlib.aclosing(self._ask(values, request.model, id, request.rows)) as events:
            async for event in events:
                yield event

    async def load(self, key: str) -> AsyncGenerator[Event]:
        """Loads the model, also one that was broken: its files may have been mended."""
        async with contextlib.aclosing(self._ask({"is": "load", "model": key}, key)) as events:
            async for event in events:
                yield event

    async def unload(self, key: str) -> None:
        async for _ in self._ask({"is": "unload", "model": key}, key):
            pass  # unloading has no events: it just ends

    async def models(self) -> list[ModelState]:
        on_disk = await asyncio.to_thread(hub.sizes_on_disk, list(self._catalog), self._config.models_dir)
        return [self._model_state(spec, on_disk.get(spec.key)) for spec in self._catalog]

    def _model_state(self, spec: ModelSpec, bytes_on_disk: int | None) -> ModelState:
        key = spec.key
        needs, load_s = self._worker.learned.get(key, (bytes_on_disk or spec.size_bytes, None))
        state = ModelState(key, "missing", needs=needs, load_s=load_s)
        if key in self._worker.loaded:
            return replace(state, state="loaded", bytes=self._worker.loaded[key])
        if key in self._worker.loading:
            return replace(state, state="loading", fraction=self._worker.loading[key])
        why = self._broken.get(key, "")
        if bytes_on_disk is None and not (why and hub.is_local(spec.repository)):
            return replace(state, detail=why)  # not downloaded, or the download failed
        return replace(state, state="broken" if why else "on disk", bytes=bytes_on_disk, detail=why)

    async def status(self) -> EngineStatus:
        running = tuple(call.id for call in self._calls.values() if call.id is not None)
        return EngineStatus(
            device=self._worker.device,
            free=self._free(len(running)) if self._keeper else 0,
            running=running,
            memory_used=self._worker.memory_used,
            memory_total=self._worker.memory_total,
            worker_pid=self._link.pid if self._link else None,
            model_budget=self._worker.model_budget,
        )

    def _free(self, running: int) -> int:
        """How many more requests to take: as many as fill the rows that are free, were each a picture of two.

        Pictures that are only decoded take no rows any more, but what is taken must not pile up there.
        """
        rows = self._worker.rows - sum(call.rows for call in self._calls.values())
        return max(0, min(math.ceil(rows / 2), 2 * self._worker.rows - running))

    async def _ask(
        self, values: dict[str, Any], model: str, id: int | None = None, rows: int = 0
    ) -> AsyncGenerator[Event]:
        """Sends one call and yields its events. A call that is left before its end is cancelled."""
        self._catalog.get(model)
        if self._keeper is None or self._keeper.done():
            raise EngineLost("The engine is not running.")
        number = next(self._numbers)
        call = _Call(Frame(values | {"call": number}), model, id, rows)
        self._calls[number] = call
        if self._link is not None:  # otherwise sent as soon as there is a worker
            self._link.send(call.frame)
        try:
            while (event := await call.events.get()) is not None:
                if isinstance(event, Exception):
                    raise event
                yield event
        finally:
            # Its slot is free once the worker says so; without a worker it was never taken.
            if number in self._calls and self._link is None:
                del self._calls[number]
            elif number in self._calls and self._link is not None:
                self._link.send(Frame({"is": "cancel", "call": number}))

    # Keeping a worker alive.

    async def _keep_a_worker(self) -> None:
        """Starts a worker, and another whenever it dies; waits longer each time while nothing gets done."""
        try:
            while True:
                why = await self._one_worker()
                delay = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2**self._failures)
                self._failures += 1
                log.error("the worker was lost (%s); the next one starts in %.1f s", why, delay)
                self._lose_calls(f"The engine's worker was lost ({why}).")
                await asyncio.sleep(delay)
        finally:
            self._lose_calls("The engine was closed.")

    async def _one_worker(self) -> str:
        """A worker's life; returns how it ended."""
        self._worker = _Worker()
        try:
            self._link = await link.start(self._config.executor, self._first_frame)
        except OSError as error:
            return f"it could not be started: {error}"
        try:
            for call in self._calls.values():
                self._link.send(call.frame)
            patience = max(START_TIMEOUT_S, self._config.hang_timeout_s)
            while (frame := await self._link.receive(patience)) is not None:
                patience = self._config.hang_timeout_s
                self._take(frame)
                if self._worker.hung(time.monotonic(), patience):
                    raise TimeoutError
            return await self._link.ended()
        except TimeoutError:
            self._link.kill()
            await self._link.ended()
            return f"it hung for {self._config.hang_timeout_s:g} s and was killed"
        except WireError as error:
            self._link.kill()
            await self._link.ended()
            return f"it spoke out of turn: {error}"
        finally:
            ending, self._link = self._link, None
            await ending.close()
            self._worker = _Worker()

    def _take(self, frame: Frame) -> None:
        """One frame from the worker."""
        head = frame.head
        match head["is"]:
            case "hello":
                log.info("the worker runs as process %d", head["pid"])
            case "beat":
                self._worker.beat(head["pulse"], head["painting"], time.monotonic())
            case "state":
                self._take_state(head)
            case "room":
                self._worker.rows = head["rows"]
            case "done" | "error":
                self._end(head)
            case _:
                self._deliver(head["call"], frame_event(frame))

    def _take_state(self, head: dict[str, Any]) -> None:
        self._worker.device, self._worker.loaded = head["device"], head["loaded"]
        self._worker.memory_used, self._worker.memory_total = head["used"], head["total"]
        self._worker.model_budget = head["budget"]
        self._worker.learned = {key: (size, load_s) for key, (size, load_s) in head["learned"].items()}
        self._broken |= head["broken"]
        for key in head["loaded"]:
            self._broken.pop(key, None)

    def _deliver(self, number: int, event: Event) -> None:
        if (call := self._calls.get(number)) is None:
            log.warning("the worker told something of call %d, which has ended", number)
            return
        if isinstance(event, Loading):
            self._worker.loading[call.model] = event.fraction
        if isinstance(event, Progress) and event.step >= event.of:
            call.rows = 0
        call.events.put_nowait(event)

    def _end(self, head: dict[str, Any]) -> None:
        if (call := self._calls.pop(head["call"], None)) is None:
            log.warning("the worker ended call %d, which has ended", head["call"])
            return
        self._worker.loading.pop(call.model, None)
        if head["is"] == "done":
            self._failures = 0
        call.events.put_nowait(None if head["is"] == "done" else head_error(head))

    def _lose_calls(self, why: str) -> None:
        for call in self._calls.values():
            call.events.put_nowait(EngineLost(why))
        self._calls.clear()
