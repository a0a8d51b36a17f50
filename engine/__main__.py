"""`python -m engine`: pictures, models, history and the image service from the shell, without any Discord.

Saved paths go to standard output, one a line; everything for eyes goes to standard error.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
from collections.abc import Coroutine
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from engine import bench as measuring
from engine import files, house, hub
from engine.backup import Backup
from engine.catalog import ModelSpec
from engine.config import Settings
from engine.errors import Cancelled, ConfigError, EaselError
from engine.ledger import HistoryFilter, Ledger
from engine.service.commands import keys_app, service_app
from engine.shell import (
    ConfigOption,
    DataOption,
    Progress,
    brief,
    destinations,
    explained,
    read_prompts,
    settings_of,
    size_text,
    to_stdout,
)
from engine.types import SHELL, Generation, GenerationRequest, Status

Result = TypeVar("Result")

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Easel: paint pictures from words, and find them again."
)
models_app = typer.Typer(invoke_without_command=True, help="The models: what they are good for, and which are here.")
app.add_typer(models_app, name="models")
app.add_typer(service_app)
app.add_typer(keys_app, name="keys")


@app.command()
def imagine(
    prompt: Annotated[str | None, typer.Argument(help="What to paint. (word:1.3) counts more, \\[word] less.")] = None,
    negative_prompt: Annotated[str | None, typer.Option(help="What to keep out of the picture.")] = None,
    model: Annotated[str | None, typer.Option(help="Which model paints; see `models`.")] = None,
    steps: Annotated[int | None, typer.Option(help="More is slower and finer.")] = None,
    cfg: Annotated[float | None, typer.Option(help="How closely to follow the prompt.")] = None,
    width: Annotated[int | None, typer.Option(help="In pixels.")] = None,
    height: Annotated[int | None, typer.Option(help="In pixels.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed makes the same picture; -1: a random one.")] = None,
    count: Annotated[int | None, typer.Option(help="How many pictures, 1 to 4.")] = None,
    sampler: Annotated[str | None, typer.Option(help="How noise becomes a picture, such as 'DPM++ 2M Karras'.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="A .png file, or a folder. Without it: here, named after the prompt.")
    ] = None,
    prompts_file: Annotated[
        Path | None, typer.Option(help="Paint every line of this file: 000.png, 001.png and so on.")
    ] = None,
    out_dir: Annotated[Path | None, typer.Option(help="The folder for the pictures of --prompts-file.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say what the engine does.")] = False,
    config: ConfigOption = Path("config.toml"),
    data_dir: DataOption = None,
) -> None:
    """Paint pictures. They are saved where you say, and recorded in the history."""
    with explained(verbose):
        settings = settings_of(config, data_dir)
        if (prompt is None) == (prompts_file is None):
            raise ConfigError("Give a prompt, or --prompts-file with one prompt a line.")
        if prompts_file is None and out_dir is not None:
            raise ConfigError("--out-dir belongs to --prompts-file; one prompt has --out.")
        if prompts_file is not None and out is not None:
            raise ConfigError("--out is for one prompt; --prompts-file has --out-dir.")
        catalog = settings.catalog()
        prompts = [prompt] if prompt is not None else read_prompts(prompts_file or Path())
        requests = [
            catalog.request(
                model or settings.default_model,
                text,
                negative_prompt=negative_prompt,
                num_inference_steps=steps,
                guidance_scale=cfg,
                width=width,
                height=height,
                seed=seed,
                num_images=count,
                sampler=sampler,
            ).with_seed()
            for text in prompts
        ]
        targets = destinations(requests, out=out or out_dir or Path(), numbered=prompts_file is not None)
        _run(_paint(settings, requests, targets))


async def _paint(settings: Settings, requests: list[GenerationRequest], targets: list[list[Path]]) -> None:
    """Queues everything, then waits: the same path that a picture from Discord takes."""
    async with house.opened(settings, drain_s=0) as home:
        ledger, dispatcher = home.ledger, home.dispatcher
        jobs: list[Generation] = []
        try:
            for request in requests:
                jobs.append(await dispatcher.submit(request, SHELL))
            failures: list[Generation] = []
            with Progress(Console(stderr=True), len(jobs)) as progress:
                for job, paths in zip(jobs, targets, strict=True):
                    progress.begin(job.request)
                    async for update in dispatcher.watch(job.id):
                        progress.show(update)
                    done = await ledger.get(job.id)
                    if done.status is Status.STORED:
                        _deliver(settings.storage.data_dir, done, paths)
                    else:
                        failures.append(done)
                    progress.end()
        except (asyncio.CancelledError, EaselError):
            # A job may have been written while its number was still on the way: those are found in the ledger.
            waiting = [job.id for job in await ledger.queued() if job.person_id == SHELL.person_id]
            for id in {*waiting, *(job.id for job in jobs)}:
                await dispatcher.cancel(id)
            raise
    if failures:
        raise EaselError("\n".join(f"{brief(job.request.prompt)}: {job.error_text or job.status}" for job in failures))


def _deliver(data_dir: Path, generation: Generation, paths: list[Path]) -> None:
    for picture, path in zip(generation.pictures, paths, strict=True):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(files.picture_path(data_dir, picture.path), path)
        except OSError as error:
            kept = files.picture_path(data_dir, picture.path)
            raise EaselError(f"{path} cannot be written: {error.strerror}. The picture is kept as {kept}.") from None
        print(path)  # noqa: T201


@models_app.callback()
def models(context: typer.Context, config: ConfigOption = Path("config.toml")) -> None:
    """The models: what they are good for, and which are here."""
    if context.invoked_subcommand is not None:
        return
    with explained():
        settings = settings_of(config)
        catalog = settings.catalog()
        here = hub.sizes_on_disk(list(catalog), settings.engine.models_dir)
        table = Table(box=None)
        for name in ("Model", "Speed", "Quality", "Size"):
            table.add_column(name, no_wrap=True)
        table.add_column("Best for")
        table.add_column("Here", no_wrap=True)
        for spec in catalog:
            table.add_row(
                escape(spec.key) + (" (default)" if spec.key == settings.default_model else ""),
                _stars(spec.speed),
                _stars(spec.quality),
                size_text(spec.size_bytes),
                escape(spec.best_for),
                _here(spec, here.get(spec.key)),
            )
        to_stdout().print(table)


@models_app.command("info")
def model_info(
    key: Annotated[str, typer.Argument(help="The model's key.")], config: ConfigOption = Path("config.toml")
) -> None:
    """Everything about one model."""
    with explained():
        settings = settings_of(config)
        spec = settings.catalog().get(key)
        table = Table(box=None, show_header=False)
        facts = _facts(spec, hub.sizes_on_disk([spec], settings.engine.models_dir).get(key))
        for name, text in (*facts, *_ways(spec, hub.noise_schedule(spec, settings.engine.models_dir))):
            table.add_row(f"[bold]{name}", escape(text))
        to_stdout().print(table)


GATED = "accept its licence on its page of the hub, and set HF_TOKEN to a token that may read it"


def _facts(spec: ModelSpec, here: int | None) -> list[tuple[str, str]]:
    defaults, ranges = spec.defaults, spec.ranges
    (few, many), (low, high), (small, large) = ranges.num_inference_steps, ranges.guidance_scale, ranges.size
    enlarged = f", painted at 1/{spec.enlarge} of that and enlarged" if spec.enlarge > 1 else ""
    return [
        ("Model", spec.key),
        ("Best for", spec.best_for),
        ("From", spec.repository + (f" at {spec.revision}" if spec.revision else "")),
        *([("Licence", spec.licence)] if spec.licence else []),
        *([("Gated", GATED)] if spec.gated else []),
        ("Family", spec.family),
        ("Speed", _stars(spec.speed)),
        ("Quality", _stars(spec.quality)),
        ("Download", size_text(spec.size_bytes)),
        ("Here", _here(spec, here)),
        ("Steps", f"{defaults.num_inference_steps} ({few} to {many})"),
        ("Cfg", f"{defaults.guidance_scale:g} ({low:g} to {high:g})"),
        *([] if spec.guidable else [("Negative prompt", "not heard: that needs guidance")]),
        ("Pixels", f"{defaults.width}×{defaults.height} ({small} to {large}{enlarged})"),
        ("Sampler", defaults.sampler),
    ]


def _ways(spec: ModelSpec, schedule: dict[str, Any] | None) -> list[tuple[str, str]]:
    """Which samplers share forwards with other people's pictures, and which go through diffusers' own schedulers."""
    from engine.samplers import ways  # with numpy: a tenth of a second that no other command needs

    known = ways(spec, schedule)
    if known is None:
        return [("Step by step", "not known: its noise schedule is not here")]
    called = ", ".join(known.called) or ("none" if known.stepped else "its own sampler, whichever is chosen")
    return [("Step by step", ", ".join(known.stepped) or "none"), ("By diffusers", called)]


@app.command()
def history(
    search: Annotated[str | None, typer.Option(help="Words that the prompt holds.")] = None,
    model: Annotated[str | None, typer.Option(help="Only pictures of this model.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 20,
    config: ConfigOption = Path("config.toml"),
    data_dir: DataOption = None,
) -> None:
    """What was painted, newest first."""
    with explained():
        settings = settings_of(config, data_dir)
        if model is not None:
            settings.catalog().get(model)
        _run(_show_history(settings.storage.data_dir, HistoryFilter(search=search, model=model), limit))


async def _show_history(data_dir: Path, chosen: HistoryFilter, limit: int) -> None:
    async with Ledger.open(data_dir, owner=False) as ledger:
        found = await ledger.history(chosen, limit=limit)
    if not found:
        Console(stderr=True).print("Nothing was found.")
        return
    table = Table(box=None)
    for name in ("When", "Model"):
        table.add_column(name, no_wrap=True)
    table.add_column("Prompt")
    table.add_column("Seed", no_wrap=True)
    table.add_column("File", overflow="fold")
    for generation in found:
        pictures = [
            "deleted" if picture.deleted_at else _from_here(files.picture_path(data_dir, picture.path))
            for picture in generation.pictures
        ]
        request = generation.request
        row = (_when(generation.created_at), request.model, request.prompt, str(request.seed), "\n".join(pictures))
        table.add_row(*(escape(text) for text in row))
    to_stdout().print(table)


@app.command()
def backup(
    to: Annotated[Path, typer.Argument(help="A folder, or a file that ends in .tar or .tar.gz.")],
    config: ConfigOption = Path("config.toml"),
    data_dir: DataOption = None,
) -> None:
    """Copy the ledger and its pictures, also while a bot runs. Into the same folder again, only what is new."""
    with explained():
        made = _run(_back_up(settings_of(config, data_dir).storage.data_dir, to))
        Console(stderr=True).print(f"{made.generations} jobs and {made.pictures} pictures are kept.", highlight=False)
        print(to)  # noqa: T201


@app.command()
def bench(
    model: Annotated[str | None, typer.Option(help="Which model paints; see `models`.")] = None,
    seconds: Annotated[float, typer.Option(min=1, max=3600, help="How long to paint, about.")] = 30,
    json_file: Annotated[Path | None, typer.Option("--json", help="Where to write the figures as well.")] = None,
    config: ConfigOption = Path("config.toml"),
) -> None:
    """Measure how fast this machine paints: latency, pictures a second, share of what the device can do."""
    with explained():
        settings = settings_of(config)
        figures = _run(measuring.measure(settings, model or settings.default_model, seconds))
        table = Table(box=None, show_header=False)
        for name, text in _measured(figures):
            table.add_row(f"[bold]{name}", escape(text))
        to_stdout().print(table)
        if json_file is not None:
            try:
                json_file.write_text(figures.as_json(), encoding="utf-8")
            except OSError as error:
                raise EaselError(f"{json_file} cannot be written: {error.strerror}.") from None


def _measured(figures: measuring.Figures) -> list[tuple[str, str]]:
    peak, share = figures.peak_tflops, figures.share_of_peak
    return [
        ("Model", f"{figures.model}, {figures.width}×{figures.height}, {figures.steps} steps, cfg {figures.cfg:g}"),
        ("Device", figures.device),
        ("Ready after", f"{figures.load_s:.1f} s"),
        ("One picture", f"{figures.latency_s:.3g} s"),
        ("Pictures a second", f"{figures.pictures_a_second:.3g}, with {figures.at_once} requests at once"),
        (
            "Share of the peak",
            "not known" if share is None else f"{share:.1%} of {peak:.3g} TFLOP/s, by its UNet alone",
        ),
    ]


async def _back_up(data_dir: Path, to: Path) -> Backup:
    async with Ledger.open(data_dir, owner=False) as ledger:
        return await ledger.backup(to)


def _from_here(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _when(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def _here(spec: ModelSpec, here: int | None) -> str:
    if here is not None:
        return size_text(here)
    return "missing" if hub.is_local(spec.repository) else "not yet"


def _stars(number: int) -> str:
    return "★" * number + "☆" * (5 - number)


def _run(work: Coroutine[Any, Any, Result]) -> Result:
    """Runs it; SIGTERM is taken like Ctrl-C, so that the worker is ended and nothing stays behind."""

    async def main() -> Result:
        task = asyncio.ensure_future(work)
        with suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await task

    try:
        return asyncio.run(main())
    except asyncio.CancelledError:
        raise Cancelled from None


def main() -> None:
    app()


if __name__ == "__main__":
    main()
