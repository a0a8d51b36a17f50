"""What people see: messages with their files, and the interactions they answer."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from PIL import Image, UnidentifiedImageError

from tests.wire.state import (
    ANSWER_DEADLINE_S,
    COMPONENTS_V2,
    EPHEMERAL,
    JSON,
    LOADING,
    Changes,
    Channel,
    Person,
    User,
    iso,
)


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
