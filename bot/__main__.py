"""`python -m bot`: the bot on Discord, or, where there is no token, in a simulated Discord in the browser.

What lives long is opened here, one thing on top of the other, and closed in the opposite order.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import aiohttp
import discord
import structlog
import typer
from aiohttp_socks import ProxyConnectionError, ProxyError

from bot import client
from bot.client import EaselBot
from bot.config import CONFIG_FILE, Config, load_config
from bot.store import Store
from engine import house, logs
from engine.errors import ConfigError, EaselError

log = structlog.get_logger("bot")

discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # nobody speaks here

DELIVER_S = 5.0
"""How long results that are ready may take to reach Discord while the bot is stopping; the rest goes out at the next
start."""

CLOSE_S = 2.0
"""How long a closed connection to Discord may take to end."""

UNREACHABLE = (
    aiohttp.ClientError,
    ProxyConnectionError,
    ProxyError,
    discord.DiscordServerError,
    discord.GatewayNotFound,
    TimeoutError,
)

NO_TOKEN = (
    "There is no Discord token. Set DISCORD_TOKEN, or `token` under [discord] in config.toml (README.md says how to "
    "get one), or try the bot without Discord: ./quick_start.sh sandbox"
)


@contextlib.asynccontextmanager
async def opened(config: Config) -> AsyncIterator[EaselBot]:
    """The bot with everything under it, not yet connected to any Discord."""
    async with (
        house.opened(config, drain_s=config.drain_s) as home,
        client.kind(config)(config, home.catalog, home.dispatcher, Store(home.ledger), home.engine, home.ledger) as bot,
    ):
        yield bot


async def run(config: Config, stop: asyncio.Event) -> None:
    """The bot on Discord, until `stop` is set or Discord refuses it for good."""
    if config.discord.token is None:
        raise ConfigError(NO_TOKEN)
    async with opened(config) as bot, bot.outbox, bot.notices:
        connection = asyncio.create_task(bot.start(config.discord.token.get_secret_value()), name="discord")
        stopping = asyncio.create_task(stop.wait(), name="stop")
        await asyncio.wait((connection, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not connection.done():
            await wind_down(bot, config.drain_s)
            await bot.close()
            # One that was still opening its shards goes on with the next, though it is closed, and would for ever.
            await asyncio.wait((connection,), timeout=CLOSE_S)
            if connection.cancel():
                return
        await connection


async def wind_down(bot: EaselBot, drain_s: float) -> None:
    """Lets running jobs finish and their results out; what is left waits on disk for the next start."""
    log.info("stopping", drain_s=drain_s)
    await bot.dispatcher.drain(drain_s)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DELIVER_S):
            await bot.outbox.idle()


async def until_stopped(work: Coroutine[Any, Any, None], stop: asyncio.Event) -> None:
    """Runs `work`. SIGTERM or SIGINT sets `stop`; the second one does not wait any longer."""
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)

    def asked_to_stop() -> None:
        if stop.is_set():
            task.cancel()
        stop.set()

    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, asked_to_stop)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def start(config: Config, kind: str) -> None:
    """Runs until the end and leaves with an exit code: 0 stopped, 1 failed, 2 cannot start."""

    async def main() -> None:
        stop = asyncio.Event()
        if kind == "sandbox":
            await until_stopped(_sandbox().run(config, stop, opened), stop)
        else:
            await until_stopped(run(config, stop), stop)

    writing, token = config.logging, config.discord.token
    try:
        with logs.written(
            writing.folder,
            level=writing.level,
            file_bytes=writing.file_mb * 1_000_000,
            files=writing.files,
            known=[token.get_secret_value()] if token else [],
        ):
            code = _explained(main())
    except ConfigError as error:  # the logs themselves cannot be written
        typer.echo(str(error), err=True)
        code = 2
    sys.exit(code)


def _explained(work: Coroutine[Any, Any, None]) -> int:
    """Runs it, and tells in the log why it ended, where that was not meant."""
    try:
        asyncio.run(work)
    except EaselError as error:
        log.error(str(error))
        return 2
    except discord.LoginFailure:
        log.error("Discord refuses the token. Copy it again from the developer portal (README.md says where).")
        return 2
    except UNREACHABLE as error:
        reason = str(error) or type(error).__name__
        log.error(f"Discord cannot be reached: {reason}. Behind a proxy, set https_proxy or `proxy` under [discord].")
        return 1
    except Exception:
        log.exception("stopped by an unexpected error")
        return 1
    return 0


def _sandbox() -> ModuleType:
    """Imported when it is asked for: simcord is an extra of its own."""
    # simcord tries itself out on a client without intents, which discord.py warns about.
    logging.disable(logging.WARNING)
    try:
        from bot import sandbox
    except ImportError as error:
        raise ConfigError(f"The sandbox needs {error.name}: pip install -c constraints.txt -e '.[sandbox]'") from None
    finally:
        logging.disable(logging.NOTSET)
    return sandbox


app = typer.Typer(add_completion=False, rich_markup_mode=None, help="Easel, the Discord bot that paints.")

ConfigOption = Annotated[Path, typer.Option("--config", help="The configuration file.", envvar="EASEL_CONFIG")]


def _config(path: Path) -> Config:
    try:
        if path.name != CONFIG_FILE.name and not path.is_file():
            raise ConfigError(f"There is no file {path}.")
        return load_config(path)
    except ConfigError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None


@app.callback(invoke_without_command=True)
def choose(context: typer.Context, config: ConfigOption = CONFIG_FILE) -> None:
    """Without a command: the bot on Discord where there is a token, else the sandbox."""
    if context.invoked_subcommand is not None:
        return
    loaded = _config(config)
    if loaded.discord.token is None:
        typer.echo(
            "No Discord token was found (DISCORD_TOKEN, or config.toml), so the sandbox opens instead.", err=True
        )
        start(loaded, "sandbox")
    else:
        start(loaded, "run")


@app.command("run")
def run_command(config: ConfigOption = CONFIG_FILE) -> None:
    """The bot on Discord."""
    start(_config(config), "run")


@app.command("sandbox")
def sandbox_command(config: ConfigOption = CONFIG_FILE) -> None:
    """The bot in a simulated Discord, to be opened in a browser. Needs no token."""
    start(_config(config), "sandbox")


def main() -> None:
    app()


if __name__ == "__main__":
    main()
