"""What is Discord's alone in the ledger's file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot import store
from bot.defaults import GuildSettings, PersonSettings
from bot.options import Options
from bot.permissions import LimitRule
from bot.store import Store
from bot.styles import Style
from engine.catalog import Catalog
from engine.ledger import Ledger
from engine.types import Generation, Origin


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    async with Ledger.open(tmp_path) as opened:
        yield opened


async def enqueue(ledger: Ledger, person: str = "1", guild: str | None = "9") -> Generation:
    request = Catalog().request("tiny", "a fox")
    return await ledger.enqueue(request, Origin(person, guild, "5"), also=Store(ledger).opening("a token", 5))


async def test_a_delivery_is_written_with_its_job_and_knows_its_token(ledger: Ledger) -> None:
    job = await enqueue(ledger)
    row = await Store(ledger).delivery(job.id)
    assert row is not None
    assert (row.status, row.acknowledged, row.token, row.channel_id, row.message_id) == (
        "pending",
        False,
        "a token",
        5,
        None,
    )


async def test_an_answer_that_was_taken_is_written_down(ledger: Ledger) -> None:
    job = await enqueue(ledger)
    await Store(ledger).acknowledged(job.id, 77)
    row = await Store(ledger).delivery(job.id)
    assert row is not None
    assert (row.acknowledged, row.message_id) == (True, 77)


async def test_a_token_that_expired_is_not_used(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    job = await enqueue(ledger)
    later = store._now() + store.TOKEN_LIFE
    monkeypatch.setattr(store, "_now", lambda: later)
    row = await Store(ledger).delivery(job.id)
    assert row is not None
    assert row.token is None


async def test_what_is_owed_comes_oldest_first_and_no_more_once_it_is_sent(ledger: Ledger) -> None:
    rows = Store(ledger)
    first, second, third = [await enqueue(ledger) for _ in range(3)]
    await rows.sent(second.id, 5, 78)
    assert [row.generation_id for row in await rows.pending()] == [first.id, third.id]
    await rows.undeliverable(first.id, "closed")
    assert [row.generation_id for row in await rows.pending()] == [third.id]


async def test_an_end_is_final(ledger: Ledger) -> None:
    """A late try, of a bot that was thought dead, changes nothing."""
    rows = Store(ledger)
    job = await enqueue(ledger)
    await rows.sent(job.id, 5, 78)
    await rows.undeliverable(job.id, "too late")
    await rows.trying(job.id)
    row = await rows.delivery(job.id)
    assert row is not None
    assert (row.status, row.message_id, row.attempt, row.token) == ("sent", 78, 0, None)


async def test_a_job_that_no_interaction_asked_for_has_no_delivery(ledger: Ledger) -> None:
    job = await ledger.enqueue(Catalog().request("tiny", "a fox"), Origin("shell"))
    assert await Store(ledger).delivery(job.id) is None


def using(model: str) -> Any:
    return lambda old: {"defaults": old.defaults.model_copy(update={"model": model})}


async def test_each_server_has_a_default_of_its_own(ledger: Ledger) -> None:
    rows = Store(ledger)
    await rows.change_guild("9", using("tiny"))
    await rows.change_guild("9", using("sdxl-turbo"))
    assert await rows.default_model("9") == "sdxl-turbo"
    assert await rows.default_model("8") is None
    assert await rows.default_model(None) is None


async def test_settings_come_back_as_they_were_set_and_the_others_stay(ledger: Ledger) -> None:
    rows = Store(ledger)
    noir = Style(name="Noir", prompt="{prompt}, film noir", options=Options(num_inference_steps=40))
    await rows.change_guild("9", using("tiny"))
    await rows.change_guild("9", lambda old: {"press": "anyone", "channels": ("5", "6"), "language": "ja"})
    await rows.change_guild("9", lambda old: {"styles": {**old.styles, "noir": noir, "photo": None}})
    found = await Store(ledger).guild("9")
    assert found == GuildSettings(
        defaults=Options(model="tiny"),
        press="anyone",
        channels=("5", "6"),
        language="ja",
        styles={"noir": noir, "photo": None},
    )
    await rows.change_person("1", lambda old: {"defaults": Options(aspect_ratio="3:2")})
    assert (await rows.person("1")).defaults == Options(aspect_ratio="3:2")
    assert await rows.person("2") == PersonSettings()
    assert await rows.guild(None) == GuildSettings()


async def test_what_is_set_back_to_the_default_leaves_no_row(ledger: Ledger) -> None:
    rows = Store(ledger)
    await rows.change_guild("9", lambda old: {"press": "owner", "preview": False})
    await rows.change_guild("9", lambda old: {"press": "moderators"})
    async with ledger.read() as connection:
        found = await connection.execute_fetchall("SELECT name, value FROM guild_settings")
    assert [tuple(row) for row in found] == [("preview", "false")]


async def test_a_setting_that_does_not_fit_any_more_is_passed_over(ledger: Ledger) -> None:
    async with ledger.write() as connection:
        await connection.executemany(
            "INSERT INTO guild_settings (guild_id, name, value) VALUES ('9', ?, ?)",
            [("press", '"whoever"'), ("preview", "false"), ("colour", '"red"')],
        )
    assert await Store(ledger).guild("9") == GuildSettings(preview=False)


async def test_a_servers_language_is_at_hand_after_a_restart(ledger: Ledger) -> None:
    rows = Store(ledger)
    assert rows.language("9") is None
    await rows.change_guild("9", lambda old: {"language": "es-ES"})
    assert rows.language("9") == "es-ES"
    again = Store(ledger)
    await again.load_languages()
    assert (again.language("9"), again.language("8"), again.language(None)) == ("es-ES", None, None)


async def test_limits_are_replaced_and_removed_and_stay_on_their_server(ledger: Ledger) -> None:
    rows = Store(ledger)
    await rows.set_limit("9", LimitRule("each", "", "waiting", 2))
    await rows.set_limit("9", LimitRule("each", "", "waiting", 3))
    await rows.set_limit("9", LimitRule("role", "77", "waiting", 5))
    assert await rows.limit_rules("9") == [LimitRule("each", "", "waiting", 3), LimitRule("role", "77", "waiting", 5)]
    assert await rows.limit_rules("8") == []
    assert await rows.limit_rules(None) == []
    assert await rows.clear_limit("9", "each", "", "waiting")
    assert not await rows.clear_limit("9", "each", "", "waiting")


async def test_the_queue_is_seen_by_person_and_by_server(ledger: Ledger) -> None:
    rows = Store(ledger)
    mine = await enqueue(ledger, "1", "9")
    running = await enqueue(ledger, "2", "9")
    elsewhere = await enqueue(ledger, "1", "8")
    await ledger.lease(running.id)
    assert await rows.open_jobs("1") == [mine.id, elsewhere.id]
    assert await rows.open_counts("9") == (1, 1)
    assert await rows.open_counts(None) == (2, 1)
