"""What a person sees when something goes wrong underneath."""

from __future__ import annotations

from pathlib import Path

import discord
import pytest

from bot import imagine, results
from engine import attempt, dispatch
from engine.errors import EngineLost, GenerationFailed, ModelUnavailable, OutOfMemory
from engine.types import Status
from tests.journeys.world import Painter, buttons_of, gallery_of, open_world, text_of, until


@pytest.fixture(autouse=True)
def _without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt, "RETRY_WAIT_S", 0.0)
    monkeypatch.setattr(dispatch, "LOOK_S", 0.02)


async def test_a_worker_that_dies_is_replaced_and_the_picture_comes_all_the_same(tmp_path: Path) -> None:
    painter = Painter(error=EngineLost("The worker died."), fail_times=1)
    async with open_world(tmp_path, painter) as world:
        result = await world.imagine(seed=7)
        assert gallery_of(result.response)
        assert (await world.latest()).attempt == 2


async def test_a_job_that_kills_every_worker_is_given_up_and_says_so(tmp_path: Path) -> None:
    painter = Painter(error=EngineLost("The worker died."))
    async with open_world(tmp_path, painter) as world:
        result = await world.imagine(seed=7)
        assert "tried 3 times and stopped each time" in text_of(result.response)
        assert buttons_of(result.response) == ["Reroll", "Edit"]
        painter.error = None
        again = await world.ann.click(result.response, label="Reroll")
        await world.done()
        assert gallery_of(again.response)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            ModelUnavailable("tiny", "its files are cut short.", "Download it again."),
            "its files are cut short. Download it again.",
        ),
        (OutOfMemory("Set cpu_offload."), "not enough memory for this picture. Try a smaller size"),
        (GenerationFailed("A CUDA error."), "The model failed while it was painting. Try again"),
    ],
    ids=["a model that does not load", "memory", "a model that raises"],
)
async def test_what_went_wrong_is_said_where_the_picture_would_be(tmp_path: Path, error: Exception, words: str) -> None:
    async with open_world(tmp_path, Painter(error=error)) as world:
        result = await world.imagine()
        assert words in text_of(result.response)
        assert "Cancel" not in buttons_of(result.response)


async def test_an_unexpected_error_of_the_painter_shows_no_traceback(tmp_path: Path) -> None:
    async with open_world(tmp_path, Painter(error=KeyError("/secret/path"))) as world:
        result = await world.imagine()
        assert "Traceback" not in text_of(result.response)
        assert "/secret" not in text_of(result.response)
        assert (await world.latest_of_any_status()).short_id in text_of(result.response)


async def test_a_full_disk_refuses_new_jobs_politely_and_recovers(tmp_path: Path) -> None:
    room = 0
    async with open_world(tmp_path, min_free_bytes=1000, free_bytes=lambda path: room) as world:
        refusal = await world.imagine()
        assert refusal.ephemeral
        assert "The disk is nearly full" in text_of(refusal.response)
        room = 2000
        assert gallery_of((await world.imagine()).response)


async def test_an_unexpected_error_is_an_id_for_the_person_and_a_traceback_for_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*args: object, **values: object) -> None:
        raise ZeroDivisionError("secret detail")

    async with open_world(tmp_path) as world:
        monkeypatch.setattr(imagine, "paint", broken)
        refusal = await world.ann.slash(world.channel, "imagine", prompt="a fox")
        [entry] = [entry for entry in world.logs if entry["log_level"] == "error"]
        assert refusal.ephemeral
        assert entry["code"] in text_of(refusal.response)
        assert "secret" not in text_of(refusal.response)
        assert isinstance(entry["exc_info"], ZeroDivisionError)
        world.logs.clear()


async def test_a_button_that_breaks_is_told_like_a_command_that_breaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*args: object) -> None:
        raise ZeroDivisionError

    async with open_world(tmp_path) as world:
        result = await world.imagine()
        monkeypatch.setitem(results.ACTIONS, "reroll", broken)
        refusal = await world.ann.click(result.response, label="Reroll")
        assert refusal.ephemeral
        assert "Something went wrong on our side" in text_of(refusal.response)
        world.logs.clear()


async def test_an_interaction_that_discord_forgot_costs_no_painting(tmp_path: Path) -> None:
    """Discord did not take our first answer: the job is cancelled, and nobody is told, since nobody can be."""
    painter = Painter(hold=True)
    async with open_world(tmp_path, painter) as world:
        world.env.inject_error(
            "POST", "/interactions/*/callback", status=404, code=10062, message="Unknown interaction"
        )
        result = await world.ann.slash(world.channel, "imagine", prompt="a fox")
        await world.done()
        assert not result.acknowledged
        assert (await world.latest_of_any_status()).status is Status.CANCELLED
        assert painter.painted == []
        assert world.channel.history() == []


async def test_a_restart_in_the_middle_shows_that_the_job_is_still_there(tmp_path: Path) -> None:
    painter = Painter(hold=True)
    async with open_world(tmp_path, painter) as world:
        first = await world.ann.slash(world.channel, "imagine", prompt="first")
        second = await world.ann.slash(world.channel, "imagine", prompt="second")
        await until(lambda: "queue" in text_of(second.response))
        await world.restart()
        await until(lambda: "Easel was restarted" in text_of(second.response))
        assert "Next in the queue" in text_of(second.response)
        painter.released.set()
        await world.done()
        assert gallery_of(first.response)
        assert gallery_of(second.response)
        assert len(world.channel.history()) == 2


async def test_what_was_finished_while_the_bot_was_away_is_posted_when_it_is_back(tmp_path: Path) -> None:
    painter = Painter(hold=True)
    async with open_world(tmp_path, painter) as world:
        result = await world.ann.slash(world.channel, "imagine", prompt="a fox")
        await until(lambda: painter.active == 1)
        await world.close()
        painter.released.set()
        await until(lambda: not world.bot.dispatcher.running)
        assert not gallery_of(result.response)
        await world.restart()
        await world.done()
        assert gallery_of(result.response)
        assert "Finished while Easel was being restarted." in text_of(result.response)


async def test_a_picture_too_large_for_the_place_is_posted_smaller_and_says_so(tmp_path: Path) -> None:
    painter = Painter(side=512, noise=True, hold=True)
    async with open_world(tmp_path, painter) as world:
        result = await world.ann.slash(world.channel, "imagine", prompt="a fox")
        await until(lambda: "step 1" in text_of(result.response))
        world.env.inject_error("PATCH", "/webhooks/*/messages/*", status=413, code=40005, message="Too large")
        painter.released.set()
        await world.done()
        assert "Too large for this place" in text_of(result.response)
        [attachment] = result.response.attachments
        assert attachment.filename.endswith(".webp")
        [picture] = (await world.latest()).pictures
        assert (tmp_path / picture.path).stat().st_size > 700_000, "the original is kept"


async def test_where_no_size_is_small_enough_the_result_says_that_its_pictures_are_kept(tmp_path: Path) -> None:
    painter = Painter(hold=True)
    async with open_world(tmp_path, painter) as world:
        result = await world.ann.slash(world.channel, "imagine", prompt="a fox")
        await until(lambda: "step 1" in text_of(result.response))
        world.env.inject_error("PATCH", "/webhooks/*/messages/*", status=413, code=40005, message="Too large", times=6)
        painter.released.set()
        await world.done()
        assert "One picture is too large to be posted here; it is kept." in text_of(result.response)
        assert gallery_of(result.response) == []


async def test_nothing_that_is_sent_pings_anybody(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.imagine("@everyone look")
        sent = [request for request in world.env.http_requests if isinstance(request.json, dict)]
        allowed = [request.json.get("allowed_mentions") for request in sent if "components" in request.json]
        assert allowed
        assert all(mentions == discord.AllowedMentions.none().to_dict() for mentions in allowed)


async def test_a_command_as_it_was_before_an_update_says_to_reload(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.bot.tree.remove_command("help")
        refusal = await world.ann.slash(world.channel, "help")
        assert refusal.ephemeral
        assert "has changed since your Discord loaded it" in text_of(refusal.response)
