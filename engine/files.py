"""The data folder: its locks, and its pictures, written whole or not at all under names made by us, inside it only."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from engine.errors import ConfigError, EaselError
from engine.types import Picture, PictureRecord, to_base36

PICTURES = "pictures"


@contextlib.contextmanager
def locked(data_dir: Path, name: str, busy: EaselError) -> Iterator[None]:
    """Holds that lock of the folder; the system drops it with the process, however that ends.

    Raises `busy` where another process holds it, and ConfigError where the folder cannot be written.
    """
    lock = FileLock(data_dir / name)
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise busy from None
    except OSError as error:
        raise ConfigError(f"storage.data_dir: {data_dir} cannot be written ({error.strerror}).") from None
    try:
        yield
    finally:
        lock.release()


def save_picture(data_dir: Path, generation_id: int, picture: Picture, created_at: datetime) -> PictureRecord:
    """Writes `pictures/2026/11/23/<id>-<position>.png`. Blocks; a crash at any point leaves the whole file or none.

    Raises OSError where the disk is full or not writable; nothing is left behind then.
    """
    path = relative_path(generation_id, picture.position, created_at)
    whole = data_dir / path
    whole.parent.mkdir(parents=True, exist_ok=True)
    part = whole.with_suffix(".part")
    try:
        part.write_bytes(picture.png)
        move_into_place(part, whole)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    return PictureRecord(
        generation_id=generation_id,
        position=picture.position,
        seed=picture.seed,
        path=path,
        bytes=len(picture.png),
        sha256=hashlib.sha256(picture.png).hexdigest(),
        width=picture.width,
        height=picture.height,
    )


def relative_path(generation_id: int, position: int, created_at: datetime) -> str:
    """Where a picture lies below the data folder. An attempt that follows writes the same file again."""
    return f"{PICTURES}/{created_at.astimezone(UTC):%Y/%m/%d}/{to_base36(generation_id)}-{position}.png"


def move_into_place(part: Path, whole: Path) -> None:
    """Renames a file once its bytes are on the disk, and makes the rename durable too."""
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(part, whole)
    if os.name == "posix":  # Windows does the folder by itself
        folder = os.open(whole.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def picture_path(data_dir: Path, path: str) -> Path:
    """Where a recorded path is now; ValueError for one that would lead out of the pictures' folder."""
    root = (data_dir / PICTURES).resolve()
    found = (data_dir / path).resolve()
    if not found.is_relative_to(root):
        raise ValueError(f"not a picture of this ledger: {path!r}")
    return found


def remove_pictures(data_dir: Path, paths: Iterable[str]) -> None:
    """Removes the files that are there, also those whose writing was cut short by a crash."""
    for path in paths:
        whole = picture_path(data_dir, path)
        whole.with_suffix(".part").unlink(missing_ok=True)
        whole.unlink(missing_ok=True)


def free_bytes(data_dir: Path) -> int:
    """Room on the disk that holds the data folder."""
    data_dir.mkdir(parents=True, exist_ok=True)
    return shutil.disk_usage(data_dir).free


def copy_picture(data_dir: Path, to: Path, path: str) -> bool:
    """Copies a picture into another data folder, unless it is there already. False where it was deleted meanwhile."""
    source, target = picture_path(data_dir, path), picture_path(to, path)
    if target.is_file():
        return True
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    try:
        shutil.copyfile(source, part)
    except FileNotFoundError:
        return False
    move_into_place(part, target)
    return True
