"""What holds where a request says nothing: nearest first, the style, the person, the server, the model. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bot import styles
from bot.options import Options
from bot.permissions import Press
from bot.styles import Style
from engine.catalog import Catalog, ModelSpec
from engine.errors import InvalidRequest, NotFound
from engine.types import GenerationRequest


class GuildSettings(BaseModel):
    """What a server's managers decide. Each field is a row of `guild_settings`, as JSON."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    defaults: Options = Options()
    channels: tuple[str, ...] = ()
    """Ids of channels and categories where pictures may be asked for; none: everywhere."""
    roles: tuple[str, ...] = ()
    """Ids of the roles that may ask; none: everybody."""
    press: Press = "moderators"
    language: str | None = None
    """Discord's code, for people whose own language the bot does not speak; None: the server's."""
    preview: bool = True
    """Small previews while a picture is painted."""
    styles: dict[str, Style | None] = Field(default_factory=dict)
    """By key; None hides one that is built in."""


class PersonSettings(BaseModel):
    """What people decide for themselves, wherever they are."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    defaults: Options = Options()


def request(
    catalog: Catalog,
    prompt: str,
    asked: Options,
    *,
    person: PersonSettings,
    server: GuildSettings,
    fallback: str,
    **more: Any,
) -> GenerationRequest:
    """The request that these words and options make. `fallback` is the configured model; `more` goes in as it is.

    What was asked for is checked, and refused where it does not fit. A default that does not fit the chosen model, or
    names something that is there no longer, is passed over: nobody asked for it now.
    """
    style = chosen_style(asked, person, server)
    own = [style.options] if style else []
    layers = [*own, person.defaults, server.defaults]
    spec = catalog.get(asked.model or default_model(catalog, layers, fallback))
    width, height = _size(spec, asked, layers)
    negative = _first([asked, *layers], "negative_prompt", lambda value: True)
    if negative is None:
        negative = spec.defaults.negative_prompt
    return catalog.request(
        spec.key,
        style.words(prompt.strip()) if style and prompt.strip() else prompt,
        negative_prompt=style.without(negative) if style else negative,
        num_inference_steps=asked.num_inference_steps or _fitting(spec, layers, "num_inference_steps"),
        guidance_scale=(
            _fitting(spec, layers, "guidance_scale") if asked.guidance_scale is None else asked.guidance_scale
        ),
        width=width,
        height=height,
        sampler=asked.sampler or _fitting(spec, layers, "sampler"),
        num_images=_first([asked, *layers], "num_images", lambda value: True),
        **more,
    )


def chosen_style(asked: Options, person: PersonSettings, server: GuildSettings) -> Style | None:
    """NotFound only for a style that was asked for."""
    if asked.style is not None:
        return styles.find(asked.style, server.styles)
    for layer in (person.defaults, server.defaults):
        if layer.style is not None:
            try:
                return styles.find(layer.style, server.styles)
            except NotFound:
                continue
    return None


def default_model(catalog: Catalog, layers: Sequence[Options], fallback: str) -> str:
    """The nearest model that there still is."""
    return next((layer.model for layer in layers if layer.model is not None and layer.model in catalog), fallback)


def _first(layers: Sequence[Options], field: str, fits: Callable[[Any], bool]) -> Any:
    values = (getattr(layer, field) for layer in layers)
    return next((value for value in values if value is not None and fits(value)), None)


def _fitting(spec: ModelSpec, layers: Sequence[Options], field: str) -> Any:
    return _first(layers, field, lambda value: _takes(spec, {field: value}))


def _takes(spec: ModelSpec, values: dict[str, Any]) -> bool:
    try:
        for field, value in values.items():
            spec.check(field, value)
    except InvalidRequest:
        return False
    return True


def _size(spec: ModelSpec, asked: Options, layers: Sequence[Options]) -> tuple[int, int]:
    """Width and height are one decision: half of one layer and half of the next make a shape that nobody wanted."""
    if asked.sized:
        return asked.size(spec)
    for layer in layers:
        if layer.sized:
            try:
                width, height = layer.size(spec)
            except InvalidRequest:
                continue
            if _takes(spec, {"width": width, "height": height}):
                return width, height
    return spec.defaults.width, spec.defaults.height
