"""Errors in words: what happened, and what to do, in the language of whoever reads it. Pure.

One place for all of them: those that a person meets at once, and those that a job met and the ledger kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.permissions import Refused
from bot.texts import Say
from bot.wording import duration, plain
from engine.errors import (
    Cancelled,
    EaselError,
    EngineLost,
    GenerationFailed,
    InvalidRequest,
    LimitReached,
    ModelUnavailable,
    NotFound,
    OutOfMemory,
    QueueClosed,
)
from engine.types import Generation

OPTION_NAMES = {"num_inference_steps": "steps", "guidance_scale": "cfg", "num_images": "count"}
"""The engine's names, as they are called in Discord."""

NAMED = {
    "prompt",
    "negative_prompt",
    "model",
    "steps",
    "cfg",
    "width",
    "height",
    "seed",
    "count",
    "sampler",
    "size",
    "aspect_ratio",
    "since",
    "until",
}
"""Options that have a name in every language, as `field-<name>`."""

RULES = {"size", "range", "span", "length", "tokens", "weaker", "seed", "names", "whole", "number", "example"}
"""What `InvalidRequest` may say in parts, as `allowed-<rule>`."""

SIMPLE = {
    OutOfMemory.code: "error-out_of_memory",
    EngineLost.code: "error-engine_lost",
    GenerationFailed.code: "error-generation_failed",
    Cancelled.code: "error-cancelled",
}
"""Errors whose details are for whoever runs the bot, in the log."""

CLOSED = {"stopping", "disk_full", "not_written", "not_cancelled"}


STAGES = (
    (re.compile(r"Downloading .*?(?P<done>[\d.]+) of (?P<total>[\d.]+) GB"), "stage-downloading"),
    (re.compile(r"Looking up .+"), "stage-looking-up"),
    (re.compile(r"Waiting for another program .+"), "stage-waiting"),
    (re.compile(r"Moving to the device"), "stage-moving"),
    (re.compile(r"Compiling"), "stage-compiling"),
    (re.compile(r"Loading (?P<part>.+)"), "stage-loading"),
)
"""What the engine says, in English, while a model is on its way."""


def stage(text: str, say: Say) -> str:
    """Where a model is on its way, in the reader's language; as the engine says it, where that is not known here."""
    for pattern, key in STAGES:
        if match := pattern.fullmatch(text):
            found = match.groupdict().items()
            return say(key, **{name: plain(part, 100) if name == "part" else float(part) for name, part in found})
    return plain(text, 200)


def explain(error: EaselError, say: Say) -> str:
    if isinstance(error, Refused):
        return say(error.key, **error.values)
    return told(error.code, error.params, str(error), say)


def reason(generation: Generation, say: Say) -> str:
    """Why a job ended without a picture, from what the ledger kept of its error."""
    params = generation.extra.get("error")
    known: Mapping[str, Any] = params if isinstance(params, dict) else {}
    code, text = generation.error_code or "", generation.error_text or ""
    return told(code, known, text, say, id=generation.short_id) or say("unknown-failure")


def told(code: str, params: Mapping[str, Any], text: str, say: Say, *, id: str = "none") -> str:
    """An error by its code and what it was made of; `text`, in English, where nothing else is known of it.

    `id` is the job's, under which the log tells more.
    """
    if code in SIMPLE:
        return say(SIMPLE[code], id=id)
    if code == InvalidRequest.code and "field" in params:
        return _invalid(params, say)
    if code == LimitReached.code and "scope" in params:
        retry = params["retry_after"]
        when = "none" if retry is None else duration(retry, say)
        return say(
            "error-limit_reached", scope=params["scope"], kind=params["kind"], maximum=params["maximum"], retry=when
        )
    if code == QueueClosed.code and params.get("reason") in CLOSED:
        return say(f"error-queue_closed-{params['reason']}")
    if code == NotFound.code and params.get("what") in ("model", "style"):
        close = plain(params.get("close") or params.get("hint") or "", 400)
        return say("error-no-such", what=params["what"], name=plain(params["name"], 80), close=close or "none")
    if code == NotFound.code and params.get("what") in ("generation", "picture"):
        return say("error-gone")
    if code == ModelUnavailable.code and "key" in params:
        details = plain(f"{params.get('reason', '')} {params.get('hint', '')}".strip(), 1000)
        return say("error-model_unavailable", key=plain(params["key"], 130), details=details)
    return plain(text, 1500)


def _invalid(params: Mapping[str, Any], say: Say) -> str:
    name = OPTION_NAMES.get(params["field"], params["field"])
    rule = params.get("rule")
    allowed = _allowed(rule, params, say) if rule in RULES else plain(params["allowed"], 400)
    return say(
        "error-invalid_request",
        field=say(f"field-{name}") if name in NAMED else plain(name, 40),
        value=plain(params["value"], 80),
        allowed=allowed,
    )


def _allowed(rule: str, params: Mapping[str, Any], say: Say) -> str:
    """Bounds are shown as they are typed: without marks between thousands."""
    shown = {
        name: f"{value:g}" if isinstance(value, float) else plain(value, 400)
        for name, value in params.items()
        if name not in ("field", "value", "allowed", "rule")
    }
    if "low" in shown:
        shown["span"] = shown["low"] if shown["low"] == shown["high"] else f"{shown['low']}–{shown['high']}"
    if rule == "size" and shown["low"] == shown["high"]:
        rule = "range"
    return say(f"allowed-{rule}", **shown)
