"""Discord's rules for messages, embeds, components and modals: pure checks that raise `Refusal`.

Sources: Discord's component reference, message resource and interaction pages (API v10, 2026).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from tests.wire.errors import empty_message, invalid_form
from tests.wire.shown import walk
from tests.wire.state import COMPONENTS_V2, EPHEMERAL, JSON, SUPPRESS_EMBEDS, SUPPRESS_NOTIFICATIONS

ROW, BUTTON, STRING_SELECT, TEXT_INPUT = 1, 2, 3, 4
SELECTS = (3, 5, 6, 7, 8)
SECTION, TEXT_DISPLAY, THUMBNAIL, GALLERY, FILE, SEPARATOR, CONTAINER = 9, 10, 11, 12, 13, 14, 17
LABEL, FILE_UPLOAD, RADIO_GROUP, CHECKBOX_GROUP, CHECKBOX = 18, 19, 21, 22, 23

IN_CONTAINER = (ROW, TEXT_DISPLAY, SECTION, GALLERY, SEPARATOR, FILE)
TOP_LEVEL_V2 = (*IN_CONTAINER, CONTAINER)
IN_LABEL = (TEXT_INPUT, *SELECTS, FILE_UPLOAD, RADIO_GROUP, CHECKBOX_GROUP, CHECKBOX)
IN_MODAL = (ROW, LABEL, TEXT_DISPLAY)

SETTABLE_FLAGS = SUPPRESS_EMBEDS | EPHEMERAL | SUPPRESS_NOTIFICATIONS | COMPONENTS_V2


def text(
    value: Any, path: str, longest: int, *, shortest: int = 1, required: bool = True, what: str | None = None
) -> None:
    if value is None and not required:
        return
    if value is None:
        raise invalid_form(path, "This field is required", "BASE_TYPE_REQUIRED")
    if not isinstance(value, str):
        raise invalid_form(path, f"Could not interpret {value!r} as string.", "STRING_TYPE_CONVERT")
    if not shortest <= len(value) <= longest:
        message = f"Must be between {shortest} and {longest} in length (it is {len(value)})."
        raise invalid_form(path, what or message, "BASE_TYPE_BAD_LENGTH")


def number(value: Any, path: str, low: int, high: int, *, required: bool = False) -> None:
    if value is None and not required:
        return
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise invalid_form(path, f"int value should be between {low} and {high} (it is {value!r}).", "NUMBER_TYPE_MAX")


def items(value: Any, path: str, low: int, high: int) -> list[JSON]:
    if not isinstance(value, list) or not low <= len(value) <= high:
        count = len(value) if isinstance(value, list) else value
        raise invalid_form(path, f"Must be between {low} and {high} in length (it is {count}).", "BASE_TYPE_BAD_LENGTH")
    return value


def check_message(payload: JSON, *, v2: bool, new: bool, file_names: Collection[str]) -> None:
    """The message as it will stand: `payload` holds every field, `file_names` every file it will have."""
    content, embeds, components = payload.get("content"), payload.get("embeds") or [], payload.get("components") or []
    flags = payload.get("flags") or 0
    if not isinstance(flags, int) or (new and flags & ~SETTABLE_FLAGS):
        raise invalid_form("flags", f"Invalid flags: {flags!r}.", "MESSAGE_FLAGS_INVALID")
    if v2:
        legacy = [key for key in ("content", "embeds", "poll", "sticker_ids") if payload.get(key)]
        if legacy:
            code = "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"
            raise invalid_form(legacy[0], f"The '{legacy[0]}' field cannot be used with IS_COMPONENTS_V2.", code)
        if not components:
            raise invalid_form("components", "A Components V2 message needs components.", "BASE_TYPE_REQUIRED")
    text(content, "content", 2000, shortest=0, required=False)
    check_embeds(embeds, file_names)
    check_components(components, v2=v2, file_names=file_names)
    if not (content or embeds or components or file_names or payload.get("poll") or payload.get("sticker_ids")):
        raise empty_message()
    nonce = payload.get("nonce")
    if nonce is not None and len(str(nonce)) > 25:
        raise invalid_form("nonce", "Must be 25 or fewer in length.", "BASE_TYPE_MAX_LENGTH")
    check_allowed_mentions(payload.get("allowed_mentions"))


def check_allowed_mentions(allowed: Any) -> None:
    if allowed is None:
        return
    if not isinstance(allowed, dict) or set(allowed) - {"parse", "roles", "users", "replied_user"}:
        raise invalid_form("allowed_mentions", f"Not an allowed mentions object: {allowed!r}.")
    for index, kind in enumerate(allowed.get("parse") or []):
        if kind not in ("roles", "users", "everyone"):
            raise invalid_form(f"allowed_mentions.parse.{index}", f"Unknown kind {kind!r}.", "BASE_TYPE_CHOICES")
        if allowed.get(kind):
            raise invalid_form("allowed_mentions", f"parse:[{kind}] and {kind}:[…] are mutually exclusive.")


def check_embeds(embeds: list[JSON], file_names: Collection[str]) -> None:
    items(embeds, "embeds", 0, 10)
    total = 0
    for index, embed in enumerate(embeds):
        place = f"embeds.{index}"
        parts = {
            "title": (embed.get("title"), 256),
            "description": (embed.get("description"), 4096),
            "footer.text": ((embed.get("footer") or {}).get("text"), 2048),
            "author.name": ((embed.get("author") or {}).get("name"), 256),
        }
        for entry, item in enumerate(items(embed.get("fields", []), f"{place}.fields", 0, 25)):
            text(item.get("name"), f"{place}.fields.{entry}.name", 256)
            text(item.get("value"), f"{place}.fields.{entry}.value", 1024)
            total += len(item["name"]) + len(item["value"])
        for key, (value, longest) in parts.items():
            text(value, f"{place}.{key}", longest, shortest=0, required=False)
            total += len(value or "")
        for key in ("image", "thumbnail"):
            if key in embed:
                check_url(embed[key].get("url"), f"{place}.{key}.url", file_names)
    if total > 6000:
        raise invalid_form(
            "embeds", f"Embed size exceeds maximum size of 6000 (it is {total}).", "MAX_EMBED_SIZE_EXCEEDED"
        )


def check_url(url: Any, path: str, file_names: Collection[str]) -> None:
    text(url, path, 2048)
    if url.startswith("attachment://"):
        if url.removeprefix("attachment://") not in file_names:
            code = "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND"
            raise invalid_form(path, f"The referenced attachment was not found: {url}", code)
    elif not url.startswith(("http://", "https://")):
        raise invalid_form(
            path, f"Scheme of \"{url}\" must be one of ('http', 'https', 'attachment').", "URL_TYPE_INVALID_SCHEME"
        )


class _Components:
    """One walk over a message's or a modal's components, with what must be unique or counted in all."""

    def __init__(self, file_names: Collection[str]) -> None:
        self.file_names = file_names
        self.custom_ids: set[str] = set()
        self.ids: set[int] = set()
        self.count = 0
        self.characters = 0

    def visit(self, component: Any, path: str, allowed: Collection[int]) -> None:
        if not isinstance(component, dict) or component.get("type") not in allowed:
            kind = component.get("type") if isinstance(component, dict) else component
            raise invalid_form(
                f"{path}.type", f"Value must be one of {tuple(allowed)} (it is {kind!r}).", "UNION_TYPE_CHOICES"
            )
        self.count += 1
        if number_ := component.get("id"):
            number(number_, f"{path}.id", 0, 2**31 - 1)
            if number_ in self.ids:
                raise invalid_form(f"{path}.id", f"Component id {number_} is used twice.", "COMPONENT_ID_DUPLICATED")
            self.ids.add(number_)
        check = {
            ROW: self.row,
            BUTTON: self.button,
            TEXT_INPUT: self.text_input,
            SECTION: self.section,
            TEXT_DISPLAY: self.text_display,
            THUMBNAIL: self.thumbnail,
            GALLERY: self.gallery,
            FILE: self.file,
            SEPARATOR: self.separator,
            CONTAINER: self.container,
            LABEL: self.label,
            FILE_UPLOAD: self.file_upload,
            RADIO_GROUP: self.choice_group,
            CHECKBOX_GROUP: self.choice_group,
            CHECKBOX: self.custom_id,
        }.get(component["type"], self.select)
        check(component, path)

    def children(self, component: JSON, path: str, low: int, high: int, allowed: Collection[int]) -> Iterator[JSON]:
        for index, child in enumerate(items(component.get("components"), f"{path}.components", low, high)):
            self.visit(child, f"{path}.components.{index}", allowed)
            yield child

    def custom_id(self, component: JSON, path: str) -> None:
        custom_id = component.get("custom_id")
        text(custom_id, f"{path}.custom_id", 100)
        if custom_id in self.custom_ids:
            code = "COMPONENT_CUSTOM_ID_DUPLICATED"
            raise invalid_form(f"{path}.custom_id", f"Component custom id cannot be duplicated: {custom_id}", code)
        self.custom_ids.add(str(custom_id))

    def row(self, component: JSON, path: str) -> None:
        kinds = [child["type"] for child in self.children(component, path, 1, 5, (BUTTON, *SELECTS))]
        if len(kinds) > 1 and any(kind in SELECTS for kind in kinds):
            raise invalid_form(
                f"{path}.components", "A menu needs an action row of its own.", "COMPONENT_LAYOUT_WIDTH_EXCEEDED"
            )

    def button(self, component: JSON, path: str) -> None:
        style = component.get("style")
        number(style, f"{path}.style", 1, 6, required=True)
        text(component.get("label"), f"{path}.label", 80, shortest=0, required=False)
        if style == 6:
            text(component.get("sku_id"), f"{path}.sku_id", 20)
            return
        if not component.get("label") and not component.get("emoji"):
            raise invalid_form(path, "A button needs a label or an emoji.", "BUTTON_COMPONENT_CONTENT_REQUIRED")
        if style == 5:
            text(component.get("url"), f"{path}.url", 512)
            check_url(component["url"], f"{path}.url", ())
            if component.get("custom_id"):
                raise invalid_form(
                    path, "A custom id and url cannot both be specified.", "BUTTON_COMPONENT_CUSTOM_ID_OR_URL"
                )
            return
        if component.get("url"):
            raise invalid_form(
                path, "A custom id and url cannot both be specified.", "BUTTON_COMPONENT_CUSTOM_ID_OR_URL"
            )
        self.custom_id(component, path)

    def select(self, component: JSON, path: str) -> None:
        self.custom_id(component, path)
        text(component.get("placeholder"), f"{path}.placeholder", 150, shortest=0, required=False)
        most = 25
        if component["type"] == STRING_SELECT:
            most = len(self.options(component, path, 1, 25))
        low, high = component.get("min_values", 1), component.get("max_values", 1)
        number(low, f"{path}.min_values", 0, 25)
        number(high, f"{path}.max_values", 1, most)
        if low is not None and high is not None and low > high:
            raise invalid_form(f"{path}.min_values", "min_values is above max_values.")

    def options(self, component: JSON, path: str, low: int, high: int) -> list[JSON]:
        options = items(component.get("options"), f"{path}.options", low, high)
        for index, option in enumerate(options):
            place = f"{path}.options.{index}"
            text(option.get("label"), f"{place}.label", 100)
            text(option.get("value"), f"{place}.value", 100)
            text(option.get("description"), f"{place}.description", 100, shortest=0, required=False)
        values = [option["value"] for option in options]
        if len(set(values)) < len(values):
            raise invalid_form(
                f"{path}.options",
                "The specified option value is already used.",
                "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
            )
        return options

    def choice_group(self, component: JSON, path: str) -> None:
        self.custom_id(component, path)
        least = 2 if component["type"] == RADIO_GROUP else 1
        options = self.options(component, path, least, 10)
        if component["type"] == CHECKBOX_GROUP:
            number(component.get("min_values"), f"{path}.min_values", 0, len(options))
            number(component.get("max_values"), f"{path}.max_values", 1, len(options))

    def section(self, component: JSON, path: str) -> None:
        for _ in self.children(component, path, 1, 3, (TEXT_DISPLAY,)):
            pass
        self.visit(component.get("accessory"), f"{path}.accessory", (BUTTON, THUMBNAIL))

    def text_display(self, component: JSON, path: str) -> None:
        text(component.get("content"), f"{path}.content", 4000)
        self.characters += len(component["content"])

    def media(self, holder: JSON, key: str, path: str) -> None:
        media = holder.get(key)
        if not isinstance(media, dict):
            raise invalid_form(f"{path}.{key}", "This field is required", "BASE_TYPE_REQUIRED")
        check_url(media.get("url"), f"{path}.{key}.url", self.file_names)
        text(holder.get("description"), f"{path}.description", 1024, shortest=0, required=False)

    def thumbnail(self, component: JSON, path: str) -> None:
        self.media(component, "media", path)

    def gallery(self, component: JSON, path: str) -> None:
        for index, item in enumerate(items(component.get("items"), f"{path}.items", 1, 10)):
            self.media(item, "media", f"{path}.items.{index}")

    def file(self, component: JSON, path: str) -> None:
        self.media(component, "file", path)
        url = component["file"]["url"]
        if not url.startswith("attachment://") and "/attachments/" not in url:
            raise invalid_form(f"{path}.file.url", "A file component only takes attachment:// references.")

    def separator(self, component: JSON, path: str) -> None:
        number(component.get("spacing"), f"{path}.spacing", 1, 2)

    def container(self, component: JSON, path: str) -> None:
        number(component.get("accent_color"), f"{path}.accent_color", 0, 0xFFFFFF)
        for _ in self.children(component, path, 1, 40, IN_CONTAINER):
            pass

    def label(self, component: JSON, path: str) -> None:
        text(component.get("label"), f"{path}.label", 45)
        text(component.get("description"), f"{path}.description", 100, shortest=0, required=False)
        self.visit(component.get("component"), f"{path}.component", IN_LABEL)
        child = component["component"]
        if child.get("required", True) and child.get("min_values") == 0:
            raise invalid_form(f"{path}.component.min_values", "Must be at least 1 where an answer is required.")
        if child.get("disabled"):
            raise invalid_form(f"{path}.component.disabled", "Modals cannot have disabled components.")

    def text_input(self, component: JSON, path: str) -> None:
        self.custom_id(component, path)
        number(component.get("style"), f"{path}.style", 1, 2, required=True)
        text(component.get("placeholder"), f"{path}.placeholder", 100, shortest=0, required=False)
        text(component.get("value"), f"{path}.value", 4000, shortest=0, required=False)
        low, high = component.get("min_length"), component.get("max_length")
        number(low, f"{path}.min_length", 0, 4000)
        number(high, f"{path}.max_length", 1, 4000)
        if low is not None and high is not None and low > high:
            raise invalid_form(f"{path}.min_length", "min_length is above max_length.")
        value = component.get("value")
        if value and high is not None and len(value) > high:
            raise invalid_form(f"{path}.value", f"Must be {high} or fewer in length.", "BASE_TYPE_MAX_LENGTH")

    def file_upload(self, component: JSON, path: str) -> None:
        self.custom_id(component, path)
        number(component.get("min_values"), f"{path}.min_values", 0, 10)
        number(component.get("max_values"), f"{path}.max_values", 1, 10)


def check_components(components: list[JSON], *, v2: bool, file_names: Collection[str]) -> None:
    """v2: up to 40 in all and 4000 characters; else up to five action rows."""
    items(components, "components", 0, 40 if v2 else 5)
    walk = _Components(file_names)
    for index, component in enumerate(components):
        walk.visit(component, f"components.{index}", TOP_LEVEL_V2 if v2 else (ROW,))
    if walk.count > 40:
        raise invalid_form(
            "components", f"At most 40 components (there are {walk.count}).", "COMPONENT_MAX_TOTAL_EXCEEDED"
        )
    if walk.characters > 4000:
        text_ = f"At most 4000 characters of text in all (there are {walk.characters})."
        raise invalid_form("components", text_, "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED")


def check_modal(data: JSON) -> None:
    text(data.get("custom_id"), "data.custom_id", 100)
    text(data.get("title"), "data.title", 45)
    walk = _Components(())
    for index, component in enumerate(items(data.get("components"), "data.components", 1, 5)):
        place = f"data.components.{index}"
        if isinstance(component, dict) and component.get("type") == ROW:
            (child,) = items(component.get("components"), f"{place}.components", 1, 1)
            walk.visit(child, f"{place}.components.0", (TEXT_INPUT,))
            text(child.get("label"), f"{place}.components.0.label", 45)
        else:
            walk.visit(component, place, IN_MODAL)


def check_choices(data: JSON, option: JSON) -> None:
    """Autocomplete choices for `option`, as it was synced."""
    for index, choice in enumerate(items(data.get("choices"), "data.choices", 0, 25)):
        check_choice(choice, f"data.choices.{index}", option["type"])


def check_choice(choice: JSON, path: str, kind: int) -> None:
    text(choice.get("name"), f"{path}.name", 100)
    value = choice.get("value")
    if kind == 3:
        text(value, f"{path}.value", 100)
    elif not isinstance(value, (int, float)) or isinstance(value, bool) or (kind == 4 and not isinstance(value, int)):
        raise invalid_form(f"{path}.value", f"Could not interpret {value!r} as a number.", "NUMBER_TYPE_COERCE")


def fill_component_ids(components: list[JSON]) -> None:
    """Gives each component the sequential id that Discord gives when none was sent."""
    parts = list(walk(components))
    taken = {part["id"] for part in parts if part.get("id")}
    free = (number for number in range(1, 10_000) if number not in taken)
    for part in parts:
        if not part.get("id"):
            part["id"] = next(free)
