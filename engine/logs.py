"""Logs: for people on the terminal, as JSON lines in rotating files; never a secret in either.

`with logs.written(...)` takes over Python's root logger, so that discord.py and diffusers are written down the same
way as Easel's own `structlog.get_logger(__name__)`.
"""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from engine.errors import ConfigError

HIDDEN = "[hidden]"

_SECRETS = re.compile(
    r"""
      (?<![\w-]) [\w-]{23,28} \. [\w-]{6,7} \. [\w-]{27,}        # a bot's token
    | (?<![\w-]) aW50ZXJhY3Rpb2[\w+/=-]{20,}                     # an interaction's token: base64 of "interaction:…"
    | (?<=/webhooks/) (?P<id>\d{15,}/) [\w%.+=-]{20,}            # the same, and webhooks', in an address
    | (?<=/interactions/) (?P<id2>\d{15,}/) [\w%.+=-]{20,}
    | (?<![A-Za-z0-9]) hf_[A-Za-z0-9]{20,}                       # Hugging Face
    | (?<![A-Za-z0-9]) easel_[\w-]{30,}                          # the image service's own keys
    | (?<=://) [^\s/@:"']+ : [^\s/@"']+ (?=@)                    # a proxy's user and password
    | (?i: (?<=bearer\ ) | (?<=authorization:\ bot\ ) ) [\w.~+/=-]{8,}
    """,
    re.VERBOSE,
)

_NAMED = frozenset({"token", "interaction_token", "authorization", "password", "secret"})

_NOISE = {
    "discord.gateway": logging.WARNING,
    "discord.client": logging.WARNING,
    "httpx": logging.WARNING,
    "uvicorn": logging.WARNING,
}
"""Libraries that say at `info` what only their own developers want to know."""


def hide(text: str, known: Iterable[str] = ()) -> str:
    """The text without anything that looks like a secret, nor any of the known ones."""
    for secret in known:
        if secret:
            text = text.replace(secret, HIDDEN)
    return _SECRETS.sub(lambda found: (found["id"] or found["id2"] or "") + HIDDEN, text)


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Hides secrets in the finished line, where tracebacks and libraries' own messages are in it too."""

    def __init__(self, known: tuple[str, ...], processors: list[Processor]) -> None:
        super().__init__(foreign_pre_chain=_SHARED, processors=processors)
        self._known = known

    def format(self, record: logging.LogRecord) -> str:
        return hide(super().format(record), self._known)


def _hide_named(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Values under a telling name are hidden whatever they look like."""
    for name in _NAMED & event.keys():
        event[name] = HIDDEN
    return event


_remove_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta

_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _hide_named,
]


@contextlib.contextmanager
def written(
    folder: Path | None,
    *,
    file: str = "easel.jsonl",
    level: str = "info",
    file_bytes: int = 10_000_000,
    files: int = 5,
    known: Iterable[str] = (),
    terminal: TextIO | None = None,
) -> Iterator[None]:
    """Writes everything logged inside to the terminal (standard error) and, where a folder is given, to `file` there.

    `known` are secrets to hide besides those that can be told by their looks. Files that have grown to `file_bytes`
    are rotated; `files` old ones are kept. ConfigError where the folder cannot be written.
    """
    secrets = tuple(known)
    stream = terminal or sys.stderr
    handlers: list[logging.Handler] = [logging.StreamHandler(stream)]
    handlers[0].setFormatter(_Formatter(secrets, [_remove_meta, _console(stream)]))
    if folder is not None:
        to_file = _rotating(folder / file, file_bytes, files)
        as_json = structlog.processors.JSONRenderer(ensure_ascii=False)
        to_file.setFormatter(_Formatter(secrets, [_remove_meta, structlog.processors.format_exc_info, as_json]))
        handlers.append(to_file)

    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    root = logging.getLogger()
    handlers_before, level_before = root.handlers[:], root.level
    levels_before = {name: logging.getLogger(name).level for name in _NOISE}
    root.handlers = handlers
    root.setLevel(level.upper())
    if level != "debug":
        for name, quieter in _NOISE.items():
            logging.getLogger(name).setLevel(quieter)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.handlers = handlers_before
        root.setLevel(level_before)
        for name, before in levels_before.items():
            logging.getLogger(name).setLevel(before)
        structlog.reset_defaults()
        for handler in handlers:
            handler.close()


def _rotating(path: Path, file_bytes: int, files: int) -> logging.Handler:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return logging.handlers.RotatingFileHandler(path, maxBytes=file_bytes, backupCount=files, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"logging.folder: {path.parent} cannot be written ({error.strerror}).") from None


def _console(stream: TextIO) -> Processor:
    """Colours where there is a terminal; tracebacks plain, since rich ones show local variables."""
    return structlog.dev.ConsoleRenderer(
        colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
    )
