"""Application commands: the rules for syncing them, and turning what a person types into an interaction's data."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import discord

from tests.wire.errors import invalid_form
from tests.wire.rules import check_choice, items, number, text
from tests.wire.shown import Attachment, Message
from tests.wire.state import JSON, Channel, Guild, Member, Person, Role, User
from tests.wire.world import World

CHAT, USER_MENU, MESSAGE_MENU = 1, 2, 3
SUBCOMMAND, GROUP = 1, 2
MOST = {CHAT: 100, USER_MENU: 15, MESSAGE_MENU: 15}
LOCALES = {str(locale.value) for locale in discord.Locale}
SCRIPTS_WITH_MARKS = ("DEVANAGARI", "THAI")


class NotOffered(Exception):
    """What a person's own client does not let them do: the command is not there, or a value does not fit."""


@dataclass(frozen=True)
class Upload:
    """A file that a person attaches to a command or a modal."""

    filename: str
    data: bytes


def _is_name(name: str) -> bool:
    """Discord's `^[-_'\\p{L}\\p{N}\\p{sc=Deva}\\p{sc=Thai}]{1,32}$`."""

    def fits(sign: str) -> bool:
        if sign in "-_'" or unicodedata.category(sign)[0] in "LN":
            return True
        return unicodedata.name(sign, "").startswith(SCRIPTS_WITH_MARKS)

    return 1 <= len(name) <= 32 and all(map(fits, name)) and name == name.lower()


def _check_name(name: Any, path: str, *, menu: bool = False) -> None:
    text(name, path, 32)
    if not menu and not _is_name(name):
        raise invalid_form(path, f"Command name is invalid: {name!r}", "APPLICATION_COMMAND_INVALID_NAME")


def _check_texts(thing: JSON, path: str, *, menu: bool = False, choice: bool = False) -> int:
    """Names and descriptions in every language; returns the longest total of characters over languages."""

    def localizations(key: str) -> Mapping[str, str]:
        given = thing.get(key) or {}
        for locale in given:
            if locale not in LOCALES:
                raise invalid_form(f"{path}.{key}.{locale}", f"Unknown locale {locale!r}.", "ENUM_TYPE_COERCE")
        return given

    names, descriptions = localizations("name_localizations"), localizations("description_localizations")
    if choice:
        for locale, name in {"": thing.get("name"), **names}.items():
            text(name, f"{path}.name {locale}".strip(), 100)
        return max(len(name) for name in (thing["name"], *names.values()))
    for locale, name in {"": thing.get("name"), **names}.items():
        _check_name(name, f"{path}.name_localizations.{locale}" if locale else f"{path}.name", menu=menu)
    if menu:
        if thing.get("description") or descriptions:
            raise invalid_form(
                f"{path}.description",
                "Context menu commands cannot have description",
                "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION",
            )
        return 0
    for locale, description in {"": thing.get("description"), **descriptions}.items():
        text(description, f"{path}.description_localizations.{locale}" if locale else f"{path}.description", 100)
    longest_name = max(len(name) for name in (thing["name"], *names.values()))
    return longest_name + max(len(words) for words in (thing["description"], *descriptions.values()))


def check_commands(commands: Any) -> None:
    """A bulk overwrite, as a whole."""
    items(commands, "_", 0, sum(MOST.values()))
    seen: set[tuple[int, str]] = set()
    for index, command in enumerate(commands):
        kind = command.get("type", CHAT)
        number(kind, f"{index}.type", 1, 3)
        _check_command(command, str(index), kind)
        if (kind, command["name"]) in seen:
            raise invalid_form(
                f"{index}.name", "Application command names must be unique", "APPLICATION_COMMANDS_DUPLICATE_NAME"
            )
        seen.add((kind, command["name"]))
    for kind, most in MOST.items():
        if sum(command.get("type", CHAT) == kind for command in commands) > most:
            raise invalid_form("_", f"Maximum number of application commands reached ({most}).", "30032")


def _check_command(command: JSON, path: str, kind: int) -> None:
    length = _check_texts(command, path, menu=kind != CHAT)
    options = command.get("options") or []
    if kind != CHAT and options:
        raise invalid_form(f"{path}.options", "Context menu commands cannot have options")
    length += _check_options(options, f"{path}.options", depth=0)
    if length > 8000:
        raise invalid_form(
            path, f"Command exceeds maximum size of 8000 (it is {length}).", "APPLICATION_COMMAND_TOO_LARGE"
        )
    permissions = command.get("default_member_permissions")
    if permissions is not None and not re.fullmatch(r"\d+", str(permissions)):
        raise invalid_form(f"{path}.default_member_permissions", f"Not a permission set: {permissions!r}.")
    for key, allowed in (("contexts", {0, 1, 2}), ("integration_types", {0, 1})):
        given = command.get(key)
        if given is not None and (len(set(given)) < len(given) or not set(given) <= allowed):
            raise invalid_form(
                f"{path}.{key}",
                f"Must be different values of {sorted(allowed)}: {given!r}.",
                "SET_TYPE_ALREADY_CONTAINS_VALUE",
            )
    if command.get("integration_types") == []:
        raise invalid_form(f"{path}.integration_types", "At least one is needed.", "BASE_TYPE_BAD_LENGTH")


def _check_options(options: Any, path: str, *, depth: int) -> int:
    length, optional_seen = 0, False
    for index, option in enumerate(items(options, path, 0, 25)):
        place, kind = f"{path}.{index}", int(option.get("type") or 0)
        number(kind, f"{place}.type", 1, 11, required=True)
        length += _check_texts(option, place)
        if kind in (SUBCOMMAND, GROUP):
            if depth >= 2 or (kind == GROUP and depth >= 1):
                raise invalid_form(
                    f"{place}.type", "Sub-commands are nested too deep.", "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID"
                )
            length += _check_options(
                option.get("options") or [], f"{place}.options", depth=depth + (2 if kind == SUBCOMMAND else 1)
            )
            continue
        if option.get("required") and optional_seen:
            code = "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID"
            raise invalid_form(place, "Required options must be placed before non-required options", code)
        optional_seen = optional_seen or not option.get("required")
        length += _check_value_option(option, place, kind)
    kinds = {option["type"] in (SUBCOMMAND, GROUP) for option in options}
    if len(kinds) > 1:
        raise invalid_form(
            path,
            "Sub-command and sub-command group option types are mutually exclusive to all other types.",
            "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
        )
    for locale in ("", *LOCALES):
        names = [(option.get("name_localizations") or {}).get(locale, option["name"]) for option in options]
        if len(set(names)) < len(names):
            raise invalid_form(
                path,
                f"Option name is already used ({locale or 'default'}).",
                "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS",
            )
    return length


def _check_value_option(option: JSON, path: str, kind: int) -> int:
    choices = option.get("choices") or []
    if choices and kind not in (3, 4, 10):
        raise invalid_form(f"{path}.choices", f"An option of type {kind} has no choices.")
    if option.get("autocomplete") and (choices or kind not in (3, 4, 10)):
        raise invalid_form(
            f"{path}.autocomplete",
            "autocomplete cannot be used together with choices, or with this type.",
            "APPLICATION_COMMAND_OPTIONS_CHOICES_AUTOCOMPLETE",
        )
    length = 0
    for index, choice in enumerate(items(choices, f"{path}.choices", 0, 25)):
        length += _check_texts(choice, f"{path}.choices.{index}", choice=True)
        check_choice(choice, f"{path}.choices.{index}", kind)
        length += len(str(choice["value"]))
    for key, kinds, low, high in (
        ("min_length", (3,), 0, 6000),
        ("max_length", (3,), 1, 6000),
        ("min_value", (4, 10), -(2**53), 2**53),
        ("max_value", (4, 10), -(2**53), 2**53),
    ):
        bound = option.get(key)
        if bound is None:
            continue
        if (
            kind not in kinds
            or isinstance(bound, bool)
            or not low <= bound <= high
            or (kind in (3, 4) and bound != int(bound))
        ):
            raise invalid_form(f"{path}.{key}", f"{bound!r} does not fit an option of type {kind}.", "NUMBER_TYPE_MAX")
    for low_key, high_key in (("min_length", "max_length"), ("min_value", "max_value")):
        low_, high_ = option.get(low_key), option.get(high_key)
        if low_ is not None and high_ is not None and low_ > high_:
            raise invalid_form(f"{path}.{low_key}", f"{low_key} is above {high_key}.")
    return length


def find(world: World, guild: Guild | None, name: str, kind: int = CHAT) -> JSON:
    """The synced command; one of the server's own comes first."""
    scopes = [guild.id] if guild else []
    for scope in (*scopes, None):
        for command in world.commands.get(scope, []):
            if command["name"] == name and command["type"] == kind:
                return command
    raise NotOffered(f"there is no command {name!r}; synced are {[c['name'] for c in world.commands[None]]}")


def check_offered(command: JSON, person: Person, channel: Channel, context: int) -> None:
    """Whether the person's client offers the command here."""
    name = command["name"]
    if context not in (command.get("contexts") or (0, 1, 2)):
        raise NotOffered(f"/{name} is not offered in context {context}")
    if channel.guild is None:
        return
    assert isinstance(person, Member)
    needed = command.get("default_member_permissions")
    held = person.permissions_in(channel)
    if needed is not None and (int(needed) == 0 or held & int(needed) != int(needed)) and not held & 1 << 3:
        raise NotOffered(f"/{name} is hidden from {person.name}: it needs {needed}")
    if not held & discord.Permissions(use_application_commands=True).value:
        raise NotOffered(f"{person.name} may not use application commands here")
    if command.get("nsfw") and not channel.nsfw:
        raise NotOffered(f"/{name} needs an age-restricted channel")


class Typed:
    """What somebody typed: `build` gives the interaction's data with options and what they resolve to."""

    def __init__(self, world: World, channel: Channel, person: Person, values: Mapping[str, object]) -> None:
        self.world, self.channel, self.person = world, channel, person
        self.values = dict(values)
        self.resolved: dict[str, JSON] = {}

    def build(self, command: JSON, path: list[str], *, focused: str | None = None) -> JSON:
        levels, options = [], command.get("options") or []
        for part in path:
            found = next((o for o in options if o["name"] == part and o["type"] in (SUBCOMMAND, GROUP)), None)
            if found is None:
                raise NotOffered(f"/{command['name']} has no {part!r}")
            levels.append(found)
            options = found.get("options") or []
        if options and options[0]["type"] in (SUBCOMMAND, GROUP):
            raise NotOffered(f"/{command['name']} needs one of {[o['name'] for o in options]}")
        filled = [
            self._option(option, focused=focused)
            for option in options
            if option["name"] in self.values or self._missing(option, focused)
        ]
        if unknown := set(self.values) - {option["name"] for option in options}:
            raise NotOffered(f"/{command['name']} has no option {sorted(unknown)}")
        for level in reversed(levels):
            filled = [{"name": level["name"], "type": level["type"], "options": filled}]
        data: JSON = {"id": command["id"], "name": command["name"], "type": CHAT, "options": filled}
        if command.get("guild_id"):
            data["guild_id"] = command["guild_id"]
        if self.resolved:
            data["resolved"] = self.resolved
        return data

    def _missing(self, option: JSON, focused: str | None) -> bool:
        """False to leave the option out; an invocation without a required one is not sent by any client."""
        if option.get("required") and focused is None:
            raise NotOffered(f"the option {option['name']!r} is required")
        return False

    def _option(self, option: JSON, *, focused: str | None) -> JSON:
        name, kind, value = option["name"], option["type"], self.values[option["name"]]
        typing = focused == name
        sent = str(value) if typing else self._value(option, kind, value)
        body: JSON = {"name": name, "type": kind, "value": sent}
        if typing:
            body["focused"] = True
        return body

    def _value(self, option: JSON, kind: int, value: object) -> object:
        wrong = NotOffered(f"the option {option['name']!r} does not take {value!r}")
        if choices := option.get("choices"):
            if value not in [choice["value"] for choice in choices]:
                raise wrong
            return value
        if kind == 3:
            if not isinstance(value, str):
                raise wrong
            if not option.get("min_length", 0) <= len(value) <= option.get("max_length", 6000):
                raise wrong
            return value
        if kind in (4, 10):
            if (
                isinstance(value, bool)
                or not isinstance(value, (int, float))
                or (kind == 4 and not isinstance(value, int))
            ):
                raise wrong
            if not option.get("min_value", value) <= value <= option.get("max_value", value):
                raise wrong
            return value
        if kind == 5:
            if not isinstance(value, bool):
                raise wrong
            return value
        return self.reference(value, kind)

    def reference(self, value: object, kind: int = 9) -> str:
        """A person, channel, role or upload: its id goes into the option, the object into `resolved`."""
        if kind in (6, 9) and isinstance(value, User | Member):
            self._keep("users", value.id, value.user.json())
            guild = self.channel.guild
            if guild is not None and value.id in guild.members:
                member = guild.members[value.id].json(self.channel, with_user=False, with_permissions=True)
                self._keep("members", value.id, member)
            return str(value.id)
        if kind in (8, 9) and isinstance(value, Role):
            self._keep("roles", value.id, value.json())
            return str(value.id)
        if kind == 7 and isinstance(value, Channel):
            held = self.person.permissions_in(value) if isinstance(self.person, Member) else 0
            self._keep("channels", value.id, value.json(permissions=held))
            return str(value.id)
        if kind == 11 and isinstance(value, Upload | Attachment):
            file = value
            if isinstance(value, Upload):
                file = self.world.keep_file(self.channel, value.filename, value.data, ephemeral=True)
            assert isinstance(file, Attachment)
            self._keep("attachments", file.id, file.json())
            return str(file.id)
        raise NotOffered(f"an option of type {kind} does not take {value!r}")

    def _keep(self, kind: str, number_: int, body: JSON) -> None:
        self.resolved.setdefault(kind, {})[str(number_)] = body


def menu_data(world: World, command: JSON, target: Message | Person, channel: Channel, person: Person) -> JSON:
    data: JSON = {"id": command["id"], "name": command["name"], "type": command["type"], "target_id": str(target.id)}
    if isinstance(target, Message):
        data["resolved"] = {"messages": {str(target.id): target.json()}}
    else:
        typed = Typed(world, channel, person, {})
        typed.reference(target, 6)
        data["resolved"] = typed.resolved
    return data
