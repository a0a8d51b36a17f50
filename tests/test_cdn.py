"""Reading what people posted: only from Discord, only so much, and only for so long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot import cdn
from bot.cdn import Cdn
from bot.permissions import Refused


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    async def file(request: web.Request) -> web.StreamResponse:
        match request.path:
            case "/picture.png":
                return web.Response(body=b"picture")
            case "/moved.png":
                raise web.HTTPFound("http://169.254.169.254/secret")
            case "/endless.png":
                response = web.StreamResponse()
                await response.prepare(request)
                while True:
                    await response.write(bytes(1 << 16))
            case "/slow.png":
                await asyncio.sleep(60)
        raise web.HTTPNotFound

    application = web.Application()
    application.router.add_get("/{name}", file)
    async with TestServer(application) as server:
        yield server


class Near(Cdn):
    """Takes the test's server for Discord's, which speaks plain HTTP."""

    def serves(self, url: str) -> bool:
        return True


async def test_a_file_is_read_whole(server: TestServer) -> None:
    assert await Near().read(str(server.make_url("/picture.png"))) == b"picture"


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/moved.png", "error-picture-unread"),
        ("/gone.png", "error-picture-unread"),
        ("/slow.png", "error-picture-unread"),
        ("/endless.png", "error-picture-too-large"),
    ],
)
async def test_what_is_not_there_or_too_large_is_given_up(
    server: TestServer, path: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cdn, "LIMIT_BYTES", 1_000_000)
    with pytest.raises(Refused) as refused:
        await Near().read(str(server.make_url(path)), timeout=0.5)
    assert refused.value.key == key


@pytest.mark.parametrize(
    "url",
    [
        "http://cdn.discordapp.com/attachments/1/2/x.png",
        "https://cdn.discordapp.com.evil.example/x.png",
        "https://cdn.discordapp.com@evil.example/x.png",
        "https://cdn.discordapp.com:8443/x.png",
        "https://127.0.0.1/x.png",
        "file:///etc/passwd",
        "",
    ],
)
async def test_other_addresses_are_never_asked(url: str) -> None:
    with pytest.raises(Refused) as refused:
        await Cdn().read(url)
    assert refused.value.key == "error-picture-elsewhere"


def test_discords_own_addresses_are_known() -> None:
    assert Cdn().serves("https://cdn.discordapp.com/attachments/1/2/x.png?ex=1&hm=2")
    assert Cdn().serves("https://media.discordapp.net/attachments/1/2/x.png")
