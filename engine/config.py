"""The engine's part of config.toml, and how the file is read.

The bot's settings extend these (`bot.config`). Unknown keys are refused with their place, so that a typing slip
never passes for a default.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from engine.catalog import Catalog, ModelSpec
from engine.errors import ConfigError
from engine.types import Limit

Address = Annotated[str, Field(pattern=r"^https?://[^\s/?#@]+/?$")]
"""Where a service is, without a path: `http://gpu:5001`."""


class Section(BaseModel):
    """A table of config.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class EngineConfig(Section):
    """`[engine]`: where and how pictures are painted."""

    executor: Literal["process", "thread"] = "process"
    device: Literal["auto", "cuda", "mps", "cpu"] = "auto"
    dtype: Literal["auto", "bf16", "fp16", "fp32"] = "auto"
    memory_budget_gb: float | None = Field(default=None, gt=0)
    """What the loaded models may take together; None: 80 % of the device's memory."""
    cpu_offload: bool = False
    vae_slicing: bool = True
    vae_tiling: bool = False
    attention_slicing: bool = False
    compile: bool = False
    """On CUDA: forwards as graphs, and a model compiled for its default size while it loads."""
    previews: bool = True
    exact: bool = True
    """A picture's bits never depend on who shares its forwards; False lets these grow to what waits."""
    max_attempts: int = Field(default=3, ge=1, le=10)
    """How often a job is tried when the worker dies under it."""
    hang_timeout_s: float = Field(default=120, gt=0)
    """A worker without any sign of progress for so long is killed and started anew. Loading a model is exempt."""
    models_dir: Path | None = None
    """Where downloads are kept; None: the hub's usual cache."""
    url: tuple[Address, ...] = ()
    """Image services that paint instead of this machine; a single one may be written without the brackets."""

    @field_validator("url", mode="before")
    @classmethod
    def _one_or_more(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value


class StorageConfig(Section):
    """`[storage]`: what is kept, and where."""

    data_dir: Path = Path("data")
    keep_days: int | None = Field(default=None, ge=1)
    keep_gb: float | None = Field(default=None, gt=0)
    min_free_mb: int = Field(default=500, ge=0)
    """New jobs are refused while the disk has less room than this."""


class LimitsConfig(Section):
    """`[limits]`: what binds everybody. Admins set their server's own limits besides, in Discord."""

    waiting_per_person: int | None = Field(default=8, ge=1)
    waiting_per_server: int | None = Field(default=None, ge=1)
    waiting_in_all: int | None = Field(default=1000, ge=1)
    images_a_day_per_person: int | None = Field(default=None, ge=1)
    images_a_day_per_server: int | None = Field(default=None, ge=1)
    images_a_day_in_all: int | None = Field(default=None, ge=1)

    def bounds(self) -> list[Limit]:
        """The limits that are set, as the ledger charges them."""
        bounds: list[tuple[Literal["person", "guild", "all"], Literal["waiting", "images_a_day"], int | None]] = [
            ("person", "waiting", self.waiting_per_person),
            ("guild", "waiting", self.waiting_per_server),
            ("all", "waiting", self.waiting_in_all),
            ("person", "images_a_day", self.images_a_day_per_person),
            ("guild", "images_a_day", self.images_a_day_per_server),
            ("all", "images_a_day", self.images_a_day_in_all),
        ]
        return [Limit(scope, kind, maximum) for scope, kind, maximum in bounds if maximum is not None]


class LoggingConfig(Section):
    """`[logging]`: what is written down, and for how long it is kept."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    folder: Path = Path("logs")
    file_mb: int = Field(default=10, ge=1)
    """A file that grows past this is rotated."""
    files: int = Field(default=5, ge=1)
    """How many rotated files are kept."""


class ServiceConfig(Section):
    """`[service]`: the engine over HTTP."""

    host: str = "localhost"
    """The address that is listened at. Any but this machine's own demands API keys."""
    port: int = Field(default=5001, ge=0, le=65535)
    hosts: tuple[str, ...] = ()
    """Further names that the service is reached by; requests for any other name are refused."""
    require_keys: bool = False
    """Whether an API key is demanded on this machine's own address too, as behind a reverse proxy."""


class Settings(Section):
    """The whole file, as far as the engine reads it."""

    engine: EngineConfig = EngineConfig()
    storage: StorageConfig = StorageConfig()
    limits: LimitsConfig = LimitsConfig()
    logging: LoggingConfig = LoggingConfig()
    service: ServiceConfig = ServiceConfig()
    drain_s: float = Field(default=30, ge=0)
    """How long running jobs may take to finish when Easel is stopped; then they wait for its next start."""
    default_model: str = "tiny"
    repositories: dict[str, str] = {}
    """Other repositories for built-in models, by key: some get withdrawn or mirrored."""
    models: tuple[ModelSpec, ...] = ()

    @field_validator("models")
    @classmethod
    def _keys_differ(cls, models: tuple[ModelSpec, ...]) -> tuple[ModelSpec, ...]:
        keys = [model.key for model in models]
        if len(set(keys)) < len(keys):
            raise ValueError(f"a model key is used twice: {', '.join(keys)}")
        return models

    def catalog(self) -> Catalog:
        catalog = Catalog.with_user_models(self.models, self.repositories)
        if self.default_model not in catalog:
            raise ConfigError(f"default_model: there is no model {self.default_model!r}.")
        return catalog


AnySettings = TypeVar("AnySettings", bound=Settings)


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file, {} where there is none; ConfigError names the line that does not parse."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from None


def parse(kind: type[AnySettings], tables: dict[str, Any], source: str) -> AnySettings:
    """The tables as types; ConfigError lists every key that does not fit, with its place."""
    try:
        return kind.model_validate(tables)
    except ValidationError as error:
        lines = [f"{source} does not fit:"]
        for problem in error.errors():
            place = ".".join(str(part) for part in problem["loc"])
            text = "unknown key" if problem["type"] == "extra_forbidden" else problem["msg"]
            lines.append(f"  {place}: {text}")
        raise ConfigError("\n".join(lines)) from None


def load_settings(path: Path) -> Settings:
    """The engine's part of config.toml; the other tables are the bot's, which checks them."""
    tables = {name: table for name, table in read_toml(path).items() if name in Settings.model_fields}
    return beside(parse(Settings, tables, str(path)), path.parent)


def beside(settings: AnySettings, folder: Path) -> AnySettings:
    """The settings with relative paths starting at the configuration's folder, wherever the program runs."""
    models_dir = settings.engine.models_dir
    engine = settings.engine.model_copy(update={"models_dir": models_dir and folder / models_dir})
    storage = settings.storage.model_copy(update={"data_dir": folder / settings.storage.data_dir})
    logging = settings.logging.model_copy(update={"folder": folder / settings.logging.folder})
    repositories = {key: _local(folder, repository) for key, repository in settings.repositories.items()}
    models = tuple(
        model.model_copy(update={"repository": _local(folder, model.repository)}) for model in settings.models
    )
    return settings.model_copy(
        update={
            "engine": engine,
            "storage": storage,
            "logging": logging,
            "repositories": repositories,
            "models": models,
        }
    )


def _local(folder: Path, repository: str) -> str:
    """A folder or file beside the configuration, where there is one of that name; else the hub's."""
    path = folder / repository
    return str(path) if path.exists() else repository
