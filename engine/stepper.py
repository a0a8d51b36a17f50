"""Continuous batching: many people's pictures in one UNet, a step at a time.

`join` takes a picture in, `step` runs one forward of whatever `engine.rowplan` says is next, and each picture's future
ends with its pixels. All of it happens on the thread that calls, but for decoding, which a second one does meanwhile
where that gains time.

    prepare ──► rows ──► forward ──► sampler ──► … ──► decode ──► pixels
                └────────── once for each step ──┘     (beside the next forwards)

Who joins, leaves or is cancelled does so between two forwards. What a model cannot do in rows, its own call does, a
step at a turn. When the memory runs out, those whom it did not hit go on as if nothing had happened.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Protocol

from engine.painting import NoMemory, Pipeline, Pixels, SteppedPipeline, Stopped, can_be_stepped
from engine.rowplan import GROWTH, RowPlan, Turn
from engine.types import GenerationRequest
from engine.wholecall import WholeCall

if TYPE_CHECKING:  # passed in: what is only ever called whole needs no torch
    from engine.forwards import Forwards, Sketch

log = logging.getLogger("engine.worker")


@dataclass(frozen=True, slots=True)
class Painted:
    """A finished picture, as large as the model painted it."""

    pixels: Pixels
    exact: bool
    """Whether the same request and seed give these very pixels again on this device."""
    rows: int | None = None
    """Of each forward; None for a whole call."""


class Watcher(Protocol):
    """Who asked for a picture. Called on the stepping thread, but for `preview`."""

    def should_stop(self) -> bool:
        """Asked from any thread."""
        ...

    def stepped(self, step: int, of: int) -> bool:
        """`step` of `of` are done. True asks for a preview."""
        ...

    def preview(self, pixels: Pixels) -> None:
        """Called from any thread."""
        ...


class Nobody:
    """A watcher who only wants the picture."""

    def should_stop(self) -> bool:
        return False

    def stepped(self, step: int, of: int) -> bool:
        return False

    def preview(self, pixels: Pixels) -> None:
        """Never asked for."""


@dataclass(eq=False, slots=True, kw_only=True)
class _Picture:
    """What both kinds have: pictures that are stepped in rows, and whole calls."""

    pipeline: Pipeline
    request: GenerationRequest
    seed: int
    watcher: Watcher
    future: Future[Painted] = field(default_factory=Future)
    rows: int = 1


@dataclass(eq=False, slots=True, kw_only=True)
class _Sketched(_Picture):
    """A picture in one row, or in two with guidance."""

    pipeline: SteppedPipeline
    sketch: Sketch
    bucket: int
    exact: bool = True


@dataclass(eq=False, slots=True, kw_only=True)
class _Called(_Picture):
    """A picture that the pipeline's own call paints."""

    call: WholeCall


_Member = _Sketched | _Called


class Stepper:
    """The pictures that are being painted on one device. Every method is called from one thread."""

    def __init__(
        self,
        forwards: Forwards | None,
        *,
        exact: bool = True,
        bucket: int | None = None,
        alive: Callable[[], None] = lambda: None,
        wake: Callable[[], None] = lambda: None,
        make_room: Callable[[Pipeline], str | None] = lambda pipeline: None,
    ) -> None:
        """`forwards` runs rows; without it everything is called whole. `bucket` overrides `rowplan.bucket_for`.

        `alive` is called as painting goes on, from any thread; `wake` when `step` should be called again after it
        had nothing to do; `make_room` gives memory back that other models hold, and names it.
        """
        self._forwards, self._exact, self._bucket = forwards, exact, bucket
        self._alive, self._wake, self._make_room = alive, wake, make_room
        self._plan: RowPlan[_Member] = RowPlan()
        self._decoder = ThreadPoolExecutor(1, thread_name_prefix="decode")
        self._decoding: set[_Sketched] = set()
        self._undecoded: SimpleQueue[_Sketched] = SimpleQueue()

    @property
    def busy(self) -> bool:
        """Whether anything is stepped or decoded."""
        return bool(len(self._plan) or self._decoding)

    @property
    def room(self) -> int:
        """The rows that are worth having at once; 0 where nothing is stepped."""
        return self._plan.room

    def uses(self, pipeline: Pipeline) -> bool:
        """Whether a picture of that pipeline is stepped or decoded."""
        return any(each.pipeline is pipeline for each in (*self._plan, *tuple(self._decoding)))

    # -- joining and leaving

    def join(
        self, pipeline: Pipeline, request: GenerationRequest, seed: int, watcher: Watcher | None = None
    ) -> Future[Painted]:
        """Takes a picture in. Its future raises Stopped, NoMemory, or what the model raised."""
        watcher = watcher or Nobody()
        failed: Future[Painted] = Future()
        while True:
            try:
                if watcher.should_stop():
                    raise Stopped
                return self._joined(pipeline, request, seed, watcher)
            except NoMemory as error:
                if not self._saved(pipeline):
                    failed.set_exception(error)
                    return failed
            except Exception as error:  # of this picture alone, whatever it is
                failed.set_exception(error)
                return failed

    def _joined(self, pipeline: Pipeline, request: GenerationRequest, seed: int, watcher: Watcher) -> Future[Painted]:
        forwards = self._forwards
        member: _Member
        group: Hashable
        largest: int | None = None
        if forwards is not None and can_be_stepped(pipeline) and (table := pipeline.table(request)) is not None:
            sketch = forwards.prepare(pipeline, request, table, seed, self._asking(watcher))
            group, rows, bucket = sketch.group, sketch.rows, max(self._bucket or sketch.bucket, sketch.rows)
            largest = bucket * GROWTH if not self._exact else bucket if self._bucket else sketch.largest
            member = _Sketched(
                pipeline=pipeline,
                request=request,
                seed=seed,
                watcher=watcher,
                rows=rows,
                sketch=sketch,
                bucket=bucket,
            )
        else:
            call = self._whole_call(pipeline, request, seed, watcher)
            member = _Called(pipeline=pipeline, request=request, seed=seed, watcher=watcher, call=call)
            group, bucket = id(pipeline), member.rows
        # A pipeline's calls one after the other: while it is called, diffusers keeps the call's state in it.
        self._plan.join(member, group, bucket, largest, rotates=isinstance(member, _Sketched))
        return member.future

    def _whole_call(self, pipeline: Pipeline, request: GenerationRequest, seed: int, watcher: Watcher) -> WholeCall:
        def on_step(step: int, of: int, preview: Callable[[], Pixels | None]) -> None:
            if watcher.stepped(step, of) and (pixels := preview()) is not None:
                watcher.preview(pixels)

        return WholeCall(pipeline, request, seed, on_step, self._asking(watcher))

    def _asking(self, *watchers: Watcher) -> Callable[[], bool]:
        """Whether all of them want to stop; and who asks is alive."""

        def ask() -> bool:
            self._alive()
            return all(watcher.should_stop() for watcher in watchers)

        return ask

    def _leave(self, member: _Member) -> None:
        self._plan.leave(member)
        if isinstance(member, _Sketched) and self._forwards is not None:
            self._forwards.forget(member.sketch)

    def _fail(self, member: _Member, error: BaseException) -> None:
        self._leave(member)
        member.future.set_exception(error)

    def _sweep(self) -> None:
        """Those who were cancelled leave; the next forward is without them."""
        for member in self._plan:
            if member.watcher.should_stop():
                if isinstance(member, _Called) and member.call.started:
                    self._advance_call(member)  # its thread has to end
                else:
                    self._fail(member, Stopped())

    # -- stepping

    def step(self) -> bool:
        """One forward, of whichever group is next. False where there is nothing to step now."""
        self._alive()
        with contextlib.suppress(Empty):
            while True:
                self._decode_again(self._undecoded.get_nowait())
        self._sweep()
        turn = self._plan.next_turn()
        if turn is None:
            return False
        first = turn.members[0]
        if isinstance(first, _Called):
            self._advance_call(first)
        else:
            self._advance(turn, [member for member in turn.members if isinstance(member, _Sketched)])
        return True

    def run(self) -> None:
        """Steps until everything is painted: for tests and benchmarks, which have no loop of their own."""
        while self.busy:
            if not self.step():
                self._finish_decoding()

    def close(self) -> None:
        """Gives up what is left; the watchers should have said so."""
        self._sweep()
        for member in self._plan:
            self._fail(member, Stopped())
        self._decoder.shutdown(wait=False, cancel_futures=True)

    def _advance_call(self, member: _Called) -> None:
        try:
            pixels = member.call.advance()
        except NoMemory as error:
            if member.watcher.should_stop() or not self._saved(member.pipeline):
                self._fail(member, error)
            else:  # from its beginning
                member.call = self._whole_call(member.pipeline, member.request, member.seed, member.watcher)
        except Exception as error:
            self._fail(member, error)
        else:
            if pixels is not None:
                self._leave(member)
                member.future.set_result(Painted(pixels, member.pipeline.exact))

    def _advance(self, turn: Turn[_Member], members: Sequence[_Sketched]) -> None:
        """One forward of these pictures, and what comes after it."""
        try:
            self._forward(members, turn.bucket)
        except Stopped:
            return  # all of them: the next sweep finds them
        except NoMemory as error:
            self._starved(turn, members, error)
            return
        except Exception as error:
            if len(members) == 1:
                self._fail(members[0], error)
            else:  # which of them it was shows when each goes alone
                for member in members:
                    self._advance(turn, [member])
            return
        for member in members:
            sketch = member.sketch
            kept = turn.bucket >= member.bucket if self._exact else turn.bucket == member.bucket
            member.exact &= kept and member.pipeline.exact
            if member.watcher.stepped(sketch.step, sketch.steps) and sketch.step < sketch.steps:
                self._preview(member)
            if sketch.step == sketch.steps:
                self._leave(member)
                self._decode(member)

    def _forward(self, members: Sequence[_Sketched], bucket: int) -> None:
        """Where the memory does not hold it, a second time with nothing else going on: that changes no bits."""
        assert self._forwards is not None
        sketches = [member.sketch for member in members]
        bits_of = min(members[0].bucket, bucket) if self._exact else bucket
        asking = self._asking(*(member.watcher for member in members))
        try:
            self._forwards.step(sketches, bucket, asking, bits_of=bits_of)
            return
        except NoMemory:
            pass
        self._finish_decoding()
        if (freed := self._make_room(members[0].pipeline)) is not None:
            log.warning("out of memory: trying again with %s", freed)
        self._forwards.step(sketches, bucket, asking, bits_of=bits_of)

    # -- memory

    def _starved(self, turn: Turn[_Member], members: Sequence[_Sketched], error: NoMemory) -> None:
        """A forward did not fit, with nothing beside it: fewer rows, then the pipeline's savings, then no."""
        if self._plan.shrink(turn.group, turn.bucket):
            log.warning("out of memory: %s goes on with fewer rows a forward", members[0].request.model)
        elif not self._saved(members[0].pipeline):
            for member in members:
                self._fail(member, error)

    def _saved(self, pipeline: Pipeline) -> bool:
        """Goes one saving further; False where none is left."""
        self._finish_decoding()  # parts may move to where a decoder does not expect them
        saving = self._make_room(pipeline) or pipeline.save_memory()
        if saving is not None:
            log.warning("out of memory: trying again with %s", saving)
        return saving is not None

    # -- decoding, on a thread of its own where that gains time

    def _decode(self, member: _Sketched) -> None:
        assert self._forwards is not None
        forwards, sketch, asking = self._forwards, member.sketch, self._asking(member.watcher)
        beside = sketch.decodes_beside
        ready = forwards.ready(sketch) if beside else None
        self._decoding.add(member)

        def decode() -> None:
            try:
                if asking():
                    raise Stopped
                pixels = forwards.decode(sketch, ready, asking)
            except NoMemory:
                self._undecoded.put(member)
                self._wake()
            except Exception as error:
                self._decoding.discard(member)
                member.future.set_exception(error)
            else:
                self._decoding.discard(member)
                exact = member.exact and member.pipeline.exact
                member.future.set_result(Painted(pixels, exact, member.bucket))

        if beside:
            self._decoder.submit(decode)
        else:
            decode()

    def _decode_again(self, member: _Sketched) -> None:
        """After it did not fit the memory: with a saving, or not at all."""
        if self._saved(member.pipeline):
            self._decode(member)
        else:
            self._decoding.discard(member)
            member.future.set_exception(NoMemory())

    def _preview(self, member: _Sketched) -> None:
        assert self._forwards is not None
        forwards, sketch = self._forwards, member.sketch
        ready, seen = forwards.ready(sketch), sketch.seen

        def paint() -> None:
            try:
                pixels = forwards.preview(sketch, seen, ready)
            except Exception:  # the picture itself is what matters
                log.warning("a preview of %s failed", member.request.model, exc_info=True)
            else:
                if pixels is not None:
                    member.watcher.preview(pixels)

        if sketch.decodes_beside:
            self._decoder.submit(paint)
        elif not member.pipeline.offloaded:
            paint()

    def _finish_decoding(self) -> None:
        """Waits until nothing runs beside us."""
        self._decoder.submit(lambda: None).result()
