"""The gateway: HELLO, IDENTIFY, READY, heartbeats, RESUME with replay, several shards; and ways to break it."""

from __future__ import annotations

import asyncio
import json
import secrets
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import discord
import zstandard
from aiohttp import WSMsgType, web

from tests.wire.judge import Judge, Violation
from tests.wire.state import DM, JSON, Channel
from tests.wire.world import World

DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, VOICE, RESUME = 0, 1, 2, 3, 4, 6
RECONNECT, REQUEST_MEMBERS, INVALID_SESSION, HELLO, ACK = 7, 8, 9, 10, 11
REPLAY_LIMIT = 1000
PRIVILEGED = discord.Intents(members=True, presences=True, message_content=True).value
NEEDED_INTENTS = {
    "GUILD_CREATE": discord.Intents(guilds=True).value,
    "MESSAGE": discord.Intents(guild_messages=True).value,
    "DM": discord.Intents(dm_messages=True).value,
}


class Squeezer(Protocol):
    def squeeze(self, text: str) -> bytes | str: ...


class Plain:
    def squeeze(self, text: str) -> bytes | str:
        return text


class ZlibStream:
    """One zlib context for the whole connection; each message ends with a sync flush."""

    def __init__(self) -> None:
        self._stream = zlib.compressobj()

    def squeeze(self, text: str) -> bytes | str:
        return self._stream.compress(text.encode()) + self._stream.flush(zlib.Z_SYNC_FLUSH)


class ZstdStream:
    def __init__(self) -> None:
        self._stream = zstandard.ZstdCompressor().compressobj()

    def squeeze(self, text: str) -> bytes | str:
        return self._stream.compress(text.encode()) + self._stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)


SQUEEZERS: dict[str | None, Callable[[], Squeezer]] = {
    None: Plain,
    "zlib-stream": ZlibStream,
    "zstd-stream": ZstdStream,
}


@dataclass(eq=False)
class Socket:
    """One connection of a client."""

    ws: web.WebSocketResponse
    request: web.Request
    squeezer: Squeezer
    session: Session | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def send(self, op: int, data: Any = None, *, event: str | None = None, number: int | None = None) -> None:
        async with self.lock:
            packet = self.squeezer.squeeze(json.dumps({"op": op, "d": data, "t": event, "s": number}))
            if self.ws.closed:
                return
            if isinstance(packet, str):
                await self.ws.send_str(packet)
            else:
                await self.ws.send_bytes(packet)

    def cut(self) -> None:
        """As if a cable were pulled: no close frame."""
        if self.request.transport is not None:
            self.request.transport.abort()


@dataclass(eq=False)
class Session:
    """What survives a cut socket: the sequence number, and the events to replay."""

    id: str
    shard: int
    shards: int
    intents: int
    socket: Socket | None
    number: int = 0
    events: deque[tuple[int, str, JSON]] = field(default_factory=lambda: deque(maxlen=REPLAY_LIMIT))

    async def dispatch(self, event: str, data: JSON) -> None:
        """Sends the event, or keeps it for a RESUME."""
        self.number += 1
        self.events.append((self.number, event, data))
        if self.socket is not None:
            try:
                await self.socket.send(DISPATCH, data, event=event, number=self.number)
            except (ConnectionError, RuntimeError):
                self.socket = None


class Gateway:
    def __init__(self, world: World, judge: Judge, *, token: str, url: Callable[[], str]) -> None:
        self.world, self.judge, self.token, self.url = world, judge, token, url
        self.sessions: dict[str, Session] = {}
        self.sockets: set[Socket] = set()
        self.privileged = 0
        """Bits of the privileged intents that the application has been granted."""
        self.accepting = True

    @property
    def ready(self) -> bool:
        """All shards of the client are identified and connected."""
        live = self.live()
        return bool(live) and {s.shard for s in live} == set(range(live[0].shards))

    def live(self) -> list[Session]:
        return [s for s in self.sessions.values() if s.socket is not None]

    async def connect(self, request: web.Request) -> web.StreamResponse:
        if not self.accepting:
            return web.Response(status=503)
        make = SQUEEZERS.get(request.query.get("compress"))
        if request.query.get("v") != "10" or request.query.get("encoding") != "json" or make is None:
            self._violation(f"connected with {dict(request.query)}")
            return web.Response(status=400)
        ws = web.WebSocketResponse(max_msg_size=64 * 1024, compress=False)
        await ws.prepare(request)
        socket = Socket(ws, request, make())
        self.sockets.add(socket)
        try:
            await socket.send(HELLO, {"heartbeat_interval": 41_250, "_trace": ["wire"]})
            async for message in ws:
                if message.type is WSMsgType.TEXT:
                    await self._receive(socket, message.data)
        except ConnectionError as problem:
            self.judge.gateway_log.append(f"lost: {type(problem).__name__}")
        finally:
            self.sockets.discard(socket)
            self._detach(socket, clean=ws.close_code in (1000, 1001))
        return ws

    def _detach(self, socket: Socket, *, clean: bool) -> None:
        """A client that closes with 1000 or 1001 ends its session; otherwise it may be resumed."""
        session = socket.session
        if session is None or session.socket is not socket:
            return
        session.socket = None
        if clean:
            self.sessions.pop(session.id, None)
        self.judge.gateway_log.append(f"gone {session.shard}")
        self.world.changes.notify()

    async def _receive(self, socket: Socket, text: str) -> None:
        if len(text) > 15_360:
            await self._close(socket, 4002, "payload above 15 KiB")
            return
        packet = json.loads(text)
        op, data = packet.get("op"), packet.get("d")
        if op == HEARTBEAT:
            await socket.send(ACK)
        elif op == IDENTIFY:
            await self._identify(socket, data)
        elif op == RESUME:
            await self._resume(socket, data)
        elif socket.session is None:
            await self._close(socket, 4003, f"op {op} before IDENTIFY")
        elif op == REQUEST_MEMBERS:
            await self._members(socket.session, data)
        elif op not in (PRESENCE, VOICE):
            await self._close(socket, 4001, f"unknown op {op}")

    async def _close(self, socket: Socket, code: int, why: str) -> None:
        self._violation(f"closed with {code}: {why}", code)
        await socket.ws.close(code=code)

    def _violation(self, text: str, code: int = 0) -> None:
        self.judge.violations.append(Violation("gateway", code, text))

    async def _identify(self, socket: Socket, data: JSON) -> None:
        if socket.session is not None:
            return await self._close(socket, 4005, "identified twice")
        if data.get("token") != self.token:
            return await self._close(socket, 4004, "wrong token")
        shard, shards = data.get("shard") or (0, 1)
        intents = data.get("intents")
        if not isinstance(intents, int):
            return await self._close(socket, 4013, f"intents {intents!r}")
        if intents & PRIVILEGED & ~self.privileged:
            return await self._close(socket, 4014, f"privileged intents {intents & PRIVILEGED:#x} are not granted")
        if not 0 <= shard < shards:
            return await self._close(socket, 4010, f"shard {shard} of {shards}")
        for old in [s for s in self.sessions.values() if s.shard == shard]:
            del self.sessions[old.id]
        session = Session(secrets.token_hex(16), shard, shards, intents, socket)
        self.sessions[session.id] = session
        socket.session = session
        self.judge.gateway_log.append(f"identify {shard}/{shards}")
        guilds = [g for g in self.world.guilds.values() if g.has_bot and (g.id >> 22) % shards == shard]
        ready: JSON = {
            "v": 10,
            "user": self.world.bot.json() | {"verified": True, "mfa_enabled": False, "flags": 0},
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": self.url(),
            "shard": [shard, shards],
            "application": {"id": str(self.world.bot.id), "flags": 0},
        }
        await session.dispatch("READY", ready)
        for guild in guilds:
            if intents & NEEDED_INTENTS["GUILD_CREATE"]:
                await session.dispatch("GUILD_CREATE", guild.json(self.world.bot))
        self.world.changes.notify()

    async def _resume(self, socket: Socket, data: JSON) -> None:
        if data.get("token") != self.token:
            return await self._close(socket, 4004, "wrong token")
        session = self.sessions.get(str(data.get("session_id")))
        seen = data.get("seq")
        if session is None or not isinstance(seen, int) or (session.events and seen < session.events[0][0] - 1):
            self.judge.gateway_log.append("resume refused")
            await socket.send(INVALID_SESSION, False)
            return
        if seen > session.number:
            return await self._close(socket, 4007, f"resumed at {seen}, beyond {session.number}")
        if session.socket is not None and session.socket is not socket:
            session.socket.session = None
            session.socket.cut()
        missed = [event for event in session.events if event[0] > seen]
        socket.session = session
        for number, event, body in missed:
            await socket.send(DISPATCH, body, event=event, number=number)
        session.socket = socket
        self.judge.gateway_log.append(f"resume {session.shard} replayed {len(missed)}")
        await session.dispatch("RESUMED", {"_trace": ["wire"]})
        self.world.changes.notify()

    async def _members(self, session: Session, data: JSON) -> None:
        guild = self.world.guilds.get(int(data.get("guild_id", 0)))
        if guild is None:
            return
        wanted = [int(number) for number in data.get("user_ids") or ()]
        members = [m for m in guild.members.values() if not wanted or m.id in wanted]
        chunk: JSON = {
            "guild_id": str(guild.id),
            "members": [m.json() for m in members],
            "chunk_index": 0,
            "chunk_count": 1,
        }
        if data.get("nonce"):
            chunk["nonce"] = data["nonce"]
        await session.dispatch("GUILD_MEMBERS_CHUNK", chunk)

    # What Discord sends by itself.

    def session_for(self, channel: Channel) -> Session | None:
        """The session that hears about this channel, connected or waiting to be resumed."""
        guild = channel.guild
        for session in self.sessions.values():
            shard = 0 if guild is None or not guild.has_bot else (guild.id >> 22) % session.shards
            if session.shard == shard:
                return session
        return None

    async def emit(self, event: str, data: JSON, channel: Channel) -> None:
        """An event about messages, for sessions whose intents ask for it."""
        session = self.session_for(channel)
        needed = NEEDED_INTENTS["DM" if channel.kind == DM else "MESSAGE"]
        if session is not None and session.intents & needed:
            await session.dispatch(event, data)

    # Ways to break it.

    def cut(self, shard: int | None = None) -> None:
        """Pulls the cable. The client will RESUME and get what it missed."""
        for session in self.live():
            if shard in (None, session.shard) and session.socket is not None:
                self.judge.gateway_log.append(f"cut {session.shard}")
                session.socket.cut()
                session.socket = None

    async def ask_to_reconnect(self, shard: int | None = None) -> None:
        for session in self.live():
            if shard in (None, session.shard) and session.socket is not None:
                await session.socket.send(RECONNECT)

    async def invalidate(self, *, resumable: bool, shard: int | None = None) -> None:
        """INVALID_SESSION: not resumable ones are forgotten, and what happens until IDENTIFY is never heard."""
        for session in self.live():
            if shard in (None, session.shard) and session.socket is not None:
                socket = session.socket
                if not resumable:
                    self.sessions.pop(session.id)
                await socket.send(INVALID_SESSION, resumable)

    async def close(self, code: int, shard: int | None = None) -> None:
        for session in self.live():
            if shard in (None, session.shard) and session.socket is not None:
                await session.socket.ws.close(code=code)

    def forget_sessions(self) -> None:
        """The next RESUME is refused, as after a long outage."""
        self.sessions.clear()
