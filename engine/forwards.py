"""Rows of the UNet on the device: pictures prepared, stepped together, decoded one at a time.

The arithmetic under `engine.stepper`, which says who goes when. Every step of a sampler is

    x' = a·x + b·eps + c·m_prev + d·z        m = e·x + f·eps

with the coefficients of `engine.samplers`, so that pictures with other samplers, steps and guidance share a forward.
Between forwards everything is elementwise and in fp32: a picture's bits depend on the number of rows, not on what is in
them. Nothing waits for the device within a step: what it needs is uploaded when a picture joins.
"""

from __future__ import annotations

import contextlib
import functools
from collections import OrderedDict, deque
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from engine.device import memory_errors, threads_sleep
from engine.painting import Conditions, Pixels, ShouldStop, SteppedPipeline
from engine.rowplan import bucket_for, largest_for
from engine.samebits import SameBits
from engine.types import GenerationRequest

if TYPE_CHECKING:
    from engine.samplers import Table

AHEAD = 2
"""Forwards that are queued on a GPU at most: one runs, one is ready. More would only delay who joins or cancels."""

LINEUPS = 16
"""Line-ups whose conditions are kept put together."""

PLACES = 16
"""Ways of pictures to stand in the rows of a forward that are kept on the device."""

TABLES = 32
"""Samplers' tables that are kept on the device."""


@dataclass(eq=False, slots=True)
class Sketch:
    """A picture on its way: its rows, and how far it is."""

    pipeline: SteppedPipeline
    guidance_scale: float
    conditions: Conditions
    generator: torch.Generator
    table: Table
    coefficients: torch.Tensor
    """(steps, 8, 1, 1, 1): timestep, c_in, a, b, c, d, e, f; on the device."""
    dtype: torch.dtype
    """The UNet's numbers; here everything is fp32."""
    latents: torch.Tensor
    """(channels, height, width)."""
    seen: torch.Tensor
    """What the picture will be as far as the last step could tell, alike; zeros before the first."""
    step: int = 0
    noise: torch.Tensor | None = None
    """Of the step that comes, once drawn: a forward that is tried again must not draw again."""

    @property
    def rows(self) -> int:
        return self.conditions.embeddings.shape[0]

    @property
    def steps(self) -> int:
        return len(self.coefficients)

    @property
    def group(self) -> Hashable:
        """What may share a forward: the loaded model, the size of the latents, the tokens, the numbers."""
        parts = (getattr(self.conditions, part.name) for part in fields(Conditions))
        shapes = tuple(None if part is None else (part.shape[1:], part.dtype) for part in parts)
        return id(self.pipeline), self.latents.shape, shapes, self.dtype

    @property
    def bucket(self) -> int:
        """The rows of its group's forwards, where nothing else is asked for."""
        return bucket_for(self.latents.device.type, self._area, self.pipeline.guidable)

    @property
    def largest(self) -> int:
        """The most rows of a forward that are worth it while bits are kept."""
        return largest_for(self.latents.device.type, self._area, self.bucket)

    @property
    def decodes_beside(self) -> bool:
        """Whether it is decoded, and previewed, on another thread while others are stepped.

        On a CPU only where its threads sleep while they wait for each other. Those that spin, which is the default,
        stop spinning for good once there are more of them than cores, and all forwards take 1.9 times as long.
        """
        return not self.pipeline.offloaded and (self.latents.device.type != "cpu" or threads_sleep())

    @property
    def _area(self) -> int:
        return self.latents[0].numel()


@dataclass(frozen=True, slots=True)
class _Places:
    """Where pictures stand in the rows of a forward."""

    owner: torch.Tensor
    """(bucket,): which picture each row is of; the rows that fill up repeat the last one."""
    unwanted: torch.Tensor
    wanted: torch.Tensor
    """(pictures,): the rows without and with the prompt; the same one where there is no guidance."""


@dataclass(frozen=True, slots=True)
class _Lineup:
    """Pictures in the rows of a forward, put together once for as long as they stay together."""

    conditions: Conditions
    places: _Places
    guidance: torch.Tensor | None
    """(pictures, 1, 1, 1); None where nobody is guided."""


class Forwards:
    """One device. `prepare` and `step` are called from one thread, `decode` and `preview` also from another."""

    def __init__(self) -> None:
        self._lineups: OrderedDict[tuple[int, tuple[Sketch, ...]], _Lineup] = OrderedDict()
        self._places = functools.lru_cache(PLACES)(_placed)
        self._tables: OrderedDict[int, tuple[Table, torch.Tensor]] = OrderedDict()
        self._same_bits = SameBits()
        self._queued: deque[torch.cuda.Event] = deque()
        self._stream: torch.cuda.Stream | None = None

    def prepare(
        self, pipeline: SteppedPipeline, request: GenerationRequest, table: Table, seed: int, should_stop: ShouldStop
    ) -> Sketch:
        """The picture before its first step. Raises NoMemory and Stopped."""
        with memory_errors(), torch.inference_mode(), pipeline.watched(should_stop):
            conditions = pipeline.encode(request)
            generator = torch.Generator("cpu").manual_seed(seed)
            noise = pipeline.latents(request, generator)
            latents = noise[0].float() * table.init_noise_sigma
            return Sketch(
                pipeline=pipeline,
                guidance_scale=request.guidance_scale,
                conditions=conditions,
                generator=generator,
                table=table,
                coefficients=self._coefficients(table, noise.device),
                dtype=noise.dtype,
                latents=latents,
                seen=torch.zeros_like(latents),
            )

    def _coefficients(self, table: Table, device: torch.device) -> torch.Tensor:
        """A table on the device. The same object again costs nothing."""
        known = self._tables.pop(id(table), None)
        if known is None:
            columns = (getattr(table, name) for name in ("timesteps", "c_in", "a", "b", "c", "d", "e", "f"))
            steps = np.stack([np.asarray(column, np.float32) for column in columns], axis=1)
            known = table, _uploaded(torch.from_numpy(steps), device)[..., None, None, None]
        self._tables[id(table)] = known
        if len(self._tables) > TABLES:
            self._tables.popitem(last=False)
        return known[1]

    def step(self, sketches: Sequence[Sketch], bucket: int, should_stop: ShouldStop, *, bits_of: int) -> None:
        """One forward of `bucket` rows: all of these pictures go one step on, or none does.

        They get the bits that forwards of `bits_of` rows give them. Raises NoMemory and Stopped.
        """
        pipeline, group = sketches[0].pipeline, sketches[0].group
        with memory_errors(), torch.inference_mode(), pipeline.watched(should_stop):
            lineup = self._lineup(tuple(sketches), bucket)
            places = lineup.places
            columns = torch.stack([sketch.coefficients[sketch.step] for sketch in sketches], dim=1)
            timesteps, c_in, a, b, c, d, e, f = columns.unbind()
            x = torch.stack([sketch.latents for sketch in sketches])
            rows = (x * c_in).index_select(0, places.owner).to(sketches[0].dtype)
            times = timesteps.flatten().index_select(0, places.owner)
            predicted = self._same_bits.predict(
                pipeline, rows, times, lineup.conditions, bits_of=bits_of, group=group
            ).float()
            eps = predicted.index_select(0, places.wanted)
            if lineup.guidance is not None:
                unwanted = predicted.index_select(0, places.unwanted)
                eps = unwanted + lineup.guidance * (eps - unwanted)
            moved = a * x + b * eps
            if any(sketch.table.c[sketch.step] for sketch in sketches):
                moved += c * torch.stack([sketch.seen for sketch in sketches])
            if any(sketch.table.stochastic for sketch in sketches):
                moved += d * torch.stack([self._noise(sketch) for sketch in sketches])
            # Nobody looks at it after the last step: the picture itself is there then.
            seen = x if all(sketch.step + 1 == sketch.steps for sketch in sketches) else e * x + f * eps
            for sketch, its_latents, its_seen in zip(sketches, moved.unbind(), seen.unbind(), strict=True):
                sketch.latents, sketch.seen, sketch.noise = its_latents, its_seen, None
                sketch.step += 1
            self._pace(x.device)

    def _lineup(self, sketches: tuple[Sketch, ...], bucket: int) -> _Lineup:
        key = (bucket, sketches)
        lineup = self._lineups.pop(key, None) or self._put_together(sketches, bucket)
        self._lineups[key] = lineup
        if len(self._lineups) > LINEUPS:
            self._lineups.popitem(last=False)
        return lineup

    def _put_together(self, sketches: Sequence[Sketch], bucket: int) -> _Lineup:
        rows, device = tuple(sketch.rows for sketch in sketches), sketches[0].latents.device
        filling = bucket - sum(rows)

        def told(name: str) -> Any:
            parts = [getattr(sketch.conditions, name) for sketch in sketches]
            return None if parts[0] is None else torch.cat([*parts, *[parts[-1][-1:]] * filling])

        guidance = None
        if max(rows) > 1:
            scales = torch.tensor([sketch.guidance_scale for sketch in sketches], dtype=torch.float32)
            guidance = _uploaded(scales.view(-1, 1, 1, 1), device)
        conditions = Conditions(**{part.name: told(part.name) for part in fields(Conditions)})
        return _Lineup(conditions, self._places(rows, bucket, device), guidance)

    def _noise(self, sketch: Sketch) -> torch.Tensor:
        """The step's noise from the picture's own generator; nothing where its sampler adds none at this step."""
        if not sketch.table.stochastic or not sketch.table.d[sketch.step]:
            return torch.zeros_like(sketch.latents)
        if sketch.noise is None:
            noise = torch.randn(sketch.latents.shape, generator=sketch.generator)
            sketch.noise = _uploaded(noise, sketch.latents.device)
        return sketch.noise

    def _pace(self, device: torch.device) -> None:
        """Keeps the device a forward ahead of us, not more; it never runs dry."""
        if device.type == "cuda":
            self._queued.append(torch.cuda.current_stream(device).record_event())
            if len(self._queued) > AHEAD:
                self._queued.popleft().synchronize()

    def forget(self, sketch: Sketch) -> None:
        """It left: nothing of it is kept."""
        for key in [key for key in self._lineups if sketch in key[1]]:
            del self._lineups[key]

    # -- beside the forwards

    def ready(self, sketch: Sketch) -> torch.cuda.Event | None:
        """What `decode` and `preview` wait for before they take the sketch as it is now. For the stepping thread."""
        device = sketch.latents.device
        if device.type != "cuda":
            return None
        self._stream = self._stream or torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        done: torch.cuda.Event = torch.cuda.current_stream(device).record_event()
        return done

    def decode(self, sketch: Sketch, ready: torch.cuda.Event | None, should_stop: ShouldStop) -> Pixels:
        """The finished picture. Raises NoMemory and Stopped."""
        with self._beside(ready), sketch.pipeline.watched(should_stop):
            return sketch.pipeline.decode(sketch.latents[None])

    def preview(self, sketch: Sketch, seen: torch.Tensor, ready: torch.cuda.Event | None) -> Pixels | None:
        """What the sketch looked like when `seen` was what it held."""
        with self._beside(ready):
            return sketch.pipeline.preview(seen[None])

    @contextlib.contextmanager
    def _beside(self, ready: torch.cuda.Event | None) -> Iterator[None]:
        with memory_errors(), torch.inference_mode(), contextlib.ExitStack() as stack:
            if ready is not None:
                assert self._stream is not None
                stack.enter_context(torch.cuda.stream(self._stream))
                self._stream.wait_event(ready)
            yield


def _placed(rows: tuple[int, ...], bucket: int, device: torch.device) -> _Places:
    """Of pictures with so many rows."""
    owner = [number for number, its_rows in enumerate(rows) for _ in range(its_rows)]
    firsts = [owner.index(number) for number in range(len(rows))]
    lasts = [first + its_rows - 1 for first, its_rows in zip(firsts, rows, strict=True)]
    return _Places(
        owner=_uploaded(torch.tensor(owner + owner[-1:] * (bucket - len(owner))), device),
        unwanted=_uploaded(torch.tensor(firsts), device),
        wanted=_uploaded(torch.tensor(lasts), device),
    )


def _uploaded(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """On the device, without waiting for it."""
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)
