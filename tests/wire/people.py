"""What people do in their clients: type commands, press buttons, choose, fill in modals.

A person's client refuses what it would not offer (`NotOffered`); the rest goes to the bot as a gateway event.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from tests.wire import commands
from tests.wire.commands import NotOffered, Typed
from tests.wire.gateway import Gateway
from tests.wire.interactions import Interactions, owners_and_context
from tests.wire.shown import Invocation, Message
from tests.wire.state import ANSWER_DEADLINE_S, DM_APP_PERMISSIONS, JSON, Channel, Member, Person
from tests.wire.world import World


class People:
    """The part of `WireDiscord` that acts for people."""

    world: World
    gateway: Gateway
    interactions: Interactions
    _deadlines: set[asyncio.TimerHandle]

    async def slash(
        self, person: Person, channel: Channel, command: str, /, *, wait: bool = True, **options: object
    ) -> Invocation:
        """Types a slash command ("model use" for a subcommand) and waits for the first answer.

        NotOffered where a person's client would not let them; TimeoutError when nothing answers in time.
        """
        name, *path = command.split()
        found = commands.find(self.world, channel.guild, name)
        _, context = self._place(person, channel)
        commands.check_offered(found, person, channel, context)
        data = Typed(self.world, channel, person, options).build(found, path)
        invocation = await self._send(2, person, channel, data, name=command)
        return await invocation.answered() if wait else invocation

    async def suggest(
        self, person: Person, channel: Channel, command: str, option: str, typed: str = "", /, **options: object
    ) -> list[JSON]:
        """What autocomplete offers while `typed` stands in `option`: {"name", "value"} each."""
        name, *path = command.split()
        found = commands.find(self.world, channel.guild, name)
        data = Typed(self.world, channel, person, {option: typed, **options}).build(found, path, focused=option)
        synced = self._synced_option(found, path, option)
        if not synced.get("autocomplete"):
            raise NotOffered(f"/{command} {option} has no autocomplete")
        invocation = self._make(4, person, channel, f"{command} {option}")
        self.interactions.focused[invocation.id] = synced
        await self._dispatch(invocation, person, channel, data)
        await invocation.answered()
        return invocation.choices or []

    def _synced_option(self, command: JSON, path: list[str], name: str) -> JSON:
        options = command["options"]
        for part in path:
            options = next(option for option in options if option["name"] == part)["options"]
        return next(option for option in options if option["name"] == name)

    async def menu(
        self, person: Person, name: str, target: Message | Person, channel: Channel | None = None, *, wait: bool = True
    ) -> Invocation:
        """A context menu on a message, or on a person (then in `channel`)."""
        where = target.channel if isinstance(target, Message) else channel
        assert where is not None
        kind = commands.MESSAGE_MENU if isinstance(target, Message) else commands.USER_MENU
        found = commands.find(self.world, where.guild, name, kind)
        commands.check_offered(found, person, where, self._place(person, where)[1])
        data = commands.menu_data(self.world, found, target, where, person)
        invocation = await self._send(2, person, where, data, name=name)
        return await invocation.answered() if wait else invocation

    async def press(self, person: Person, message: Message, name: str, *, wait: bool = True) -> Invocation:
        """Presses the button with this label, emoji or custom_id."""
        self._check_visible(person, message)
        button = message.component(name)
        if button.get("disabled"):
            raise NotOffered(f"the button {name!r} is disabled")
        if "custom_id" not in button:
            raise NotOffered(f"the button {name!r} is a link")
        data: JSON = {"custom_id": button["custom_id"], "component_type": button["type"], "id": button["id"]}
        invocation = await self._send(3, person, message.channel, data, name=name, pressed_on=message)
        return await invocation.answered() if wait else invocation

    async def choose(
        self, person: Person, message: Message, name: str, *values: object, wait: bool = True
    ) -> Invocation:
        """Chooses in the menu with this custom_id or placeholder: option values or labels, people, roles, channels."""
        self._check_visible(person, message)
        menu = message.component(name)
        low, high = menu.get("min_values", 1), menu.get("max_values", 1)
        if menu.get("disabled") or not low <= len(values) <= high:
            raise NotOffered(f"the menu {name!r} takes {low} to {high} values, and may be disabled")
        typed = Typed(self.world, message.channel, person, {})
        data: JSON = {"custom_id": menu["custom_id"], "component_type": menu["type"], "id": menu["id"]}
        data["values"] = self._selected(menu, values, typed)
        if typed.resolved:
            data["resolved"] = typed.resolved
        invocation = await self._send(3, person, message.channel, data, name=name, pressed_on=message)
        return await invocation.answered() if wait else invocation

    def _selected(self, menu: JSON, values: Sequence[object], typed: Typed) -> list[str]:
        if menu["type"] not in (3, 21, 22):
            kind = {5: 6, 6: 8, 7: 9, 8: 7, 19: 11}[menu["type"]]
            return [typed.reference(value, kind) for value in values]
        by_name = {option["label"]: option["value"] for option in menu["options"]}
        by_name |= {option["value"]: option["value"] for option in menu["options"]}
        if missing := [value for value in values if value not in by_name]:
            raise NotOffered(f"{menu['custom_id']!r} does not offer {missing}")
        return [by_name[str(value)] for value in values]

    async def submit(self, person: Person, shown: Invocation, /, *, wait: bool = True, **values: object) -> Invocation:
        """Fills in the modal that answered `shown` and sends it.

        Fields go by custom_id or label (`**{"Negative prompt": "..."}`); the others keep their values.
        """
        modal = shown.modal
        assert modal is not None, "no modal was shown"
        typed = Typed(self.world, shown.channel, person, {})
        left = dict(values)
        components = [self._submitted(component, left, typed) for component in modal["components"]]
        if left:
            raise NotOffered(f"the modal has no field {sorted(left)}")
        data: JSON = {"custom_id": modal["custom_id"], "components": components}
        if typed.resolved:
            data["resolved"] = typed.resolved
        invocation = await self._send(
            5, person, shown.channel, data, name=modal["custom_id"], pressed_on=shown.pressed_on, triggered_by=shown
        )
        return await invocation.answered() if wait else invocation

    def _submitted(self, component: JSON, left: dict[str, object], typed: Typed) -> JSON:
        """One part of a modal as the client sends it back."""
        if component["type"] == 10:
            return {"type": 10, "id": component.get("id", 0), "content": component["content"]}
        if component["type"] == 1:
            (child,) = component["components"]
            filled = self._field(child, child.get("label"), left, typed)
            return {"type": 1, "components": [filled]}
        filled = self._field(component["component"], component["label"], left, typed)
        return {"type": 18, "id": component.get("id", 0), "component": filled}

    def _field(self, field: JSON, label: str | None, left: dict[str, object], typed: Typed) -> JSON:
        kind, key = field["type"], next((k for k in (field["custom_id"], label) if k in left), None)
        body: JSON = {"type": kind, "id": field.get("id", 0), "custom_id": field["custom_id"]}
        required = field.get("required", True)
        if kind == 4:
            value = left.pop(key) if key else field.get("value") or ""
            assert isinstance(value, str)
            low, high = field.get("min_length", 0), field.get("max_length") or 4000
            if (required and not value) or (value and not low <= len(value) <= high):
                raise NotOffered(f"{label!r} does not take {value!r}")
            return body | {"value": value}
        if kind == 23:
            return body | {"value": bool(left.pop(key) if key else field.get("default", False))}
        given = left.pop(key) if key else [o["value"] for o in field.get("options", ()) if o.get("default")]
        chosen = self._selected(field, given if isinstance(given, (list, tuple)) else [given], typed)
        if required and not chosen and kind != 22:
            raise NotOffered(f"{label!r} is required")
        if kind == 21:
            return body | {"value": chosen[0] if chosen else None}
        if not (required or chosen) or field.get("min_values", 1 if required else 0) <= len(chosen) <= (
            field.get("max_values") or len(field.get("options", ())) or 1
        ):
            return body | {"values": chosen}
        raise NotOffered(f"{label!r} does not take {len(chosen)} values")

    def _check_visible(self, person: Person, message: Message) -> None:
        if not message.visible_to(person):
            raise NotOffered(f"{person.name} does not see that message")

    def _place(self, person: Person, channel: Channel) -> tuple[dict[str, str], int]:
        owners, context = owners_and_context(channel, person.id, person.user.installed)
        if not owners:
            raise NotOffered(f"the application is installed neither here nor by {person.name}")
        return owners, context

    def _make(
        self,
        kind: int,
        person: Person,
        channel: Channel,
        name: str,
        pressed_on: Message | None = None,
        triggered_by: Invocation | None = None,
    ) -> Invocation:
        owners, _ = self._place(person, channel)
        if pressed_on is not None and pressed_on.invocation is not None and "1" in pressed_on.invocation.owners:
            owners = dict(pressed_on.invocation.owners)
        invocation = Invocation(
            self.world.snowflake(),
            self.world.new_token(),
            kind,
            person.user,
            channel,
            self.world.clock.now(),
            name,
            self.world.changes,
            pressed_on,
            triggered_by,
            owners,
        )
        self.world.invocations[invocation.id] = invocation
        self.world.by_token[invocation.token] = invocation
        return invocation

    async def _send(
        self,
        kind: int,
        person: Person,
        channel: Channel,
        data: JSON,
        *,
        name: str,
        pressed_on: Message | None = None,
        triggered_by: Invocation | None = None,
    ) -> Invocation:
        invocation = self._make(kind, person, channel, name, pressed_on, triggered_by)
        await self._dispatch(invocation, person, channel, data)
        return invocation

    async def _dispatch(self, invocation: Invocation, person: Person, channel: Channel, data: JSON) -> None:
        session = self.gateway.session_for(channel)
        if session is None:
            self.interactions.expire(invocation)
            return
        invocation.sent_at = time.monotonic()
        loop = asyncio.get_running_loop()
        handle = loop.call_later(ANSWER_DEADLINE_S, self.interactions.expire, invocation)
        self._deadlines.add(handle)
        loop.call_later(ANSWER_DEADLINE_S, self._deadlines.discard, handle)
        await session.dispatch("INTERACTION_CREATE", self._payload(invocation, person, channel, data))

    def _payload(self, invocation: Invocation, person: Person, channel: Channel, data: JSON) -> JSON:
        _, context = self._place(person, channel)
        app_permissions = self.world.bot_permissions(channel)
        held = person.permissions_in(channel) if isinstance(person, Member) else None
        payload: JSON = {
            "id": str(invocation.id),
            "application_id": str(self.world.bot.id),
            "type": invocation.kind,
            "token": invocation.token,
            "version": 1,
            "data": data,
            "channel_id": str(channel.id),
            "channel": channel.json(permissions=held or 0),
            "locale": person.user.locale,
            "app_permissions": str(DM_APP_PERMISSIONS if app_permissions is None else app_permissions),
            "authorizing_integration_owners": dict(invocation.owners),
            "context": context,
            "attachment_size_limit": channel.filesize_limit,
            "entitlements": [],
        }
        if channel.guild is not None:
            assert isinstance(person, Member), "in a server, a Member acts"
            guild = channel.guild
            payload |= {
                "guild_id": str(guild.id),
                "guild": {"id": str(guild.id), "locale": guild.locale, "features": []},
                "guild_locale": guild.locale,
                "member": person.json(channel, with_permissions=True),
            }
        else:
            payload["user"] = person.user.json()
        if invocation.pressed_on is not None:
            payload["message"] = invocation.pressed_on.json()
        return payload
