"""PNG: fast encoding, the metadata that every reader in this field understands, and reading it back.

Two text chunks stand in each file. `parameters` is written as AUTOMATIC1111's web interface writes it; many programs
read it. `easel` is ours: the raw request as JSON, the truth where a prompt does not survive the first form.
"""

from __future__ import annotations

import io
import json
import re
import struct
import zlib
from collections.abc import Iterator
from importlib import metadata as packages
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import ValidationError

from engine.types import GenerationRequest, Sampler

isal_zlib: ModuleType | None
try:
    from isal import isal_zlib
except ImportError:  # optional: twice as fast, same format
    isal_zlib = None

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_PIXELS = 16_000_000
"""Largest picture that is opened: a file's header is checked against it before anything is decoded."""

MAX_TEXTS = 32
"""Most text chunks that are read of a file: each may inflate to a megabyte."""

_UP = 2
A1111_NAMES: dict[Sampler, tuple[str, str | None]] = {
    Sampler.DDIM: ("DDIM", None),
    Sampler.EULER: ("Euler", "Normal"),
    Sampler.EULER_A: ("Euler a", "Normal"),
    Sampler.DPMPP_2M: ("DPM++ 2M", "Normal"),
    Sampler.DPMPP_2M_KARRAS: ("DPM++ 2M", "Karras"),
    Sampler.DPMPP_2M_SDE: ("DPM++ 2M SDE", "Normal"),
    Sampler.LCM: ("LCM", None),
    Sampler.UNIPC: ("UniPC", None),
    Sampler.PNDM: ("PLMS", None),
}


class NotAPicture(ValueError):
    """The bytes are no picture that is opened here; the message says why."""


def easel_version() -> str:
    """The installed version, "dev" in a bare checkout."""
    try:
        return packages.version("easel")
    except packages.PackageNotFoundError:
        return "dev"


def encode_png(pixels: NDArray[np.uint8], texts: dict[str, str] | None = None) -> bytes:
    """A PNG of (height, width, 3) RGB pixels with these text chunks.

    Every row is Up-filtered (its difference to the row above), and only Huffman-coded: pictures of noise and
    gradients gain next to nothing from the search for repeats, which is nearly all of the usual encoder's time.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise ValueError(f"expected (height, width, 3) bytes, got {pixels.dtype} {pixels.shape}")
    height, width, _ = pixels.shape
    rows = np.empty((height, 1 + width * 3), np.uint8)
    flat = pixels.reshape(height, width * 3)
    rows[:, 0] = _UP
    rows[0, 1:] = flat[0]
    np.subtract(flat[1:], flat[:-1], out=rows[1:, 1:])
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [_chunk(b"IHDR", header)]
    chunks += [_text_chunk(key, text) for key, text in (texts or {}).items()]
    chunks += [_chunk(b"IDAT", _deflate(rows)), _chunk(b"IEND", b"")]
    return SIGNATURE + b"".join(chunks)


def _deflate(rows: NDArray[np.uint8]) -> bytes:
    if isal_zlib is not None:
        compressed: bytes = isal_zlib.compress(rows.data, level=1)
        return compressed
    encoder = zlib.compressobj(level=1, strategy=zlib.Z_HUFFMAN_ONLY)
    return encoder.compress(rows.data) + encoder.flush()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _text_chunk(keyword: str, text: str) -> bytes:
    """tEXt where Latin-1 holds the text, since some readers know no other; else iTXt (PNG specification, 11.3.3)."""
    text = text.replace("\0", "")
    try:
        return _chunk(b"tEXt", keyword.encode("latin-1") + b"\0" + text.encode("latin-1"))
    except UnicodeEncodeError:
        uncompressed_without_language = b"\0\0\0\0\0"
        return _chunk(
            b"iTXt", keyword.encode("latin-1") + uncompressed_without_language + text.encode("utf-8", "replace")
        )


def write_metadata(request: GenerationRequest, position: int = 0, **extra: Any) -> dict[str, str]:
    """The text chunks of the picture at that position. `extra` goes into our own chunk; never a person's id."""
    seed = request.seed + position
    private = {
        "version": easel_version(),
        "request": request.model_dump(mode="json"),
        "position": position,
        "seed": seed,
    }
    return {"parameters": _parameters(request, seed), "easel": json.dumps(private | extra)}


def _parameters(request: GenerationRequest, seed: int) -> str:
    sampler, schedule = A1111_NAMES[request.sampler]
    pairs = {
        "Steps": str(request.num_inference_steps),
        "Sampler": sampler,
        "Schedule type": schedule,
        "CFG scale": f"{request.guidance_scale:g}",
        "Seed": str(seed),
        "Size": f"{request.width}x{request.height}",
        "Model": request.model,
        "Version": f"easel {easel_version()}",
    }
    last = ", ".join(f"{name}: {_quoted(value)}" for name, value in pairs.items() if value is not None)
    prompt = re.sub("^Negative prompt:", "Negative prompt :", _one_line(request.prompt))
    negative = _one_line(request.negative_prompt)
    return "\n".join([prompt, *([f"Negative prompt: {negative}"] if negative else []), last])


def _one_line(text: str) -> str:
    """Folded to one line: with a line break of its own a prompt could pose as the line of values."""
    return " ".join(text.split())


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False) if any(sign in value for sign in ',:\n"') else value


def read_metadata(source: bytes | Path) -> dict[str, Any]:
    """What a PNG says of itself: `parameters` as text, and `easel` as the object `write_metadata` wrote; {} without.

    Nothing is decoded. Raises NotAPicture for anything that is no whole PNG, or has more than 16 megapixels.
    """
    data = source.read_bytes() if isinstance(source, Path) else source
    found: dict[str, Any] = {}
    for kind, body in _chunks(data):
        if kind in (b"tEXt", b"iTXt"):
            key, text = _text(kind, body)
            if key == "parameters":
                found.setdefault(key, text)
            elif key == "easel":
                found.setdefault(key, _json_object(text))
    return found


def read_texts(data: bytes) -> dict[str, str]:
    """Every text chunk of a PNG by its keyword, whoever wrote it. Raises NotAPicture as `read_metadata` does."""
    found: dict[str, str] = {}
    for kind, body in _chunks(data):
        if kind in (b"tEXt", b"iTXt", b"zTXt"):
            key, text = _text(kind, body)
            found.setdefault(key, text)
            if len(found) > MAX_TEXTS:
                raise NotAPicture("The PNG file holds too many texts.")
    return found


def read_request(source: bytes | Path) -> GenerationRequest | None:
    """The request that painted this file; None where it is not one of ours."""
    private = read_metadata(source).get("easel", {})
    try:
        return GenerationRequest.model_validate(private.get("request"))
    except ValidationError:
        return None


def _json_object(text: str) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return {}  # not written by us
    return values if isinstance(values, dict) else {}


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    if not data.startswith(SIGNATURE):
        raise NotAPicture("This is not a PNG file.")
    at = len(SIGNATURE)
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind, end = data[at + 4 : at + 8], at + 8 + length
        if end + 4 > len(data):
            break
        body = data[at + 8 : end]
        if struct.unpack_from(">I", data, end)[0] != zlib.crc32(kind + body):
            raise NotAPicture("The PNG file is damaged.")
        if kind == b"IHDR":
            if length != 13:
                raise NotAPicture("The PNG file is damaged.")
            check_size(*struct.unpack_from(">II", body))
        if kind == b"IEND":
            return
        yield kind, body
        at = end + 4
    raise NotAPicture("The PNG file is cut short.")


def check_size(width: int, height: int) -> None:
    """Raises NotAPicture above MAX_PIXELS."""
    if width * height > MAX_PIXELS:
        raise NotAPicture(
            f"The picture has {width} × {height} pixels; at most {MAX_PIXELS // 1_000_000} megapixels are opened."
        )


def _text(kind: bytes, body: bytes) -> tuple[str, str]:
    keyword, _, rest = body.partition(b"\0")
    if kind == b"tEXt":
        return keyword.decode("latin-1"), rest.decode("latin-1")
    if kind == b"zTXt":
        return keyword.decode("latin-1"), _inflated(rest[1:]).decode("latin-1")
    compressed = rest[:1] == b"\1"
    _language, _, rest = rest[2:].partition(b"\0")
    _translated, _, text = rest.partition(b"\0")
    if compressed:
        text = _inflated(text)
    return keyword.decode("latin-1"), text.decode("utf-8", "replace")


def _inflated(text: bytes) -> bytes:
    """At most a megabyte: a few bytes can stand for any number."""
    try:
        return zlib.decompressobj().decompress(text, 1 << 20)
    except zlib.error:
        raise NotAPicture("The PNG file is damaged.") from None


def read_picture(data: bytes) -> NDArray[np.uint8]:
    """The pixels (height, width, 3) of a PNG, JPEG or WebP; its header's size is checked before it is decoded."""
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as picture:
            check_size(*picture.size)
            return np.asarray(picture.convert("RGB"))
    except NotAPicture:
        raise
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise NotAPicture(f"The picture cannot be read: {error}.") from error


def encode_preview(pixels: NDArray[np.uint8], longer_side: int = 128) -> bytes:
    """A small WebP of that size in pixels: 1 to 4 kB."""
    height, width, _ = pixels.shape
    scale = longer_side / max(height, width)
    picture = Image.fromarray(pixels).resize((max(1, round(width * scale)), max(1, round(height * scale))))
    encoded = io.BytesIO()
    picture.save(encoded, "WEBP", quality=70, method=0)
    return encoded.getvalue()


def enlarge(pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """The picture at that size, by Lanczos."""
    if pixels.shape[:2] == (height, width):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS))
