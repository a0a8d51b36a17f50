"""The discord.py client: what it listens to, its commands, and the one place where errors become words."""

from __future__ import annotations

import asyncio
import secrets
import urllib.request
from typing import TYPE_CHECKING, Any, Literal

import aiohttp
import discord
import structlog
from aiohttp_socks import ProxyConnector
from discord import app_commands

from bot import (
    context_menus,
    help,
    history,
    imagine,
    me,
    messages,
    models,
    queue,
    results,
    settings,
    show,
    style_editor,
)
from bot.cdn import Cdn
from bot.delivery import Outbox
from bot.interactions import Interaction, person
from bot.notices import Notices
from bot.pacing import PROGRESS_INTERVAL_S
from bot.permissions import limits_for
from bot.store import Store
from bot.texts import Say, Texts, Translations
from engine.catalog import Catalog
from engine.dispatch import Dispatcher
from engine.errors import EaselError
from engine.ledger import Ledger
from engine.types import Engine, Limit

if TYPE_CHECKING:
    from bot.config import Config

log = structlog.get_logger(__name__)

EXPIRED = {10062, 10015, 50027}
"""Discord's codes for an interaction that nobody can answer any more."""


class CommandTree(app_commands.CommandTree["EaselBot"]):
    async def on_error(self, interaction: Interaction, error: app_commands.AppCommandError, /) -> None:
        cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        await interaction.client.report(interaction, cause)


class EaselBot(discord.Client):
    """Knows every room's resources, which live longer than it does. Open it with `async with bot, bot.outbox`."""

    def __init__(
        self,
        config: Config,
        catalog: Catalog,
        dispatcher: Dispatcher,
        store: Store,
        engine: Engine,
        ledger: Ledger,
        *,
        progress_interval: float = PROGRESS_INTERVAL_S,
        cdn: Cdn | None = None,
    ) -> None:
        super().__init__(
            intents=discord.Intents(guilds=True),
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            **sharding(config.discord.shards),
            **connection(config.discord.proxy),
        )
        self.config, self.catalog, self.dispatcher = config, catalog, dispatcher
        self.store, self.engine, self.ledger = store, engine, ledger
        self.cdn = cdn or Cdn(lambda: connection(config.discord.proxy))
        self.texts = Texts()
        self.tree = CommandTree(
            self,
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
        )
        for room in (imagine, history, show, models, queue, settings, me, help, context_menus):
            for command in room.COMMANDS:
                self.tree.add_command(command)
        for controls in (results, show, history, models, settings, style_editor, me):
            self.add_dynamic_items(*controls.CONTROLS)
        self.connected = asyncio.Event()
        self.outbox = Outbox(
            self,
            dispatcher,
            ledger,
            store,
            self.texts.speaker,
            data_dir=config.storage.data_dir,
            interval=progress_interval,
        )

        self.notices = Notices(self, dispatcher, self.texts.speaker, channel_id=config.discord.admin_channel_id)

    async def setup_hook(self) -> None:
        """Tells Discord the commands: everywhere, and at once where the configuration says."""
        await self.store.load_languages()
        await self.tree.set_translator(Translations(self.texts))
        await self.tree.sync()
        for guild in map(discord.Object, self.config.discord.guild_ids):
            self.tree.copy_global_to(guild=guild)
            try:
                await self.tree.sync(guild=guild)
            except discord.Forbidden:
                log.warning("commands not synced: the bot is not on this server", guild_id=guild.id)

    async def on_ready(self) -> None:
        self.connected.set()
        log.info("ready", user=str(self.user), servers=len(self.guilds))

    async def on_interaction(self, interaction: Interaction) -> None:
        """Modals are known by the id they carry, as buttons are, so that one opened before a restart still works."""
        if interaction.type is discord.InteractionType.modal_submit:
            try:
                for submitted in (results.submitted, settings.submitted, style_editor.submitted, me.submitted):
                    await submitted(interaction)
            except Exception as error:
                await self.report(interaction, error)

    # -- what handlers ask

    def say(self, interaction: Interaction) -> Say:
        return self.texts.speaker(*self.locales(interaction))

    def language(self, interaction: Interaction) -> str:
        """The one that `say` speaks: for words that come when the interaction is over."""
        return self.texts.spoken(*self.locales(interaction))

    def locales(self, interaction: Interaction) -> tuple[str | None, ...]:
        """The person's language, then what the server's managers chose, then the server's own."""
        chosen = self.store.language(str(interaction.guild_id)) if interaction.guild_id else None
        guild_locale = str(interaction.guild_locale) if interaction.guild_locale else None
        return str(interaction.locale), chosen, guild_locale

    async def default_model(self, guild_id: int | None) -> str:
        """The server's, where it chose one that still exists; else the configured one."""
        chosen = await self.store.default_model(str(guild_id)) if guild_id else None
        return chosen if chosen is not None and chosen in self.catalog else self.config.default_model

    async def limits(self, interaction: Interaction) -> list[Limit]:
        """What binds the person who asks: the configured limits and those that admins set here."""
        who = person(interaction)
        return [*limits_for(who, await self.store.limit_rules(who.guild_id)), *self.config.limits.bounds()]

    # -- errors

    async def report(self, interaction: Interaction, error: BaseException) -> None:
        """Tells the person, and nobody else, what happened and what to do."""
        say = self.say(interaction)
        if isinstance(error, EaselError):
            await self._tell(interaction, messages.explain(error, say))
        elif isinstance(error, discord.HTTPException) and error.code in EXPIRED:
            log.info("interaction expired before it was answered", command=_command(interaction))
        elif isinstance(error, app_commands.CommandNotFound | app_commands.CommandSignatureMismatch):
            log.info("a command as it was before an update", command=_command(interaction))
            await self._tell(interaction, say("error-outdated"))
        else:
            code = secrets.token_hex(4)
            log.error("unexpected error", code=code, command=_command(interaction), exc_info=error)
            await self._tell(interaction, say("error-unexpected", id=code))

    async def _tell(self, interaction: Interaction, text: str) -> None:
        card = messages.Card(discord.ui.TextDisplay(messages.cut(text, messages.TEXT_LIMIT)))
        try:
            if interaction.response.is_done():
                await interaction.followup.send(view=card, ephemeral=True)
            else:
                await interaction.response.send_message(view=card, ephemeral=True)
        except (discord.HTTPException, aiohttp.ClientError, TimeoutError, OSError) as error:
            log.info("an error could not be told", command=_command(interaction), error=str(error))


class ShardedBot(EaselBot, discord.AutoShardedClient):
    """The same bot over several connections to the gateway, for which Discord asks above 2,500 servers."""

    async def on_shard_ready(self, shard_id: int) -> None:
        """Each shard waits five seconds for its turn: what is owed is delivered before the last of them is there."""
        self.connected.set()


def kind(config: Config) -> type[EaselBot]:
    return EaselBot if config.discord.shards == 1 else ShardedBot


def sharding(shards: int | Literal["auto"]) -> dict[str, Any]:
    """discord.py's argument: how many connections, None where Discord is asked for its advice."""
    return {} if shards == 1 else {"shard_count": None if shards == "auto" else shards}


def connection(proxy: str | None) -> dict[str, Any]:
    """discord.py's arguments for the configured proxy, else the environment's: HTTP as it is, SOCKS by a connector."""
    if proxy is None and not urllib.request.proxy_bypass("discord.com"):
        known = urllib.request.getproxies()
        proxy = known.get("https") or known.get("all")
    if not proxy:
        return {}
    if not proxy.startswith("socks"):
        return {"proxy": proxy}
    # socks5h asks the proxy to resolve names, which this connector does anyway.
    return {
        "connector": ProxyConnector.from_url(
            proxy.replace("socks5h:", "socks5:").replace("socks4a:", "socks4:"), rdns=True
        )
    }


def _command(interaction: Interaction) -> str:
    data: Any = interaction.data or {}
    return interaction.command.qualified_name if interaction.command else str(data.get("custom_id"))
