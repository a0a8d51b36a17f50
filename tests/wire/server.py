"""WireDiscord: a whole Discord on a local port, for the unmodified discord.py, and the people who use it.

async with WireDiscord() as discord:
    guild = discord.add_guild("Fox den")
    ada = guild_member = discord.add_member(guild, "Ada")
    shown = await discord.slash(ada, discord.channel(guild), "imagine", prompt="a fox")
    picture = await shown.result()
    discord.judge.assert_clean()
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import discord as dpy
import yarl
from aiohttp import web

from tests.wire.commands import NotOffered, Upload
from tests.wire.faults import Faults
from tests.wire.gateway import Gateway
from tests.wire.interactions import Interactions
from tests.wire.judge import Judge
from tests.wire.messages import delete_message
from tests.wire.people import People
from tests.wire.rest import BASE, Rest
from tests.wire.shown import Message, walk
from tests.wire.state import (
    GROUP_DM,
    JSON,
    PLAIN_PERMISSIONS,
    PUBLIC_THREAD,
    TEXT,
    Channel,
    Guild,
    Member,
    Person,
    Role,
    User,
)
from tests.wire.world import World

TOKEN = "a-token-of-the-wire-level-discord"


class WireDiscord(People):
    """`port` 0 picks a free one. `shards` is what /gateway/bot recommends."""

    def __init__(self, *, port: int = 0, shards: int = 1, token: str = TOKEN) -> None:
        self.token = token
        self.world = World()
        self.clock = self.world.clock
        self.judge = Judge(self.world)
        self.faults = Faults()
        self.interactions = Interactions(self.world)
        self.gateway = Gateway(self.world, self.judge, token=token, url=lambda: self.gateway_url)
        self._rest = Rest(
            self.world,
            self.judge,
            self.faults,
            self.interactions,
            token=token,
            shards=shards,
            emit=self.gateway.emit,
            gateway_url=lambda: self.gateway_url,
        )
        self._port = port
        self._runner: web.AppRunner | None = None
        self._deadlines: set[asyncio.TimerHandle] = set()

    async def __aenter__(self) -> Self:
        app = self._rest.application()
        app.router.add_get("/gateway/", self.gateway.connect)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        for handle in self._deadlines:
            handle.cancel()
        for socket in list(self.gateway.sockets):
            await socket.ws.close(code=1001)
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def api(self) -> str:
        return self.url + BASE

    @property
    def gateway_url(self) -> str:
        return f"ws://127.0.0.1:{self._port}/gateway/"

    @property
    def bot(self) -> User:
        return self.world.bot

    @contextmanager
    def patched(self) -> Iterator[None]:
        """Points the discord.py of this process here for a while."""
        with pointed_at(self.url):
            yield

    async def ready(self, timeout: float = 20) -> None:
        """Waits until the bot has identified every shard."""
        await self.world.changes.until(lambda: self.gateway.ready, timeout, "the bot to log in")

    async def synced(self, *names: str, timeout: float = 20) -> None:
        """Waits until commands with these names are synced."""

        def probe() -> bool:
            return {command["name"] for command in self.world.commands[None]} >= set(names)

        await self.world.changes.until(probe, timeout, f"the commands {names}")

    # The world.

    def add_user(self, name: str, *, locale: str = "en-US", installed: bool = False) -> User:
        """Somebody outside all servers; `installed`: has installed the application for themselves."""
        return self.world.add_user(name, locale=locale, installed=installed)

    def add_guild(
        self,
        name: str = "A server",
        *,
        locale: str = "en-US",
        owner: User | None = None,
        has_bot: bool = True,
        tier: int = 0,
    ) -> Guild:
        """A server with one text channel, `general`. Made before the bot logs in, or announced with `join`."""
        owner = owner or self.world.owner
        guild = Guild(self.world.snowflake(), name, owner, self.clock.now(), locale, tier, has_bot)
        guild.roles[guild.id] = Role(guild.id, "@everyone", PLAIN_PERMISSIONS, 0)
        guild.members[owner.id] = Member(owner, guild)
        if has_bot:
            role = self.add_role(guild, self.bot.name, permissions=PLAIN_PERMISSIONS)
            guild.members[self.bot.id] = Member(self.bot, guild, [role])
        self.world.guilds[guild.id] = guild
        self.add_channel(guild, "general")
        return guild

    def add_role(self, guild: Guild, name: str, *, permissions: int = 0) -> Role:
        role = Role(self.world.snowflake(), name, permissions, len(guild.roles))
        guild.roles[role.id] = role
        return role

    def add_channel(self, guild: Guild, name: str, *, nsfw: bool = False) -> Channel:
        channel = Channel(self.world.snowflake(), name, TEXT, guild, nsfw=nsfw)
        guild.channels[channel.id] = self.world.channels[channel.id] = channel
        return channel

    def add_thread(self, parent: Channel, name: str) -> Channel:
        assert parent.guild is not None
        thread = Channel(self.world.snowflake(), name, PUBLIC_THREAD, parent.guild, parent, nsfw=parent.nsfw)
        parent.guild.channels[thread.id] = self.world.channels[thread.id] = thread
        return thread

    def add_group(self, *people: User) -> Channel:
        """A group DM, where only people's own installs reach."""
        channel = Channel(self.world.snowflake(), "a group", GROUP_DM, recipients=list(people))
        self.world.channels[channel.id] = channel
        return channel

    def add_member(
        self, guild: Guild, who: str | User, *, roles: Sequence[Role] = (), locale: str = "en-US", **permissions: bool
    ) -> Member:
        """`add_member(guild, "Mo", manage_guild=True)` gives a role of its own with those permissions."""
        user = self.world.add_user(who, locale=locale) if isinstance(who, str) else who
        held = list(roles)
        if permissions:
            held.append(self.add_role(guild, f"of {user.name}", permissions=dpy.Permissions(**permissions).value))
        member = Member(user, guild, held)
        guild.members[user.id] = member
        return member

    def channel(self, guild: Guild, name: str = "general") -> Channel:
        return next(channel for channel in guild.channels.values() if channel.name == name)

    def dm(self, person: Person) -> Channel:
        return self.world.dm_with(person.user)

    async def announce(self, guild: Guild) -> None:
        """The bot joins a server, or hears of it again."""
        guild.has_bot = True
        if self.bot.id not in guild.members:
            role = self.add_role(guild, self.bot.name, permissions=PLAIN_PERMISSIONS)
            guild.members[self.bot.id] = Member(self.bot, guild, [role])
        await self._tell(guild, "GUILD_CREATE", guild.json(self.bot))

    async def remove_bot(self, guild: Guild) -> None:
        await self._tell(guild, "GUILD_DELETE", {"id": str(guild.id)})
        guild.has_bot = False
        del guild.members[self.bot.id]

    async def close_to_bot(self, channel: Channel, **permissions: bool) -> None:
        """Takes permissions from the bot (all of `view_channel` if none are named), and tells it."""
        channel.forbid(self.bot, **(permissions or {"view_channel": True}))
        assert channel.guild is not None
        await self._tell(channel.guild, "CHANNEL_UPDATE", channel.json())

    async def _tell(self, guild: Guild, event: str, body: JSON) -> None:
        if session := self.gateway.session_for(next(iter(guild.channels.values()))):
            await session.dispatch(event, body)

    def remove(self, message: Message | None) -> None:
        """A moderator deletes a message."""
        assert message is not None
        delete_message(self.world, message)

    async def say(self, person: Person, channel: Channel, content: str) -> Message:
        """An ordinary message of a person; the bot hears of it if its intents ask for that."""
        message = Message(self.world.snowflake(), channel, person.user, self.clock.now(), content=content)
        channel.messages[message.id] = message
        await self.gateway.emit("MESSAGE_CREATE", message.json(), channel)
        self.world.changes.notify()
        return message


@contextmanager
def pointed_at(url: str) -> Iterator[None]:
    """Points the discord.py of this process to a WireDiscord at `url`: API, gateway and CDN."""
    from discord.gateway import DiscordWebSocket
    from discord.http import HTTPClient, Route

    before = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY, HTTPClient.get_from_cdn
    download: Callable[[HTTPClient, str], Awaitable[bytes]] = HTTPClient.get_from_cdn

    async def get_from_here(client: HTTPClient, address: str) -> bytes:
        for host in ("https://cdn.discordapp.com", "https://media.discordapp.net"):
            address = address.replace(host, url)
        return await download(client, address)

    Route.BASE = url + BASE
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(url.replace("http", "ws", 1) + "/gateway/")
    HTTPClient.get_from_cdn = get_from_here  # type: ignore
    try:
        yield
    finally:
        Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = before[:2]
        HTTPClient.get_from_cdn = before[2]  # type: ignore[method-assign]


__all__ = ["TOKEN", "NotOffered", "Upload", "WireDiscord", "pointed_at", "walk"]
