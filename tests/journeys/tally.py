"""What all journeys together sent to the simulated Discord, and did to the bot: what is shown is tried."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import simcord
from simcord.components import walk_components

COMMAND, COMPONENT, MODAL = 2, 3, 5
SHOW_MODAL = 9


class Tally:
    """Custom ids are counted by what they do, without the ids of generations and the keys of styles."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.commands: Counter[str] = Counter()
        self.shown: Counter[str] = Counter()
        self.pressed: Counter[str] = Counter()
        self.forms_shown: Counter[str] = Counter()
        self.forms_sent: Counter[str] = Counter()

    def add(self, env: simcord.Env) -> None:
        """Everything that one simulated Discord saw."""
        for request in env.backend.http_requests:
            self.requests[request.method] += 1
            self._sent(request.json if isinstance(request.json, dict) else {})
        for _, event, payload in env.backend.transcript:
            if event == "INTERACTION_CREATE":
                self._received(payload["type"], payload["data"])

    def _sent(self, body: dict[str, Any]) -> None:
        data = body.get("data") if isinstance(body.get("data"), dict) else body
        if body.get("type") == SHOW_MODAL:
            self.forms_shown[purpose(data["custom_id"])] += 1
            return
        for part in walk_components(data.get("components") or []):
            if "custom_id" in part:
                self.shown[purpose(part["custom_id"])] += 1

    def _received(self, kind: int, data: dict[str, Any]) -> None:
        if kind == COMMAND:
            self.commands[" ".join(path(data))] += 1
        elif kind == COMPONENT:
            self.pressed[purpose(data["custom_id"])] += 1
        elif kind == MODAL:
            self.forms_sent[purpose(data["custom_id"])] += 1


def path(data: dict[str, Any]) -> Iterator[str]:
    """A command's name, and those of its group and subcommand."""
    yield data["name"]
    for option in data.get("options") or []:
        if option["type"] in (1, 2):
            yield from path(option)


KEPT = {"default": 3, "style": 2, "panel": 2, "server": 2, "me": 2, "form": 2, "show": 2}
"""How many parts of a custom id say what it is for, by its first; the others say to what."""


def purpose(custom_id: str) -> str:
    """What a control does, without whom or what it does it to."""
    house, *parts = custom_id.split(":")
    if house == "hist":
        where, _, _, liked, *_ = parts
        turn = {"b": "older", "a": "newer"}.get(where[:1], "newest")
        return f"history {turn} favourites" if liked else f"history {turn}"
    return " ".join(parts[: KEPT.get(parts[0], 1)])


TALLY = Tally()
