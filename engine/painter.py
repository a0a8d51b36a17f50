"""What the worker's painting thread does: it admits calls, has their models loaded, steps their pictures, ends them."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from engine import images
from engine.calls import Call, PictureWatcher
from engine.catalog import ModelSpec
from engine.config import EngineConfig
from engine.errors import Cancelled, EaselError, GenerationFailed, ModelUnavailable, OutOfMemory
from engine.modelcache import ModelCache
from engine.painting import Backend, NoMemory, Pipeline, Stopped
from engine.stepper import Painted, Stepper
from engine.types import Loading, Picture
from engine.wire import Frame

log = logging.getLogger("engine.worker")


class Painter:
    """One device. Everything is called on the painting thread, and what other threads find out comes back to it."""

    def __init__(
        self,
        config: EngineConfig,
        specs: dict[str, ModelSpec],
        backend: Backend,
        later: Callable[[Callable[[Painter], None]], None],
        finish: Callable[[Call, EaselError | None], None],
        send: Callable[[Frame], None],
    ) -> None:
        """`later` has something done on the painting thread, called from any."""
        self._config, self._specs, self._backend = config, specs, backend
        self._later, self._finish, self._send = later, finish, send
        self._stepper = Stepper(
            backend.forwards(), exact=config.exact, alive=self._alive, wake=self._wake, make_room=self._make_room
        )
        _, total = backend.memory()
        budget = config.memory_budget_gb
        budget_bytes = int(budget * 1e9) if budget else int(total * 0.8) if total else None
        self._cache = ModelCache(budget_bytes, self._stepper.uses, lambda key: len(self._waiting.get(key, ())))
        self._encoders = ThreadPoolExecutor(2, thread_name_prefix="encode")
        self._waiting: dict[str, list[Call]] = {}
        """Calls whose model is not loaded, or is to be unloaded first; the model that has waited longest first."""
        self._loading: str | None = None
        self._short: str | None = None
        """The model that gets its room as soon as those in use are done; meanwhile nothing new begins."""
        self._crowded: str | None = None
        """The model that was found not to fit beside those in use."""
        self._rows = 0
        self.pulse = 0
        self.painting = False
        self._tell_state()

    def _alive(self) -> None:
        self.pulse += 1

    def _wake(self) -> None:
        self._later(Painter.sweep)

    def step(self) -> bool:
        """One forward. False where there is nothing to do until something comes."""
        self._serve_waiting()
        stepped = self._stepper.step()
        self.painting = self._stepper.busy
        return stepped

    def close(self) -> None:
        self._stepper.close()
        for key, _ in list(self._cache):
            self._cache.unload(key)

    # -- calls

    def take(self, call: Call) -> None:
        """A call that just came."""
        if call.what != "unload":
            self._cache.asked(call.model)
        pipeline = self._cache.get(call.model)
        if call.what == "unload" and pipeline is None and call.model not in self._waiting:
            self._end(call)
        elif pipeline is None or call.what == "unload" or call.model in self._waiting or self._short is not None:
            self._waiting.setdefault(call.model, []).append(call)
            self._serve_waiting()  # so that what comes next knows whether room has to be made
        else:
            self._begin(call, pipeline)

    def sweep(self) -> None:
        """Ends the calls that were cancelled while they waited; those that are painted end with their next step."""
        for key, calls in list(self._waiting.items()):
            for call in [call for call in calls if call.cancelled.is_set()]:
                calls.remove(call)
                self._end(call, Stopped())
            if not calls and key != self._loading:
                del self._waiting[key]

    def _begin(self, call: Call, pipeline: Pipeline) -> None:
        request = call.request
        if request is None:
            self._end(call)
            return
        call.unfinished = request.num_images
        self.painting = True
        for position in range(request.num_images):
            watcher = PictureWatcher(call, position)
            future = self._stepper.join(pipeline, request, request.seed + position, watcher)
            future.add_done_callback(partial(self._painted, call, position))
        self._tell_room()

    def _painted(self, call: Call, position: int, future: Future[Painted]) -> None:
        """On any thread."""
        encoded = self._encoders.submit(self._encode, call, position, future)
        encoded.add_done_callback(lambda done: self._later(lambda painter: painter.picture_ended(call, done)))

    def _encode(self, call: Call, position: int, future: Future[Painted]) -> None:
        """On an encoding thread."""
        painted, request = future.result(), call.request
        assert request is not None
        facts: dict[str, Any] = {"device": self._backend.device, "exact": painted.exact}
        if painted.rows is not None:
            facts["rows"] = painted.rows
        pixels = images.enlarge(painted.pixels, request.width, request.height)
        png = images.encode_png(pixels, images.write_metadata(request, position, **facts))
        call.tell(Picture(position, request.seed + position, png, request.width, request.height))

    def picture_ended(self, call: Call, done: Future[None]) -> None:
        """One of its pictures was sent, or why not."""
        call.unfinished -= 1
        if (error := done.exception()) is not None and call.error is None:
            assert isinstance(error, Exception)
            call.error = error
            call.cancelled.set()
        if not call.unfinished:
            self._end(call, call.error)

    def _end(self, call: Call, problem: Exception | None = None) -> None:
        error: EaselError | None
        match problem:
            case None | EaselError():
                error = problem
            case Stopped():
                error = Cancelled()
            case NoMemory():
                error = OutOfMemory(self._backend.last_words())
            case _ if _lost_device(problem) and self._config.executor == "process":
                log.critical("the device is lost; this process ends, and the next one tries again", exc_info=problem)
                os._exit(1)
            case _:  # a model's code may raise anything; it must not end the worker
                log.error("call %s failed", call.number, exc_info=problem)
                text = f"The model {call.model} failed: {_first_line(problem)}. The log has the details."
                error = GenerationFailed(text)
        self._tell_state({call.model: error.reason} if isinstance(error, ModelUnavailable) else {})
        self._finish(call, error)

    # -- models

    def _serve_waiting(self) -> None:
        """Loads what calls wait for, one model at a time; unloads what shall go once nobody uses it."""
        if self._loading is not None:
            return
        for key, calls in list(self._waiting.items()):
            if calls[0].what == "unload" and not self._cache.in_use(key):
                self._cache.unload(key)
                self._end(calls.pop(0))
                if not calls:
                    del self._waiting[key]
        wanted = [key for key, calls in self._waiting.items() if calls[0].what != "unload"]
        short, self._short = self._short, None
        if not wanted:
            return
        key = short if short in wanted else wanted[0]
        if (pipeline := self._cache.get(key)) is not None:
            self._begin_waiting(key, pipeline)
        elif (spec := self._specs.get(key)) is None:
            self._refuse(key, ModelUnavailable(key, "it is not in the catalogue of this engine."))
        elif not (key == self._crowded and self._in_use()) and self._cache.make_room(self._needs(spec)):
            self._load(spec)
        else:
            self._short = key

    def _needs(self, spec: ModelSpec) -> int:
        known = self._cache.loads.bytes(spec.key)
        return self._backend.estimate(spec) if known is None else known

    def _in_use(self) -> bool:
        return any(self._cache.in_use(key) for key, _ in self._cache)

    def _load(self, spec: ModelSpec) -> None:
        self._loading = spec.key
        calls = self._waiting[spec.key]  # more of them may come meanwhile, and some may be cancelled
        started = time.monotonic()

        def report(fraction: float | None, text: str) -> None:
            for call in tuple(calls):
                call.tell(Loading(fraction, text))

        def load() -> Pipeline:
            report(None, f"Loading {spec.key}")
            return self._backend.load(spec, report, lambda: all(call.cancelled.is_set() for call in tuple(calls)))

        def ended(done: Future[Pipeline]) -> None:
            took = time.monotonic() - started
            if done.exception() is None:
                log.info("loaded %s in %.1f s, %d MB", spec.key, took, done.result().bytes // 1_000_000)
                report(1.0, f"Loaded {spec.key}")
            self._later(lambda painter: painter.load_ended(spec.key, done, took))

        loader = ThreadPoolExecutor(1, thread_name_prefix="load")
        loader.submit(load).add_done_callback(ended)
        # Its thread ends with the load: OpenMP threads would stay with one that stayed, see `Sketch.decodes_beside`.
        loader.shutdown(wait=False)

    def load_ended(self, key: str, done: Future[Pipeline], took: float) -> None:
        """The loading thread is done with it, after so many seconds."""
        self._loading = None
        self.sweep()
        error = done.exception()
        if error is None:
            self._cache.add(key, done.result(), took)
            self._tell_state()
            self._begin_waiting(key, done.result())
        elif isinstance(error, Stopped):
            pass  # who came after all others had gone has it loaded after all
        elif isinstance(error, NoMemory) and self._cache.unload_idle(but=key):
            self._tell_state()  # it is tried again with what the others held
        elif isinstance(error, NoMemory) and self._in_use():
            self._short = self._crowded = key  # or with what those in use will leave
        else:
            assert isinstance(error, Exception)
            self._refuse(key, error)

    def _begin_waiting(self, key: str, pipeline: Pipeline) -> None:
        """Its calls in the order in which they came, up to one that unloads it."""
        calls = self._waiting.pop(key, [])
        for number, call in enumerate(calls):
            if call.what == "unload":
                self._waiting[key] = calls[number:]
                return
            self._begin(call, pipeline)

    def _refuse(self, key: str, error: Exception) -> None:
        for call in self._waiting.pop(key, []):
            self._end(call, None if call.what == "unload" else error)

    def _make_room(self, pipeline: Pipeline) -> str | None:
        key = next((key for key, loaded in self._cache if loaded is pipeline), "")
        if not self._cache.unload_idle(but=key):
            return None
        self._tell_state()
        return "no other models"

    # -- what the parent knows

    def _tell_state(self, broken: dict[str, str] | None = None) -> None:
        used, total = self._backend.memory()
        loaded = {key: pipeline.bytes for key, pipeline in self._cache}
        head = {"is": "state", "device": self._backend.device, "used": used, "total": total, "loaded": loaded}
        learned = {key: [bytes, load_s] for key, bytes, load_s in self._cache.loads}
        self._send(Frame(head | {"budget": self._cache.budget, "learned": learned, "broken": broken or {}}))

    def _tell_room(self) -> None:
        """How many rows are worth having at once."""
        if (rows := self._stepper.room) and rows != self._rows:
            self._rows = rows
            self._send(Frame({"is": "room", "rows": rows}))


def _lost_device(error: BaseException) -> bool:
    """Whether CUDA gave up on this process: whatever it is asked from then on fails alike."""
    return isinstance(error, RuntimeError) and str(error).startswith("CUDA error")


def _first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:200]}" if text else type(error).__name__
