"""What is turned away at the door, and who it is that asks.

The service listens on this machine alone unless it is told otherwise. A page in a browser on this machine reaches it
all the same, which is what the rules about Host (DNS rebinding) and Origin (foreign pages) are for.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import secrets
import socket
import time
from collections.abc import Collection
from dataclasses import dataclass, field

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.errors import KeyRefused
from engine.service.keys import Key, KeyRing
from engine.service.problems import WHEN, problem
from engine.types import Generation

MAX_BODY = 64 * 1024
"""Bytes; the largest request has two prompts of 2000 characters."""

BODY_S = 10.0
"""How long a body may take to arrive."""

URL_S = 3600
"""How long the address of a picture can be used without a key."""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob: data:; "
        "form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
    ),
}

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def is_loopback(host: str) -> bool:
    """Whether who listens there is reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def own_names(host: str, further: Collection[str]) -> frozenset[str]:
    """The host names that the service answers to, besides any address in digits."""
    mine = () if is_loopback(host) else (socket.gethostname(), socket.getfqdn())
    return frozenset(name.lower() for name in (*LOOPBACK, host, *mine, *further))


def refusal(method: str, headers: Headers, names: frozenset[str]) -> int | None:
    """The status that a request is turned away with; None for one that may come in."""
    host = headers.get("host", "")
    if not _known(host, names):
        return 421
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2] != host:
        return 403
    length = headers.get("content-length", "0")
    if length.isdigit() and int(length) > MAX_BODY:
        return 413
    has_body = length != "0" or "transfer-encoding" in headers
    if has_body and headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return 415
    return None


def _known(host: str, names: frozenset[str]) -> bool:
    """A page that was rebound to this address still sends its own name, so digits are always safe."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    name = name.strip("[]").lower()
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name in names
    return True


class Gate:
    """ASGI middleware: turns away what `refusal` says, and bounds the bodies of what it lets in."""

    def __init__(self, app: ASGIApp, names: frozenset[str]) -> None:
        self._app, self._names = app, names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        status = refusal(scope["method"], Headers(scope=scope), self._names)
        if status is not None:
            await problem(status, WHEN[status], code="refused")(scope, receive, send_guarded)
        else:
            await self._app(scope, _bounded(receive), send_guarded)


def _bounded(receive: Receive) -> Receive:
    """The body within its limits; after its end a client that leaves is waited for as long as it takes."""
    arrived, whole, until = 0, False, time.monotonic() + BODY_S

    async def receive_bounded() -> Message:
        nonlocal arrived, whole
        if whole:
            return await receive()
        try:
            async with asyncio.timeout(until - time.monotonic()):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408, WHEN[408]) from None
        if message["type"] == "http.request":
            arrived += len(message.get("body", b""))
            whole = not message.get("more_body", False)
        if arrived > MAX_BODY:
            raise HTTPException(413, WHEN[413])
        return message

    return receive_bounded


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `person_id` is whom the ledger and fairness know them as."""

    name: str
    trusted: bool

    @property
    def person_id(self) -> str:
        return "local" if self is LOCAL else f"key:{self.name}"

    def ledger_key(self, key: str) -> str:
        """An idempotency key as the ledger has it: each caller has their own, and none is one of Discord's."""
        return f"http:{self.person_id}:{key}"

    def may_see(self, generation: Generation) -> bool:
        return self.trusted or generation.origin.person_id == self.person_id


LOCAL = Caller("local", trusted=True)
"""Anybody on this machine, where no key is demanded."""


@dataclass(frozen=True, slots=True)
class Doorman:
    """Knows callers by their keys, and addresses of pictures by their signatures."""

    keys: KeyRing
    demanded: bool
    """Whether a key is needed at all."""
    _secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def caller(self, secret: str | None) -> Caller:
        """Raises KeyRefused. OpenAI's clients always send some key: an unknown one is nobody's where none is needed."""
        key: Key | None = self.keys.find(secret) if secret else None
        if key is not None:
            return Caller(key.name, key.trusted)
        if self.demanded:
            raise KeyRefused(
                "This needs an API key: Authorization: Bearer easel_…. `python -m engine keys add` makes one."
            )
        return LOCAL

    def signed(self, path: str) -> str:
        """The address that shows a picture to an <img>, which cannot send a key; good for an hour."""
        if not self.demanded:
            return path
        expires = int(time.time()) + URL_S
        return f"{path}?expires={expires}&signature={self._signature(path, expires)}"

    def admits(self, path: str, expires: int | None, signature: str | None) -> bool:
        """Whether that address was made by `signed`, lately."""
        if not self.demanded:
            return True
        if expires is None or signature is None or expires < time.time():
            return False
        return hmac.compare_digest(signature.encode(), self._signature(path, expires).encode())

    def _signature(self, path: str, expires: int) -> str:
        return hmac.new(self._secret, f"{path} {expires}".encode(), hashlib.sha256).hexdigest()[:32]
