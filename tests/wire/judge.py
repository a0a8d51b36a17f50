"""The judge: what was asked, what was refused, and what each person saw. It never asks the bot."""

from __future__ import annotations

import hashlib
import math
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field

from tests.wire.errors import Refusal
from tests.wire.shown import Invocation, Message
from tests.wire.state import Channel, Person
from tests.wire.world import World


@dataclass(frozen=True)
class Call:
    """One request as it was answered."""

    at: float
    route: str
    status: int
    fault: str | None = None


@dataclass(frozen=True)
class Violation:
    """Something only a mistake in the client explains."""

    where: str
    code: int
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text}"


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that `share` of all values do not exceed; nan without values."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


def picture_key(message: Message) -> Hashable:
    """What makes two messages the same result: the bytes of the files they show."""
    return tuple(sorted(hashlib.sha256(file.data).hexdigest() for file in message.shown_files())) or None


@dataclass
class Judge:
    world: World
    calls: list[Call] = field(default_factory=list)
    refusals: list[tuple[str, Refusal]] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    gateway_log: list[str] = field(default_factory=list)
    """What the gateway went through, such as "identify 0/1", "resume 0 replayed 3", "cut 0"."""

    def record_call(self, route: str, status: int, fault: str | None = None) -> None:
        self.calls.append(Call(time.monotonic(), route, status, fault))
        self.world.changes.notify()

    def record_refusal(self, where: str, refusal: Refusal) -> None:
        self.refusals.append((where, refusal))
        if refusal.violation:
            self.violations.append(Violation(where, refusal.code, str(refusal)))

    def assert_clean(self, *, besides: Iterable[int] = ()) -> None:
        """No violations, besides those with the codes a test provoked."""
        allowed = set(besides)
        found = [str(violation) for violation in self.violations if violation.code not in allowed]
        assert not found, "the client broke Discord's rules:\n" + "\n".join(found)

    def messages(self, channel: Channel, *, seen_by: Person | None = None) -> list[Message]:
        """What stands in a channel now, oldest first; with `seen_by`, only what that person can see."""
        return [
            message
            for message in sorted(channel.messages.values(), key=lambda message: message.id)
            if not message.deleted and (seen_by is None or message.visible_to(seen_by))
        ]

    def shown_to(self, person: Person) -> list[Message]:
        """Everything a person can see anywhere, oldest first."""
        return sorted((m for m in self.world.messages() if m.visible_to(person)), key=lambda message: message.id)

    def visible(self, where: Callable[[Message], object] = lambda _: True) -> list[Message]:
        """Every message of the bot that stands somewhere now and is more than "thinking"."""
        return [m for m in self.world.messages() if m.author.bot and not m.deleted and not m.loading and where(m)]

    def results(self, name: str = "") -> list[Message]:
        """Messages that show files; with a name, those that name it in a custom id, a file name or their text."""
        return [
            message
            for message in self.visible(lambda message: message.shown_files())
            if any(name in text for text in (*message.custom_ids, message.text, *(f.filename for f in message.files)))
        ]

    def of_nonce(self, nonce: str) -> list[Message]:
        return self.visible(lambda message: message.nonce == nonce)

    def of(self, invocation: Invocation) -> list[Message]:
        """Everything that still stands in answer to an interaction."""
        answers = [invocation.original, *invocation.followups]
        return [message for message in answers if message is not None and not message.deleted]

    def duplicates(self, key: Callable[[Message], Hashable] = picture_key) -> list[list[Message]]:
        """Groups of visible messages that show the same result; None as a key means "not a result"."""
        groups: defaultdict[Hashable, list[Message]] = defaultdict(list)
        for message in self.visible():
            if (name := key(message)) is not None:
                groups[name].append(message)
        return [group for group in groups.values() if len(group) > 1]

    def left_thinking(self) -> list[Message]:
        return [m for m in self.world.messages() if m.loading and not m.deleted]

    def latencies(self, name: str | None = None) -> list[float]:
        """Seconds from gateway to accepted first answer, for every interaction (of that name)."""
        found = (i.latency for i in self.world.invocations.values() if name is None or i.name == name)
        return [latency for latency in found if latency is not None]

    def p99(self, name: str | None = None) -> float:
        return percentile(self.latencies(name), 0.99)

    def pings(self) -> list[tuple[Message, str]]:
        """Every mention that really notified somebody."""
        return [(message, ping) for message in self.world.messages() for ping in message.pings]

    def count(self, route: str, status: int | None = None) -> int:
        """How many requests began with `route` ("PATCH /webhooks/"), answered with that status."""
        return sum(call.route.startswith(route) and status in (None, call.status) for call in self.calls)

    @property
    def busiest_second(self) -> int:
        """The most requests within any one second; Discord's global limit is 50."""
        times = [call.at for call in self.calls]
        first = most = 0
        for last, at in enumerate(times):
            while times[first] < at - 1:
                first += 1
            most = max(most, last - first + 1)
        return most

    @property
    def invalid_requests(self) -> int:
        """What counts towards Discord's ban of 10,000 in 10 minutes: 401, 403 and 429, without shared limits."""
        return sum(call.status in (401, 403, 429) and call.fault != "shared" for call in self.calls)
