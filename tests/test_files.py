"""Pictures on disk, on the real file system."""

from __future__ import annotations

import errno
import hashlib
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import files
from engine.types import Picture, to_base36

NIGHT = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)


def picture(position: int = 0, png: bytes = b"a picture") -> Picture:
    return Picture(position, 7 + position, png, 64, 32)


def all_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@contextmanager
def no_file_above(limit: int) -> Iterator[None]:
    """What the system does to a process whose disk quota is used up: writes past `limit` bytes fail with EFBIG."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_picture_lies_under_its_day_and_id_and_its_record_tells_all_about_it(tmp_path: Path) -> None:
    record = files.save_picture(tmp_path, 123456, picture(2), NIGHT)
    assert record.path == f"pictures/2026/11/23/{to_base36(123456)}-2.png"
    assert files.picture_path(tmp_path, record.path).read_bytes() == b"a picture"
    assert (record.bytes, record.sha256) == (9, hashlib.sha256(b"a picture").hexdigest())
    assert (record.seed, record.position, record.width, record.height) == (9, 2, 64, 32)


def test_the_day_is_that_of_utc_wherever_the_machine_is(tmp_path: Path) -> None:
    in_tokyo = NIGHT.astimezone(timezone(timedelta(hours=9)))
    assert in_tokyo.day == 24
    assert "/2026/11/23/" in files.save_picture(tmp_path, 1, picture(), in_tokyo).path


def test_an_attempt_that_follows_replaces_the_file(tmp_path: Path) -> None:
    first = files.save_picture(tmp_path, 1, picture(png=b"first"), NIGHT)
    second = files.save_picture(tmp_path, 1, picture(png=b"second"), NIGHT)
    assert first.path == second.path
    assert [path.read_bytes() for path in all_files(tmp_path)] == [b"second"]


def test_a_disk_without_room_leaves_nothing_behind(tmp_path: Path) -> None:
    with no_file_above(100), pytest.raises(OSError, match="too large") as refused:
        files.save_picture(tmp_path, 1, picture(png=bytes(1000)), NIGHT)
    assert refused.value.errno == errno.EFBIG
    assert all_files(tmp_path) == []


def test_removing_a_picture_removes_what_a_crash_left_of_it_and_nothing_else(tmp_path: Path) -> None:
    kept, gone = (files.save_picture(tmp_path, 1, picture(position), NIGHT) for position in range(2))
    part = files.picture_path(tmp_path, gone.path).with_suffix(".part")
    part.write_bytes(b"half a pic")
    files.remove_pictures(tmp_path, [gone.path])
    assert all_files(tmp_path) == [files.picture_path(tmp_path, kept.path)]


def test_removing_what_is_gone_already_is_no_error(tmp_path: Path) -> None:
    record = files.save_picture(tmp_path, 1, picture(), NIGHT)
    for _ in range(2):
        files.remove_pictures(tmp_path, [record.path])
    assert all_files(tmp_path) == []


@pytest.mark.parametrize("path", ["../secret.png", "/etc/passwd", "pictures/../../x.png", "easel.sqlite3", ""])
def test_a_recorded_path_never_leads_out_of_the_pictures(tmp_path: Path, path: str) -> None:
    for use in (files.picture_path, lambda folder, path: files.remove_pictures(folder, [path])):
        with pytest.raises(ValueError, match="not a picture"):
            use(tmp_path, path)


def test_a_link_that_leads_out_of_the_pictures_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "data" / "pictures").mkdir(parents=True)
    (tmp_path / "secret.png").write_bytes(b"secret")
    os.symlink(tmp_path / "secret.png", tmp_path / "data" / "pictures" / "x.png")
    with pytest.raises(ValueError, match="not a picture"):
        files.picture_path(tmp_path / "data", "pictures/x.png")


@settings(deadline=None)
@given(st.integers(0, 2**63 - 1), st.integers(0, 3), st.integers(0, 40_000))
def test_no_two_pictures_share_a_path_and_all_stay_inside(id: int, position: int, days: int) -> None:
    folder = Path("/nowhere/data")
    path = files.relative_path(id, position, NIGHT + timedelta(days=days))
    assert files.picture_path(folder, path).is_relative_to(folder / "pictures")
    assert path.endswith(f"/{to_base36(id)}-{position}.png")


def test_a_copy_is_made_once_and_not_of_what_was_deleted_meanwhile(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    record = files.save_picture(here, 1, picture(), NIGHT)
    files.copy_picture(here, there, record.path)
    files.remove_pictures(here, [record.path])
    files.copy_picture(here, there, record.path)
    files.copy_picture(here, there, files.relative_path(2, 0, NIGHT))
    assert [path.read_bytes() for path in all_files(there)] == [b"a picture"]


def test_free_room_is_told_for_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    assert files.free_bytes(tmp_path / "new" / "data") > 0
