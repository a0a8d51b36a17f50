"""The world as Discord keeps it: people, servers, channels; and how each looks as JSON.

Ids are snowflakes made from the clock of this world, which tests can move. Times are seconds since 1970.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import discord

if TYPE_CHECKING:
    from tests.wire.shown import Message

DISCORD_EPOCH_MS = 1_420_070_400_000
TOKEN_LIFE_S = 15 * 60
ANSWER_DEADLINE_S = 3.0
MIB = 1024 * 1024
REQUEST_LIMIT = 25 * MIB

EPHEMERAL = 1 << 6
LOADING = 1 << 7
SUPPRESS_EMBEDS = 1 << 2
SUPPRESS_NOTIFICATIONS = 1 << 12
COMPONENTS_V2 = 1 << 15

TEXT, DM, GROUP_DM, PUBLIC_THREAD = 0, 1, 3, 11

PLAIN_PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    embed_links=True,
    attach_files=True,
    read_message_history=True,
    use_application_commands=True,
    add_reactions=True,
).value
ALL_PERMISSIONS = discord.Permissions.all().value
DM_APP_PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    attach_files=True,
    embed_links=True,
    mention_everyone=True,
    read_message_history=True,
).value

JSON = dict[str, Any]
T = TypeVar("T")


class Clock:
    """This world's time. `advance` moves it without waiting; the 3 s deadline stays in real time."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> float:
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        self._ahead += seconds


class Changes:
    """Lets tests wait until something is true, without polling."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def notify(self) -> None:
        self._event.set()
        self._event = asyncio.Event()

    async def until(self, probe: Callable[[], T], timeout: float, what: str) -> T:
        """The first true answer of `probe`, asked again at every change; TimeoutError names what was waited for."""
        try:
            async with asyncio.timeout(timeout):
                while not (found := probe()):
                    await self._event.wait()
                return found
        except TimeoutError:
            raise TimeoutError(f"waited {timeout:g} s for {what}") from None


def iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


@dataclass(eq=False)
class User:
    id: int
    name: str
    locale: str = "en-US"
    bot: bool = False
    accepts_dms: bool = True
    installed: bool = False
    """Has installed the application for themselves (a user install)."""

    @property
    def user(self) -> User:
        return self

    @property
    def mention(self) -> str:
        return f"<@{self.id}>"

    def json(self) -> JSON:
        return {
            "id": str(self.id),
            "username": self.name,
            "discriminator": "0000" if self.bot else "0",
            "global_name": None if self.bot else self.name,
            "avatar": None,
            "bot": self.bot,
            "public_flags": 0,
        }


@dataclass(eq=False)
class Role:
    id: int
    name: str
    permissions: int
    position: int

    def json(self) -> JSON:
        return {
            "id": str(self.id),
            "name": self.name,
            "permissions": str(self.permissions),
            "position": self.position,
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "managed": False,
            "mentionable": False,
            "flags": 0,
        }


@dataclass(eq=False)
class Member:
    user: User
    guild: Guild
    roles: list[Role] = field(default_factory=list)

    @property
    def id(self) -> int:
        return self.user.id

    @property
    def name(self) -> str:
        return self.user.name

    @property
    def mention(self) -> str:
        return self.user.mention

    def permissions_in(self, channel: Channel | None = None) -> int:
        """Discord's order: owner, roles, administrator, then overwrites of everyone, roles and the member."""
        if self.id == self.guild.owner.id:
            return ALL_PERMISSIONS
        held = self.guild.everyone.permissions
        for role in self.roles:
            held |= role.permissions
        if held & discord.Permissions(administrator=True).value:
            return ALL_PERMISSIONS
        if channel is None:
            return held
        overwrites = (channel.parent or channel).overwrites
        deny, allow = overwrites.get(self.guild.id, (0, 0))
        held = held & ~deny | allow
        deny = allow = 0
        for role in self.roles:
            role_deny, role_allow = overwrites.get(role.id, (0, 0))
            deny, allow = deny | role_deny, allow | role_allow
        held = held & ~deny | allow
        deny, allow = overwrites.get(self.id, (0, 0))
        return held & ~deny | allow

    def json(self, channel: Channel | None = None, *, with_user: bool = True, with_permissions: bool = False) -> JSON:
        body: JSON = {
            "roles": [str(role.id) for role in self.roles],
            "nick": None,
            "avatar": None,
            "joined_at": iso(self.guild.created),
            "premium_since": None,
            "deaf": False,
            "mute": False,
            "pending": False,
            "flags": 0,
            "communication_disabled_until": None,
        }
        if with_user:
            body["user"] = self.user.json()
        if with_permissions:
            body["permissions"] = str(self.permissions_in(channel))
        return body


Person = User | Member


@dataclass(eq=False)
class Channel:
    id: int
    name: str
    kind: int = TEXT
    guild: Guild | None = None
    parent: Channel | None = None
    nsfw: bool = False
    recipients: list[User] = field(default_factory=list)
    overwrites: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Id of a role or member -> (deny, allow)."""
    messages: dict[int, Message] = field(default_factory=dict)

    def forbid(self, who: Person | Role | Guild, **permissions: bool) -> None:
        """`channel.forbid(discord.bot, send_messages=True)`; a server means everyone in it."""
        self._overwrite(who, discord.Permissions(**permissions).value, 0)

    def allow(self, who: Person | Role | Guild, **permissions: bool) -> None:
        self._overwrite(who, 0, discord.Permissions(**permissions).value)

    def _overwrite(self, who: Person | Role | Guild, deny: int, allow: int) -> None:
        old_deny, old_allow = self.overwrites.get(who.id, (0, 0))
        self.overwrites[who.id] = (old_deny & ~allow | deny, old_allow & ~deny | allow)

    @property
    def filesize_limit(self) -> int:
        return self.guild.filesize_limit if self.guild else 10 * MIB

    def json(self, permissions: int | None = None) -> JSON:
        last = max(self.messages, default=None)
        body: JSON = {"id": str(self.id), "type": self.kind, "last_message_id": last and str(last), "flags": 0}
        if permissions is not None:
            body["permissions"] = str(permissions)
        if self.kind in (DM, GROUP_DM):
            body["recipients"] = [user.json() for user in self.recipients]
            if self.kind == GROUP_DM:
                body |= {"name": self.name, "icon": None, "owner_id": str(self.recipients[0].id)}
            return body
        assert self.guild is not None
        body |= {"guild_id": str(self.guild.id), "name": self.name, "rate_limit_per_user": 0}
        if self.kind == PUBLIC_THREAD:
            assert self.parent is not None
            return body | {
                "parent_id": str(self.parent.id),
                "owner_id": str(self.guild.owner.id),
                "message_count": len(self.messages),
                "total_message_sent": len(self.messages),
                "member_count": 1,
                "thread_metadata": {
                    "archived": False,
                    "auto_archive_duration": 1440,
                    "archive_timestamp": iso(self.guild.created),
                    "locked": False,
                },
            }
        overwrites = [
            {
                "id": str(target),
                "type": int(target in self.guild.members),
                "deny": str(deny),
                "allow": str(allow),
            }
            for target, (deny, allow) in self.overwrites.items()
        ]
        return body | {
            "position": 0,
            "parent_id": None,
            "topic": None,
            "nsfw": self.nsfw,
            "permission_overwrites": overwrites,
        }


@dataclass(eq=False)
class Guild:
    id: int
    name: str
    owner: User
    created: float
    locale: str = "en-US"
    premium_tier: int = 0
    has_bot: bool = True
    members: dict[int, Member] = field(default_factory=dict)
    roles: dict[int, Role] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)

    @property
    def everyone(self) -> Role:
        return self.roles[self.id]

    @property
    def filesize_limit(self) -> int:
        return {0: 10, 1: 10, 2: 50, 3: 100}[self.premium_tier] * MIB

    def json(self, bot: User) -> JSON:
        """As in GUILD_CREATE for a bot without the members intent: of the members, only the bot itself."""
        threads = [c for c in self.channels.values() if c.kind == PUBLIC_THREAD]
        return {
            "id": str(self.id),
            "name": self.name,
            "icon": None,
            "owner_id": str(self.owner.id),
            "region": "deprecated",
            "afk_timeout": 300,
            "verification_level": 0,
            "default_message_notifications": 1,
            "explicit_content_filter": 0,
            "roles": [role.json() for role in self.roles.values()],
            "emojis": [],
            "stickers": [],
            "features": [],
            "mfa_level": 0,
            "nsfw_level": 0,
            "premium_tier": self.premium_tier,
            "preferred_locale": self.locale,
            "system_channel_flags": 0,
            "joined_at": iso(self.created),
            "large": False,
            "unavailable": False,
            "member_count": len(self.members),
            "voice_states": [],
            "members": [m.json() for m in self.members.values() if m.user is bot],
            "channels": [c.json() for c in self.channels.values() if c.kind != PUBLIC_THREAD],
            "threads": [c.json() for c in threads],
            "presences": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
        }
