"""The worker: owns the device and the models, reads frames, paints, writes frames.

Run by `engine.local` as a process (`engine.leash`), or as a thread of the same process; both call `serve`.

    reading thread    frames in; cancel takes effect within a step
    painting thread   decides everything (`engine.painter`), steps the pictures of all calls together (`engine.stepper`)
    decoding thread   latents -> pixels, beside the next steps
    loading thread    one model at a time, beside the steps of others
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
from collections.abc import Callable
from typing import BinaryIO

from engine.calls import Call
from engine.catalog import ModelSpec
from engine.config import EngineConfig
from engine.errors import EaselError, ModelUnavailable
from engine.painter import Painter
from engine.painting import Backend
from engine.types import Event, GenerationRequest
from engine.wire import Frame, error_head, event_frame, read_frame

log = logging.getLogger("engine.worker")

BEAT_S = 1.0


class Worker:
    """The threads around the painting one. Whatever they have to tell goes into its inbox as something to do."""

    def __init__(
        self,
        config: EngineConfig,
        specs: list[ModelSpec],
        open_backend: Callable[[EngineConfig], Backend],
        send: Callable[[Frame], None],
    ) -> None:
        self._config, self._open_backend, self._send = config, open_backend, send
        self._specs = {spec.key: spec for spec in specs}
        self._inbox: queue.SimpleQueue[Callable[[Painter], None] | None] = queue.SimpleQueue()
        self._calls: dict[int, Call] = {}
        self._closed = threading.Event()
        self._painter: Painter | None = None

    # The reading thread.

    def handle(self, frame: Frame) -> None:
        """One frame from the parent."""
        head = frame.head
        match head["is"]:
            case "cancel":
                if call := self._calls.get(head["call"]):
                    call.cancelled.set()
                    self._inbox.put(Painter.sweep)
            case "paint":
                request = GenerationRequest.model_validate(head["request"])
                self._enqueue(Call(head["call"], "paint", request.model, self._tell, request))
            case "load" | "unload" as what:
                self._enqueue(Call(head["call"], what, head["model"], self._tell))

    def _enqueue(self, call: Call) -> None:
        call.previews = self._config.previews
        self._calls[call.number] = call
        self._inbox.put(lambda painter: painter.take(call))

    def _tell(self, call: Call, event: Event) -> None:
        self._send(event_frame(call.number, event))

    def close(self) -> None:
        """Gives up everything; the painting thread ends at the next step."""
        self._closed.set()
        for call in list(self._calls.values()):
            call.cancelled.set()
        self._inbox.put(None)

    def beat(self) -> None:
        """Tells the parent, until closed, that this process lives and how far it is."""
        while not self._closed.wait(min(BEAT_S, self._config.hang_timeout_s / 4)):
            painter = self._painter
            pulse, painting = (painter.pulse, painter.painting) if painter else (0, False)
            self._send(Frame({"is": "beat", "pulse": pulse, "painting": painting}))

    def finish(self, call: Call, error: EaselError | None) -> None:
        self._calls.pop(call.number, None)
        call.end()
        head = {"is": "done", "call": call.number}
        if error is not None:
            head |= {"is": "error"} | error_head(error)
        self._send(Frame(head))

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
        log.info("painting on %s", backend.device)
        painter = self._painter = Painter(self._config, self._specs, backend, self._inbox.put, self.finish, self._send)
        idle = True
        while True:
            try:  # never waits while there is something to step
                todo = self._inbox.get(block=idle)
            except queue.Empty:
                idle = not painter.step()
                continue
            if todo is None:
                break
            todo(painter)
            idle = False
        painter.close()

    def _refuse_all(self, reason: str, hint: str) -> None:
        log.error("%s %s", reason, hint)
        while self._inbox.get() is not None:
            for call in list(self._calls.values()):
                self.finish(call, ModelUnavailable(call.model, reason, hint))


def serve(reader: BinaryIO, writer: BinaryIO, linger_s: float = 0) -> None:
    """Works until `reader` ends, and waits `linger_s` at most for the step that is being painted then.

    The first frame says with what: the configuration, the models, the backend.
    """
    first = read_frame(reader)
    if first is None:
        return
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
    # Set before torch is imported. By default OpenMP's threads spin while they wait for each other; where another
    # program wants one of the cores, each of a step's hundreds of waits then takes a whole time slice.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    reader, writer = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(message)s")
    try:
        serve(reader, writer)
    finally:
        os._exit(0)  # without waiting for a kernel that runs or hangs
