"""Errors on their way out: one shape for all of them, OpenAI's, and never a trace of the program's inside."""

from __future__ import annotations

import secrets
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from engine import errors
from engine.errors import EaselError, InvalidRequest, LimitReached
from engine.wire import error_head

log = structlog.get_logger(__name__)

STATUS: dict[type[EaselError], int] = {
    errors.InvalidRequest: 400,
    errors.KeyRefused: 401,
    errors.NotAllowed: 403,
    errors.NotFound: 404,
    errors.Cancelled: 409,
    errors.ModelUnavailable: 424,
    errors.LimitReached: 429,
    errors.GenerationFailed: 500,
    errors.QueueClosed: 503,
    errors.EngineLost: 503,
    errors.OutOfMemory: 507,
}
"""Of everything else: 500."""

RETRY_S = 30
"""What a client is told to wait while the service stops, or its disk is full."""

TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}


class Detail(BaseModel):
    message: str
    """What happened, and what to do."""
    type: str
    code: str
    param: str | None = None
    """The parameter that does not fit, where it is one."""
    params: dict[str, Any] = {}
    """What the message was made of, for programs."""


class Problem(BaseModel):
    """The body of every answer that is not a success."""

    error: Detail


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`responses=` of a route: these, and those that every route may give."""
    # Not as `model=`: FastAPI would give it the media type of the route's success, be that a picture or a stream.
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"content": content, "description": WHEN[status]} for status in sorted({*statuses, *EVERYWHERE})}


WHEN = {
    400: "The request does not fit.",
    401: "An API key is demanded, and was missing or unknown.",
    403: "A foreign page asked, or the key may not do that.",
    404: "There is no such thing, or it is somebody else's.",
    405: "The address does not know this method.",
    408: "The body did not arrive in time.",
    409: "The job was cancelled, or is not there yet.",
    413: "The body is too large.",
    415: "Only JSON is taken.",
    416: "The file has no such range.",
    421: "The service is not known by this host name.",
    424: "The model cannot be used.",
    429: "A limit is reached. `Retry-After` says when to come back, where that is known.",
    500: "Painting failed.",
    503: "The service is stopping, or its disk is full.",
    504: "The pictures were not painted in time.",
    507: "There was not enough memory.",
}
EVERYWHERE = (400, 401, 403, 405, 421)


def answer(error: EaselError, *, param: str | None = None) -> JSONResponse:
    """The error as an answer. `param` is the field's name where the client calls it otherwise."""
    status = STATUS.get(type(error), 500)
    head = error_head(error)
    field = param or (error.field if isinstance(error, InvalidRequest) else None)
    headers = {}
    if isinstance(error, LimitReached) and error.retry_after is not None:
        headers["Retry-After"] = str(int(error.retry_after) + 1)
    elif status == 503:
        headers["Retry-After"] = str(RETRY_S)
    elif status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return problem(status, head["message"], code=error.code, param=field, params=head["params"], headers=headers)


def problem(
    status: int,
    message: str,
    *,
    code: str,
    param: str | None = None,
    params: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    return JSONResponse({"error": detail(status, message, code, param, params)}, status, headers)


def detail(
    status: int, message: str, code: str, param: str | None = None, params: dict[str, Any] | None = None
) -> dict[str, Any]:
    kind = TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return Detail(message=message, type=kind, code=code, param=param, params=params or {}).model_dump()


def told(error: Exception) -> dict[str, Any]:
    """An error in the middle of a stream, where the status has been sent already. Bugs are told by a number."""
    if isinstance(error, EaselError):
        head = error_head(error)
        return detail(STATUS.get(type(error), 500), head["message"], head["code"], params=head["params"])
    return detail(500, _numbered(error), "internal_error")


def _numbered(error: Exception) -> str:
    number = secrets.token_hex(4)
    log.error("a request ran into a bug", number=number, exc_info=error)
    return f"Something unexpected went wrong. The log tells more, under {number}."


def install(app: FastAPI) -> None:
    """The only ways an error leaves the service."""

    @app.exception_handler(EaselError)
    async def easel(request: Request, error: EaselError) -> JSONResponse:
        return answer(error)

    @app.exception_handler(RequestValidationError)
    async def misfit(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            return problem(400, f"The body is not JSON: {first['ctx']['error']}.", code="invalid_json")
        names = [str(part) for part in first["loc"][1:] if part not in ("body", "query", "path")]
        field = ".".join(names) or str(first["loc"][0])
        if first["type"] == "extra_forbidden":
            return problem(400, f"{field}: there is no such parameter.", code="unknown_parameter", param=field)
        return problem(400, f"{field}: {first['msg']}.", code=InvalidRequest.code, param=field)

    @app.exception_handler(HTTPException)
    async def plain(request: Request, error: HTTPException) -> JSONResponse:
        code = str(error.detail).lower().replace(" ", "_") if error.status_code in (404, 405) else "refused"
        headers = dict(error.headers) if error.headers else None
        message = WHEN.get(error.status_code, str(error.detail)) if error.status_code in (404, 405) else error.detail
        return problem(error.status_code, str(message), code=code, headers=headers)

    @app.exception_handler(Exception)
    async def bug(request: Request, error: Exception) -> JSONResponse:
        return problem(500, _numbered(error), code="internal_error")
