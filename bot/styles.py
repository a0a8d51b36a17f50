"""Styles: parts of prompts and settings under a name. A handful is built in; admins write their server's own. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, field_validator

from bot.options import Options
from bot.texts import Say
from engine.errors import NotFound

NONE = "none"
"""What people choose to have no style where their server or they themselves have one by default."""

MOST = 25
"""Styles that a server may have: as many as one menu shows."""

PLACE = "{prompt}"
NAME_LIMIT = 32
KEY_LIMIT = 2 * NAME_LIMIT
"""Some letters are two in lower case."""


class Style(BaseModel):
    """`prompt` holds `{prompt}` where the person's words go; without it, it stands behind them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=NAME_LIMIT)
    prompt: str = Field(default=PLACE, max_length=1000)
    negative_prompt: str = Field(default="", max_length=1000)
    options: Options = Options()

    @field_validator("name")
    @classmethod
    def _one_line(cls, name: str) -> str:
        return " ".join(name.split())

    @property
    def key(self) -> str:
        return key_of(self.name)

    def words(self, prompt: str) -> str:
        if PLACE in self.prompt:
            return self.prompt.replace(PLACE, prompt)
        return f"{prompt}, {self.prompt}" if self.prompt else prompt

    def without(self, negative_prompt: str) -> str:
        """The person's negative prompt and the style's."""
        return ", ".join(part for part in (negative_prompt, self.negative_prompt) if part)


def key_of(name: str) -> str:
    """Two names that differ in case or blanks are one style. A name of signs that nobody sees is none: ""."""
    if not any(unicodedata.category(sign)[0] in "LNPS" for sign in name):
        return ""
    return " ".join(name.split()).lower()


BUILT_IN: Mapping[str, Style] = {
    style.name: style
    for style in (
        Style(
            name="photo",
            prompt="photograph of {prompt}, natural light, 50mm lens, sharp focus, fine detail",
            negative_prompt="painting, drawing, cartoon, blurry, low quality",
        ),
        Style(
            name="cinematic",
            prompt="cinematic still of {prompt}, dramatic light, shallow depth of field, film grain",
            negative_prompt="cartoon, drawing, flat light, low quality",
        ),
        Style(
            name="anime",
            prompt="anime illustration of {prompt}, clean lines, cel shading, vivid colours",
            negative_prompt="photo, 3d render, blurry, low quality",
        ),
        Style(
            name="watercolor",
            prompt="watercolour painting of {prompt}, soft washes, visible paper",
            negative_prompt="photo, 3d render, harsh outlines",
        ),
        Style(
            name="line-art",
            prompt="line art of {prompt}, black ink on white paper, clean contours",
            negative_prompt="photo, colour, shading, grey",
        ),
        Style(
            name="pixel-art",
            prompt="pixel art of {prompt}, 16-bit, limited palette, crisp edges",
            negative_prompt="photo, smooth, blurry",
        ),
        Style(
            name="3d",
            prompt="3d render of {prompt}, soft studio light, smooth materials",
            negative_prompt="photo, drawing, flat, low quality",
        ),
    )
}
"""By key. Their names are said in each language as `style-<key>`."""


def of_server(own: Mapping[str, Style | None]) -> dict[str, Style]:
    """The server's own, then those built in that it neither replaced nor hid (None)."""
    kept = {key: style for key, style in own.items() if style is not None}
    return kept | {key: style for key, style in BUILT_IN.items() if key not in own}


def find(name: str, own: Mapping[str, Style | None]) -> Style | None:
    """The style of that name; None for the word that asks for no style. Raises NotFound."""
    if key_of(name) == NONE:
        return None
    offered = of_server(own)
    if (style := offered.get(key_of(name))) is None:
        raise NotFound("style", name, ", ".join(offered))
    return style


def title(key: str, style: Style, say: Say) -> str:
    """A style's name as people read it: the admins' own words, or the catalogue's for those built in."""
    return say(f"style-{key}") if style is BUILT_IN.get(key) else style.name


def offered(own: Mapping[str, Style | None], say: Say) -> list[tuple[str, str]]:
    """Key and name of each, for a menu or an autocompletion."""
    return [(key, title(key, style, say)) for key, style in of_server(own).items()]
