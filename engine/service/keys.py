"""API keys: who may paint over HTTP. The file holds their hashes; a key itself is shown once, when it is made.

Each key has 256 random bits, so a fast hash is enough: there is nothing to guess.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from engine.errors import ConfigError, InvalidRequest, NotFound
from engine.files import move_into_place

FILE = "keys.json"
PREFIX = "easel_"
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}"


@dataclass(frozen=True, slots=True)
class Key:
    """`trusted` keys say for whom they ask, see everybody's jobs, and load and unload models: the bot's, an admin's."""

    name: str
    sha256: str
    trusted: bool
    created_at: str


class KeyRing:
    """The keys of a data folder. Changes from outside count at once: the file is read again when it has changed."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / FILE
        self._read_at: tuple[int, int] | None = None
        self._keys: dict[str, Key] = {}

    def find(self, secret: str) -> Key | None:
        """Whose key that is."""
        return self._by_hash().get(_hash(secret))

    def __iter__(self) -> Iterator[Key]:
        return iter(sorted(self._by_hash().values(), key=lambda key: key.name))

    def __bool__(self) -> bool:
        return bool(self._by_hash())

    def add(self, name: str, *, trusted: bool = False) -> str:
        """Makes a key and returns it, for the only time. Raises InvalidRequest for a name that is taken or odd."""
        if not re.fullmatch(NAME, name):
            raise InvalidRequest("name", name, "1 to 40 letters, digits, dots, dashes and underscores")
        if any(key.name == name for key in self):
            raise InvalidRequest("name", name, "a name that no other key has (see `keys list`)")
        secret = PREFIX + secrets.token_urlsafe(32)
        self._write([*self, Key(name, _hash(secret), trusted, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")])
        return secret

    def remove(self, name: str) -> None:
        """The key is refused from now on. Raises NotFound."""
        left = [key for key in self if key.name != name]
        if len(left) == len(list(self)):
            raise NotFound("key", name, "See `keys list`.")
        self._write(left)

    def _by_hash(self) -> dict[str, Key]:
        try:
            seen = self._path.stat()
        except FileNotFoundError:
            self._keys, self._read_at = {}, None
            return self._keys
        read_at = (seen.st_mtime_ns, seen.st_ino)
        if read_at != self._read_at:
            try:
                found = [Key(**each) for each in json.loads(self._path.read_text(encoding="utf-8"))]
            except (ValueError, TypeError) as error:
                raise ConfigError(f"{self._path} is damaged ({error}). Remove it, and make the keys anew.") from None
            self._keys, self._read_at = {key.sha256: key for key in found}, read_at
        return self._keys

    def _write(self, keys: list[Key]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_suffix(".part")
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump([asdict(key) for key in keys], file, indent=1)
        move_into_place(part, self._path)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
