"""What a picture says of how it was made: ours, AUTOMATIC1111's, ComfyUI's, InvokeAI's, Fooocus' and NovelAI's.

Nothing is decoded but text. The formats of others are read by sd-parsers, from text chunks that are cut out here: its
own reading of files decodes pixels, and remembers the text of another picture.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from PIL import Image
from pydantic import ValidationError
from sd_parsers.data import PromptInfo
from sd_parsers.parsers import (
    AUTOMATIC1111Parser,
    ComfyUIParser,
    FooocusParser,
    InvokeAIParser,
    NovelAIParser,
    Parser,
)

from bot.options import Options
from engine.catalog import Catalog
from engine.images import SIGNATURE, NotAPicture, check_size, read_metadata, read_request, read_texts
from engine.types import PROMPT_LIMIT, GenerationRequest, Sampler

log = structlog.get_logger(__name__)

TEXT_LIMIT = 1_000_000
"""Longest text that is parsed, in characters."""

NODES_LIMIT = 300
"""Most nodes of a ComfyUI graph that is followed: what it costs grows with their cube."""

PARSERS: tuple[Parser, ...] = (
    FooocusParser(),
    AUTOMATIC1111Parser(),
    ComfyUIParser(),
    InvokeAIParser(),
    NovelAIParser(),
)

_EXIF_IFD, _USER_COMMENT, _MAKE, _MODEL = 0x8769, 0x9286, 0x010F, 0x0110
_SIZE = re.compile(r"(\d{2,5})\s*[x×,]\s*(\d{2,5})")


@dataclass(frozen=True, slots=True)
class Parameters:
    """What was read. `values` are said as they stood in the file; `request` is there where the file is ours."""

    generator: str
    prompt: str
    negative_prompt: str
    values: Mapping[str, str]
    """model, sampler, steps, cfg, size and seed, as far as they are known."""
    request: GenerationRequest | None = None


def read(data: bytes) -> Parameters | None:
    """None where a picture says nothing of how it was made. Raises NotAPicture for what is none, or is too large."""
    if data.startswith(SIGNATURE):
        if (request := read_request(data)) is not None:
            seed = read_metadata(data)["easel"].get("seed")
            return of_request(request, seed if isinstance(seed, int) else request.seed)
        texts = read_texts(data)
    else:
        texts = _exif_texts(data)
    if (info := _parsed(texts)) is None:
        return None
    return _said(info)


def of_request(request: GenerationRequest, seed: int) -> Parameters:
    """`seed` is the picture's own: of several, each has the next."""
    values = {
        "model": request.model,
        "sampler": str(request.sampler),
        "steps": str(request.num_inference_steps),
        "cfg": f"{request.guidance_scale:g}",
        "size": f"{request.width}×{request.height}",
        "seed": str(seed),
    }
    return Parameters("Easel", request.prompt, request.negative_prompt, values, request)


def _exif_texts(data: bytes) -> dict[str, str]:
    """A JPEG's or WebP's texts: `parameters` in the user comment; ComfyUI's graph in two fields of its own choice."""
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "WEBP")) as picture:
            check_size(*picture.size)
            exif = picture.getexif()
            found: dict[str, str] = {}
            for tag in (_MAKE, _MODEL):
                name, colon, text = str(exif.get(tag, "")).partition(":")
                if colon and name in ("prompt", "workflow"):
                    found[name] = text
            comment = exif.get_ifd(_EXIF_IFD).get(_USER_COMMENT)
    except NotAPicture:
        raise
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise NotAPicture(f"The picture cannot be read: {error}.") from error
    if isinstance(comment, bytes):
        encoding = {b"UNICODE\0": "utf-16-be", b"ASCII\0\0\0": "ascii"}.get(comment[:8])
        if encoding:
            found["parameters"] = comment[8:].decode(encoding, "replace")
    return found


def _parsed(texts: Mapping[str, str]) -> PromptInfo | None:
    """The first reading that makes sense."""
    plain = {name: _tamed(text) for name, text in texts.items() if len(text) <= TEXT_LIMIT}
    if not _small_graph(plain):
        plain.pop("prompt", None)
    for parser in PARSERS:
        try:
            info = parser.parse(dict(plain))
        except Exception as error:  # whatever a hostile file makes of a parser that trusts it: it is not that format
            log.debug("not this format", parser=type(parser).__name__, error=repr(error))
            continue
        if info.samplers:
            return info
    return None


def _tamed(text: str) -> str:
    """Runs of blanks, which a regular expression of the parser's would walk over and over, become one."""
    return text if text.lstrip().startswith("{") else re.sub(r"[^\S\n]{2,}", " ", text)


def _small_graph(texts: Mapping[str, str]) -> bool:
    try:
        graph, workflow = json.loads(texts.get("prompt", "{}")), json.loads(texts.get("workflow", "{}"))
        return len(graph) <= NODES_LIMIT and len(workflow.get("links", ())) <= 10 * NODES_LIMIT
    except (ValueError, TypeError, AttributeError, RecursionError):
        return False


def _said(info: PromptInfo) -> Parameters:
    """Of several samplers the one that has a prompt; a second one mostly refines what the first has made."""
    sampler = next((each for each in info.samplers if each.prompts), info.samplers[0])
    known = {str(name): value for name, value in sampler.parameters.items()}
    scheduler = known.get("scheduler")
    name = " ".join(str(part) for part in (sampler.name, scheduler) if part and part != "normal")
    values = {
        "model": sampler.model.name if sampler.model else None,
        "sampler": name,
        "steps": known.get("steps"),
        "cfg": known.get("cfg_scale"),
        "size": _size(info.metadata),
        "seed": known.get("seed", known.get("noise_seed")),
    }
    return Parameters(
        generator="Easel" if str(info.metadata.get("Version")).startswith("easel") else str(info.generator.value),
        prompt=", ".join(str(prompt) for prompt in sampler.prompts),
        negative_prompt=", ".join(str(prompt) for prompt in sampler.negative_prompts),
        values={field: str(value) for field, value in values.items() if isinstance(value, str | int | float)},
    )


def _size(metadata: Mapping[Any, Any]) -> str | None:
    for key in ("Size", "size", "resolution"):
        if match := _SIZE.search(str(metadata.get(key, ""))):
            return f"{match[1]}×{match[2]}"
    latent = metadata.get("EmptyLatentImage")  # ComfyUI's node
    source = latent[0] if isinstance(latent, list) and latent and isinstance(latent[0], dict) else metadata
    width, height = source.get("width"), source.get("height")
    return f"{width}×{height}" if isinstance(width, int) and isinstance(height, int) else None


SAMPLERS: Mapping[str, Sampler] = {
    "ddim": Sampler.DDIM,
    "euler": Sampler.EULER,
    "eulera": Sampler.EULER_A,
    "eulerancestral": Sampler.EULER_A,
    "dpm++2m": Sampler.DPMPP_2M,
    "dpmpp2m": Sampler.DPMPP_2M,
    "dpm++2mkarras": Sampler.DPMPP_2M_KARRAS,
    "dpmpp2mkarras": Sampler.DPMPP_2M_KARRAS,
    "dpmpp2mk": Sampler.DPMPP_2M_KARRAS,
    "dpm++2msde": Sampler.DPMPP_2M_SDE,
    "dpmpp2msde": Sampler.DPMPP_2M_SDE,
    "lcm": Sampler.LCM,
    "unipc": Sampler.UNIPC,
    "pndm": Sampler.PNDM,
    "plms": Sampler.PNDM,
}
"""What other programs call our samplers, without blanks, `_` and the schedules that are usual."""


def options(parameters: Parameters, catalog: Catalog) -> Options:
    """What can be taken over from a picture; what is unknown here is left to the defaults."""
    values = parameters.values
    size = _SIZE.search(values.get("size", ""))
    wanted: dict[str, object] = {
        "model": _model(values.get("model", ""), catalog),
        "sampler": _sampler(values.get("sampler", "")),
        "num_inference_steps": values.get("steps"),
        "guidance_scale": values.get("cfg"),
        "width": size[1] if size else None,
        "height": size[2] if size else None,
        "negative_prompt": parameters.negative_prompt[:PROMPT_LIMIT],
    }
    kept: dict[str, Any] = {}
    for name, value in wanted.items():
        try:
            kept |= Options.model_validate({name: value}).model_dump(exclude_none=True)
        except ValidationError:  # out of every model's range
            continue
    return Options.model_validate(kept)


def _model(name: str, catalog: Catalog) -> str | None:
    """A model of ours by the name that another program gave its file."""
    key = re.sub(r"\.(safetensors|ckpt)$", "", name.lower()).replace("_", "-")
    return key if key in catalog else None


def _sampler(name: str) -> Sampler | None:
    bare = re.sub(r"[\s_]|normal$|automatic$|simple$", "", name.lower())
    return SAMPLERS.get(bare) or SAMPLERS.get(bare.removesuffix("karras"))
