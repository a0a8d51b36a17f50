"""Everything there is, by id."""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Iterator

from tests.wire.shown import Attachment, Invocation, Message
from tests.wire.state import DISCORD_EPOCH_MS, DM, DM_APP_PERMISSIONS, JSON, Changes, Channel, Clock, Guild, User


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
        self.by_token: dict[str, Invocation] = {}
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
        folder = "ephemeral-attachments" if ephemeral else "attachments"
        url = f"https://cdn.discordapp.com/{folder}/{channel.id}/{number}/{clean}?ex=7fffffff&is=0&hm=0"
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
