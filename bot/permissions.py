"""Who may do what. Pure: decides from values, asks nobody.

A custom id and a command's visibility are only input: every press and every call comes through here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from engine.errors import EaselError
from engine.types import Generation, Limit

LimitKind = Literal["waiting", "images_a_day"]
LimitScope = Literal["person", "role", "guild", "each"]

Press = Literal["owner", "moderators", "anyone"]
"""Who may make more from a picture: who asked for it, the moderators of its server too, or everybody there."""


class Refused(EaselError):
    """The bot says no, in the words of the catalogue's `key`. The values are shown as they are."""

    code = "refused"

    def __init__(self, key: str, **values: Any) -> None:
        super().__init__(key, **values)
        self.key, self.values = key, values


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who acts, with the rights they hold in the channel where they act."""

    id: str
    guild_id: str | None = None
    role_ids: frozenset[str] = frozenset()
    manage_messages: bool = False
    manage_guild: bool = False


def require_press(person: Person, generation: Generation, press: Press = "moderators") -> None:
    """Whoever asked for a picture may press its buttons; what others may do, their server decides.

    Delete and Cancel are not for `anyone` to hand out: call it without `press` for those.
    """
    if person.id == generation.origin.person_id:
        return
    here = person.guild_id is not None and person.guild_id == generation.origin.guild_id
    trusted = press == "anyone" or (press == "moderators" and person.manage_messages)
    if not (here and trusted and not generation.origin.private):
        raise Refused("error-only-owner" if press == "owner" else "error-not-yours")


def require_look(person: Person, generation: Generation, *, sees: bool = True) -> None:
    """Whoever sees a picture may keep it, send it to themselves and read what made it; a private one is its owner's.

    `sees`: whether this person may read the channel that it was asked for in; a message in front of them says so.
    """
    if person.id != generation.origin.person_id and (generation.origin.private or not sees):
        raise Refused("error-gone")


def require_place(
    person: Person, places: Collection[str], *, channels: Collection[str] = (), roles: Collection[str] = ()
) -> None:
    """Where a server keeps pictures to some channels, and asking to some roles; empty means no such rule.

    `places` are the ids of the channel, of the one that a thread hangs on, and of their category. Who manages the
    server needs no role.
    """
    if person.guild_id is None:
        return
    if channels and not set(channels) & set(places):
        raise Refused("error-not-here", channels=", ".join(f"<#{id}>" for id in channels))
    if roles and not person.manage_guild and not set(roles) & person.role_ids:
        raise Refused("error-not-role", roles=", ".join(f"<@&{id}>" for id in roles))


def require_history_of(person: Person, other_id: str | None) -> None:
    """One's own history is open to everybody; others' to the moderators of the server, for its pictures."""
    if other_id in (None, person.id):
        return
    if person.guild_id is None or not person.manage_messages:
        raise Refused("error-not-moderator")


def require_manager(person: Person) -> str:
    """The server that this person may manage."""
    if person.guild_id is None:
        raise Refused("error-only-in-server")
    if not person.manage_guild:
        raise Refused("error-not-manager")
    return person.guild_id


@dataclass(frozen=True, slots=True)
class LimitRule:
    """A limit as an admin set it. `each` binds every person of the server, `guild` all of them together.

    `subject` is the person's or role's id, empty for the other two.
    """

    scope: LimitScope
    subject: str
    kind: LimitKind
    maximum: int


def limits_for(person: Person, rules: Iterable[LimitRule]) -> list[Limit]:
    """What binds this person now.

    The nearest rule wins: their own, else the most generous of their roles', else the one for each person.
    What holds for the server together holds besides.
    """
    found: list[Limit] = []
    rules = list(rules)
    kinds: tuple[LimitKind, ...] = ("waiting", "images_a_day")
    for kind in kinds:
        own = [rule.maximum for rule in rules if (rule.kind, rule.scope, rule.subject) == (kind, "person", person.id)]
        role = [
            rule.maximum
            for rule in rules
            if rule.kind == kind and rule.scope == "role" and rule.subject in person.role_ids
        ]
        each = [rule.maximum for rule in rules if rule.kind == kind and rule.scope == "each"]
        for maxima in (own, role, each):
            if maxima:
                found.append(Limit("person", kind, max(maxima)))
                break
        found += [Limit("guild", kind, rule.maximum) for rule in rules if rule.kind == kind and rule.scope == "guild"]
    return found
