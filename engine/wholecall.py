"""A pipeline's whole call as something that is stepped: a thread that goes on to its next step when it is told to.

For what cannot be taken apart into rows: other classes of models, and samplers without a table. The call and the rows
of others take turns, so neither waits for the other's end.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from engine.painting import OnStep, Pipeline, Pixels, ShouldStop, Stopped
from engine.types import GenerationRequest


class WholeCall:
    """`advance` it until it returns what it painted, or raises what the call raised."""

    def __init__(
        self, pipeline: Pipeline, request: GenerationRequest, seed: int, on_step: OnStep, should_stop: ShouldStop
    ) -> None:
        self._call: Callable[[], Pixels] = lambda: pipeline.call(request, seed, self._pause, should_stop)
        self._on_step, self._should_stop = on_step, should_stop
        self._go, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._painted: Pixels | None = None
        self._error: BaseException | None = None
        # A thread of the background: a call that hangs must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="whole call", daemon=True)

    @property
    def started(self) -> bool:
        return self._thread.ident is not None

    def advance(self) -> Pixels | None:
        """Up to the end of its next step. Also how a stopped call ends: it raises Stopped then."""
        if self.started:
            self._go.release()
        else:
            self._thread.start()
        self._back.acquire()
        if self._error is None and self._painted is None:
            return None
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._painted

    def _run(self) -> None:
        try:
            self._painted = self._call()
        except BaseException as error:
            self._error = error
        self._back.release()

    def _pause(self, step: int, of: int, preview: Callable[[], Pixels | None]) -> None:
        self._on_step(step, of, preview)
        self._back.release()
        self._go.acquire()
        if self._should_stop():
            raise Stopped
