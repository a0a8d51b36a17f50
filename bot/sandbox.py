"""The real bot, with all its commands, in a simulated Discord that a browser shows. Needs no token and no network.

The world is made at a fixed simulated moment, so that its people and servers have the same ids at every start and
find their history and settings again. Its pictures and its ledger are kept apart from the real bot's.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import discord
import simcord
import structlog
from simcord.preview import Preview

from bot import simulated
from bot.client import EaselBot
from bot.config import Config
from bot.texts import Texts
from engine.errors import ConfigError

log = structlog.get_logger(__name__)

LOOK_S = 0.4
"""How often a look is taken whether something new is to be shown."""

SETTLE_S = 20.0
"""How long the simulated Discord waits for the bot's answer to a click, on a machine that is busy painting."""

DRAIN_S = 2.0
"""How long running jobs may take to finish at the end: their messages end with the world they are in."""

WELCOME = """\
# Welcome to Easel's sandbox
This is the real bot in a simulated Discord on your machine. Nothing leaves it.
- Type `/imagine` below, choose the command, and write what you would like to see: `a red apple on a white table`. \
Add `style` or `count` if you like.
- Under a picture: **Reroll** paints it with another seed, **Edit** changes the words, **More** tells all about it.
- `/history` finds what you painted, `/me` keeps your own defaults and your data, and `/help` says what else there is.
- You are Ada, an admin: `/settings` decides who may paint where and in which styles, `/model` which model paints, \
`/limits` how much. Be Ben above, a plain member, and try the same.
- The others above read the bot in their own languages.

The model here is `tiny`: it came with the program, paints in seconds without a GPU, and draws simple things simply."""


@dataclass(frozen=True)
class World:
    """The simulated server, its one channel, and the people to be."""

    env: simcord.Env
    channel: simcord.ChannelHandle
    admin: simcord.MemberActor
    member: simcord.MemberActor
    readers: tuple[simcord.MemberActor, ...] = ()
    """One member for each language of the catalogue besides English."""

    @property
    def people(self) -> list[simcord.MemberActor]:
        return [self.admin, self.member, *self.readers]


@contextlib.asynccontextmanager
async def world(bot: EaselBot) -> AsyncIterator[World]:
    """Signs the bot in to a Discord of its own."""
    simulated.check()
    env = simcord.Env(bot, check_errors=False, settle_timeout=SETTLE_S)
    env.backend.bot_user.name = "Easel"
    owner = env.create_user("ada", global_name="Ada (admin)")
    person = env.create_user("ben", global_name="Ben (member)")
    guild = env.create_guild("Easel's sandbox", owner=owner)
    admins = guild.create_role("Admin", permissions=discord.Permissions(administrator=True))
    channel = guild.create_text_channel("pictures", topic="Type /imagine and say what you would like to see")
    admin, member = guild.add_member(owner, roles=[admins]), guild.add_member(person)
    # Last of all, since ids are counted: a language that is added must not make Ada and Ben somebody else.
    texts = Texts()
    speakers = {tag: texts.speaker(tag)("language") for tag in texts.languages if tag != "en"}
    readers = {tag: guild.add_member(env.create_user(name, global_name=name)) for tag, name in speakers.items()}
    simulated.tell_time(env)
    simulated.give_languages(env, {reader.id: tag for tag, reader in readers.items()})
    await env.start()
    simulated.leave_errors_to(bot)
    try:
        yield World(env, channel, admin, member, tuple(readers.values()))
    finally:
        await env.shutdown()


async def run(
    config: Config, stop: asyncio.Event, opened: Callable[[Config], AbstractAsyncContextManager[EaselBot]]
) -> None:
    """Serves the sandbox until `stop` is set or its page's "End preview session" is pressed."""
    storage = config.storage.model_copy(update={"data_dir": config.storage.data_dir / "sandbox"})
    config = config.model_copy(
        update={
            "storage": storage,
            "default_model": "tiny",
            "drain_s": min(config.drain_s, DRAIN_S),
            "discord": config.discord.model_copy(update={"shards": 1}),
        }
    )
    turn = asyncio.Lock()
    async with opened(config) as bot, world(bot) as place, bot.outbox:
        await welcome(bot, place)
        try:
            preview = place.env.preview(place.channel, viewers=place.people, layout="channel", port=config.sandbox.port)
            simulated.accept_late_clicks(preview, turn)
            simulated.lose_no_press()
            async with preview:
                announce(preview.url)
                showing = asyncio.create_task(keep_showing(place, preview, turn), name="show news")
                ends = {showing, asyncio.create_task(preview.wait_closed()), asyncio.create_task(stop.wait())}
                done, rest = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                for task in rest:
                    task.cancel()
                await asyncio.gather(*rest, return_exceptions=True)
                for task in done:
                    task.result()
        except simcord.SetupError as error:
            raise ConfigError(f"The sandbox cannot open: {error}. Choose another `port` under [sandbox].") from None


async def welcome(bot: EaselBot, place: World) -> None:
    channel = bot.get_channel(place.channel.id)
    assert isinstance(channel, discord.TextChannel)
    await channel.send(WELCOME)


def announce(url: str) -> None:
    port = url.partition("127.0.0.1:")[2].partition("/")[0]
    lines = ["", "  Easel's sandbox is open. Go to this address in a browser on this machine:", "", f"    {url}", ""]
    if "SSH_CONNECTION" in os.environ:
        lines += [
            "  You are here over SSH: forward the port first, from your own machine, with",
            f"    ssh -L {port}:127.0.0.1:{port} {os.environ.get('USER', 'you')}@this-machine",
            "",
        ]
    print("\n".join([*lines, "  Ctrl-C ends it.", ""]), flush=True)  # noqa: T201


async def keep_showing(place: World, preview: Preview, turn: asyncio.Lock) -> None:
    """Puts on the page whatever the bot did since the last look, and keeps memory and clock in order."""
    seen = None
    while True:
        await asyncio.sleep(LOOK_S)
        async with turn:
            simulated.tell_time(place.env)
            newest = simulated.newest_request(place.env)
            if newest is seen:
                continue
            try:
                await preview.refresh()
            except TimeoutError as error:
                log.warning("the page is shown late", error=str(error))
                continue
            seen = newest
            simulated.forget(place.env)
