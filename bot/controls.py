"""Buttons and menus that survive a restart: each holds an id, and is known by its pattern.

A custom id is only input: whoever presses, and what there is by then, is looked up at each press.
"""

from __future__ import annotations

import re
from typing import Any

from discord import ui

from bot.interactions import Interaction


class Control(ui.DynamicItem[Any], template="(?!)"):
    """A subclass names its `template` and writes `pressed`; what that raises is told to the person.

    This class itself matches nothing.
    """

    def __init__(self, item: ui.Item[Any], match: re.Match[str]) -> None:
        super().__init__(item)
        self.match = match

    @classmethod
    async def from_custom_id(cls, interaction: Any, item: ui.Item[Any], match: re.Match[str], /) -> Control:
        return cls(item, match)

    async def callback(self, interaction: Any) -> None:
        try:
            await self.pressed(interaction)
        except Exception as error:  # discord.py would only log it
            await interaction.client.report(interaction, error)

    async def pressed(self, interaction: Interaction) -> None:
        raise NotImplementedError
