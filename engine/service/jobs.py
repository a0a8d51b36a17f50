"""/api/generations: jobs from their acceptance to their pictures."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Response
from fastapi import Path as InPath
from fastapi.responses import FileResponse

from engine import files
from engine.dispatch import Update
from engine.errors import NotFound
from engine.ledger import HistoryFilter
from engine.service import shapes
from engine.service.desk import Asking, AtDesk, Credentials, Desk, IdempotencyKey
from engine.service.events import STREAM, EventStream, Named
from engine.service.problems import documented
from engine.service.shapes import Cancelled, Create, GenerationShown, Page, Place, number, shown
from engine.types import Generation, Loading, Progress, Status

PACE_S = 0.2
"""Between two looks at a place in the queue, which changes with everybody's jobs."""

FIRST_YEAR, LAST_YEAR = 2000, 9000
"""Times beyond mean these: nothing is older, or newer."""

router = APIRouter(prefix="/api", tags=["generations"])

Id = Annotated[str, InPath(pattern=shapes.ID, description="A generation, as `id` names it.")]
OptionalId = Annotated[str | None, Query(pattern=shapes.ID)]


@router.post(
    "/generations",
    status_code=201,
    responses={
        200: {"model": GenerationShown, "description": "The job that was queued under this key before."},
        **documented(404, 408, 413, 415, 429, 503),
    },
)
async def create(
    body: Create, desk: AtDesk, caller: Asking, response: Response, idempotency_key: IdempotencyKey = None
) -> GenerationShown:
    """Queues a job. From the answer on it is on disk, and cannot be lost."""
    request = desk.home.catalog.request(
        body.model or desk.settings.default_model, body.prompt, num_images=body.num_images, **body.given()
    )
    parent_id = None if body.parent_id is None else (await desk.visible(caller, body.parent_id)).id
    generation, new = await desk.submit(
        caller, request, key=idempotency_key, parent_id=parent_id, person=body.on_behalf_of
    )
    if not new:
        response.status_code = 200
    return _shown(desk, generation)


@router.get("/generations", responses=documented(404))
async def page(
    desk: AtDesk,
    caller: Asking,
    search: Annotated[str | None, Query(max_length=200, description="Words that the prompt holds.")] = None,
    model: Annotated[str | None, Query(max_length=64)] = None,
    status: Status | Literal["any"] = Status.STORED,
    since: datetime | None = None,
    until: datetime | None = None,
    before: OptionalId = None,
    after: OptionalId = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    person: Annotated[str | None, Query(max_length=64, description="Somebody else, for trusted keys.")] = None,
    idempotency_key: Annotated[str | None, Query(max_length=200, description="The job under that key.")] = None,
) -> Page:
    """The caller's jobs, newest first, a page at a time."""
    if idempotency_key is not None:
        found = await desk.home.ledger.find(caller.ledger_key(idempotency_key))
        return Page(data=[] if found is None else [_shown(desk, found)], next=None, previous=None)
    chosen = HistoryFilter(
        person_id=person if person is not None and caller.trusted else caller.person_id,
        model=model,
        search=search,
        since=_within_reach(since),
        until=_within_reach(until),
        status=None if status == "any" else Status(status),
    )
    first, last = (None if id is None else number(id) for id in (after, before))
    rows = await desk.home.ledger.history(chosen, before=last, after=first, limit=limit + 1)
    # One row too many says that there is another page: the oldest one, or on the way back the newest.
    newer, older = last is not None, first is not None
    if len(rows) > limit:
        newer, older = (True, older) if older else (newer, True)
        rows = rows[1:] if first is not None else rows[:-1]
    return Page(
        data=[_shown(desk, each) for each in rows],
        next=rows[-1].short_id if rows and older else None,
        previous=rows[0].short_id if rows and newer else None,
    )


@router.get("/generations/{id}", responses=documented(404))
async def get(id: Id, desk: AtDesk, caller: Asking) -> GenerationShown:
    return _shown(desk, await desk.visible(caller, id))


@router.delete("/generations/{id}", responses=documented(404, 503))
async def delete(id: Id, desk: AtDesk, caller: Asking) -> GenerationShown:
    """Deletes the pictures; the facts stay. What is not painted yet is cancelled."""
    generation = await desk.visible(caller, id)
    await desk.home.dispatcher.cancel(generation.id)
    await desk.home.ledger.delete_pictures(generation.id)
    return _shown(desk, await desk.home.ledger.get(generation.id))


@router.post("/generations/{id}/cancel", responses=documented(404, 503))
async def cancel(id: Id, desk: AtDesk, caller: Asking) -> Cancelled:
    generation = await desk.visible(caller, id)
    return Cancelled(cancelled=await desk.home.dispatcher.cancel(generation.id))


@router.get("/generations/{id}/events", response_class=EventStream, responses={**STREAM, **documented(404)})
async def events(id: Id, desk: AtDesk, caller: Asking) -> EventStream:
    """What happens to the job, now and until it is over: `queued`, `running`, `loading`, `progress`, then `done`.

    Each event is the newest state, so a reader that comes back after its connection was lost has missed nothing.
    """
    return EventStream(_followed(desk, await desk.visible(caller, id)))


async def _followed(desk: Desk, generation: Generation) -> AsyncGenerator[Named]:
    last: Named | None = None
    async with aclosing(desk.home.dispatcher.watch(generation.id)) as updates:  # type: ignore[type-var]
        async for update in updates:
            if (event := _told(desk, update)) != last:
                yield event
            last = event
            if update.position is not None and update.position.ahead:
                await asyncio.sleep(PACE_S)


def _told(desk: Desk, update: Update) -> Named:
    if update.generation is not None:
        return "done", {"generation": shown(update.generation, desk.doorman).model_dump(mode="json")}
    match update.event:
        case Progress(step, of, preview):
            picture = None if preview is None else base64.b64encode(preview).decode()
            return "progress", {"step": step, "of": of, "preview": picture}
        case Loading(fraction, text):
            return "loading", {"fraction": fraction, "text": text}
    if update.status is Status.QUEUED:
        place = Place.of(update.position)
        return "queued", {"position": place and place.model_dump()}
    return "running", {}


@router.get(
    "/images/{id}",
    response_class=FileResponse,
    responses={
        200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}},
        206: {"description": "The range that was asked for."},
        304: {"description": "The client has it already."},
        **documented(404, 416),
    },
)
async def image(
    id: Annotated[str, InPath(pattern=shapes.IMAGE_ID, description="A picture, as `pictures[].id` names it.")],
    desk: AtDesk,
    credentials: Credentials,
    expires: int | None = None,
    signature: str | None = None,
    if_none_match: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Response:
    """A PNG file, with everything that made it inside. The address of `pictures[].url` needs no key for an hour."""
    job, _, position = id.partition("-")
    if signature is not None and desk.doorman.admits(shapes.image_path(id), expires, signature):
        generation = await desk.home.ledger.get(number(job, "picture"))
    else:
        caller = desk.doorman.caller(credentials.credentials if credentials else None)
        generation = await desk.visible(caller, job)
    picture = next((each for each in generation.pictures if each.position == int(position)), None)
    if picture is None or picture.deleted_at is not None:
        raise NotFound("picture", id)
    path = files.picture_path(desk.home.ledger.data_dir, picture.path)
    if not path.is_file():
        raise NotFound("picture", id)
    headers = {"ETag": f'"{picture.sha256}"', "Cache-Control": "private, max-age=31536000, immutable"}
    if if_none_match is not None and headers["ETag"] in if_none_match:
        return Response(status_code=304, headers=headers)
    return FileResponse(path, media_type="image/png", headers=headers)


def _shown(desk: Desk, generation: Generation) -> GenerationShown:
    return shown(generation, desk.doorman, desk.home.dispatcher.position(generation.id))


def _within_reach(moment: datetime | None) -> datetime | None:
    """With a zone, the machine's where none was given; and not so far away that nothing could be added to it."""
    if moment is None:
        return None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        return datetime(min(max(moment.year, FIRST_YEAR), LAST_YEAR), 1, 1, tzinfo=UTC)
    return moment if moment.tzinfo else moment.astimezone()
