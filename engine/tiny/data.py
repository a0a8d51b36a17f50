"""The training pictures and their words, read from two packages of the npm registry.

    npm pack @lobehub/fluent-emoji-3d@1.1.0 emojibase-data@17.0.0

Both archives lie in one folder; nothing is unpacked to disk. Pictures are cached as one array beside them.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

SIZE = 128
"""Width and height of what the model paints, in pixels."""

PICTURES_ARCHIVE = "lobehub-fluent-emoji-3d-1.1.0.tgz"
WORDS_ARCHIVE = "emojibase-data-17.0.0.tgz"

GROUPS = ("smileys", "people", "component", "animals", "food", "travel", "activities", "objects", "symbols", "flags")
"""Unicode's groups of emoji, by emojibase's number."""

CONCRETE = frozenset({"smileys", "animals", "food", "travel", "activities", "objects"})
"""Groups whose labels name a thing that a stranger can recognise."""

LANGUAGES = ("en", "zh", "zh-hant")


@dataclass(frozen=True, slots=True)
class Subject:
    """One picture and what people call it, per language: the label first, then tags."""

    hexcode: str
    group: str
    words: dict[str, tuple[str, ...]]
    gendered: bool

    @property
    def label(self) -> str:
        return self.words["en"][0]

    @property
    def concrete(self) -> bool:
        return self.group in CONCRETE and not self.gendered


def _key(hexcode: str) -> str:
    """File names and data differ in whether they write the variation selector."""
    return "-".join(part for part in hexcode.lower().split("-") if part != "fe0f")


def _members(archive: Path) -> Iterator[tuple[str, bytes]]:
    if not archive.is_file():
        raise SystemExit(
            f"{archive} is missing. In that folder: npm pack @lobehub/fluent-emoji-3d@1.1.0 emojibase-data@17.0.0"
        )
    with tarfile.open(archive) as tar:
        for member in tar:
            file = tar.extractfile(member)
            if file is not None:
                yield member.name.removeprefix("package/"), file.read()


def _shrink(webp: bytes, size: int) -> np.ndarray:
    """A picture as premultiplied RGBA of `size`², uint8: premultiplied, so that edges keep no dark rim."""
    rgba = np.asarray(Image.open(io.BytesIO(webp)).convert("RGBA"), dtype=np.float32) / 255
    rgba[..., :3] *= rgba[..., 3:]
    channels = [
        np.asarray(
            Image.fromarray(rgba[..., i]).resize(
                (size, size), Image.Resampling.BOX if 256 % size == 0 else Image.Resampling.LANCZOS
            )
        )
        for i in range(4)
    ]
    return np.round(np.clip(np.stack(channels, axis=-1), 0, 1) * 255).astype(np.uint8)


def load_pictures(folder: Path, size: int = SIZE) -> dict[str, np.ndarray]:
    """Every picture of the package by key: premultiplied RGBA, uint8, shape (size, size, 4)."""
    cache = folder / f"pictures-{size}.npz"
    if not cache.is_file():
        packed = {
            _key(Path(name).stem): data for name, data in _members(folder / PICTURES_ARCHIVE) if name.endswith(".webp")
        }
        with ThreadPoolExecutor() as pool:
            found = dict(zip(packed, pool.map(lambda data: _shrink(data, size), packed.values()), strict=True))
        part = folder / f"pictures-{size}.{os.getpid()}.part"
        with part.open("wb") as file:
            np.savez(file, keys=np.array(list(found)), pictures=np.stack(list(found.values())))
        os.replace(part, cache)
    with np.load(cache) as stored:
        return dict(zip(stored["keys"].tolist(), stored["pictures"], strict=True))


def load_subjects(folder: Path, available: Collection[str]) -> list[Subject]:
    """Every labelled emoji that has a picture, without skin tones."""
    wanted = {f"{language}/data.json": language for language in LANGUAGES}
    tables = {wanted[name]: json.loads(data) for name, data in _members(folder / WORDS_ARCHIVE) if name in wanted}
    words: dict[str, dict[str, tuple[str, ...]]] = {}
    for language, table in tables.items():
        for entry in table:
            tags = tuple(str(tag) for tag in entry.get("tags", ()))
            words.setdefault(_key(entry["hexcode"]), {})[language] = (entry["label"], *tags)
    subjects = []
    for entry in tables["en"]:
        key = _key(entry["hexcode"])
        if key in available and "group" in entry:
            parts = set(key.split("-"))
            # A zero-width joiner before the sign of a gender, or the gender itself, marks a variant of a person.
            gendered = "200d" in parts and bool(parts & {"2640", "2642", "1f468", "1f469", "1f9d1"})
            subjects.append(Subject(key, GROUPS[entry["group"]], words[key], gendered))
    return subjects


def held_out(key: str, share: float = 0.05) -> bool:
    """Whether the autoencoder's training leaves this picture out: decided by its name, the same on every machine."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") < share * 2**32


def compose(rgba: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Premultiplied pictures (…, H, W, 4) uint8 over colours (…, 3) of 0 to 255: float32 (…, H, W, 3), 0 to 255."""
    alpha = rgba[..., 3:].astype(np.float32) / 255
    return rgba[..., :3].astype(np.float32) + (1 - alpha) * np.asarray(background, dtype=np.float32)[..., None, None, :]
