"""Logs: readable on the terminal, JSON in the files, and never a secret in either."""

from __future__ import annotations

import io
import json
import logging
import warnings
from pathlib import Path

import pytest
import structlog

from engine import logs
from engine.errors import ConfigError

# Built from parts, so that no scanner takes this file for a leak.
BOT_TOKEN = ".".join(["MTA5ODc2NTQzMjEwOTg3NjU0Mw", "GabcDE", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9"])
HUB_TOKEN = "hf_" + "AbCdEfGhIjKlMnOpQrStUvWxYz012345"
INTERACTION_TOKEN = "aW50ZXJhY3Rpb246" + "MTIzNDU2Nzg5MDEyMzQ1Njc4OTpBYkNkRWZHaElqS2xNbk9w"


def lines(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "easel.jsonl").read_text(encoding="utf-8").splitlines()]


def test_both_kinds_of_loggers_are_written_to_the_terminal_and_the_file(tmp_path: Path) -> None:
    terminal = io.StringIO()
    with logs.written(tmp_path, terminal=terminal):
        structlog.get_logger("easel").info("painted", seconds=1.5)
        logging.getLogger("discord").warning("the gateway took %s s", 3)
    assert "painted" in terminal.getvalue()
    assert "the gateway took 3 s" in terminal.getvalue()
    ours, theirs = lines(tmp_path)
    assert (ours["event"], ours["seconds"], ours["level"], ours["logger"]) == ("painted", 1.5, "info", "easel")
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("the gateway took 3 s", "warning", "discord")
    assert str(ours["timestamp"]).endswith("Z")


@pytest.mark.parametrize(
    "secret",
    [
        BOT_TOKEN,
        HUB_TOKEN,
        INTERACTION_TOKEN,
        f"Authorization: Bot {BOT_TOKEN}",
        f"https://discord.com/api/v10/webhooks/1098765432109876543/{'x' * 60}/messages/@original",
        f"https://discord.com/api/v10/interactions/1098765432109876543/{'x' * 60}/callback",
        "socks5://somebody:hunter2hunter2@127.0.0.1:1080",
        "known-to-be-secret",
    ],
    ids=["bot", "hub", "interaction", "header", "webhook", "callback", "proxy", "known"],
)
def test_no_secret_is_ever_written(tmp_path: Path, secret: str) -> None:
    terminal = io.StringIO()
    with logs.written(tmp_path, terminal=terminal, known=["known-to-be-secret"]):
        log = structlog.get_logger("easel")
        log.info(f"in the words: {secret}")
        log.info("in a value", address=secret, nested={"deep": [secret]})
        logging.getLogger("discord.http").info("an argument of a library: %s", secret)
        try:
            raise RuntimeError(f"in a traceback: {secret}")
        except RuntimeError:
            log.exception("it broke")
            logging.getLogger("discord").exception("a library broke")
    everything = terminal.getvalue() + (tmp_path / "easel.jsonl").read_text(encoding="utf-8")
    assert everything.count("RuntimeError: in a traceback") == 4
    for hidden in (BOT_TOKEN, HUB_TOKEN, INTERACTION_TOKEN, "x" * 60, "hunter2", "known-to-be-secret"):
        assert hidden not in everything
    assert logs.HIDDEN in everything


def test_a_value_under_a_telling_name_is_hidden_whatever_it_looks_like(tmp_path: Path) -> None:
    with logs.written(tmp_path, terminal=io.StringIO()):
        structlog.get_logger("easel").info("signed in", token="short")
    assert lines(tmp_path)[0]["token"] == logs.HIDDEN


def test_ordinary_words_are_left_alone() -> None:
    text = "a fox.in.the snow at https://example.org/webhooks/about, id 1098765432109876543, hf_small, 3:4@noon"
    assert logs.hide(text) == text


def test_files_rotate_and_old_ones_go(tmp_path: Path) -> None:
    with logs.written(tmp_path, terminal=io.StringIO(), file_bytes=2000, files=2):
        for number in range(100):
            structlog.get_logger("easel").info("a line", number=number)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["easel.jsonl", "easel.jsonl.1", "easel.jsonl.2"]
    assert all(path.stat().st_size <= 2000 for path in tmp_path.iterdir())
    assert lines(tmp_path)[-1]["number"] == 99


def test_the_level_decides_what_is_written(tmp_path: Path) -> None:
    with logs.written(tmp_path, level="warning", terminal=io.StringIO()):
        structlog.get_logger("easel").info("quiet")
        logging.getLogger("easel.inner").info("quiet too")
        structlog.get_logger("easel").warning("loud")
    assert [line["event"] for line in lines(tmp_path)] == ["loud"]


def test_warnings_are_written_too(tmp_path: Path) -> None:
    with logs.written(tmp_path, terminal=io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("this will go away", stacklevel=1)
    assert any("this will go away" in str(line["event"]) for line in lines(tmp_path))


def test_everything_is_as_before_afterwards(tmp_path: Path) -> None:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    with logs.written(tmp_path, terminal=io.StringIO()):
        assert root.handlers != before[0]
    assert (root.handlers, root.level) == before


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where a folder should be")
    with (
        pytest.raises(ConfigError, match=r"logging\.folder: .*logs cannot be written"),
        logs.written(tmp_path / "logs"),
    ):
        pass
