"""Errors in words: what happened, and what to do, in the language of whoever reads it. Pure."""

from __future__ import annotations

from bot.permissions import Refused
from bot.texts import Say
from bot.wording import duration, plain
from engine.errors import EaselError, InvalidRequest, LimitReached

OPTION_NAMES = {"num_inference_steps": "steps", "guidance_scale": "cfg", "num_images": "count"}
"""The engine's names, as they are called in Discord."""


def explain(error: EaselError, say: Say) -> str:
    """An error in words: what happened, and what to do."""
    match error:
        case InvalidRequest():
            field = OPTION_NAMES.get(error.field, error.field)
            return say(
                "error-invalid_request",
                field=plain(field, 40),
                value=plain(error.value, 80),
                allowed=plain(error.allowed, 400),
            )
        case LimitReached():
            retry = "none" if error.retry_after is None else duration(error.retry_after, say)
            return say("error-limit_reached", scope=error.scope, kind=error.kind, maximum=error.maximum, retry=retry)
        case Refused():
            return say(error.key, **error.values)
        case _:
            return plain(error, 1500)
