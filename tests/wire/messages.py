"""Creating and editing messages: the form that comes in, the rules, and the message that then stands."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.wire.errors import invalid_form, too_large
from tests.wire.rules import check_message, fill_component_ids, items, text
from tests.wire.shown import Attachment, Invocation, Message, Seen, walk
from tests.wire.state import (
    COMPONENTS_V2,
    EPHEMERAL,
    JSON,
    LOADING,
    REQUEST_LIMIT,
    SUPPRESS_EMBEDS,
    SUPPRESS_NOTIFICATIONS,
    Channel,
    User,
)
from tests.wire.world import World


@dataclass
class Form:
    """A request's body: the JSON, and the uploads by their number in `files[n]`."""

    payload: JSON
    uploads: dict[int, tuple[str, bytes]]


def answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """JSON as Discord sends it: discord.py only parses a bare "application/json", without a charset."""
    bare = {"Content-Type": "application/json", **(headers or {})}
    return web.Response(body=json.dumps(body).encode(), status=status, headers=bare)


async def read_form(request: web.Request) -> Form:
    if (request.content_length or 0) > REQUEST_LIMIT:
        raise too_large()
    kind = request.content_type
    if kind == "application/json":
        return Form(_object(await request.read()), {})
    if kind != "multipart/form-data":
        raise invalid_form("_", f"Expected JSON or a form, not {kind}.", "CONTENT_TYPE_INVALID")
    body = await request.read()
    if len(body) > REQUEST_LIMIT:
        raise too_large()
    match = re.search(r'boundary="?([^";]+)', request.headers["Content-Type"])
    if match is None:
        raise invalid_form("_", "The form has no boundary.", "CONTENT_TYPE_INVALID")
    return _parse_form(body, match[1].encode())


def _parse_form(body: bytes, boundary: bytes) -> Form:
    """multipart/form-data, as RFC 7578 has it: the parts stand between lines of dashes and the boundary."""
    payload: JSON = {}
    uploads: dict[int, tuple[str, bytes]] = {}
    _, *parts, end = (b"\r\n" + body).split(b"\r\n--" + boundary)
    if not end.startswith(b"--"):
        raise invalid_form("_", "The form is cut short.")
    for part in parts:
        head, _, data = part.partition(b"\r\n\r\n")
        fields = dict(re.findall(r'(\w+)="([^"]*)"', head.decode("utf-8", "replace")))
        name = fields.get("name", "")
        if name == "payload_json":
            payload = _object(data)
        elif match := re.fullmatch(r"files\[(\d+)\]", name):
            uploads[int(match[1])] = (fields.get("filename", "unknown"), data)
        else:
            raise invalid_form("_", f"Unknown part {name!r} in the form.")
    return Form(payload, uploads)


def _object(raw: bytes) -> JSON:
    try:
        body = json.loads(raw)
    except ValueError:
        raise invalid_form("_", "The request body contains invalid JSON.", "50109") from None
    if not isinstance(body, dict):
        raise invalid_form("_", "Only dictionaries may be used in this request.", "DICT_TYPE_CONVERT")
    return body


def _files(
    world: World, channel: Channel, form: Form, payload: JSON, kept: list[Attachment], flags: int
) -> list[Attachment]:
    """The files the message will have. Without a list of attachments, old ones stay and uploads are added."""
    for _, data in form.uploads.values():
        if len(data) > channel.filesize_limit:
            raise too_large()
    listed = payload.get("attachments")
    entries: list[JSON]
    if listed is None:
        entries = [{"id": str(file.id)} for file in kept] + [{"id": number} for number in form.uploads]
    else:
        entries = items(listed, "attachments", 0, 10)
    files = []
    by_id = {file.id: file for file in kept}
    unused = dict(form.uploads)
    for index, entry in enumerate(entries):
        place = f"attachments.{index}"
        text(entry.get("description"), f"{place}.description", 1024, shortest=0, required=False)
        number = int(entry.get("id", -1))
        if number in unused:
            sent_name, data = unused.pop(number)
            name = entry.get("filename", sent_name)
            ephemeral = bool(flags & EPHEMERAL)
            files.append(
                world.keep_file(channel, name, data, description=entry.get("description"), ephemeral=ephemeral)
            )
        elif number in by_id:
            files.append(by_id[number])
        else:
            raise invalid_form(f"{place}.id", f"There is no attachment {number}.", "ATTACHMENT_NOT_FOUND")
    if unused:
        raise invalid_form(
            "attachments", f"Uploads {sorted(unused)} are not among the attachments.", "ATTACHMENT_NOT_FOUND"
        )
    items(files, "attachments", 0, 10)
    return files


def _resolve_media(components: list[JSON], embeds: list[JSON], files: list[Attachment]) -> None:
    """Turns attachment:// references (and addresses of files that stay) into media items, as Discord answers them."""
    by_name = {f"attachment://{file.filename}": file for file in files} | {file.url: file for file in files}

    def resolve(holder: JSON, key: str) -> None:
        file = by_name.get(holder[key]["url"])
        holder[key] = file.media() if file else {"url": holder[key]["url"], "proxy_url": holder[key]["url"]}

    for part in walk(components):
        for key in ("media", "file"):
            if key in part:
                resolve(part, key)
        if part["type"] == 13 and (file := by_name.get(part["file"]["url"])):
            part |= {"name": file.filename, "size": len(file.data)}
        for item in part.get("items", ()):
            resolve(item, "media")
    for embed in embeds:
        embed.setdefault("type", "rich")
        for key in ("image", "thumbnail"):
            if key in embed:
                resolve(embed, key)


def pings_of(content: str, payload: JSON, message: Message) -> list[str]:
    """Who is notified: Discord looks at the text and at `allowed_mentions` (everything, where it is absent)."""
    allowed = payload.get("allowed_mentions")
    parse = {"users", "roles", "everyone"} if allowed is None else set(allowed.get("parse") or ())
    users, roles = set((allowed or {}).get("users") or ()), set((allowed or {}).get("roles") or ())
    found = []
    if "everyone" in parse and re.search(r"@(everyone|here)", content):
        found.append("everyone")
    found += [f"<@{n}>" for n in re.findall(r"<@!?(\d+)>", content) if "users" in parse or n in map(str, users)]
    found += [f"<@&{n}>" for n in re.findall(r"<@&(\d+)>", content) if "roles" in parse or n in map(str, roles)]
    if message.reply_to is not None and (allowed is None or allowed.get("replied_user")):
        found.append(message.reply_to.author.mention)
    return found


def create_message(
    world: World,
    channel: Channel,
    author: User,
    form: Form,
    payload: JSON,
    *,
    invocation: Invocation | None = None,
    reply_to: Message | None = None,
) -> Message:
    flags = payload.get("flags") or 0
    files = _files(world, channel, form, payload, [], flags if isinstance(flags, int) else 0)
    v2 = isinstance(flags, int) and bool(flags & COMPONENTS_V2)
    check_message(payload, v2=v2, new=True, file_names={file.filename for file in files})
    nonce = payload.get("nonce")
    message = Message(
        world.snowflake(),
        channel,
        author,
        world.clock.now(),
        nonce=None if nonce is None else str(nonce),
        flags=flags,
        invocation=invocation,
        reply_to=reply_to,
        only_for=invocation.person if invocation and flags & EPHEMERAL else None,
    )
    _fill(world, message, payload, files)
    channel.messages[message.id] = message
    world.changes.notify()
    return message


def edit_message(world: World, message: Message, form: Form, payload: JSON) -> Message:
    """Fields that are absent stay; null clears. Components V2 can be switched on, never off."""
    whole: JSON = {
        "content": message.content,
        "embeds": copy.deepcopy(message.embeds),
        "components": copy.deepcopy(message.components),
    }
    whole |= {
        key: value for key, value in payload.items() if key in (*whole, "allowed_mentions", "poll", "sticker_ids")
    }
    flags = message.flags & ~LOADING
    if payload.get("flags") is not None:
        settable = SUPPRESS_EMBEDS | COMPONENTS_V2
        asked: Any = payload["flags"]
        if not isinstance(asked, int) or asked & ~(settable | EPHEMERAL | SUPPRESS_NOTIFICATIONS):
            raise invalid_form("flags", f"Invalid flags: {asked!r}.", "MESSAGE_FLAGS_INVALID")
        flags = flags & ~SUPPRESS_EMBEDS | asked & settable
    files = _files(world, message.channel, form, payload, message.files, flags)
    check_message(
        whole,
        v2=bool(flags & COMPONENTS_V2),
        new=False,
        file_names={f.filename for f in files} | {f.url for f in files},
    )
    message.history.append(
        Seen(message.edited or message.created, message.text, tuple(f.filename for f in message.files), message.loading)
    )
    first_answer = message.loading
    message.flags = flags
    message.edited = None if first_answer else world.clock.now()
    _fill(world, message, whole, files, notifies=first_answer)
    world.changes.notify()
    return message


def _fill(world: World, message: Message, payload: JSON, files: list[Attachment], *, notifies: bool = True) -> None:
    message.content = payload.get("content") or ""
    message.embeds = copy.deepcopy(payload.get("embeds") or [])
    message.components = copy.deepcopy(payload.get("components") or [])
    message.files = files
    fill_component_ids(message.components)
    _resolve_media(message.components, message.embeds, files)
    if notifies and not message.ephemeral:
        message.pings = pings_of(message.text, payload, message)


def delete_message(world: World, message: Message) -> None:
    message.deleted = True
    world.changes.notify()
