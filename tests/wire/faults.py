"""What can go wrong on the wire, on demand: rules that hit the next requests on a route.

discord.faults.next("POST /channels/*/messages", Drop(after=True))          # an ambiguous send
discord.faults.next("* /webhooks/*", RateLimited(0.2, "shared"), times=3)
discord.faults.next("PATCH /webhooks/*/messages/@original", Status(503), times=5)
"""

from __future__ import annotations

import asyncio
import fnmatch
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from aiohttp import web

from tests.wire.messages import answer

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Fault:
    """What happens instead of, or around, an answer."""

    async def strike(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        raise NotImplementedError


@dataclass(frozen=True)
class Status(Fault):
    """An answer of Discord's edge: 500, 502, 503, 504 and the like, or an API error with a code. Nothing is applied."""

    status: int
    code: int = 0
    message: str = ""

    async def strike(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        body = {"message": self.message or f"{self.status}: injected", "code": self.code}
        return answer(body, self.status)


@dataclass(frozen=True)
class RateLimited(Fault):
    """429 with its three scopes: this bot on this route, everything of this bot, or the resource for everyone."""

    retry_after: float = 0.05
    scope: Literal["user", "global", "shared"] = "user"

    async def strike(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        everywhere = self.scope == "global"
        headers = {
            "Via": "1.1 google",
            "Retry-After": str(max(1, round(self.retry_after))),
            "X-RateLimit-Scope": self.scope,
        }
        if everywhere:
            headers["X-RateLimit-Global"] = "true"
        body = {"message": "You are being rate limited.", "retry_after": self.retry_after, "global": everywhere}
        return answer(body, 429, headers)


@dataclass(frozen=True)
class Drop(Fault):
    """The connection breaks: before anything is applied, or after it was, so that the sender cannot know."""

    after: bool = False

    async def strike(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self.after:
            await handler(request)
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)


@dataclass(frozen=True)
class Delay(Fault):
    """The answer comes late; what was asked is applied at once (`first=False`) or after the wait."""

    seconds: float
    first: bool = True

    async def strike(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self.first:
            await request.read()  # it has arrived: whoever stops waiting for the answer does not take it back
            await asyncio.sleep(self.seconds)
            return await handler(request)
        response = await handler(request)
        await asyncio.sleep(self.seconds)
        return response


@dataclass(frozen=True)
class Call(Fault):
    """Calls something of the test's before or after the request is applied, then breaks the connection.

    For killing the bot at exactly this point.
    """

    action: Callable[[], object]
    after: bool = False

    async def strike(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self.after:
            await handler(request)
        else:
            await request.read()
        self.action()
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)


@dataclass
class Rule:
    route: str
    fault: Fault
    left: int
    where: Callable[[web.Request], bool] | None = None
    hits: int = 0


@dataclass
class Faults:
    """The rules, oldest first. A rule is used up after `times` hits."""

    rules: list[Rule] = field(default_factory=list)

    def next(
        self, route: str, fault: Fault, *, times: int = 1, where: Callable[[web.Request], bool] | None = None
    ) -> Rule:
        """`route` is "METHOD /path" with `*` for anything, without the base: "PATCH /channels/*/messages/*"."""
        rule = Rule(route, fault, times, where)
        self.rules.append(rule)
        return rule

    def clear(self) -> None:
        self.rules.clear()

    def take(self, route: str, request: web.Request) -> Fault | None:
        for rule in self.rules:
            fits = rule.left > 0 and fnmatch.fnmatchcase(route, rule.route)
            if fits and (rule.where is None or rule.where(request)):
                rule.left -= 1
                rule.hits += 1
                return rule.fault
        return None
