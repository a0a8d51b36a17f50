"""The service put together: what a request passes on its way in, and where it goes."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST

from engine.images import easel_version
from engine.service import jobs, models, openai_api, problems
from engine.service.desk import Asking, AtDesk, Desk
from engine.service.security import Gate, own_names
from engine.service.shapes import Health

PAGE = Path(__file__).parent / "page"

house = APIRouter(tags=["service"])


def app(desk: Desk) -> FastAPI:
    made = FastAPI(
        title="Easel",
        summary="Paints pictures from words.",
        version=easel_version(),
        docs_url=None,  # they load scripts from elsewhere; /openapi.json is all they show
        redoc_url=None,
    )
    made.state.desk = desk
    for router in (openai_api.router, jobs.router, models.router, house):
        made.include_router(router)
    made.mount("/page", StaticFiles(directory=PAGE), name="page")
    problems.install(made)
    service = desk.settings.service
    made.add_middleware(Gate, names=own_names(service.host, service.hosts))
    made.openapi = functools.cache(lambda: _described(made))  # type: ignore[method-assign]
    return made


def _described(made: FastAPI) -> dict[str, Any]:
    """FastAPI's description, without the status 422 that it adds by itself: what does not fit is a 400 here."""
    found = get_openapi(title=made.title, summary=made.summary, version=made.version, routes=made.routes)
    for path in found["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
    schemas = found["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    problem = problems.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs") | {"Problem": problem}
    return found


@house.get("/", include_in_schema=False)
async def page() -> FileResponse:
    return FileResponse(PAGE / "index.html", headers={"Cache-Control": "no-cache"})


@house.get("/health", responses=problems.documented())
async def health(desk: AtDesk) -> Health:
    """Whether the service is alive."""
    return Health(version=easel_version(), ready=not desk.home.dispatcher.closing)


@house.get(
    "/ready",
    response_model=Health,
    responses={503: {"model": Health, "description": "It is stopping."}, **problems.documented()},
)
async def ready(desk: AtDesk) -> Response:
    """Whether new jobs are taken. Models are loaded when they are first asked for, so none needs to be."""
    state = Health(version=easel_version(), ready=not desk.home.dispatcher.closing)
    return JSONResponse(state.model_dump(), 200 if state.ready else 503)


@house.get("/metrics", response_class=PlainTextResponse, responses=problems.documented())
async def metrics(desk: AtDesk, caller: Asking) -> Response:
    """For Prometheus."""
    text = await desk.metrics.written(desk.home.dispatcher, desk.home.engine)
    return Response(text, media_type=CONTENT_TYPE_LATEST)
