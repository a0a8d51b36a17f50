"""The family of errors, named for the situation of the person who meets them.

    EaselError
    ├── InvalidRequest        a value is out of range, or an option is unknown
    ├── NotFound              no such generation, picture or model
    ├── LimitReached          too many jobs waiting, or the day's pictures are used up
    ├── QueueClosed           shutting down, or the disk is full: nothing was queued
    ├── ModelUnavailable      missing, gated, broken, or no room on the disk for it
    ├── OutOfMemory           the device's memory does not hold it, even after every saving
    ├── GenerationFailed      the model raised while painting
    ├── EngineLost            the worker died or hung; the job is tried again
    ├── Cancelled             somebody pressed Cancel
    ├── KeyRefused            no API key, or none that the service knows
    ├── NotAllowed            the key is known, and may not do that
    ├── LedgerBusy            another process owns the ledger
    ├── LedgerTooNew          the file was written by a newer version
    ├── LedgerBroken          the file is damaged, or no ledger
    └── ConfigError           config.toml does not fit

`str(error)` is English and says what happened and what to do. `code` and `params` are for whoever says it in
another language.
"""

from __future__ import annotations

from typing import Any, ClassVar


class EaselError(Exception):
    """What people can be told. Everything else is a bug, and is shown as an id that is in the log."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str, **params: Any) -> None:
        super().__init__(message)
        self.params = params


class InvalidRequest(EaselError):
    """`field`, `value` and `allowed` name what is wrong, in the words of the request.

    `rule` says `allowed` in parts, for other languages: its name as `rule`, and its bounds.
    """

    code = "invalid_request"

    def __init__(self, field: str, value: object, allowed: str, **rule: Any) -> None:
        message = f"{field}: {value!r} does not fit; allowed: {allowed}."
        super().__init__(message, field=field, value=value, allowed=allowed, **rule)
        self.field, self.value, self.allowed = field, value, allowed


class NotFound(EaselError):
    code = "not_found"

    """`close` are the names that may have been meant."""

    def __init__(self, what: str, name: str, hint: str = "", close: str = "") -> None:
        super().__init__(f"There is no {what} {name!r}. {hint}".rstrip(), what=what, name=name, hint=hint, close=close)


class LimitReached(EaselError):
    """`retry_after` is in seconds, None where it depends on others."""

    code = "limit_reached"

    def __init__(self, scope: str, kind: str, maximum: int, retry_after: float | None = None) -> None:
        whose = {"person": "you", "guild": "this server", "all": "everyone together"}[scope]
        what = {"waiting": f"{maximum} jobs at a time", "images_a_day": f"{maximum} pictures a day"}[kind]
        when = "when one of them is done" if kind == "waiting" else "later"
        if retry_after is not None:
            when = f"in {int(retry_after // 3600)} h {int(retry_after % 3600 // 60)} min"
        super().__init__(
            f"The limit for {whose} is {what}. Come back {when}.",
            scope=scope,
            kind=kind,
            maximum=maximum,
            retry_after=retry_after,
        )
        self.scope, self.kind, self.maximum, self.retry_after = scope, kind, maximum, retry_after


class QueueClosed(EaselError):
    """`reason` is `stopping`, `disk_full`, `not_written` or `not_cancelled`."""

    code = "queue_closed"


class ModelUnavailable(EaselError):
    """`key` is the model's; `reason` says what happened and `hint` what to do.

    `detail` is for whoever runs Easel: it may name paths of the server, and is no part of the message.
    """

    code = "model_unavailable"

    def __init__(self, key: str, reason: str, hint: str = "", detail: str = "") -> None:
        message = f"The model {key} cannot be used: {reason} {hint}".rstrip()
        super().__init__(message, key=key, reason=reason, hint=hint, detail=detail)
        self.key, self.reason, self.hint, self.detail = key, reason, hint, detail


class OutOfMemory(EaselError):
    code = "out_of_memory"

    def __init__(self, what_to_try: str) -> None:
        super().__init__(f"There was not enough memory for this picture. {what_to_try}", what_to_try=what_to_try)
        self.what_to_try = what_to_try


class GenerationFailed(EaselError):
    code = "generation_failed"


class EngineLost(EaselError):
    code = "engine_lost"


class Cancelled(EaselError):
    code = "cancelled"

    def __init__(self, message: str = "Cancelled.") -> None:
        super().__init__(message)


class KeyRefused(EaselError):
    code = "invalid_api_key"


class NotAllowed(EaselError):
    code = "not_allowed"


class LedgerBusy(EaselError):
    code = "ledger_busy"


class LedgerTooNew(EaselError):
    code = "ledger_too_new"


class LedgerBroken(EaselError):
    code = "ledger_broken"


class ConfigError(EaselError):
    code = "config_error"


def retold(code: str | None, message: str) -> EaselError:
    """An error as the ledger keeps it, by its code and sentence; what it was made of is not known any more."""
    kind = next((kind for kind in EaselError.__subclasses__() if kind.code == code), GenerationFailed)
    error = kind.__new__(kind)
    EaselError.__init__(error, message)  # their own would write the sentence anew
    return error
