"""The pages of /settings on which a server's managers write its styles."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot import panels, styles
from bot.controls import Control
from bot.defaults import GuildSettings
from bot.forms import MODEL_DECIDES, Form, between, number, values, whole_number
from bot.interactions import Interaction, chosen, person
from bot.messages import Card
from bot.options import Options
from bot.permissions import Refused, require_manager
from bot.styles import KEY_LIMIT, NAME_LIMIT, Style
from bot.texts import Say
from bot.wording import plain

_FORM = re.compile(rf"easel:style-form:(?P<key>.{{0,{KEY_LIMIT}}})")

Own = Mapping[str, Style | None]


class StyleControl(
    Control,
    template=rf"easel:style:(?P<action>open|new|edit|delete|restore|model|aspect_ratio)(?::(?P<key>.{{1,{KEY_LIMIT}}}))?",
):
    async def pressed(self, interaction: Interaction) -> None:
        bot, say = interaction.client, interaction.client.say(interaction)
        action, picked = self.match["action"], chosen(interaction)
        guild_id = require_manager(person(interaction))
        own: Own = (await bot.store.guild(guild_id)).styles
        key = picked[0] if action == "open" else self.match["key"] or ""
        if action == "new":
            if sum(style is not None for style in own.values()) >= styles.MOST:
                raise Refused("error-too-many-styles", most=styles.MOST)
            await interaction.response.send_modal(style_form("", Style(name="new"), say))
            return
        style = known(key, own)
        if action == "edit" and style is not None:
            await interaction.response.send_modal(style_form(key, style, say))
            return
        if action not in ("open", "edit"):
            own = (await bot.store.change_guild(guild_id, lambda old: changed(old, key, action, picked))).styles
        gone = key not in own and key not in styles.BUILT_IN
        card = panels.style_list(own, say) if gone else style_card(interaction, key, own)
        await interaction.response.edit_message(view=card)


def known(key: str, own: Own) -> Style | None:
    """The style of that key, None for one that is hidden. Refused where somebody else deleted it meanwhile."""
    if key not in own and key not in styles.BUILT_IN:
        raise Refused("error-no-style", name=plain(key, 80))
    return own[key] if key in own else styles.BUILT_IN[key]


def changed(old: GuildSettings, key: str, action: str, picked: list[str]) -> Mapping[str, object]:
    """A server's styles after a control was used. A built-in one that is changed becomes the server's own."""
    own = dict(old.styles)
    match action:
        case "delete" if key in styles.BUILT_IN:
            own[key] = None
        case "delete" | "restore":
            own.pop(key, None)
        case _:
            style = known(key, own)
            if style is not None:
                value = None if picked[0] == MODEL_DECIDES else picked[0]
                options = style.options.model_copy(update={action: value})
                own[key] = style.model_copy(update={"options": options})
    return {"styles": own}


def style_card(interaction: Interaction, key: str, own: Own) -> Card:
    bot = interaction.client
    return panels.style(key, own, bot.say(interaction), models=[spec.key for spec in bot.catalog])


def style_form(key: str, style: Style, say: Say) -> Form:
    """`key` is empty for a new one. A built-in one is shown under its name in this language."""
    form = Form(f"easel:style-form:{key}", say("style-form-title"))
    name = styles.title(key, style, say) if key else None
    form.text("name", say("style-form-called"), name, limit=NAME_LIMIT, needed=True)
    hint = say("style-form-words-hint", place=styles.PLACE)
    form.text("prompt", say("style-form-words"), style.prompt, hint=hint, limit=1000, long=True)
    form.text("negative_prompt", say("edit-negative"), style.negative_prompt, limit=1000, long=True)
    form.text("steps", say("edit-steps"), style.options.num_inference_steps)
    cfg = style.options.guidance_scale
    form.text("cfg", say("edit-cfg"), None if cfg is None else f"{cfg:g}")
    return form


async def submitted(interaction: Interaction) -> None:
    """A style's form was sent."""
    data: Any = interaction.data or {}
    match = _FORM.fullmatch(str(data.get("custom_id", "")))
    if match is None:
        return
    guild_id, fields = require_manager(person(interaction)), values(data)
    kept = await interaction.client.store.change_guild(guild_id, lambda old: written(old, match["key"], fields))
    key = match["key"] if match["key"] in styles.BUILT_IN else styles.key_of(fields["name"])
    await interaction.response.edit_message(view=style_card(interaction, key, kept.styles))


def written(old: GuildSettings, key: str, fields: Mapping[str, str]) -> Mapping[str, object]:
    """A server's styles with the one of the form. A built-in style keeps its key, others are known by their name."""
    name = " ".join(fields.get("name", "").split())
    steps, cfg = fields.get("steps", "").strip(), fields.get("cfg", "").strip()
    own = dict(old.styles)
    before = own.get(key) or styles.BUILT_IN.get(key) or Style(name="new")
    numbers = {
        "num_inference_steps": between("steps", whole_number("steps", steps), 1, 100) if steps else None,
        "guidance_scale": between("cfg", number("cfg", cfg), 0, 20) if cfg else None,
    }
    place = key if key in styles.BUILT_IN else styles.key_of(name)
    if place in ("", styles.NONE) or (place != key and place in styles.of_server(own)):
        raise Refused("error-style-taken", name=plain(name, 80) or "…")
    if place != key:
        own.pop(key, None)
    own[place] = Style(
        name=name,
        prompt=fields.get("prompt", "").strip(),
        negative_prompt=fields.get("negative_prompt", "").strip(),
        options=Options.model_validate(before.options.model_dump() | numbers),
    )
    return {"styles": own}


CONTROLS = (StyleControl,)
