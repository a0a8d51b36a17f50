"""`python -m tests.drills.launch URL [--die-at …] -- run --config config.toml`: the real bot, with two changes.

It is pointed at a WireDiscord, and its worker opens `tests.drills.box` where it would open diffusers.
"""

from __future__ import annotations

import sys
from typing import Any

import discord

from engine.local import LocalEngine
from tests.drills.box import BACKEND
from tests.wire import launch


def with_the_box() -> None:
    defaults = LocalEngine.__init__.__kwdefaults__
    assert defaults is not None
    defaults["backend"] = BACKEND


def without_long_pauses() -> None:
    """discord.py calls itself ready two seconds after the last server came; drills have fifty starts to wait for."""
    original = discord.Client.__init__

    def patient_no_more(self: discord.Client, *args: Any, **options: Any) -> None:
        original(self, *args, guild_ready_timeout=0.05, **options)

    discord.Client.__init__ = patient_no_more  # type: ignore[method-assign]


if __name__ == "__main__":
    with_the_box()
    without_long_pauses()
    sys.argv.insert(2, "bot")
    launch.main()
