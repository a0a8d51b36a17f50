"""Copies of everything that is kept, taken while it goes on: the ledger as it was at one moment, and its pictures.

The ledger is copied first, so that every picture it names was written before; the copy is put in place last, so that
one that was cut short is never taken for a whole one.
"""

from __future__ import annotations

import contextlib
import sqlite3
import tarfile
import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from engine import files
from engine.database import FILE, address
from engine.errors import ConfigError, EaselError

ARCHIVES = {".tar": "w", ".tar.gz": "w:gz", ".tgz": "w:gz"}


@dataclass(frozen=True, slots=True)
class Backup:
    """What was copied. Pictures that an earlier backup in the same folder holds count too."""

    generations: int
    pictures: int


def backup(data_dir: Path, to: Path) -> Backup:
    """Into the folder `to`, or into one file where that ends in .tar, .tar.gz or .tgz; blocks.

    A backup of the day before may be in the folder: only pictures that are new are copied then. Raises ConfigError
    where `to` is a folder in use, and EaselError where it cannot be written.
    """
    archive = next((mode for suffix, mode in ARCHIVES.items() if to.name.endswith(suffix)), None)
    try:
        if archive is not None:
            return _into_archive(data_dir, to, archive)
        if to.resolve() == data_dir.resolve() or (to / f"{FILE}-wal").exists():
            raise ConfigError(f"{to} is a data folder in use. Choose another folder for the backup.")
        return _into_folder(data_dir, to)
    except OSError as error:
        raise EaselError(f"The backup cannot be written to {to}: {error.strerror}.") from error
    except sqlite3.OperationalError as error:
        raise EaselError(f"The backup cannot be written to {to}: {error}.") from error


def _into_folder(data_dir: Path, to: Path) -> Backup:
    to.mkdir(parents=True, exist_ok=True)
    part = to / f"{FILE}.part"
    part.unlink(missing_ok=True)
    generations = _copy_ledger(data_dir, part)
    with contextlib.closing(_pictures(part)) as paths:
        copied = sum(files.copy_picture(data_dir, to, path) for path in paths)
    files.move_into_place(part, to / FILE)
    return Backup(generations, copied)


def _into_archive(data_dir: Path, to: Path, mode: str) -> Backup:
    to.parent.mkdir(parents=True, exist_ok=True)
    part = to.with_name(f"{to.name}.part")
    try:
        with tempfile.TemporaryDirectory(prefix=".easel-", dir=to.parent) as scratch:
            ledger = Path(scratch) / FILE
            generations = _copy_ledger(data_dir, ledger)
            with (
                tarfile.open(part, mode) as archive,  # type: ignore[call-overload]
                contextlib.closing(_pictures(ledger)) as paths,
            ):
                copied = sum(_add(archive, data_dir, path) for path in paths)
                archive.add(ledger, FILE)
        files.move_into_place(part, to)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return Backup(generations, copied)


def _add(archive: tarfile.TarFile, data_dir: Path, path: str) -> bool:
    """False for a picture that was deleted since the ledger was copied."""
    with contextlib.suppress(FileNotFoundError):
        archive.add(files.picture_path(data_dir, path), path)
        return True
    return False


def _copy_ledger(data_dir: Path, to: Path) -> int:
    """Copies the ledger into one file; returns how many generations are in it."""
    with (
        contextlib.closing(sqlite3.connect(address(data_dir / FILE, "ro"), uri=True)) as source,
        contextlib.closing(sqlite3.connect(to)) as target,
    ):
        source.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
        (generations,) = target.execute("SELECT count(*) FROM generations").fetchone()
    return int(generations)


def _pictures(ledger: Path) -> Generator[str]:
    """The paths of all pictures that were not deleted; not read at once, since there may be a million."""
    with contextlib.closing(sqlite3.connect(address(ledger, "ro"), uri=True)) as connection:
        for (path,) in connection.execute("SELECT path FROM pictures WHERE deleted_at IS NULL"):
            yield str(path)
