"""Modals: fields with labels on the way out, values by their fields' ids on the way back.

Nobody listens to a form: it is known by the id it carries, as buttons are, so that one opened before a restart still
works.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import discord
from discord import ui

from bot.options import Options
from bot.texts import Say
from engine.errors import InvalidRequest
from engine.types import Sampler

MODEL_DECIDES = "-"
"""The choice of a menu that leaves something open: Discord takes no empty value."""


class Form(ui.Modal):
    def __init__(self, custom_id: str, title: str) -> None:
        super().__init__(title=title, custom_id=custom_id, timeout=None)

    def text(
        self,
        name: str,
        label: str,
        value: object = None,
        *,
        hint: str | None = None,
        limit: int = 20,
        long: bool = False,
        needed: bool = False,
    ) -> None:
        style = discord.TextStyle.paragraph if long else discord.TextStyle.short
        shown = None if value is None or value == "" else str(value)
        field = ui.TextInput[Any](custom_id=name, style=style, default=shown, required=needed, max_length=limit)
        self.add_item(ui.Label(text=label, description=hint, component=field))

    def menu(self, name: str, label: str, options: Sequence[discord.SelectOption], *, hint: str | None = None) -> None:
        field = ui.Select[Any](custom_id=name, options=list(options), required=True)
        self.add_item(ui.Label(text=label, description=hint, component=field))

    def is_finished(self) -> bool:
        """Always: discord.py keeps no view that is finished."""
        return True


def values(data: Any) -> dict[str, str]:
    """A submitted form's fields by their ids; of a menu, what was chosen. Each stands inside its label."""
    fields = [row.get("component") or {} for row in data.get("components", [])]
    return {field["custom_id"]: _value(field) for field in fields if "custom_id" in field}


def _value(field: Mapping[str, Any]) -> str:
    chosen = field.get("values")
    return str(chosen[0]) if chosen else str(field.get("value") or "")


def whole_number(field: str, text: str) -> int:
    try:
        return int(text.strip())
    except ValueError:
        raise InvalidRequest(field, text, "a whole number", rule="whole") from None


def number(field: str, text: str) -> float:
    """A decimal comma is as good as a point."""
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        raise InvalidRequest(field, text, "a number", rule="number") from None


def numbers_form(custom_id: str, options: Options, say: Say) -> Form:
    """The defaults that are typed rather than chosen; what stays empty is left open."""
    form = Form(custom_id, say("numbers-title"))
    form.text("num_inference_steps", say("edit-steps"), options.num_inference_steps)
    cfg = None if options.guidance_scale is None else f"{options.guidance_scale:g}"
    form.text("guidance_scale", say("edit-cfg"), cfg)
    size = f"{options.width}×{options.height}" if options.width and options.height else None
    form.text("size", say("numbers-size"), size, hint=say("numbers-size-hint"))
    form.menu("sampler", say("numbers-sampler"), samplers(options.sampler, say))
    form.text("negative_prompt", say("edit-negative"), options.negative_prompt, limit=1000, long=True)
    return form


def samplers(chosen: Sampler | None, say: Say) -> list[discord.SelectOption]:
    open_ = discord.SelectOption(label=say("choice-model-decides"), value=MODEL_DECIDES, default=chosen is None)
    return [open_, *(discord.SelectOption(label=name, value=name, default=name == chosen) for name in Sampler)]


def read_numbers(fields: Mapping[str, str]) -> dict[str, Any]:
    """The options of a `numbers_form`. Raises InvalidRequest, in the words of the command's options."""
    steps, cfg, size = (fields.get(name, "").strip() for name in ("num_inference_steps", "guidance_scale", "size"))
    read: dict[str, Any] = {
        "num_inference_steps": between("num_inference_steps", whole_number("steps", steps), 1, 100) if steps else None,
        "guidance_scale": between("guidance_scale", number("cfg", cfg), 0, 20) if cfg else None,
        "width": None,
        "height": None,
        "negative_prompt": fields.get("negative_prompt", "").strip() or None,
        "sampler": _sampler(fields.get("sampler", MODEL_DECIDES)),
    }
    if size:
        read |= {"aspect_ratio": None, **read_size(size)}
    return read


def read_size(text: str) -> dict[str, int]:
    """`768x512`, with any of the signs that people write for times."""
    across, _, down = text.lower().replace("×", "x").replace("*", "x").replace("＊", "x").partition("x")
    if not (across.strip().isdecimal() and down.strip().isdecimal()):
        raise InvalidRequest("size", text, "768×512", rule="example", example="768×512")
    return {
        "width": between("width", int(across), 64, 2048),
        "height": between("height", int(down), 64, 2048),
    }


def between(field: str, value: Any, low: int, high: int) -> Any:
    if not low <= value <= high:
        raise InvalidRequest(field, value, f"{low} to {high}", rule="span", low=low, high=high)
    return value


def _sampler(text: str) -> Sampler | None:
    if text == MODEL_DECIDES:
        return None
    try:
        return Sampler(text)
    except ValueError:
        raise InvalidRequest("sampler", text, ", ".join(Sampler), rule="names", names=", ".join(Sampler)) from None
