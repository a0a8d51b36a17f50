"""Pictures on disk: written whole or not at all, under names made by us, inside the data folder only."""

from __future__ import annotations

import hashlib
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

from engine.types import Picture, PictureRecord, to_base36

PICTURES = "pictures"


def save_picture(data_dir: Path, generation_id: int, picture: Picture, created_at: datetime) -> PictureRecord:
    """Writes `pictures/2026/11/23/<id>-<position>.png`. Blocks; a crash at any point leaves the whole file or none.

    Raises OSError where the disk is full or not writable.
    """
    day = created_at.astimezone(UTC)
    name = f"{to_base36(generation_id)}-{picture.position}.png"
    path = data_dir / PICTURES / f"{day:%Y/%m/%d}" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    try:
        with part.open("wb") as file:
            file.write(picture.png)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)
    return PictureRecord(
        generation_id=generation_id,
        position=picture.position,
        seed=picture.seed,
        path=path.relative_to(data_dir).as_posix(),
        bytes=len(picture.png),
        sha256=hashlib.sha256(picture.png).hexdigest(),
        width=picture.width,
        height=picture.height,
    )


def _sync_folder(folder: Path) -> None:
    """Makes the rename itself durable, where the system knows how (Windows does it by itself)."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def picture_path(data_dir: Path, path: str) -> Path:
    """Where a recorded path is now; ValueError for one that would lead out of the pictures' folder."""
    root = (data_dir / PICTURES).resolve()
    found = (data_dir / path).resolve()
    if not found.is_relative_to(root):
        raise ValueError(f"not a picture of this ledger: {path!r}")
    return found


def free_bytes(data_dir: Path) -> int:
    """Room on the disk that holds the data folder."""
    data_dir.mkdir(parents=True, exist_ok=True)
    return shutil.disk_usage(data_dir).free


def remove_parts(data_dir: Path) -> int:
    """Removes what writes cut short by a crash left behind; returns how many."""
    parts = list((data_dir / PICTURES).rglob("*.part"))
    for part in parts:
        part.unlink(missing_ok=True)
    return len(parts)


def copy_picture(data_dir: Path, to: Path, path: str) -> None:
    """Copies a picture into another data folder, unless it is there already or was deleted meanwhile."""
    source, target = picture_path(data_dir, path), picture_path(to, path)
    if source.is_file() and not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(".part")
        shutil.copyfile(source, part)
        os.replace(part, target)
