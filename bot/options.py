"""What a request may leave open, and what a style, a person or a server may decide instead. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from engine.catalog import ModelSpec
from engine.errors import InvalidRequest
from engine.types import MAX_IMAGES, PROMPT_LIMIT, Sampler

ASPECT_RATIOS = ("1:1", "5:4", "4:5", "4:3", "3:4", "3:2", "2:3", "16:9", "9:16")


class Options(BaseModel):
    """Under the engine's names; None leaves an option to whoever decides next."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str | None = Field(default=None, max_length=64)
    style: str | None = Field(default=None, max_length=64)
    negative_prompt: str | None = Field(default=None, max_length=PROMPT_LIMIT)
    num_inference_steps: int | None = Field(default=None, ge=1, le=100)
    guidance_scale: float | None = Field(default=None, ge=0, le=20)
    width: int | None = Field(default=None, ge=64, le=2048)
    height: int | None = Field(default=None, ge=64, le=2048)
    aspect_ratio: str | None = None
    sampler: Sampler | None = None
    num_images: int | None = Field(default=None, ge=1, le=MAX_IMAGES)

    @property
    def sized(self) -> bool:
        return (self.width, self.height, self.aspect_ratio) != (None, None, None)

    def size(self, spec: ModelSpec) -> tuple[int, int]:
        """Width and height; what is open is the model's. Raises InvalidRequest for a ratio that it cannot paint."""
        width, height = spec.defaults.width, spec.defaults.height
        if self.aspect_ratio is not None:
            width, height = shaped(spec, self.aspect_ratio)
        return self.width or width, self.height or height


def shaped(spec: ModelSpec, ratio: str) -> tuple[int, int]:
    """The size of that shape with the model's usual area, or nearest to it within its range."""
    if ratio not in ASPECT_RATIOS:
        raise _refusal(ratio, ASPECT_RATIOS)
    across, down = map(int, ratio.split(":"))
    low, high = spec.ranges.size
    area = spec.defaults.width * spec.defaults.height
    unit = math.sqrt(area / (across * down))
    unit = min(unit, high / max(across, down))
    unit = max(unit, low / min(across, down))
    step = spec.ranges.size_multiple
    width, height = round(unit * across / step) * step, round(unit * down / step) * step
    if max(width, height) > high:
        raise _refusal(ratio, [each for each in ASPECT_RATIOS if _fits(each, low, high, step)])
    return width, height


def _refusal(ratio: str, allowed: Sequence[str]) -> InvalidRequest:
    names = ", ".join(allowed)
    return InvalidRequest("aspect_ratio", ratio, names, rule="names", names=names)


def _fits(ratio: str, low: int, high: int, step: int) -> bool:
    across, down = map(int, ratio.split(":"))
    return round(low * max(across, down) / min(across, down) / step) * step <= high
