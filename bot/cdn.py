"""Pictures that people posted, read from Discord's own file servers and from nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bot.permissions import Refused

HOSTS = frozenset({"cdn.discordapp.com", "media.discordapp.net"})

LIMIT_BYTES = 30_000_000
"""Larger files are not read: a picture of 16 megapixels is smaller."""

TIMEOUT_S = 2.0
"""Discord waits three seconds for an answer, and some answers need the picture first."""


class Cdn:
    """`connect` gives aiohttp's arguments for the proxy; a connector lives as long as one session."""

    def __init__(self, connect: Callable[[], dict[str, Any]] = dict, hosts: Collection[str] = HOSTS) -> None:
        self._connect, self._hosts = connect, hosts

    def serves(self, url: str) -> bool:
        """Whether an address is Discord's: others are never asked, whatever a message says."""
        parts = urlsplit(url)
        return parts.scheme == "https" and parts.netloc in self._hosts

    async def read(self, url: str, *, timeout: float = TIMEOUT_S) -> bytes:
        """A file of at most LIMIT_BYTES. Raises Refused where it is larger, gone, or not there in time."""
        if not self.serves(url):
            raise Refused("error-picture-elsewhere")
        try:
            return await self._get(url, timeout)
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise Refused("error-picture-unread") from None

    async def _get(self, url: str, timeout: float) -> bytes:
        how = self._connect()
        limit = aiohttp.ClientTimeout(total=timeout)
        async with (
            aiohttp.ClientSession(connector=how.get("connector"), timeout=limit) as session,
            session.get(url, proxy=how.get("proxy"), allow_redirects=False) as response,
        ):
            if response.status != 200:
                raise Refused("error-picture-unread")
            read = bytearray()
            async for chunk in response.content.iter_chunked(1 << 16):
                read += chunk
                if len(read) > LIMIT_BYTES:
                    raise Refused("error-picture-too-large")
            return bytes(read)
