"""The simulated Discord's inner parts that the sandbox depends on, all in this one module.

simcord 3.2.1 was made for tests: its clock stands still, a page that is refreshed refuses or drops the click that was
under way, and nothing it has seen is ever forgotten. `check()` fails loudly when a newer simcord is built otherwise.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import discord
from simcord import Env
from simcord.backend import Backend
from simcord.preview import Preview
from simcord.preview._server import PreviewServer

KNOWN_VERSION = "3.2.1"

PAGE_SCRIPT = Path(__file__).with_name("sandbox_page.js")

KEPT_MESSAGES = 60
KEPT_INTERACTIONS = 200
KEPT_LINES = 500


def check() -> None:
    """RuntimeError where simcord is not built as this module expects."""
    clock = Backend().clock
    missing = [
        name
        for name, there in {
            "Clock._epoch": isinstance(getattr(clock, "_epoch", None), datetime),
            "Clock.elapsed": isinstance(getattr(clock, "elapsed", None), float),
            "Preview._action": list(inspect.signature(Preview._action).parameters) == ["self", "context_id", "body"],
            "Preview._pages": "_pages" in Preview.__annotations__ or "self._pages" in inspect.getsource(Preview),
            "Backend.emit": list(inspect.signature(Backend().emit).parameters) == ["event", "payload"],
            "Backend.transcript": isinstance(Backend().transcript, list),
            "Backend.http_requests": isinstance(Backend().http_requests, list),
            "PreviewServer._STATIC_FILES": PreviewServer._STATIC_FILES.get("/app.js") in ("app.js", str(PAGE_SCRIPT)),
            "CdnStore._blobs": isinstance(Backend().cdn._blobs, dict),
        }.items()
        if not there
    ]
    if missing or version("simcord") != KNOWN_VERSION:
        raise RuntimeError(
            f"simcord {version('simcord')} is not the {KNOWN_VERSION} that the sandbox was written for"
            f" ({', '.join(missing) or 'all parts are there'}): adapt bot/simulated.py"
        )


def tell_time(env: Env) -> None:
    """Moves the simulated clock to the real time. It never goes back: ids are made from it."""
    clock = env.backend.clock
    clock._epoch = max(clock._epoch, datetime.now(UTC) - timedelta(seconds=clock.elapsed))


def give_languages(env: Env, locales: Mapping[int, str]) -> None:
    """Lets people's clients speak their languages: simcord says en-US for everybody. `locales` by their ids."""
    emit = env.backend.emit

    def emit_in_their_language(event: str, payload: Any) -> None:
        if event == "INTERACTION_CREATE":
            user = payload.get("user") or payload["member"]["user"]
            payload["locale"] = locales.get(int(user["id"]), payload["locale"])
        emit(event, payload)

    env.backend.emit = emit_in_their_language


def leave_errors_to(bot: discord.Client) -> None:
    """An error that the bot explains to whoever met it is not a failure: simcord's record of errors is taken off."""
    tree = getattr(bot, "tree", None)
    if tree is not None:
        del tree.on_error


def newest_request(env: Env) -> object:
    """What the bot last asked of Discord: another object whenever something may have changed."""
    return env.backend.http_requests[-1] if env.backend.http_requests else None


def accept_late_clicks(preview: Preview, turn: asyncio.Lock) -> None:
    """Lets a click count although the page was refreshed since it was drawn, and waits until a refresh is over.

    What is clicked is looked up by message and control, so a click cannot hit something else than was aimed at.
    """
    act = preview._action
    filled: dict[str | None, tuple[object, int]] = {}

    async def action(context_id: str | None, body: Any) -> Any:
        async with turn:
            page = preview._pages.get(context_id or "")
            if page is not None and isinstance(body, dict) and "published_revision" in body:
                # A request that is repeated must stay the same in every part.
                request_id, revision = filled.get(context_id, (None, 0))
                if request_id != body.get("request_id"):
                    request_id, revision = body.get("request_id"), page.revision
                    filled[context_id] = (request_id, revision)
                body = body | {"published_revision": revision}
            return await act(context_id, body)

    preview._action = action


def lose_no_press() -> None:
    """Puts our script in front of the page's own: see there. To be called before a preview is opened."""
    # A path from the root stays what it is where simcord joins it to its own folder.
    PreviewServer._STATIC_FILES |= {"/app.js": str(PAGE_SCRIPT), "/simcord.js": "app.js"}


def forget(env: Env) -> None:
    """Drops what nobody looks at any more: old messages, pictures that no message shows, and the records of tests."""
    backend = env.backend
    for channel_id, messages in backend.messages.items():
        for old in sorted(messages)[:-KEPT_MESSAGES]:
            backend.delete_message(channel_id, old)
    shown = {
        attachment["url"]
        for channel in backend.messages.values()
        for message in channel.values()
        for attachment in message.attachments
    }
    for url in [url for url in backend.cdn._blobs if "/attachments/" in url and url not in shown]:
        del backend.cdn._blobs[url]
    for old in sorted(backend.interactions)[:-KEPT_INTERACTIONS]:
        backend.interaction_tokens.pop(backend.interactions.pop(old).token, None)
    for record in (backend.transcript, backend.http_requests):
        del record[:-KEPT_LINES]
