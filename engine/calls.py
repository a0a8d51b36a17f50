"""What the parent asked the worker for, and how far it is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from engine import images
from engine.painting import Pixels
from engine.types import Event, GenerationRequest, Progress

PREVIEW_EVERY_S = 0.7
"""Of one call, however many pictures it has."""


@dataclass(eq=False, slots=True)
class Call:
    """Pictures, or a model to load or unload."""

    number: int
    what: Literal["paint", "load", "unload"]
    model: str
    send: Callable[[Call, Event], None]
    request: GenerationRequest | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None
    """The first of its pictures that failed said why; the others are given up."""
    unfinished: int = 0
    """Pictures that have neither been sent nor failed."""
    previews: bool = True
    _steps: dict[int, tuple[int, int]] = field(default_factory=dict)
    _previewed_at: float = 0.0
    _telling: threading.RLock = field(default_factory=threading.RLock)
    _ended: bool = False

    def tell(self, event: Event) -> None:
        """From any thread. What comes after the end, such as a preview that was being encoded, is dropped."""
        with self._telling:
            if not self._ended:
                self.send(self, event)

    def end(self) -> None:
        """Nothing is told any more."""
        with self._telling:
            self._ended = True

    def progressed(self, position: int, step: int, of: int) -> bool:
        """The picture at that position did a step; True where it is time for a preview."""
        self._steps[position] = step, of
        self._tell_progress()
        due = self.previews and step < of and time.monotonic() - self._previewed_at >= PREVIEW_EVERY_S
        if due:
            self._previewed_at = time.monotonic()
        return due

    def _tell_progress(self, preview: bytes | None = None) -> None:
        """Of all its pictures together. Those that have not begun will take as many steps as the others."""
        assert self.request is not None
        with self._telling:  # previews come from another thread, and steps must not seem to go back
            steps = list(self._steps.values())
            of = max(of for _, of in steps) * self.request.num_images
            self.tell(Progress(sum(step for step, _ in steps), of, preview))

    def show(self, pixels: Pixels) -> None:
        """A preview, from any thread."""
        if not self.cancelled.is_set():
            self._tell_progress(images.encode_preview(pixels))


@dataclass(frozen=True, slots=True)
class PictureWatcher:
    """Watches one picture of a call, for `engine.stepper`."""

    call: Call
    position: int

    def should_stop(self) -> bool:
        return self.call.cancelled.is_set()

    def stepped(self, step: int, of: int) -> bool:
        return self.call.progressed(self.position, step, of)

    def preview(self, pixels: Pixels) -> None:
        self.call.show(pixels)
