"""The last of the journeys: all together tried everything that there is. Skipped where only some of them ran."""

from __future__ import annotations

from pathlib import Path

import pytest
from discord import app_commands

from tests.journeys.tally import TALLY
from tests.journeys.world import open_world


@pytest.fixture(autouse=True)
def _after_all_others(request: pytest.FixtureRequest) -> None:
    ran = {item.path for item in request.session.items}
    missing = set(Path(__file__).parent.glob("test_*.py")) - ran
    if missing or request.config.getoption("keyword"):
        pytest.skip("only some of the journeys ran")


async def test_every_command_was_used(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        commands = {command.qualified_name for command in world.bot.tree.walk_commands()} | {
            command.name for command in world.bot.tree.get_commands() if isinstance(command, app_commands.ContextMenu)
        }
        groups = {
            command.qualified_name
            for command in world.bot.tree.walk_commands()
            if isinstance(command, app_commands.Group)
        }
    assert commands - groups - set(TALLY.commands) == set()


def test_every_button_and_menu_that_was_shown_was_pressed() -> None:
    assert set(TALLY.shown) - set(TALLY.pressed) == set()


def test_every_form_that_was_shown_was_sent() -> None:
    assert set(TALLY.forms_shown) - set(TALLY.forms_sent) == set()


def test_at_least_three_hundred_requests_reached_the_simulated_discord() -> None:
    total = sum(TALLY.requests.values())
    print(f"{total} requests: {dict(TALLY.requests)}; {sum(TALLY.commands.values())} commands")
    assert total >= 300
