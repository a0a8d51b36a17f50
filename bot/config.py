"""config.toml as types: the engine's settings, and what is Discord's.

Secrets come from the environment where it has them, so that the file can be shown to anybody.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator

from engine.config import LimitsConfig as LimitsConfig
from engine.config import LoggingConfig as LoggingConfig
from engine.config import Section, Settings, beside, parse, read_toml

CONFIG_FILE = Path("config.toml")


class DiscordConfig(Section):
    """`[discord]`: how the bot reaches Discord."""

    token: SecretStr | None = None
    """The environment's DISCORD_TOKEN goes before this one."""
    proxy: str | None = Field(default=None, pattern=r"^(https?|socks[45][ah]?)://\S+$")
    """None: what http_proxy, https_proxy, all_proxy and no_proxy say."""
    guild_ids: tuple[int, ...] = ()
    """Servers whose commands are synced at once, besides the global ones, which may take a while to appear."""
    admin_channel_id: int | None = None
    """Where broken models and given-up jobs are told of; None: to the application's owners, directly."""
    shards: Literal["auto"] | Annotated[int, Field(ge=1)] = 1
    """Connections to Discord's gateway; "auto" asks Discord how many it wants."""

    @field_validator("token")
    @classmethod
    def _one_word(cls, token: SecretStr | None) -> SecretStr | None:
        """An empty token is none; one with blanks was pasted wrongly, and is not repeated in the error."""
        word = token.get_secret_value().strip() if token else ""
        if any(character.isspace() for character in word):
            raise ValueError("a token has no blanks in it; copy it again from the developer portal")
        return SecretStr(word) if word else None


class SandboxConfig(Section):
    """`[sandbox]`: the simulated Discord in the browser."""

    port: int = Field(default=8420, ge=0, le=65535)


class Config(Settings):
    """The whole file."""

    discord: DiscordConfig = DiscordConfig()
    sandbox: SandboxConfig = SandboxConfig()


def load_config(path: Path = CONFIG_FILE, environment: Mapping[str, str] | None = None) -> Config:
    """The file, with the environment's secrets in it. ConfigError names every key that does not fit.

    Without a file the defaults hold. Relative paths start at the file's folder.
    """
    environment = os.environ if environment is None else environment
    tables = read_toml(path)
    if token := environment.get("DISCORD_TOKEN", "").strip():
        discord = tables.setdefault("discord", {})
        if isinstance(discord, dict):
            discord["token"] = token
    return beside(parse(Config, tables, str(path)), path.parent)
