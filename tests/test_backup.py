"""`python -m engine backup`: copies while a bot runs, and going on from them."""

from __future__ import annotations

import asyncio
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from engine import __main__ as cli
from engine import database, shell
from engine.backup import Backup
from engine.files import picture_path
from engine.ledger import Ledger
from engine.types import Generation
from tests.test_ledger import ask, stored

REPOSITORY = Path(__file__).parents[1]


def easel(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli.app, ["backup", *map(str, arguments)])


async def easel_beside_us(*arguments: str | Path) -> tuple[int | None, str, str]:
    """The same as a process of its own: its exit code, standard output and standard error."""
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "engine", "backup", *map(str, arguments))
    process = await asyncio.create_subprocess_exec(*command, cwd=REPOSITORY, stdout=pipe, stderr=pipe)
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def holds(folder: Path, job: Generation) -> bool:
    """Whether this data folder opens, and holds the job with its pictures."""
    async with Ledger.open(folder) as ledger:
        found = await ledger.get(job.id)
        assert found.pictures == job.pictures
        return all(picture_path(folder, p.path).stat().st_size == p.bytes for p in found.pictures)


def unpacked(archive: Path) -> Path:
    folder = archive.parent / "unpacked"
    with tarfile.open(archive) as opened:
        assert opened.getnames()[-1] == "easel.sqlite3"
        opened.extractall(folder, filter="data")
    return folder


@pytest.mark.parametrize(
    ("name", "restore"), [("copy", Path), ("copy.tar", unpacked), ("made/copy.tar.gz", unpacked)], ids=lambda each: each
)
async def test_a_backup_is_made_while_another_owns_the_ledger_and_opens_as_one(
    name: str, restore: Callable[[Path], Path], tmp_path: Path
) -> None:
    data, to = tmp_path / "data", tmp_path / name
    async with Ledger.open(data) as ledger:
        job = await stored(ledger, num_images=2)
        await ledger.enqueue(ask(), job.origin)
        code, out, err = await easel_beside_us(to, "--data-dir", data)
    assert (code, out) == (0, f"{to}\n"), err
    assert "2 jobs and 2 pictures are kept." in err
    assert await holds(restore(to), job)
    assert {path.name for path in to.parent.iterdir()} <= {"data", to.name, "unpacked"}, "something was left behind"


async def test_a_second_backup_copies_what_is_new(tmp_path: Path) -> None:
    to = tmp_path / "copy"
    async with Ledger.open(tmp_path / "data") as ledger:
        first = await stored(ledger)
        assert await ledger.backup(to) == Backup(1, 1)
        copied = picture_path(to, first.pictures[0].path).stat()
        second = await stored(ledger)
        assert await ledger.backup(to) == Backup(2, 2)
    assert await holds(to, second)
    assert picture_path(to, first.pictures[0].path).stat() == copied


async def test_a_picture_whose_file_is_gone_does_not_stop_the_others(tmp_path: Path) -> None:
    async with Ledger.open(tmp_path / "data") as ledger:
        gone, kept = await stored(ledger), await stored(ledger)
        picture_path(ledger.data_dir, gone.pictures[0].path).unlink()
        for name in ("copy", "copy.tar"):
            assert await ledger.backup(tmp_path / name) == Backup(2, 1)
    assert await holds(tmp_path / "copy", kept)
    assert await holds(unpacked(tmp_path / "copy.tar"), kept)


def test_a_backup_that_has_no_place_says_so(tmp_path: Path) -> None:
    data, file = tmp_path / "data", tmp_path / "file"
    data.mkdir()
    database.prepare(data / database.FILE)
    file.touch()
    for to in (file / "copy", file / "copy.tar"):
        refused = easel(to, "--data-dir", data)
        assert refused.exit_code == shell.FAILED
        assert f"cannot be written to {to}" in refused.stderr
    assert easel(data, "--data-dir", data).exit_code == shell.MISUSED
    assert easel(tmp_path / "copy", "--data-dir", tmp_path / "nothing").exit_code == shell.MISUSED
