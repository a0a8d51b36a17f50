"""The client: how it reaches Discord, what it listens to, and where its commands are."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp_socks import ProxyConnector

from bot.client import connection
from tests.journeys.world import open_world

VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def _no_proxy_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_without_a_proxy_nothing_is_passed() -> None:
    assert connection(None) == {}


def test_the_configured_proxy_goes_before_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://environment:3128")
    assert connection(None) == {"proxy": "http://environment:3128"}
    assert connection("http://configured:3128") == {"proxy": "http://configured:3128"}


def test_no_proxy_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://environment:3128")
    monkeypatch.setenv("no_proxy", "discord.com,discord.gg")
    assert connection(None) == {}


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks4", "socks4a"])
async def test_socks_becomes_a_connector_that_lets_the_proxy_resolve_names(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("all_proxy", f"{scheme}://me:secret@127.0.0.1:1080")
    connector = connection(None)["connector"]
    assert isinstance(connector, ProxyConnector)
    assert connector._rdns
    await connector.close()


async def test_no_privileged_intent_is_asked_for(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        intents = world.bot.intents
        assert (intents.members, intents.presences, intents.message_content) == (False, False, False)


async def test_the_commands_are_there_for_everybody(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        offered = set(world.bob.available_commands(world.channel))
        models = {f"model {name}" for name in ("list", "info", "use", "load", "unload")}
        limits = {f"limits {name}" for name in ("show", "set", "clear")}
        rest = {"imagine", "history", "show", "queue", "cancel", "me", "help"}
        assert offered == rest | models | limits
        assert set(world.admin.available_commands(world.channel)) == offered | {"settings"}


async def test_a_server_of_the_configuration_gets_the_commands_at_once(tmp_path: Path) -> None:
    async with open_world(tmp_path, config={"discord": {"guild_ids": [4242]}}) as world:
        synced = [request.path for request in world.env.http_requests if request.method == "PUT"]
        assert any("/guilds/4242/commands" in path for path in synced)
