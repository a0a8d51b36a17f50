"""/v1: OpenAI's Images API, so that its clients work as they are. Easel's own options are further parameters.

https://platform.openai.com/docs/api-reference/images says what the fields and events mean.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from engine.errors import EaselError, InvalidRequest, retold
from engine.service import shapes
from engine.service.desk import Asking, AtDesk, Desk, IdempotencyKey
from engine.service.events import STREAM, EventStream, Named
from engine.service.problems import WHEN, answer, documented, problem
from engine.service.shapes import Options, Prompt
from engine.types import MAX_IMAGES, Generation, GenerationRequest, PictureRecord, Progress, Status

WAIT_S = 3600.0
"""How long an answer is waited for. OpenAI's own client gives up after ten minutes, and is noticed to have left."""

router = APIRouter(prefix="/v1", tags=["openai"])


class ImagesRequest(Options):
    model_config = ConfigDict(extra="forbid")

    prompt: Prompt
    model: str | None = Field(None, max_length=64)
    n: int | None = Field(None, ge=1, le=MAX_IMAGES)
    size: str | None = Field(None, pattern=r"^(auto|\d{2,4}x\d{2,4})$", description="As in 512x512.")
    response_format: Literal["b64_json", "url"] | None = Field(None, description="Left out: both.")
    output_format: Literal["png"] | None = None
    stream: bool | None = None
    partial_images: int | None = Field(None, ge=0, le=3)
    # What OpenAI's models know besides: taken, and without effect here.
    background: str | None = None
    moderation: str | None = None
    output_compression: int | None = None
    quality: str | None = None
    style: str | None = None
    user: str | None = None

    def sized(self) -> dict[str, int]:
        if self.size in (None, "auto"):
            return {}
        if self.width is not None or self.height is not None:
            raise InvalidRequest("size", self.size, "either size, or width and height")
        width, height = str(self.size).split("x")
        return {"width": int(width), "height": int(height)}


class Image(BaseModel):
    b64_json: str | None = None
    url: str | None = None
    revised_prompt: str | None = None
    seed: int


class Images(BaseModel):
    created: int
    data: list[Image]
    size: str
    output_format: Literal["png"] = "png"
    quality: Literal["auto"] = "auto"
    background: Literal["opaque"] = "opaque"


class Model(BaseModel):
    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "easel"


class ModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[Model]


@router.get("/models", responses=documented())
async def models(desk: AtDesk, caller: Asking) -> ModelList:
    """The default model comes first."""
    keys = sorted((spec.key for spec in desk.home.catalog), key=lambda key: key != desk.settings.default_model)
    return ModelList(data=[Model(id=key) for key in keys])


@router.get("/models/{model}", responses=documented(404))
async def model(model: str, desk: AtDesk, caller: Asking) -> Model:
    return Model(id=desk.home.catalog.get(model).key)


@router.post(
    "/images/generations",
    response_model=Images,
    responses={**STREAM, **documented(404, 408, 409, 413, 415, 424, 429, 500, 503, 504, 507)},
)
async def generate(
    body: ImagesRequest, request: Request, desk: AtDesk, caller: Asking, idempotency_key: IdempotencyKey = None
) -> Any:
    """Paints, and answers with the pictures; with `stream`, also with previews on the way.

    A client that leaves has its job cancelled, unless it gave an Idempotency-Key to come back with.
    """
    wanted = _request(desk, body)
    if isinstance(wanted, JSONResponse):
        return wanted
    generation, _ = await desk.submit(caller, wanted, key=idempotency_key)
    stays = idempotency_key is not None
    if body.stream:
        return EventStream(_streamed(desk, generation, body.partial_images or 0, stays=stays))
    done = await _final(desk, generation, request)
    if done is None:
        if not stays:
            await desk.home.dispatcher.cancel(generation.id)
        return problem(504, WHEN[504], code="timeout")
    _raise_for(done)
    first = done.pictures[0]
    return Images(
        created=int(done.created_at.timestamp()),
        data=[await _image(desk, request, picture, body.response_format) for picture in done.pictures],
        size=f"{first.width}x{first.height}",
    )


def _request(desk: Desk, body: ImagesRequest) -> GenerationRequest | JSONResponse:
    """Raises NotFound and InvalidRequest; a size that does not fit is told under the name it was given by."""
    try:
        return desk.home.catalog.request(
            body.model or desk.settings.default_model,
            body.prompt,
            **{**body.given(), **body.sized(), "num_images": body.n},
        )
    except InvalidRequest as error:
        if error.field in ("width", "height") and body.size is not None:
            return answer(error, param="size")
        raise


async def _final(desk: Desk, generation: Generation, request: Request) -> Generation | None:
    """The job once it is over; None where the client left first, or an hour went by."""
    watching = asyncio.create_task(_watched(desk, generation.id))
    leaving = asyncio.ensure_future(request.receive())  # after the body, the next message is the client's leave
    try:
        await asyncio.wait((watching, leaving), timeout=WAIT_S, return_when=asyncio.FIRST_COMPLETED)
        return watching.result() if watching.done() else None
    finally:
        watching.cancel()
        leaving.cancel()


async def _watched(desk: Desk, id: int) -> Generation | None:
    async for update in desk.home.dispatcher.watch(id):
        if update.generation is not None:
            return update.generation
    return None


async def _streamed(desk: Desk, generation: Generation, partials: int, *, stays: bool) -> AsyncGenerator[Named]:
    request, over, shown = generation.request, False, 0
    facts = {
        "created_at": int(generation.created_at.timestamp()),
        "size": f"{request.width}x{request.height}",
        "quality": "auto",
        "background": "opaque",
        "output_format": "png",
    }
    try:
        async with aclosing(desk.home.dispatcher.watch(generation.id)) as updates:  # type: ignore[type-var]
            async for update in updates:
                match update.event:
                    case Progress(step, of, preview) if preview is not None and shown < partials:
                        if step * (partials + 1) >= of * (shown + 1):
                            yield _event("partial_image", preview, facts | {"partial_image_index": shown})
                            shown += 1
                if update.generation is not None:
                    over = True
                    _raise_for(update.generation)
                    for picture in update.generation.pictures:
                        png = await asyncio.to_thread(desk.read, picture)
                        yield _event("completed", png, facts | {"seed": picture.seed, "usage": USAGE})
    finally:
        if not over and not stays:
            await desk.home.dispatcher.cancel(generation.id)


USAGE = {
    "input_tokens": 0,
    "output_tokens": 0,
    "total_tokens": 0,
    "input_tokens_details": {"image_tokens": 0, "text_tokens": 0},
}
"""OpenAI's clients expect it; nothing is counted in tokens here."""


def _event(kind: str, picture: bytes, facts: dict[str, Any]) -> Named:
    name = f"image_generation.{kind}"
    return name, {"type": name, "b64_json": base64.b64encode(picture).decode(), **facts}


async def _image(desk: Desk, request: Request, picture: PictureRecord, wanted: str | None) -> Image:
    image = Image(seed=picture.seed)
    if wanted != "url":
        image.b64_json = base64.b64encode(await asyncio.to_thread(desk.read, picture)).decode()
    if wanted != "b64_json":
        path = desk.doorman.signed(shapes.image_path(shapes.image_id(picture)))
        image.url = f"{str(request.base_url).rstrip('/')}{path}"
    return image


def _raise_for(generation: Generation) -> None:
    if generation.status is not Status.STORED:
        error: EaselError = retold(generation.error_code, generation.error_text or "The job was cancelled.")
        raise error
