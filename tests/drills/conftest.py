"""What every drill has: a Discord with a server, a room and people."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from tests.wire import Channel, Guild, Member, WireDiscord


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/drills/" in item.path.as_posix():
            item.add_marker(pytest.mark.drill)
            item.add_marker(pytest.mark.slow)


@pytest.fixture
async def wire() -> AsyncIterator[WireDiscord]:
    async with WireDiscord() as wire:
        yield wire


@pytest.fixture
def guild(wire: WireDiscord) -> Guild:
    return wire.add_guild("Drill ground")


@pytest.fixture
def room(wire: WireDiscord, guild: Guild) -> Channel:
    return wire.channel(guild)


@pytest.fixture
def ada(wire: WireDiscord, guild: Guild) -> Member:
    return wire.add_member(guild, "Ada")


@pytest.fixture
def figure(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Prints a drill's figure past pytest's capture, so that it stands in every log."""

    def show(text: str) -> None:
        with capsys.disabled():
            print(f"\n  drill: {text}")

    return show
