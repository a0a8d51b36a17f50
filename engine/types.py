"""The words the whole house shares: a request, a model, a generation, and the engine that paints.

Nothing here imports torch, diffusers or Discord; every room stands on this one.
Parameters keep diffusers' names. Sizes are in pixels of the finished picture, times in UTC.
"""

from __future__ import annotations

import enum
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

PROMPT_LIMIT = 2000
"""Longest prompt and negative prompt, in characters."""

MAX_SEED = 2**32 - 1
"""Largest seed: what every reader of picture metadata accepts."""

MAX_IMAGES = 4


class Sampler(enum.StrEnum):
    """What people choose, under the names the field knows them by."""

    DDIM = "DDIM"
    EULER = "Euler"
    EULER_A = "Euler a"
    DPMPP_2M = "DPM++ 2M"
    DPMPP_2M_KARRAS = "DPM++ 2M Karras"
    DPMPP_2M_SDE = "DPM++ 2M SDE"
    LCM = "LCM"
    UNIPC = "UniPC"
    PNDM = "PNDM"


class GenerationRequest(BaseModel):
    """Everything that decides what is painted. Made by `Catalog.request`, which knows each model's ranges."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: str = Field(min_length=1, max_length=PROMPT_LIMIT)
    negative_prompt: str = Field(default="", max_length=PROMPT_LIMIT)
    model: str
    num_inference_steps: int = Field(ge=1, le=100)
    guidance_scale: float = Field(ge=0, le=20)
    width: int = Field(ge=64, le=2048)
    height: int = Field(ge=64, le=2048)
    sampler: Sampler
    seed: int = Field(default=-1, ge=-1, le=MAX_SEED)
    """-1 asks for a random one; resolved before the request is queued. Picture n is painted from seed + n."""
    num_images: int = Field(default=1, ge=1, le=MAX_IMAGES)

    def with_seed(self) -> GenerationRequest:
        """The same request with a seed that is decided."""
        if self.seed >= 0:
            return self
        return self.model_copy(update={"seed": secrets.randbelow(MAX_SEED - MAX_IMAGES)})

    @property
    def rows(self) -> int:
        """How many rows of the UNet's batch its pictures take together: guidance needs a second one for each."""
        return (2 if self.guidance_scale > 1 else 1) * self.num_images

    @property
    def row_steps(self) -> int:
        """UNet rows times steps. What they cost goes with the pixels, too: see `engine.fairness.Queued.work`."""
        return row_steps(self.guidance_scale, self.num_inference_steps, self.num_images)


def row_steps(guidance_scale: float, num_inference_steps: int, num_images: int) -> int:
    """UNet rows times steps: guidance needs a second row for each picture."""
    return (2 if guidance_scale > 1 else 1) * num_inference_steps * num_images


class Status(enum.StrEnum):
    """A generation's life: queued -> running -> one of the final four."""

    QUEUED = "queued"
    RUNNING = "running"
    STORED = "stored"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DEAD = "dead"

    @property
    def final(self) -> bool:
        return self not in (Status.QUEUED, Status.RUNNING)


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asks, and from where. Discord's ids as decimal strings; the shell is the person `shell`."""

    person_id: str
    guild_id: str | None = None
    channel_id: str | None = None
    private: bool = False


SHELL = Origin(person_id="shell")


@dataclass(frozen=True, slots=True)
class Limit:
    """One bound, decided by the caller and charged in the same transaction as the job is inserted."""

    scope: Literal["person", "guild", "all"]
    kind: Literal["waiting", "images_a_day"]
    maximum: int


@dataclass(frozen=True, slots=True)
class PictureRecord:
    """A picture on disk. `path` is relative to the data folder; `deleted_at` is set once the file is gone."""

    generation_id: int
    position: int
    seed: int
    path: str
    bytes: int
    sha256: str
    width: int
    height: int
    deleted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Generation:
    """One row of the ledger, with its pictures."""

    id: int
    status: Status
    request: GenerationRequest
    origin: Origin
    attempt: int
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    seconds_running: float | None = None
    parent_id: int | None = None
    error_code: str | None = None
    error_text: str | None = None
    pictures: tuple[PictureRecord, ...] = ()
    extra: dict[str, object] = field(default_factory=dict)

    @property
    def short_id(self) -> str:
        return to_base36(self.id)


@dataclass(frozen=True, slots=True)
class Loading:
    """The model is on its way: downloading or moving to the device. `fraction` is None while unknown."""

    fraction: float | None
    text: str


@dataclass(frozen=True, slots=True)
class Progress:
    """`step` of `of` steps are done. `preview` is a small encoded picture, where previews are on."""

    step: int
    of: int
    preview: bytes | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """A finished picture: PNG bytes with its metadata inside."""

    position: int
    seed: int
    png: bytes
    width: int
    height: int


Event = Loading | Progress | Picture


@dataclass(frozen=True, slots=True)
class ModelState:
    """A model as this engine has it now. `fraction` while loading; `bytes` on the device when loaded, else on disk."""

    key: str
    state: Literal["missing", "on disk", "loading", "loaded", "broken"]
    fraction: float | None = None
    bytes: int | None = None
    detail: str = ""
    needs: int | None = None
    """The bytes that it takes on the device, about."""
    load_s: float | None = None
    """What its loading took, without a download; None: never timed."""


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """What the engine can take now. `free` is how many more requests it accepts; sizes in bytes."""

    device: str
    free: int
    running: tuple[int, ...] = ()
    memory_used: int | None = None
    memory_total: int | None = None
    worker_pid: int | None = None
    model_budget: int | None = None
    """What the loaded models may take together; None: not known."""


class Engine(Protocol):
    """The first seam. Errors are the family of `engine.errors`, raised from the iterators."""

    def generate(self, id: int, request: GenerationRequest) -> AsyncIterator[Event]:
        """Paints. Closing the iterator cancels; every picture comes as one `Picture`, in any order."""
        ...

    async def models(self) -> list[ModelState]: ...

    def load(self, key: str) -> AsyncIterator[Event]: ...

    async def unload(self, key: str) -> None: ...

    async def status(self) -> EngineStatus: ...

    async def aclose(self) -> None: ...


# Ids: 41 bits of milliseconds since 2025, then 22 bits that only rise within a millisecond; they fit SQLite's integers.
_EPOCH_MS = 1_735_689_600_000
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class IdMaker:
    """Time-ordered ids, unique within the process that holds the ledger, also when the clock steps back."""

    def __init__(self, after: int = 0) -> None:
        """`after` is the newest id there is, so that ids go on rising where the clock was set back."""
        self._last = after

    def __call__(self) -> int:
        now = (time.time_ns() // 1_000_000 - _EPOCH_MS) << 22 | secrets.randbits(20)
        self._last = max(now, self._last + 1)
        return self._last


def first_id_at(moment: datetime) -> int:
    """The smallest id of that moment; within what ids can be for moments far away."""
    return min(2**63 - 1, max(0, int(moment.timestamp() * 1000) - _EPOCH_MS) << 22)


def to_base36(number: int) -> str:
    """An id as people see and type it."""
    if number < 0:
        raise ValueError(f"an id is never negative: {number}")
    text = ""
    while True:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
        if not number:
            return text


def from_base36(text: str) -> int:
    """The id that `to_base36` wrote; ValueError for anything else."""
    if not 1 <= len(text) <= 13 or not text.isascii() or not text.isalnum():
        raise ValueError(f"not an id: {text!r}")
    number = int(text, 36)
    if number >= 2**63:
        raise ValueError(f"not an id: {text!r}")
    return number
