"""Picture files as Discord takes them: the PNG as it is, else a WebP that fits, never without its metadata.

Discord refuses files over a limit that depends on the place (10 MiB in most), and whole requests over 25 MiB.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import discord
from PIL import Image

from engine.files import picture_path
from engine.images import NotAPicture, read_metadata
from engine.types import Generation, PictureRecord, Progress, to_base36
from engine.updates import Update

DEFAULT_LIMIT = 10 * 1024 * 1024
REQUEST_LIMIT = 24 * 1024 * 1024
"""Discord takes 25 MiB; the rest is for the message itself."""

_SMALLEST = 128
_EXIF_IFD, _USER_COMMENT = 0x8769, 0x9286


@dataclass(frozen=True, slots=True)
class Attachment:
    """One file to send. `reencoded`: a WebP in the PNG's place; `scaled`: with fewer pixels, too."""

    name: str
    data: bytes
    reencoded: bool = False
    scaled: bool = False

    def file(self) -> discord.File:
        return discord.File(io.BytesIO(self.data), self.name)


async def load(data_dir: Path, generation: Generation, limit: int) -> list[Attachment | None]:
    """The pictures that are still there, each at most `limit` bytes; None for one that cannot be made to fit."""
    kept = [picture for picture in generation.pictures if picture.deleted_at is None]
    budget = min(limit, REQUEST_LIMIT // max(1, len(kept)))
    return await asyncio.to_thread(_load, data_dir, kept, budget)


def _load(data_dir: Path, pictures: Sequence[PictureRecord], budget: int) -> list[Attachment | None]:
    found: list[Attachment | None] = []
    for picture in pictures:
        try:
            png = picture_path(data_dir, picture.path).read_bytes()
        except FileNotFoundError:
            continue
        found.append(fit(f"{to_base36(picture.generation_id)}-{picture.position}", png, budget))
    return found


def fit(name: str, png: bytes, budget: int) -> Attachment | None:
    """The PNG where it fits, else lossless WebP, then lossy, then with fewer and fewer pixels."""
    if len(png) <= budget:
        return Attachment(f"{name}.png", png)
    with Image.open(io.BytesIO(png)) as opened:
        picture = opened.convert("RGB")
    exif = _exif(png)
    data = _webp(picture, exif, lossless=True)
    scaled = False
    while len(data) > budget:
        data = _webp(picture, exif, lossless=False)
        if len(data) > budget:
            if min(picture.size) // 2 < _SMALLEST:
                return None
            picture = picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.LANCZOS)
            scaled = True
    return Attachment(f"{name}.webp", data, reencoded=True, scaled=scaled)


def preview(update: Update) -> Attachment | None:
    """The sketch that came with a job's progress, under a name of its own each time: clients keep what they know."""
    if not isinstance(update.event, Progress) or update.event.preview is None:
        return None
    return Attachment(f"{to_base36(update.id)}-{update.event.step}.webp", update.event.preview)


def thumbnail(png: Path, side: int = 256) -> bytes | None:
    """A small WebP; None where the file is gone or is no picture."""
    try:
        with Image.open(png) as opened:
            small = opened.convert("RGB")
    except OSError:
        return None
    small.thumbnail((side, side))
    return _webp(small, b"", lossless=False)


def _webp(picture: Image.Image, exif: bytes, *, lossless: bool) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", lossless=lossless, quality=80 if lossless else 90, method=2, exif=exif)
    return buffer.getvalue()


def _exif(png: bytes) -> bytes:
    """The PNG's `parameters` as the EXIF user comment, where this field's readers look for them in a WebP."""
    try:
        parameters = read_metadata(png).get("parameters", "")
    except NotAPicture:
        parameters = ""
    if not parameters:
        return b""
    exif = Image.Exif()
    exif.get_ifd(_EXIF_IFD)[_USER_COMMENT] = b"UNICODE\0" + parameters.encode("utf-16-be", "replace")
    return exif.tobytes()
