"""/api/models and /api/engine: what can paint, and how it is."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as InPath

from engine.images import easel_version
from engine.service.desk import Asking, AtDesk, Desk, Trusted
from engine.service.events import STREAM, EventStream, Named
from engine.service.problems import documented
from engine.service.security import Caller
from engine.service.shapes import EngineShown, Models, ModelShown
from engine.types import Loading, ModelState

router = APIRouter(prefix="/api", tags=["models"])

Key = Annotated[str, InPath(max_length=64, description="A model, as `key` names it.")]


@router.get("/models", responses=documented())
async def models(desk: AtDesk, caller: Asking) -> Models:
    """Every model of the catalogue, and whether it is here."""
    return Models(data=await _models(desk, caller))


async def _models(desk: Desk, caller: Caller) -> list[ModelShown]:
    states = {state.key: state for state in await desk.home.engine.models()}
    default = desk.settings.default_model
    return [
        ModelShown.of(spec, states.get(spec.key, ModelState(spec.key, "missing")), default, trusted=caller.trusted)
        for spec in desk.home.catalog
    ]


@router.post("/models/{key}/load", response_class=EventStream, responses={**STREAM, **documented(404)})
async def load(key: Key, desk: AtDesk, caller: Trusted) -> EventStream:
    """Downloads the model where that is needed, and brings it onto the device: `loading`, then `done` or `error`.

    Who closes the stream ends the loading; what was downloaded stays.
    """
    desk.home.catalog.get(key)
    return EventStream(_loaded(desk, key))


async def _loaded(desk: Desk, key: str) -> AsyncGenerator[Named]:
    async for event in desk.home.engine.load(key):
        if isinstance(event, Loading):
            yield "loading", {"fraction": event.fraction, "text": event.text}
    yield "done", {"key": key}


@router.post("/models/{key}/unload", responses=documented(404, 503))
async def unload(key: Key, desk: AtDesk, caller: Trusted) -> ModelShown:
    """Frees the memory that the model holds."""
    desk.home.catalog.get(key)
    await desk.home.engine.unload(key)
    return next(model for model in await _models(desk, caller) if model.key == key)


@router.get("/engine", responses=documented())
async def engine(desk: AtDesk, caller: Asking) -> EngineShown:
    """The device, its memory, and how much it has to do."""
    waiting = len(desk.home.dispatcher.waiting)
    return EngineShown.of(await desk.home.engine.status(), waiting, easel_version(), trusted=caller.trusted)
