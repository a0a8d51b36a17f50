"""The worker: owns the device and the models, reads frames, paints, writes frames.

Run by `engine.local` as a process (`engine.leash`), or as a thread of the same process; both call `serve`.

    reading thread    frames in; cancel takes effect at once, whatever is being painted
    painting thread   loads and paints, one request after the other
    encoding threads  pixels -> PNG
    beating thread    a frame every second, with the steps done: slow looks different from hung

No thread outlives the stream: when it ends, the parent is gone, and a process of ours ends within the same moment.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from engine import images
from engine.catalog import ModelSpec
from engine.config import EngineConfig
from engine.errors import Cancelled, EaselError, GenerationFailed, ModelUnavailable, OutOfMemory
from engine.painting import Backend, NoMemory, Pipeline, Pixels, Stopped
from engine.types import Event, GenerationRequest, Loading, Picture, Progress
from engine.wire import Frame, error_head, event_frame, read_frame

log = logging.getLogger("engine.worker")

BEAT_S = 1.0
PREVIEW_EVERY_S = 1.0


@dataclass(slots=True)
class Call:
    """Something the parent asked for: a picture, or a model to load or unload."""

    number: int
    what: str
    model: str
    request: GenerationRequest | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)


class ModelCache:
    """The loaded models, the one used longest ago first; what does not fit the budget goes."""

    def __init__(self, backend: Backend, budget: int | None) -> None:
        self._backend, self._budget = backend, budget
        self._loaded: dict[str, Pipeline] = {}

    def __iter__(self) -> Iterator[tuple[str, Pipeline]]:
        return iter(self._loaded.items())

    def get(self, key: str) -> Pipeline | None:
        """The loaded model, which now counts as the one used last."""
        pipeline = self._loaded.pop(key, None)
        if pipeline is not None:
            self._loaded[key] = pipeline
        return pipeline

    def make_room(self, needed: int) -> None:
        """Closes models until `needed` more bytes fit the budget."""
        while self._budget is not None and self._loaded and self.bytes + needed > self._budget:
            self.unload(next(iter(self._loaded)))

    def add(self, key: str, pipeline: Pipeline) -> None:
        """Keeps a model that was just loaded; the others go where its true size leaves no room for them."""
        self.make_room(pipeline.bytes)
        self._loaded[key] = pipeline

    def unload(self, key: str) -> bool:
        pipeline = self._loaded.pop(key, None)
        if pipeline is None:
            return False
        pipeline.close()
        log.info("unloaded %s", key)
        return True

    def unload_others(self, key: str) -> bool:
        """Leaves that model alone on the device; False when it already was."""
        others = [other for other in self._loaded if other != key]
        for other in others:
            self.unload(other)
        return bool(others)

    @property
    def bytes(self) -> int:
        return sum(pipeline.bytes for pipeline in self._loaded.values())


class Worker:
    """One device's models and the calls that wait for them."""

    def __init__(
        self,
        config: EngineConfig,
        specs: list[ModelSpec],
        open_backend: Callable[[EngineConfig], Backend],
        send: Callable[[Frame], None],
    ) -> None:
        self._config, self._open_backend, self._send = config, open_backend, send
        self._specs = {spec.key: spec for spec in specs}
        self._waiting: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._calls: dict[int, Call] = {}
        self._encoders = ThreadPoolExecutor(2, thread_name_prefix="encode")
        self._closed = threading.Event()
        self._pulse = 0
        self._painting = False

    # The reading thread.

    def handle(self, frame: Frame) -> None:
        """One frame from the parent."""
        head = frame.head
        match head["is"]:
            case "cancel":
                if call := self._calls.get(head["call"]):
                    call.cancelled.set()
            case "paint":
                request = GenerationRequest.model_validate(head["request"])
                self._enqueue(Call(head["call"], "paint", request.model, request))
            case "load" | "unload" as what:
                self._enqueue(Call(head["call"], what, head["model"]))

    def _enqueue(self, call: Call) -> None:
        self._calls[call.number] = call
        self._waiting.put(call)

    def close(self) -> None:
        """Gives up everything; the painting thread ends at the next step."""
        self._closed.set()
        for call in list(self._calls.values()):
            call.cancelled.set()
        self._waiting.put(None)

    def beat(self) -> None:
        """Tells the parent, until closed, that this process lives and how far it is."""
        while not self._closed.wait(min(BEAT_S, self._config.hang_timeout_s / 4)):
            self._send(Frame({"is": "beat", "pulse": self._pulse, "painting": self._painting}))

    # The painting thread.

    def paint_forever(self) -> None:
        try:
            backend = self._open_backend(self._config)
        except ImportError as error:
            self._refuse_all(f"a package is missing ({error}).", 'Install them: pip install "easel[engine]".')
            return
        except EaselError as error:
            self._refuse_all("the engine cannot start.", str(error))
            return
        _, total = backend.memory()
        budget = self._config.memory_budget_gb
        cache = ModelCache(backend, int(budget * 1e9) if budget else int(total * 0.8) if total else None)
        log.info("painting on %s", backend.device)
        self._tell(backend, cache)
        while (call := self._waiting.get()) is not None:
            self._run(call, backend, cache)
        for key, _ in list(cache):
            cache.unload(key)

    def _refuse_all(self, reason: str, hint: str) -> None:
        log.error("%s %s", reason, hint)
        while (call := self._waiting.get()) is not None:
            self._finish(call, ModelUnavailable(call.model, reason, hint))

    def _run(self, call: Call, backend: Backend, cache: ModelCache) -> None:
        """One call from start to end; whatever happens in it, the next one is unharmed."""
        error: EaselError | None = None
        try:
            if call.cancelled.is_set():
                raise Stopped
            if call.what == "unload":
                cache.unload(call.model)
            else:
                pipeline = self._pipeline(call, backend, cache)
                if call.request is not None:
                    self._paint(call, call.request, pipeline, backend, cache)
        except Stopped:
            error = Cancelled()
        except EaselError as problem:
            error = problem
        except NoMemory:
            error = OutOfMemory(backend.last_words())
        except Exception as problem:  # a model's code may raise anything; it must not end the worker
            log.exception("call %s failed", call.number)
            error = GenerationFailed(f"The model {call.model} failed: {_first_line(problem)}. The log has the details.")
        broken = {call.model: error.reason} if isinstance(error, ModelUnavailable) else {}
        self._tell(backend, cache, broken)
        self._finish(call, error)

    def _finish(self, call: Call, error: EaselError | None) -> None:
        self._calls.pop(call.number, None)
        head = {"is": "done", "call": call.number}
        if error is not None:
            head |= {"is": "error"} | error_head(error)
        self._send(Frame(head))

    def _tell(self, backend: Backend, cache: ModelCache, broken: dict[str, str] | None = None) -> None:
        used, total = backend.memory()
        loaded = {key: pipeline.bytes for key, pipeline in cache}
        head = {"is": "state", "device": backend.device, "used": used, "total": total, "loaded": loaded}
        self._send(Frame(head | {"broken": broken or {}}))

    def _event(self, call: Call, event: Event) -> None:
        self._send(event_frame(call.number, event))

    def _pipeline(self, call: Call, backend: Backend, cache: ModelCache) -> Pipeline:
        pipeline = cache.get(call.model)
        if pipeline is not None:
            return pipeline
        spec = self._specs.get(call.model)
        if spec is None:
            raise ModelUnavailable(call.model, "it is not in the catalogue of this engine.")

        def report(fraction: float | None, text: str) -> None:
            self._event(call, Loading(fraction, text))

        started = time.monotonic()
        cache.make_room(backend.estimate(spec))
        report(None, f"Loading {spec.key}")
        try:
            pipeline = backend.load(spec, report, call.cancelled.is_set)
        except NoMemory:
            if not cache.unload_others(spec.key):
                raise
            pipeline = backend.load(spec, report, call.cancelled.is_set)
        log.info("loaded %s in %.1f s, %d MB", spec.key, time.monotonic() - started, pipeline.bytes // 1_000_000)
        cache.add(spec.key, pipeline)
        self._tell(backend, cache)
        report(1.0, f"Loaded {spec.key}")
        return pipeline

    def _paint(
        self, call: Call, request: GenerationRequest, pipeline: Pipeline, backend: Backend, cache: ModelCache
    ) -> None:
        """The request's pictures, one at a time: a batch would change their low bits with the number asked for."""
        encoding: list[Future[None]] = []
        self._painting = True
        try:
            for position in range(request.num_images):
                pixels = self._picture(call, request, position, pipeline, cache)
                facts = {"device": backend.device, "exact": pipeline.exact}
                encoding.append(self._encoders.submit(self._encode, call, request, position, pixels, facts))
        finally:
            self._painting = False
        for future in encoding:
            future.result()

    def _picture(
        self, call: Call, request: GenerationRequest, position: int, pipeline: Pipeline, cache: ModelCache
    ) -> Pixels:
        """One picture; when the memory runs out, once more for each saving there is."""
        last_preview = 0.0

        def on_step(step: int, of: int, preview: Callable[[], Pixels | None]) -> None:
            nonlocal last_preview
            small: bytes | None = None
            if self._config.previews and step < of and time.monotonic() - last_preview > PREVIEW_EVERY_S:
                last_preview = time.monotonic()
                picture = preview()
                small = None if picture is None else images.encode_preview(picture)
            self._event(call, Progress(position * of + step, request.num_images * of, small))

        def should_stop() -> bool:
            self._pulse += 1  # who asks is alive
            return call.cancelled.is_set()

        while True:
            try:
                return pipeline.call(request, request.seed + position, on_step, should_stop)
            except NoMemory:
                saving = "no other models" if cache.unload_others(call.model) else pipeline.save_memory()
                if saving is None:
                    raise
                log.warning("out of memory painting with %s; trying again with %s", call.model, saving)

    def _encode(
        self, call: Call, request: GenerationRequest, position: int, pixels: Pixels, facts: dict[str, Any]
    ) -> None:
        height, width, _ = pixels.shape
        png = images.encode_png(pixels, images.write_metadata(request, position, **facts))
        self._event(call, Picture(position, request.seed + position, png, width, height))


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:200]}" if text else type(error).__name__


def serve(reader: BinaryIO, writer: BinaryIO, linger_s: float = 0) -> None:
    """Works until `reader` ends, and waits `linger_s` at most for the step that is being painted then.

    The first frame says with what: the configuration, the models, the backend.
    """
    first = read_frame(reader)
    if first is None:
        return
    # Set before torch is imported. By default OpenMP's threads spin while they wait for each other; where another
    # program wants one of the cores, each of a step's hundreds of waits then takes a whole time slice.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    lock = threading.Lock()

    def send(frame: Frame) -> None:
        with lock, contextlib.suppress(OSError, ValueError):  # the parent is gone; the reading thread sees it too
            writer.write(bytes(frame))
            writer.flush()

    module, _, name = first.head["backend"].partition(":")
    worker = Worker(
        EngineConfig.model_validate(first.head["config"]),
        [ModelSpec.model_validate(spec) for spec in first.head["specs"]],
        lambda config: getattr(importlib.import_module(module), name)(config),
        send,
    )
    send(Frame({"is": "hello", "pid": os.getpid()}))
    painting = threading.Thread(target=worker.paint_forever, name="paint", daemon=True)
    painting.start()
    threading.Thread(target=worker.beat, name="beat", daemon=True).start()
    try:
        while (frame := read_frame(reader)) is not None:
            worker.handle(frame)
    finally:
        worker.close()
        painting.join(linger_s)


def main() -> None:
    """The worker process. Frames go over what were stdin and stdout; a stray print goes to stderr."""
    reader, writer = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(message)s")
    try:
        serve(reader, writer)
    finally:
        os._exit(0)  # without waiting for a kernel that runs or hangs
