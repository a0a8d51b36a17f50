"""What goes over the wire on Easel's own routes, as types. Ids are those that people see: base 36."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.catalog import Defaults, ModelSpec, Ranges
from engine.dispatch import Position
from engine.errors import NotFound
from engine.service.security import Doorman
from engine.types import (
    MAX_IMAGES,
    MAX_SEED,
    PROMPT_LIMIT,
    EngineStatus,
    Generation,
    GenerationRequest,
    ModelState,
    PictureRecord,
    Sampler,
    Status,
    from_base36,
    to_base36,
)

ID = r"^[0-9a-z]{1,13}$"
IMAGE_ID = r"^[0-9a-z]{1,13}-[0-9]$"

Prompt = Annotated[str, Field(min_length=1, max_length=PROMPT_LIMIT, description="What to paint.")]


class Options(BaseModel):
    """What may be said besides the prompt; what is left out takes the model's defaults, and its ranges hold too."""

    negative_prompt: str | None = Field(None, max_length=PROMPT_LIMIT, description="What to keep out of the picture.")
    num_inference_steps: int | None = Field(None, ge=1, le=100, description="More is slower and finer.")
    guidance_scale: float | None = Field(None, ge=0, le=20, description="How closely to follow the prompt.")
    width: int | None = Field(None, ge=64, le=2048, description="In pixels.")
    height: int | None = Field(None, ge=64, le=2048, description="In pixels.")
    sampler: Sampler | None = Field(None, description="How noise becomes a picture.")
    seed: int | None = Field(None, ge=-1, le=MAX_SEED, description="The same seed, the same picture; -1: a random one.")

    def given(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in Options.model_fields}


class Person(BaseModel):
    """For whom a trusted key asks, so that turns are taken between people and not between programs."""

    model_config = ConfigDict(extra="forbid")

    person: str = Field(min_length=1, max_length=64)
    guild: str | None = Field(None, min_length=1, max_length=64)


class Create(Options):
    model_config = ConfigDict(extra="forbid")

    prompt: Prompt
    model: str | None = Field(None, max_length=64, description="A key of /api/models. Left out: the default model.")
    num_images: int | None = Field(None, ge=1, le=MAX_IMAGES)
    parent_id: str | None = Field(None, pattern=ID, description="The generation that this one was made from.")
    on_behalf_of: Person | None = None


class PictureShown(BaseModel):
    id: str
    position: int
    seed: int
    width: int
    height: int
    bytes: int
    sha256: str
    url: str | None
    """Null once the file is deleted."""


class ErrorShown(BaseModel):
    code: str
    message: str


class Place(BaseModel):
    """How many jobs start before, and in about how many seconds this one will."""

    ahead: int
    seconds: float | None

    @classmethod
    def of(cls, position: Position | None) -> Place | None:
        return None if position is None else cls(ahead=position.ahead, seconds=position.seconds)


class GenerationShown(BaseModel):
    id: str
    status: Status
    request: GenerationRequest
    """With its seed decided."""
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    seconds_running: float | None
    attempt: int
    parent_id: str | None
    error: ErrorShown | None
    pictures: list[PictureShown]
    position: Place | None
    """Set while it waits."""


class Page(BaseModel):
    """Newest first. `next` and `previous` are the values of `before` and `after` for the pages beside this one."""

    data: list[GenerationShown]
    next: str | None
    previous: str | None


class Cancelled(BaseModel):
    cancelled: bool
    """False where it was over already."""


class ModelShown(BaseModel):
    """A model, and how it is here now. `bytes`: on the device where it is loaded, else on the disk."""

    key: str
    state: Literal["missing", "on disk", "loading", "loaded", "broken"]
    fraction: float | None
    bytes: int | None
    detail: str
    default: bool
    best_for: str
    speed: int
    quality: int
    size_bytes: int | None
    defaults: Defaults
    ranges: Ranges

    @classmethod
    def of(cls, spec: ModelSpec, state: ModelState, default_model: str, *, trusted: bool) -> ModelShown:
        facts = {name: getattr(spec, name) for name in ("best_for", "speed", "quality", "size_bytes")}
        return cls(
            key=spec.key,
            state=state.state,
            fraction=state.fraction,
            bytes=state.bytes,
            detail=state.detail if trusted else "",  # it may name paths of this machine
            default=spec.key == default_model,
            defaults=spec.defaults,
            ranges=spec.ranges,
            **facts,
        )


class Models(BaseModel):
    data: list[ModelShown]


class EngineShown(BaseModel):
    """The engine under the service. `slots`: how many requests it takes at a time; memory in bytes."""

    version: str
    device: str
    slots: int
    running: int
    waiting: int
    memory_used: int | None
    memory_total: int | None
    trusted: bool
    """Whether the caller may ask on behalf of others."""

    @classmethod
    def of(cls, status: EngineStatus, waiting: int, version: str, *, trusted: bool) -> EngineShown:
        return cls(
            trusted=trusted,
            version=version,
            device=status.device,
            slots=status.free + len(status.running),
            running=len(status.running),
            waiting=waiting,
            memory_used=status.memory_used,
            memory_total=status.memory_total,
        )


class Health(BaseModel):
    service: Literal["easel"] = "easel"
    version: str
    ready: bool = True


def shown(generation: Generation, doorman: Doorman, position: Position | None = None) -> GenerationShown:
    """A row of the ledger as its owner may see it: without people's ids."""
    error = None
    if generation.error_code is not None:
        error = ErrorShown(code=generation.error_code, message=generation.error_text or generation.error_code)
    return GenerationShown(
        id=generation.short_id,
        status=generation.status,
        request=generation.request,
        created_at=generation.created_at,
        started_at=generation.started_at,
        finished_at=generation.finished_at,
        seconds_running=generation.seconds_running,
        attempt=generation.attempt,
        parent_id=None if generation.parent_id is None else to_base36(generation.parent_id),
        error=error,
        pictures=[_picture(each, doorman) for each in generation.pictures],
        position=Place.of(position),
    )


def _picture(record: PictureRecord, doorman: Doorman) -> PictureShown:
    id = image_id(record)
    facts = {name: getattr(record, name) for name in ("position", "seed", "width", "height", "bytes", "sha256")}
    return PictureShown(id=id, url=None if record.deleted_at else doorman.signed(image_path(id)), **facts)


def image_id(record: PictureRecord) -> str:
    return f"{to_base36(record.generation_id)}-{record.position}"


def image_path(id: str) -> str:
    return f"/api/images/{id}"


def number(id: str, what: str = "generation") -> int:
    """The ledger's id; NotFound for what cannot be one."""
    try:
        return from_base36(id)
    except ValueError:
        raise NotFound(what, id) from None
