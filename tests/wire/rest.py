"""The REST side: API v10, one handler a route, refusals as Discord words them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import discord
from aiohttp import web

from tests.wire.commands import check_commands
from tests.wire.errors import (
    Refusal,
    dms_closed,
    invalid_form,
    missing_access,
    missing_permissions,
    no_mutual_guilds,
    reply_without_history,
    someone_elses_message,
    unauthorized,
    unknown,
    unknown_route,
)
from tests.wire.faults import Faults, RateLimited
from tests.wire.interactions import Interactions
from tests.wire.judge import Judge, Violation
from tests.wire.messages import answer, create_message, delete_message, edit_message, read_form
from tests.wire.shown import Message
from tests.wire.state import DM, JSON, PUBLIC_THREAD, REQUEST_LIMIT, Channel, Guild, User
from tests.wire.world import World

BASE = "/api/v10"
NONCE_LIFE_S = 300
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _bit(name: str) -> int:
    return discord.Permissions(**{name: True}).value


class Rest:
    """`emit` sends a gateway event about a channel's messages, as Discord does for its own changes."""

    def __init__(
        self,
        world: World,
        judge: Judge,
        faults: Faults,
        interactions: Interactions,
        *,
        token: str,
        shards: int,
        emit: Callable[[str, JSON, Channel], Awaitable[None]],
        gateway_url: Callable[[], str],
    ) -> None:
        self.world, self.judge, self.faults, self.interactions = world, judge, faults, interactions
        self.token, self.shards, self.emit, self.gateway_url = token, shards, emit, gateway_url

    def application(self) -> web.Application:
        app = web.Application(client_max_size=REQUEST_LIMIT + 1024 * 1024, middlewares=[self._around])
        add = app.router.add_route
        for method, path, handler in (
            ("GET", "/users/@me", self.me),
            ("GET", "/users/@me/guilds", self.my_guilds),
            ("POST", "/users/@me/channels", self.open_dm),
            ("GET", "/users/{user}", self.user),
            ("GET", "/oauth2/applications/@me", self.app_info),
            ("GET", "/applications/@me", self.app_info),
            ("GET", "/gateway", self.gateway),
            ("GET", "/gateway/bot", self.gateway),
            ("GET", "/applications/{app}/emojis", self.no_emojis),
            ("GET", "/applications/{app}/commands", self.commands),
            ("PUT", "/applications/{app}/commands", self.overwrite_commands),
            ("GET", "/applications/{app}/guilds/{guild}/commands", self.commands),
            ("PUT", "/applications/{app}/guilds/{guild}/commands", self.overwrite_commands),
            ("GET", "/guilds/{guild}", self.guild),
            ("GET", "/guilds/{guild}/channels", self.guild_channels),
            ("GET", "/guilds/{guild}/roles", self.guild_roles),
            ("GET", "/guilds/{guild}/members/{user}", self.guild_member),
            ("GET", "/channels/{channel}", self.channel),
            ("POST", "/channels/{channel}/typing", self.typing),
            ("GET", "/channels/{channel}/messages", self.list_messages),
            ("POST", "/channels/{channel}/messages", self.post_message),
            ("GET", "/channels/{channel}/messages/{message}", self.get_message),
            ("PATCH", "/channels/{channel}/messages/{message}", self.patch_message),
            ("DELETE", "/channels/{channel}/messages/{message}", self.delete_message),
            ("POST", "/interactions/{id}/{token}/callback", self.interactions.callback),
            ("POST", "/webhooks/{app}/{token}", self.interactions.followup),
            ("GET", "/webhooks/{app}/{token}/messages/{message}", self.interactions.get),
            ("PATCH", "/webhooks/{app}/{token}/messages/{message}", self.interactions.edit),
            ("DELETE", "/webhooks/{app}/{token}/messages/{message}", self.interactions.delete),
        ):
            add(method, BASE + path, handler)
        for folder in ("attachments", "ephemeral-attachments"):
            app.router.add_get(f"/{folder}/{{channel}}/{{id}}/{{name}}", self.download)
        return app

    @web.middleware
    async def _around(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Faults first, then the answer; everything is written down for the judge."""
        if not request.path.startswith(BASE):
            return await handler(request)
        route = f"{request.method} {request.path.removeprefix(BASE)}"
        guarded = self._guarded(route, handler)
        fault = self.faults.take(route, request)
        if fault is None:
            response = await guarded(request)
            self.judge.record_call(route, response.status)
            return response
        response = await fault.strike(request, guarded)
        name = fault.scope if isinstance(fault, RateLimited) else type(fault).__name__
        self.judge.record_call(route, response.status, name)
        return response

    def _guarded(self, route: str, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            try:
                self._authorize(request)
                response = await handler(request)
            except web.HTTPException as problem:
                refusal = (
                    unknown_route() if problem.status in (404, 405) else Refusal(problem.status, 0, problem.reason)
                )
            except Refusal as problem:
                refusal = problem
            except Exception as problem:
                if request.transport is None or request.transport.is_closing():
                    raise  # the client died while sending
                # A mistake in this fake must fail the test, not pass for a server error that the client retries.
                self.judge.violations.append(Violation(route, -1, f"this fake broke: {problem!r}"))
                raise
            else:
                return response
            self.judge.record_refusal(route, refusal)
            return answer(refusal.body(), refusal.status)

        return guarded

    def _authorize(self, request: web.Request) -> None:
        """Interaction routes are opened by their token alone; everything else needs the bot's."""
        path = request.path.removeprefix(BASE)
        by_token = path.startswith(("/webhooks/", "/interactions/")) or path == "/gateway"
        if not by_token and request.headers.get("Authorization") != f"Bot {self.token}":
            raise unauthorized()

    # Who and what.

    async def me(self, request: web.Request) -> web.Response:
        return answer(self.world.bot.json() | {"verified": True, "mfa_enabled": False, "flags": 0})

    async def my_guilds(self, request: web.Request) -> web.Response:
        return answer([{"id": str(g.id), "name": g.name} for g in self.world.guilds.values() if g.has_bot])

    async def user(self, request: web.Request) -> web.Response:
        return answer(self._find_user(request.match_info["user"]).json())

    def _find_user(self, text: str) -> User:
        user = self.world.users.get(int(text)) if text.isdecimal() else None
        if user is None:
            raise unknown("User")
        return user

    async def app_info(self, request: web.Request) -> web.Response:
        bot = self.world.bot
        info: JSON = {
            "id": str(bot.id),
            "name": bot.name,
            "icon": None,
            "description": "",
            "bot_public": True,
            "bot_require_code_grant": False,
            "verify_key": "0" * 64,
            "owner": self.world.owner.json(),
            "team": None,
            "flags": 0,
            "bot": bot.json(),
            "approximate_guild_count": len(self.world.guilds),
            "integration_types_config": {"0": {}, "1": {}},
        }
        return answer(info)

    async def gateway(self, request: web.Request) -> web.Response:
        body: JSON = {"url": self.gateway_url()}
        if request.path.endswith("/bot"):
            limit = {"total": 1000, "remaining": 1000, "reset_after": 0, "max_concurrency": 1}
            body |= {"shards": self.shards, "session_start_limit": limit}
        return answer(body)

    async def no_emojis(self, request: web.Request) -> web.Response:
        return answer({"items": []})

    def _scope(self, request: web.Request) -> int | None:
        if request.match_info["app"] != str(self.world.bot.id):
            raise missing_access()
        if "guild" not in request.match_info:
            return None
        return self._find_guild(request).id

    async def commands(self, request: web.Request) -> web.Response:
        return answer(self.world.commands.get(self._scope(request), []))

    async def overwrite_commands(self, request: web.Request) -> web.Response:
        scope = self._scope(request)
        try:
            commands = await request.json()
        except ValueError:
            raise invalid_form("_", "The request body contains invalid JSON.", "50109") from None
        check_commands(commands)
        self.world.commands[scope] = [self._command(command, scope) for command in commands]
        self.world.changes.notify()
        return answer(self.world.commands[scope])

    def _command(self, command: JSON, scope: int | None) -> JSON:
        old = self.world.commands.get(scope, [])
        kind = command.get("type", 1)
        same = next((c for c in old if c["name"] == command["name"] and c["type"] == kind), None)
        body: JSON = {
            "description": "",
            "options": [],
            "default_member_permissions": None,
            "nsfw": False,
            "contexts": [0, 1, 2] if scope is None else None,
            "integration_types": [0],
            **{key: value for key, value in command.items() if value is not None},
            "id": same["id"] if same else str(self.world.snowflake()),
            "application_id": str(self.world.bot.id),
            "version": str(self.world.snowflake()),
            "type": kind,
        }
        return body if scope is None else body | {"guild_id": str(scope)}

    # Servers and channels.

    def _find_guild(self, request: web.Request) -> Guild:
        text = request.match_info["guild"]
        guild = self.world.guilds.get(int(text)) if text.isdecimal() else None
        if guild is None or not guild.has_bot:
            raise missing_access() if guild else unknown("Guild")
        return guild

    async def guild(self, request: web.Request) -> web.Response:
        return answer(self._find_guild(request).json(self.world.bot))

    async def guild_channels(self, request: web.Request) -> web.Response:
        return answer([channel.json() for channel in self._find_guild(request).channels.values()])

    async def guild_roles(self, request: web.Request) -> web.Response:
        return answer([role.json() for role in self._find_guild(request).roles.values()])

    async def guild_member(self, request: web.Request) -> web.Response:
        member = self._find_guild(request).members.get(int(request.match_info["user"]))
        if member is None:
            raise unknown("Member")
        return answer(member.json())

    async def open_dm(self, request: web.Request) -> web.Response:
        form = await read_form(request)
        user = self._find_user(str(form.payload.get("recipient_id")))
        return answer(self.world.dm_with(user).json())

    def _find_channel(self, request: web.Request, *needed: str) -> Channel:
        """The channel, if the bot may look into it and has the permissions `needed`."""
        text = request.match_info["channel"]
        channel = self.world.channels.get(int(text)) if text.isdecimal() else None
        if channel is None:
            raise unknown("Channel")
        held = self.world.bot_permissions(channel)
        if held is None or not held & _bit("view_channel"):
            raise missing_access()
        if not all(held & _bit(name) for name in needed):
            raise missing_permissions()
        return channel

    def _may(self, channel: Channel, name: str) -> bool:
        return bool((self.world.bot_permissions(channel) or 0) & _bit(name))

    async def channel(self, request: web.Request) -> web.Response:
        return answer(self._find_channel(request).json())

    async def typing(self, request: web.Request) -> web.Response:
        self._find_channel(request, "send_messages")
        return web.Response(status=204)

    # Messages with the bot's own right. An ephemeral one does not exist here.

    def _find_message(self, request: web.Request, channel: Channel) -> Message:
        text = request.match_info["message"]
        message = channel.messages.get(int(text)) if text.isdecimal() else None
        if message is None or message.deleted or message.ephemeral:
            raise unknown("Message")
        return message

    async def list_messages(self, request: web.Request) -> web.Response:
        channel = self._find_channel(request)
        if not self._may(channel, "read_message_history"):
            return answer([])
        limit = int(request.query.get("limit", 50))
        if not 1 <= limit <= 100:
            raise invalid_form("limit", "int value should be between 1 and 100.", "NUMBER_TYPE_MAX")
        found = [m for m in channel.messages.values() if not m.deleted and not m.ephemeral]
        found.sort(key=lambda message: message.id, reverse=True)
        if before := request.query.get("before"):
            found = [m for m in found if m.id < int(before)]
        if after := request.query.get("after"):
            found = [m for m in found if m.id > int(after)][-limit:]
        return answer([message.json() for message in found[:limit]])

    async def get_message(self, request: web.Request) -> web.Response:
        channel = self._find_channel(request)
        if not self._may(channel, "read_message_history"):
            raise missing_permissions()
        return answer(self._find_message(request, channel).json())

    async def post_message(self, request: web.Request) -> web.Response:
        form = await read_form(request)
        text = request.match_info["channel"]
        speaking = self.world.channels.get(int(text)) if text.isdecimal() else None
        send = "send_messages_in_threads" if speaking and speaking.kind == PUBLIC_THREAD else "send_messages"
        channel = self._find_channel(request, send)
        if form.uploads and not self._may(channel, "attach_files"):
            raise missing_permissions()
        if channel.kind == DM:
            self._check_dm(channel.recipients[0])
        if (form.payload.get("flags") or 0) & 1 << 6:
            raise invalid_form("flags", "Only interactions can be answered ephemerally.", "MESSAGE_FLAGS_INVALID")
        nonce = form.payload.get("nonce")
        if form.payload.get("enforce_nonce") and nonce is not None and (same := self._same_nonce(channel, str(nonce))):
            return answer(same.json())
        reply_to = self._reply(form.payload, channel)
        message = create_message(self.world, channel, self.world.bot, form, form.payload, reply_to=reply_to)
        await self.emit("MESSAGE_CREATE", message.json(), channel)
        return answer(message.json())

    def _same_nonce(self, channel: Channel, nonce: str) -> Message | None:
        """`enforce_nonce`: the message that stands already, for some minutes; also when it was deleted since."""
        young = self.world.clock.now() - NONCE_LIFE_S
        found = (m for m in channel.messages.values() if m.nonce == nonce and m.created > young)
        return next((m for m in found if m.author is self.world.bot), None)

    def _check_dm(self, user: User) -> None:
        shares = any(g.has_bot and user.id in g.members for g in self.world.guilds.values())
        if not shares and not user.installed:
            raise no_mutual_guilds()
        if not user.accepts_dms:
            raise dms_closed()

    def _reply(self, payload: JSON, channel: Channel) -> Message | None:
        reference: Any = payload.get("message_reference")
        if reference is None:
            return None
        if not self._may(channel, "read_message_history"):
            raise reply_without_history()
        message = channel.messages.get(int(reference["message_id"]))
        if message is None or message.deleted or message.ephemeral:
            if reference.get("fail_if_not_exists", True):
                raise invalid_form("message_reference", "Unknown message", "REPLIES_UNKNOWN_MESSAGE")
            return None
        return message

    async def patch_message(self, request: web.Request) -> web.Response:
        form = await read_form(request)
        channel = self._find_channel(request)
        message = self._find_message(request, channel)
        if message.author is not self.world.bot:
            raise someone_elses_message()
        edit_message(self.world, message, form, form.payload)
        await self.emit("MESSAGE_UPDATE", message.json(), channel)
        return answer(message.json())

    async def delete_message(self, request: web.Request) -> web.Response:
        channel = self._find_channel(request)
        message = self._find_message(request, channel)
        if message.author is not self.world.bot and not self._may(channel, "manage_messages"):
            raise missing_permissions()
        delete_message(self.world, message)
        gone: JSON = {"id": str(message.id), "channel_id": str(channel.id)}
        if channel.guild is not None:
            gone["guild_id"] = str(channel.guild.id)
        await self.emit("MESSAGE_DELETE", gone, channel)
        return web.Response(status=204)

    async def download(self, request: web.Request) -> web.Response:
        """The CDN."""
        file = self.world.attachments.get(int(request.match_info["id"]))
        if file is None:
            return web.Response(status=404, text="asset not found")
        return web.Response(body=file.data, content_type=file.content_type)
