"""The world as Discord keeps it: people, servers, channels, messages, interactions; and how each looks as JSON.

Ids are snowflakes made from the clock of this world, which tests can move. Times are seconds since 1970.
"""

from __future__ import annotations

import asyncio
import io
import itertools
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import discord
from PIL import Image, UnidentifiedImageError

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


@dataclass(eq=False)
class Attachment:
    id: int
    filename: str
    data: bytes
    url: str
    description: str | None = None
    ephemeral: bool = False

    @property
    def spoiler(self) -> bool:
        return self.filename.startswith("SPOILER_")

    def size(self) -> tuple[int, int] | None:
        """Width and height of a picture, None for anything else. Only the header is read."""
        try:
            with Image.open(io.BytesIO(self.data)) as picture:
                return picture.size
        except UnidentifiedImageError:
            return None

    @property
    def content_type(self) -> str:
        kinds = {
            "png": "image/png",
            "webp": "image/webp",
            "jpg": "image/jpeg",
            "jpeg": "image/jpeg",
            "gif": "image/gif",
        }
        return kinds.get(self.filename.rpartition(".")[2].lower(), "application/octet-stream")

    def json(self) -> JSON:
        body: JSON = {
            "id": str(self.id),
            "filename": self.filename,
            "size": len(self.data),
            "url": self.url,
            "proxy_url": self.url.replace("cdn.discordapp.com", "media.discordapp.net"),
            "content_type": self.content_type,
            "ephemeral": self.ephemeral,
        }
        if self.description is not None:
            body["description"] = self.description
        if (size := self.size()) is not None:
            body["width"], body["height"] = size
        return body

    def media(self) -> JSON:
        """As an unfurled media item inside a component."""
        body = self.json()
        kept = {key: body[key] for key in ("url", "proxy_url", "content_type", "width", "height") if key in body}
        return kept | {"attachment_id": str(self.id), "loading_state": 2, "flags": 0}


def walk(components: Iterable[JSON]) -> Iterator[JSON]:
    """Every component, the nested ones too, in the order of reading."""
    for component in components:
        yield component
        yield from walk(component.get("components") or ())
        for key in ("accessory", "component"):
            if key in component:
                yield from walk([component[key]])


@dataclass(eq=False)
class Message:
    """One message as it is now. `history` keeps how it looked before each edit."""

    id: int
    channel: Channel
    author: User
    created: float
    content: str = ""
    embeds: list[JSON] = field(default_factory=list)
    components: list[JSON] = field(default_factory=list)
    files: list[Attachment] = field(default_factory=list)
    flags: int = 0
    nonce: str | None = None
    reply_to: Message | None = None
    edited: float | None = None
    deleted: bool = False
    invocation: Invocation | None = None
    """The interaction whose answer this is."""
    only_for: User | None = None
    """Whom an ephemeral message is shown to."""
    pings: list[str] = field(default_factory=list)
    history: list[Seen] = field(default_factory=list)

    @property
    def ephemeral(self) -> bool:
        return bool(self.flags & EPHEMERAL)

    @property
    def loading(self) -> bool:
        """Still "thinking": deferred, and not filled in."""
        return bool(self.flags & LOADING)

    @property
    def is_v2(self) -> bool:
        return bool(self.flags & COMPONENTS_V2)

    @property
    def text(self) -> str:
        """All that can be read in it: content, embeds, text displays; one block a line."""
        blocks = [self.content] if self.content else []
        for embed in self.embeds:
            blocks += [embed[key] for key in ("title", "description") if embed.get(key)]
            blocks += [f"{item['name']}: {item['value']}" for item in embed.get("fields", [])]
            blocks += [embed["footer"]["text"]] if embed.get("footer") else []
        blocks += [part["content"] for part in walk(self.components) if part["type"] == 10]
        return "\n".join(blocks)

    @property
    def buttons(self) -> list[JSON]:
        return [part for part in walk(self.components) if part["type"] == 2]

    @property
    def selects(self) -> list[JSON]:
        return [part for part in walk(self.components) if part["type"] in (3, 5, 6, 7, 8)]

    @property
    def custom_ids(self) -> list[str]:
        return [part["custom_id"] for part in walk(self.components) if "custom_id" in part]

    @property
    def gallery(self) -> list[JSON]:
        """Items of its media galleries: `media`, `description` (the alt text), `spoiler`."""
        return [item for part in walk(self.components) if part["type"] == 12 for item in part["items"]]

    def component(self, name: str) -> JSON:
        """The button or menu with this custom_id, label, emoji or placeholder."""
        for part in [*self.buttons, *self.selects]:
            names = (part.get("custom_id"), part.get("label"), part.get("placeholder"))
            if name in names or (part.get("emoji") or {}).get("name") == name:
                return part
        raise LookupError(f"there is no {name!r} on this message; it has {self.custom_ids}")

    def shown_files(self) -> list[Attachment]:
        """The files people can see: in a Components V2 message, only those that a component shows."""
        if not self.is_v2:
            return list(self.files)
        ids = self.referenced_ids()
        return [file for file in self.files if file.id in ids]

    def referenced_ids(self) -> set[int]:
        found = set()
        for part in walk(self.components):
            media = [part.get("media"), part.get("file"), *(item.get("media") for item in part.get("items", ()))]
            found |= {int(item["attachment_id"]) for item in media if item and "attachment_id" in item}
        for embed in self.embeds:
            for key in ("image", "thumbnail"):
                if "attachment_id" in embed.get(key, {}):
                    found.add(int(embed[key]["attachment_id"]))
        return found

    def visible_to(self, person: Person) -> bool:
        if self.deleted:
            return False
        if self.ephemeral:
            return self.only_for is not None and self.only_for.id == person.id
        guild = self.channel.guild
        if guild is None:
            return any(user.id == person.id for user in self.channel.recipients)
        member = guild.members.get(person.id)
        return member is not None and bool(member.permissions_in(self.channel) & 1 << 10)

    def json(self) -> JSON:
        """Files that a component or an embed shows are not repeated among the attachments, as in Discord."""
        hidden = self.referenced_ids()
        body: JSON = {
            "id": str(self.id),
            "channel_id": str(self.channel.id),
            "type": 0,
            "author": self.author.json(),
            "content": self.content,
            "timestamp": iso(self.created),
            "edited_timestamp": self.edited and iso(self.edited),
            "tts": False,
            "mention_everyone": "everyone" in self.pings,
            "mentions": [],
            "mention_roles": [],
            "attachments": [file.json() for file in self.files if file.id not in hidden],
            "embeds": self.embeds,
            "components": self.components,
            "pinned": False,
            "flags": self.flags,
        }
        if self.channel.guild is not None:
            body["guild_id"] = str(self.channel.guild.id)
        if self.nonce is not None:
            body["nonce"] = self.nonce
        if self.reply_to is not None:
            body["type"] = 19
            reference = {"message_id": str(self.reply_to.id), "channel_id": str(self.channel.id), "type": 0}
            body["message_reference"] = reference
        if self.invocation is not None:
            body |= {
                "type": 20 if self.invocation.kind == 2 else 19,
                "application_id": str(self.author.id),
                "webhook_id": str(self.author.id),
                "interaction_metadata": self.invocation.metadata(),
            }
        return body


@dataclass(frozen=True)
class Seen:
    """How a message looked for a while."""

    at: float
    text: str
    files: tuple[str, ...]
    loading: bool


@dataclass(eq=False)
class Invocation:
    """One interaction: what a person did, and everything the bot answered."""

    id: int
    token: str
    kind: int
    """2 command, 3 component, 4 autocomplete, 5 modal."""
    person: User
    channel: Channel
    created: float
    name: str
    changes: Changes
    pressed_on: Message | None = None
    triggered_by: Invocation | None = None
    owners: Mapping[str, str] = field(default_factory=dict)
    sent_at: float | None = None
    """Monotonic; None while no gateway session could take it."""
    answered_at: float | None = None
    answer: int | None = None
    """The type of the callback: 4 message, 5 deferred, 6 deferred update, 7 update, 8 choices, 9 modal."""
    original: Message | None = None
    followups: list[Message] = field(default_factory=list)
    modal: JSON | None = None
    choices: list[JSON] | None = None
    failed: str | None = None
    """What the person saw when no answer was accepted in time."""

    @property
    def latency(self) -> float | None:
        """Seconds from the gateway to the accepted answer."""
        if self.sent_at is None or self.answered_at is None:
            return None
        return self.answered_at - self.sent_at

    @property
    def ephemeral(self) -> bool:
        return self.original is not None and self.original.ephemeral

    async def answered(self, timeout: float = ANSWER_DEADLINE_S + 2) -> Invocation:
        """Waits for the first accepted answer."""
        await self.changes.until(lambda: self.answer, timeout, f"an answer to {self.name}")
        return self

    async def shows(self, probe: Callable[[Message], object], timeout: float = 10) -> Message:
        """The answer's message once `probe` holds for it (deferred ones change as they are filled in)."""

        def look() -> Message | None:
            found = [m for m in (self.original, *self.followups) if m and not m.deleted and not m.loading and probe(m)]
            return found[0] if found else None

        message = await self.changes.until(look, timeout, f"{self.name} to show what was expected")
        assert message is not None
        return message

    async def message(self, timeout: float = 10) -> Message:
        """The answer's message, once it is more than "thinking"."""
        return await self.shows(lambda _: True, timeout)

    async def result(self, timeout: float = 30) -> Message:
        """The answer's message once it shows files."""
        return await self.shows(lambda message: message.shown_files(), timeout)

    def metadata(self) -> JSON:
        body: JSON = {
            "id": str(self.id),
            "type": self.kind,
            "user": self.person.json(),
            "authorizing_integration_owners": dict(self.owners),
        }
        if self.kind == 3 and self.pressed_on is not None:
            body["interacted_message_id"] = str(self.pressed_on.id)
        if self.kind == 5 and self.triggered_by is not None:
            body["triggering_interaction_metadata"] = self.triggered_by.metadata()
        return body


class World:
    """Everything there is."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.changes = Changes()
        self._count = itertools.count()
        self.users: dict[int, User] = {}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.invocations: dict[int, Invocation] = {}
        self.attachments: dict[int, Attachment] = {}
        self.commands: dict[int | None, list[JSON]] = {None: []}
        """Synced commands: of all servers (None), and of single ones by their id."""
        self.owner = self.add_user("Olive")
        self.bot = self.add_user("Easel", bot=True)

    def snowflake(self, at: float | None = None) -> int:
        moment = int((self.clock.now() if at is None else at) * 1000) - DISCORD_EPOCH_MS
        return (moment << 22) | (next(self._count) & 0x3FFFFF)

    def new_token(self) -> str:
        return "interaction-" + secrets.token_urlsafe(96)

    def add_user(self, name: str, *, locale: str = "en-US", bot: bool = False, installed: bool = False) -> User:
        user = User(self.snowflake(), name, locale, bot, installed=installed)
        self.users[user.id] = user
        return user

    def dm_with(self, user: User) -> Channel:
        for channel in self.channels.values():
            if channel.kind == DM and channel.recipients == [user]:
                return channel
        channel = Channel(self.snowflake(), f"DM with {user.name}", DM, recipients=[user])
        self.channels[channel.id] = channel
        return channel

    def keep_file(
        self, channel: Channel, filename: str, data: bytes, *, description: str | None = None, ephemeral: bool = False
    ) -> Attachment:
        number = self.snowflake()
        clean = re.sub(r"[^A-Za-z0-9._-]", "_", filename) or "unknown"
        url = f"https://cdn.discordapp.com/attachments/{channel.id}/{number}/{clean}?ex=7fffffff&is=0&hm=0"
        file = Attachment(number, clean, data, url, description, ephemeral)
        self.attachments[number] = file
        return file

    def bot_permissions(self, channel: Channel) -> int | None:
        """What the bot may do there; None where it is not a member and so has no access at all."""
        if channel.kind == DM:
            return DM_APP_PERMISSIONS
        if channel.guild is None or not channel.guild.has_bot:
            return None
        return channel.guild.members[self.bot.id].permissions_in(channel)

    def messages(self) -> Iterator[Message]:
        for channel in self.channels.values():
            yield from channel.messages.values()
