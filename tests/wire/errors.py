"""What Discord answers when it refuses, as a catalogue. Codes as in Discord's list of JSON error codes.

A refusal is a *violation* when only a mistake in the client can cause it (a form that does not fit, a second
answer to one interaction); it is not when the world can cause it (a closed DM, an expired token).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Refusal(Exception):
    """An answer of 400 and above. `fields` maps a path such as `components.0.label` to (code, message)."""

    def __init__(
        self,
        status: int,
        code: int,
        message: str,
        *,
        fields: Mapping[str, tuple[str, str]] | None = None,
        violation: bool = False,
    ) -> None:
        detail = "; ".join(f"{path}: {text}" for path, (_, text) in (fields or {}).items())
        super().__init__(f"{status} {code} {message}" + (f" ({detail})" if detail else ""))
        self.status, self.code, self.message, self.violation = status, code, message, violation
        self.fields = dict(fields or {})

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {"message": self.message, "code": self.code}
        if self.fields:
            tree: dict[str, Any] = {}
            for path, (code, text) in self.fields.items():
                node = tree
                for part in path.split("."):
                    node = node.setdefault(part, {})
                node.setdefault("_errors", []).append({"code": code, "message": text})
            body["errors"] = tree
        return body


def invalid_form(path: str, text: str, code: str = "BASE_TYPE_BAD_VALUE") -> Refusal:
    return Refusal(400, 50035, "Invalid Form Body", fields={path: (code, text)}, violation=True)


def unauthorized() -> Refusal:
    return Refusal(401, 0, "401: Unauthorized", violation=True)


def unknown_route() -> Refusal:
    return Refusal(404, 0, "404: Not Found", violation=True)


def unknown(what: str) -> Refusal:
    """`what` is one of the names below, as Discord spells them."""
    codes = {
        "Channel": 10003,
        "Guild": 10004,
        "Member": 10007,
        "Message": 10008,
        "User": 10013,
        "Webhook": 10015,
        "application command": 10063,
    }
    return Refusal(404, codes[what], f"Unknown {what}")


def unknown_interaction(*, violation: bool) -> Refusal:
    return Refusal(404, 10062, "Unknown interaction", violation=violation)


def already_acknowledged() -> Refusal:
    return Refusal(400, 40060, "Interaction has already been acknowledged.", violation=True)


def too_many_followups() -> Refusal:
    return Refusal(400, 40094, "This interaction has hit the maximum number of follow up messages")


def token_expired() -> Refusal:
    return Refusal(401, 50027, "Invalid Webhook Token")


def too_large() -> Refusal:
    return Refusal(413, 40005, "Request entity too large", violation=True)


def missing_access() -> Refusal:
    return Refusal(403, 50001, "Missing Access")


def missing_permissions() -> Refusal:
    return Refusal(403, 50013, "Missing Permissions")


def someone_elses_message() -> Refusal:
    return Refusal(403, 50005, "Cannot edit a message authored by another user", violation=True)


def empty_message() -> Refusal:
    return Refusal(400, 50006, "Cannot send an empty message", violation=True)


def dms_closed() -> Refusal:
    return Refusal(403, 50007, "Cannot send messages to this user")


def no_mutual_guilds() -> Refusal:
    return Refusal(403, 50278, "Cannot send messages to this user due to having no mutual guilds")


def reply_without_history() -> Refusal:
    return Refusal(400, 160002, "Cannot reply without permission to read message history")
