"""What all shell commands share: options, errors in words, prompts from a file, names for pictures, progress."""

from __future__ import annotations

import re
import sys
import time
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Annotated, NoReturn

import typer
from rich import progress
from rich.console import Console
from rich.markup import escape

from engine import logs
from engine.config import Settings, load_settings
from engine.dispatch import Update
from engine.errors import Cancelled, ConfigError, EaselError, InvalidRequest, LedgerBusy, NotFound
from engine.types import GenerationRequest, Loading, Status
from engine.types import Progress as Steps

FAILED, MISUSED, INTERRUPTED = 1, 2, 130
"""Exit codes. 2 asks for another command line or configuration; 130 is Ctrl-C's."""

ConfigOption = Annotated[Path, typer.Option("--config", help="The configuration file.", envvar="EASEL_CONFIG")]
DataOption = Annotated[
    Path | None,
    typer.Option("--data-dir", help="Where pictures and history are kept, instead of the configured place."),
]

NAME_LENGTH = 60
"""Of a picture's name, in characters; even in Chinese it stays below the 255 bytes that file systems take."""

SAY_EVERY_S = 10.0
"""How often a line is written about something that takes long, where there is no terminal."""


@contextmanager
def explained(verbose: bool = False) -> Iterator[None]:
    """Errors become one sentence and an exit code; a bug keeps its traceback."""
    with logs.written(None, level="info" if verbose else "warning"):
        try:
            yield
        except (Cancelled, KeyboardInterrupt):
            _leave("Stopped. Nothing stays queued.", INTERRUPTED)
        except LedgerBusy as error:
            _leave(f"{error} For this command: --data-dir FOLDER. Where a bot runs, its /imagine paints too.", FAILED)
        except (InvalidRequest, NotFound, ConfigError) as error:
            _leave(str(error), MISUSED)
        except EaselError as error:
            _leave(str(error), FAILED)


def _leave(text: str, code: int) -> NoReturn:
    print(f"easel: {text}", file=sys.stderr)  # noqa: T201
    raise typer.Exit(code)


def settings_of(path: Path, data_dir: Path | None = None) -> Settings:
    if path.name != "config.toml" and not path.is_file():
        raise ConfigError(f"There is no file {path}.")
    settings = load_settings(path)
    if data_dir is not None:
        settings = settings.model_copy(update={"storage": settings.storage.model_copy(update={"data_dir": data_dir})})
    return settings


def to_stdout() -> Console:
    """Standard output: as wide as the terminal, and wide enough for a line each where there is none."""
    return Console() if sys.stdout.isatty() else Console(width=240)


def read_prompts(path: Path) -> list[str]:
    """One prompt a line, without blank lines; `-` is standard input."""
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise EaselError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise EaselError(f"{path} is not text in UTF-8.") from None
    prompts = [line.strip() for line in text.splitlines() if line.strip()]
    if not prompts:
        raise EaselError(f"{path} holds no prompt.")
    return prompts


def destinations(requests: Sequence[GenerationRequest], out: Path, *, numbered: bool) -> list[list[Path]]:
    """Where each picture of each request goes: a file, or a folder, there named after what they show or numbered.

    Raises InvalidRequest for a file that is not a .png.
    """
    if numbered:
        return [_each(out / f"{number:03}.png", request) for number, request in enumerate(requests)]
    if out.is_dir() or not out.suffix:
        return [
            [out / f"{slug(request.prompt)}-{request.seed + position}.png" for position in range(request.num_images)]
            for request in requests
        ]
    if out.suffix.lower() != ".png":
        raise InvalidRequest("out", str(out), "a .png file or a folder")
    return [_each(out, request) for request in requests]


def _each(path: Path, request: GenerationRequest) -> list[Path]:
    if request.num_images == 1:
        return [path]
    return [path.with_name(f"{path.stem}-{position}{path.suffix}") for position in range(request.num_images)]


def brief(prompt: str) -> str:
    return prompt if len(prompt) <= 40 else prompt[:39] + "…"


def slug(prompt: str) -> str:
    """A prompt as the beginning of a file name: "A red apple, please!" -> a-red-apple-please."""
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", prompt).lower())
    return "-".join(words)[:NAME_LENGTH].strip("-_") or "picture"


def size_text(count: int | None) -> str:
    """Bytes as people read them."""
    if count is None:
        return "unknown"
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


class Progress:
    """Shows how far the jobs are. On a terminal two bars; elsewhere, such as in a log, a line for each thing that ends.

    Open it with `with`; `begin`, `show` and `end` each job.
    """

    def __init__(self, console: Console, jobs: int) -> None:
        self._console, self._jobs, self._done = console, jobs, 0
        self._name = ""
        self._said_at = 0.0
        columns = (
            progress.TextColumn("{task.description}"),
            progress.BarColumn(bar_width=None),
            progress.TaskProgressColumn(),
            progress.TimeElapsedColumn(),
        )
        # Four times a second is enough for the eye, and little to send over SSH.
        self._bars = progress.Progress(
            *columns, console=console, transient=True, refresh_per_second=4, disable=not console.is_terminal
        )
        self._all = self._bars.add_task("All pictures", total=jobs, visible=jobs > 1)
        self._one = self._bars.add_task("")

    def __enter__(self) -> Progress:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bars.stop()

    def begin(self, request: GenerationRequest) -> None:
        prompt = brief(request.prompt)
        self._name = f"{self._done + 1}/{self._jobs} {prompt}" if self._jobs > 1 else prompt
        self._said_at = time.monotonic()
        self._bars.reset(self._one, total=None, description="Waiting")

    def show(self, update: Update) -> None:
        match update.event:
            case Loading(fraction, text):
                self._bars.update(self._one, description=escape(text), total=1.0, completed=fraction or 0.0)
                if time.monotonic() - self._said_at > SAY_EVERY_S:
                    self._say(text)
            case Steps(step, of):
                self._bars.update(self._one, description=escape(self._name), total=of, completed=step)
        if update.generation is not None:
            seconds = update.generation.seconds_running
            took = f" in {seconds:.1f} s" if seconds is not None else ""
            self._say("painted" + took if update.status is Status.STORED else str(update.status))

    def end(self) -> None:
        self._done += 1
        self._bars.update(self._all, completed=self._done)

    def _say(self, what: str) -> None:
        """Where there is no terminal: what begins and ends, and how far a download is every now and then."""
        if self._console.is_terminal:
            return
        self._said_at = time.monotonic()
        self._console.print(f"{self._name}: {what}", markup=False, highlight=False, soft_wrap=True)
