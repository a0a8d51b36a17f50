"""Answering interactions: the callback with its real 3 s, and the webhook that lives for 15 minutes."""

from __future__ import annotations

import time

from aiohttp import web

from tests.wire import rules
from tests.wire.errors import (
    already_acknowledged,
    invalid_form,
    token_expired,
    too_many_followups,
    unknown,
    unknown_interaction,
)
from tests.wire.messages import Form, answer, create_message, delete_message, edit_message, read_form
from tests.wire.shown import Invocation, Message
from tests.wire.state import ANSWER_DEADLINE_S, COMPONENTS_V2, EPHEMERAL, JSON, LOADING, TOKEN_LIFE_S, Channel
from tests.wire.world import World

MESSAGE, DEFER, DEFER_UPDATE, UPDATE, CHOICES, MODAL = 4, 5, 6, 7, 8, 9
ANSWERS = {
    2: (MESSAGE, DEFER, MODAL),
    3: (MESSAGE, DEFER, DEFER_UPDATE, UPDATE, MODAL),
    4: (CHOICES,),
    5: (MESSAGE, DEFER, DEFER_UPDATE, UPDATE),
}
USER_INSTALL_FOLLOWUPS = 5


class Interactions:
    """`option_of` tells which synced option an autocomplete asked about."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.focused: dict[int, JSON] = {}

    async def callback(self, request: web.Request) -> web.Response:
        arrived = time.monotonic()
        form = await read_form(request)
        invocation = self.world.invocations.get(int(request.match_info["id"]))
        if invocation is None or invocation.token != request.match_info["token"]:
            raise unknown_interaction(violation=True)
        if invocation.answered_at is not None:
            raise already_acknowledged()
        late = invocation.sent_at is None or arrived - invocation.sent_at > ANSWER_DEADLINE_S
        if late:
            self.expire(invocation)
            raise unknown_interaction(violation=True)
        kind, data = form.payload.get("type"), form.payload.get("data") or {}
        if kind not in ANSWERS[invocation.kind]:
            raise invalid_form(
                "type", f"Value must be one of {ANSWERS[invocation.kind]} (it is {kind!r}).", "BASE_TYPE_CHOICES"
            )
        self._apply(invocation, kind, data, form)
        invocation.answered_at, invocation.answer = arrived, kind
        self.world.changes.notify()
        if request.query.get("with_response") in ("1", "true"):
            return answer(self._response(invocation, kind))
        return web.Response(status=204)

    def expire(self, invocation: Invocation) -> None:
        """What the person sees when nothing came in time."""
        if invocation.answered_at is None and invocation.failed is None:
            invocation.failed = "The application did not respond"
            self.world.changes.notify()

    def _apply(self, invocation: Invocation, kind: int, data: JSON, form: Form) -> None:
        if kind == MESSAGE:
            invocation.original = self._post(invocation, form, data)
        elif kind == DEFER:
            flags = data.get("flags") or 0
            if flags & ~EPHEMERAL:
                raise invalid_form(
                    "data.flags", "Only the ephemeral flag can be set when deferring.", "MESSAGE_FLAGS_INVALID"
                )
            message = Message(
                self.world.snowflake(),
                invocation.channel,
                self.world.bot,
                self.world.clock.now(),
                flags=LOADING | flags,
                invocation=invocation,
                only_for=invocation.person if flags & EPHEMERAL else None,
            )
            invocation.channel.messages[message.id] = message
            invocation.original = message
        elif kind in (DEFER_UPDATE, UPDATE):
            if invocation.pressed_on is None:
                raise invalid_form("type", "There is no message to update.", "BASE_TYPE_CHOICES")
            invocation.original = invocation.pressed_on
            if kind == UPDATE:
                edit_message(self.world, invocation.pressed_on, form, data)
        elif kind == CHOICES:
            rules.check_choices(data, self.focused[invocation.id])
            invocation.choices = data["choices"]
        else:
            rules.check_modal(data)
            rules.fill_component_ids(data["components"])
            invocation.modal = data

    def _post(self, invocation: Invocation, form: Form, data: JSON) -> Message:
        return create_message(self.world, invocation.channel, self.world.bot, form, data, invocation=invocation)

    def _response(self, invocation: Invocation, kind: int) -> JSON:
        inner: JSON = {"id": str(invocation.id), "type": invocation.kind}
        resource: JSON = {"type": kind}
        if (message := invocation.original) is not None:
            inner |= {
                "response_message_id": str(message.id),
                "response_message_loading": message.loading,
                "response_message_ephemeral": message.ephemeral,
            }
            if kind in (MESSAGE, UPDATE):
                resource["message"] = message.json()
        return {"interaction": inner, "resource": resource}

    # The webhook of the interaction's token.

    def _by_token(self, request: web.Request) -> Invocation:
        if request.match_info["app"] != str(self.world.bot.id):
            raise unknown("Webhook")
        invocation = self.world.by_token.get(request.match_info["token"])
        if invocation is None or self.world.clock.now() - invocation.created > TOKEN_LIFE_S:
            raise token_expired()
        if invocation.answered_at is None:
            raise unknown("Webhook")
        return invocation

    def _message(self, request: web.Request, invocation: Invocation) -> Message:
        name = request.match_info["message"]
        message = invocation.original
        if name != "@original":
            known = (invocation.original, *invocation.followups)
            message = next((m for m in known if m is not None and str(m.id) == name), None)
        if message is None or message.deleted:
            raise unknown("Message")
        return message

    async def followup(self, request: web.Request) -> web.Response:
        form = await read_form(request)
        invocation = self._by_token(request)
        original = invocation.original
        if original is not None and original.loading and not original.deleted:
            # The first follow-up to a deferred answer fills it in; only the defer decides whether it is ephemeral.
            message = edit_message(self.world, original, form, form.payload)
        else:
            only_user_install = "0" not in invocation.owners and invocation.channel.guild is not None
            if only_user_install and len(invocation.followups) >= USER_INSTALL_FOLLOWUPS:
                raise too_many_followups()
            message = self._post(invocation, form, form.payload)
            invocation.followups.append(message)
        if request.query.get("wait", "1") in ("1", "true"):
            return answer(message.json())
        return web.Response(status=204)

    async def get(self, request: web.Request) -> web.Response:
        return answer(self._message(request, self._by_token(request)).json())

    async def edit(self, request: web.Request) -> web.Response:
        form = await read_form(request)
        message = self._message(request, self._by_token(request))
        if message.loading and (form.payload.get("flags") or 0) & ~(COMPONENTS_V2 | EPHEMERAL | 4):
            raise invalid_form("flags", "Only Components V2 and suppressed embeds can be set here.")
        return answer(edit_message(self.world, message, form, form.payload).json())

    async def delete(self, request: web.Request) -> web.Response:
        delete_message(self.world, self._message(request, self._by_token(request)))
        return web.Response(status=204)


def owners_and_context(channel: Channel, person_id: int, installed: bool) -> tuple[dict[str, str], int]:
    """Who authorised the application here, and the kind of place (0 server, 1 DM with the bot, 2 elsewhere)."""
    owners: dict[str, str] = {}
    if channel.guild is not None and channel.guild.has_bot:
        owners["0"] = str(channel.guild.id)
    if channel.kind == 1:
        owners["0"] = "0"
    if installed:
        owners["1"] = str(person_id)
    context = {1: 1, 3: 2}.get(channel.kind, 0)
    return owners, context
