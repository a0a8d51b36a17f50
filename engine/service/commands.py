"""`python -m engine serve` and `keys`. The web server is imported only when it serves: it is an extra of its own."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from engine.errors import ConfigError
from engine.service.keys import KeyRing
from engine.shell import ConfigOption, DataOption, explained, settings_of, to_stdout

service_app = typer.Typer()
keys_app = typer.Typer(no_args_is_help=True, help="API keys of the image service: who may paint over HTTP.")


@service_app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Where to listen, instead of the configured address.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="0 takes any free one.")] = None,
    stop: Annotated[bool, typer.Option("--stop", help="Stop the service that runs on this data folder.")] = False,
    config: ConfigOption = Path("config.toml"),
    data_dir: DataOption = None,
) -> None:
    """The image service: OpenAI's Images API and a page at http://localhost:5001."""
    with explained():
        settings = settings_of(config, data_dir)
        given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
        settings = settings.model_copy(update={"service": settings.service.model_copy(update=given)})
        server = _server()
        if stop:
            Console(stderr=True).print(f"The image service at {server.stop(settings)} has stopped.")
        else:
            server.serve(settings)


def _server() -> ModuleType:
    """Imported when it is asked for: the web server is an extra of its own."""
    try:
        from engine.service import server
    except ImportError as error:
        raise ConfigError(
            f"The image service needs {error.name}: pip install -c constraints.txt -e '.[service]'"
        ) from None
    return server


@keys_app.command("add")
def add_key(
    name: Annotated[str, typer.Argument(help="Whose key it is.")],
    trusted: Annotated[
        bool, typer.Option("--trusted", help="May ask on behalf of others, and load models: for bots and admins.")
    ] = False,
    config: ConfigOption = Path("config.toml"),
    data_dir: DataOption = None,
) -> None:
    """Make a key. It is shown now and never again; a service that runs takes it at once."""
    with explained():
        print(KeyRing(settings_of(config, data_dir).storage.data_dir).add(name, trusted=trusted))  # noqa: T201


@keys_app.command("list")
def list_keys(config: ConfigOption = Path("config.toml"), data_dir: DataOption = None) -> None:
    """The names of the keys."""
    with explained():
        table = Table(box=None)
        for name in ("Name", "Trusted", "Since"):
            table.add_column(name, no_wrap=True)
        for key in KeyRing(settings_of(config, data_dir).storage.data_dir):
            table.add_row(escape(key.name), "yes" if key.trusted else "", key.created_at)
        to_stdout().print(table)


@keys_app.command("remove")
def remove_key(
    name: Annotated[str, typer.Argument(help="Whose key it is.")],
    config: ConfigOption = Path("config.toml"),
    data_dir: DataOption = None,
) -> None:
    """Refuse a key from now on."""
    with explained():
        KeyRing(settings_of(config, data_dir).storage.data_dir).remove(name)
