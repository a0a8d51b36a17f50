"""config.toml: what it refuses, what the environment adds, and that the example tells the truth."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from bot.config import Config, load_config
from engine.catalog import ModelSpec
from engine.config import load_settings
from engine.errors import ConfigError
from engine.types import Limit

EXAMPLE = Path(__file__).parent.parent / "config.example.toml"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def places(kind: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every option, as `section.name`."""
    for name, field in kind.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from places(inner, f"{prefix}{name}.")
        else:
            yield prefix + name


def uncommented() -> dict[str, object]:
    """The example with every option that is commented out put in force."""
    text = EXAMPLE.read_text(encoding="utf-8")
    return tomllib.loads(re.sub(r'(?m)^# (?=("[\w.-]+"|\w+) = |\[\[)', "", text))


def test_the_example_is_the_defaults() -> None:
    assert load_config(EXAMPLE, {}) == load_config(EXAMPLE.parent / "there-is-none.toml", {})


def test_the_example_names_every_option_and_no_other() -> None:
    tables = uncommented()
    Config.model_validate(tables)
    for place in places(Config):
        table: object = tables
        for part in place.split("."):
            assert isinstance(table, dict)
            assert part in table, f"{place} is missing from config.example.toml"
            table = table[part]
    (model,) = tables["models"]  # type: ignore[misc]
    assert set(model) == set(ModelSpec.model_fields)
    assert set(model["ranges"]) == set(ModelSpec.model_fields["ranges"].annotation.model_fields)  # type: ignore[union-attr]
    assert set(model["defaults"]) == set(ModelSpec.model_fields["defaults"].annotation.model_fields)  # type: ignore[union-attr]


def test_every_option_of_the_example_is_explained() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    sentences = [line for line in lines if line.startswith("# ") and not re.match(r"# [\w\"-]+ = |# \[", line)]
    assert all(re.search(r"[.,:]$|…$", line) for line in sentences), (
        "a comment that is neither a sentence nor an option"
    )


def test_a_missing_file_means_the_defaults(tmp_path: Path) -> None:
    config = load_config(tmp_path / "none.toml", {})
    assert config.model_dump(exclude={"storage", "logging"}) == Config().model_dump(exclude={"storage", "logging"})


def test_relative_paths_start_at_the_files_folder(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    text = "[engine]\nmodels_dir = 'models'\n[storage]\ndata_dir = '/elsewhere'\n[repositories]\ntiny = 'mine'\n"
    config = load_config(written(tmp_path, text), {})
    assert config.engine.models_dir == tmp_path / "models"
    assert config.logging.folder == tmp_path / "logs"
    assert config.storage.data_dir == Path("/elsewhere")
    assert config.catalog().get("tiny").repository == str(tmp_path / "mine")


def test_the_engine_reads_its_part_of_the_same_file(tmp_path: Path) -> None:
    path = written(tmp_path, "default_model = 'sdxl-turbo'\n[discord]\nguild_ids = [7]\n[engine]\ndevice = 'cpu'\n")
    settings = load_settings(path)
    assert (settings.default_model, settings.engine.device) == ("sdxl-turbo", "cpu")
    with pytest.raises(ConfigError, match=r"engine\.colour: unknown key"):
        load_settings(written(tmp_path, "[engine]\ncolour = 'red'\n"))


def test_an_unknown_key_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"discord\.tokken: unknown key"):
        load_config(written(tmp_path, '[discord]\ntokken = "x"\n'), {})


def test_a_line_that_does_not_parse_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="line 2"):
        load_config(written(tmp_path, "[discord]\nguild_ids = =\n"), {})


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("default_model = 7", "default_model"),
        ("[engine]\ndevice = 'tpu'", "engine.device"),
        ("[storage]\nkeep_days = 0", "storage.keep_days"),
        ("[limits]\nwaiting_per_person = 0", "limits.waiting_per_person"),
        ("[discord]\nproxy = 'localhost:3128'", "discord.proxy"),
        ("[logging]\nlevel = 'loud'", "logging.level"),
        ("[sandbox]\nport = 70000", "sandbox.port"),
        ("[[models]]\nkey = 'x'\nrepository = 'x.ckpt'", "models.0.repository"),
    ],
)
def test_a_bad_value_is_named(tmp_path: Path, text: str, place: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(place)):
        load_config(written(tmp_path, text), {})


def test_the_environments_token_goes_before_the_files(tmp_path: Path) -> None:
    path = written(tmp_path, '[discord]\ntoken = "from-the-file"\n')
    config = load_config(path, {"DISCORD_TOKEN": " from-the-environment\n"})
    assert config.discord.token is not None
    assert config.discord.token.get_secret_value() == "from-the-environment"
    config = load_config(path, {"DISCORD_TOKEN": ""})
    assert config.discord.token is not None
    assert config.discord.token.get_secret_value() == "from-the-file"


def test_an_empty_token_is_none(tmp_path: Path) -> None:
    assert load_config(written(tmp_path, '[discord]\ntoken = " "\n'), {}).discord.token is None


def test_a_token_is_never_shown(tmp_path: Path) -> None:
    config = load_config(tmp_path / "none", {"DISCORD_TOKEN": "abc.def.ghi"})
    assert "abc.def.ghi" not in f"{config!r} {config}"
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "none", {"DISCORD_TOKEN": "abc def"})
    assert "abc def" not in str(caught.value)


def test_limits_become_what_the_ledger_charges(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, "[limits]\nwaiting_per_person = 2\nimages_a_day_per_server = 9\n"), {})
    assert config.limits.bounds() == [
        Limit("person", "waiting", 2),
        Limit("all", "waiting", 1000),
        Limit("guild", "images_a_day", 9),
    ]
