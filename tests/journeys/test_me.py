"""/me: one's own defaults and one's own data."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from bot.options import Options
from engine import privacy
from engine.ledger import HistoryFilter
from tests.journeys.world import Painter, open_world, text_of, until


async def test_everybody_chooses_their_own_defaults(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        panel = await world.bob.slash(world.channel, "me")
        assert panel.ephemeral
        await world.bob.select(panel.response, ["2"], custom_id="easel:default:me:num_images")
        await world.bob.select(panel.response, ["none"], custom_id="easel:default:me:style")
        form = await world.bob.click(panel.response, custom_id="easel:default:me:numbers")
        await world.bob.submit_modal(form, {"num_inference_steps": "7", "sampler": ["-"]})
        assert "Steps: 7" in text_of(panel.response)
        own = await world.bot.store.person(str(world.bob.id))
        assert own.defaults == Options(num_images=2, style="none", num_inference_steps=7)
        assert (await world.bot.store.person(str(world.ann.id))).defaults == Options()
        await world.bob.click(panel.response, custom_id="easel:default:me:clear")
        assert (await world.bot.store.person(str(world.bob.id))).defaults == Options()


async def test_ones_own_model_and_shape_hold_in_the_next_picture(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        panel = await world.bob.slash(world.channel, "me")
        await world.bob.select(panel.response, ["stable-diffusion-v1-5"], custom_id="easel:default:me:model")
        await world.bob.select(panel.response, ["2:3"], custom_id="easel:default:me:aspect_ratio")
        await world.imagine(by=world.bob)
        request = (await world.latest()).request
        assert (request.model, request.width < request.height) == ("stable-diffusion-v1-5", True)


async def test_ones_own_data_comes_as_a_file_with_the_pictures_and_nobody_elses(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.imagine("a red fox", count=2)
        await world.imagine("somebody else's", by=world.bob)
        fox = (await world.bot.ledger.history(HistoryFilter(person_id=str(world.ann.id))))[0]
        await world.bot.ledger.set_favourite(str(world.ann.id), fox.id, 1)
        panel = await world.ann.slash(world.channel, "me")
        assert "Easel keeps one request of yours, with 2 pictures" in text_of(panel.response)
        export = await world.ann.click(panel.response, custom_id="easel:me:export")
        await world.done()
        assert export.ephemeral
        [file] = export.response.attachments
        with zipfile.ZipFile(io.BytesIO(await file.read())) as archive:
            about = json.loads(archive.read("about.json"))
            lines = [json.loads(line) for line in archive.read("generations.jsonl").splitlines()]
            pictures = [archive.read(picture["file"]) for line in lines for picture in line["pictures"]]
        assert about["favourites"] == [f"{fox.short_id}-1"]
        assert [line["prompt"] for line in lines] == ["a red fox"]
        assert all(picture.startswith(b"\x89PNG") for picture in pictures)
        assert len(pictures) == 2


async def test_an_export_that_does_not_fit_says_what_is_left_out(tmp_path: Path) -> None:
    async with open_world(tmp_path, Painter(noise=True, side=64)) as world:
        await world.imagine("a red fox", count=4)
        made = await privacy.export(world.bot.ledger, str(world.ann.id), {}, limit=30_000)
        assert len(made.data) < 30_000
        assert (made.generations, made.pictures) == (1, 2)


async def test_everything_of_ones_own_is_deleted_after_a_confirmation(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.imagine("a red fox")
        await world.imagine("somebody else's", by=world.bob)
        other = await world.latest()
        await world.bot.ledger.set_favourite(str(world.ann.id), other.id, 0)
        await world.bot.store.change_person(str(world.ann.id), lambda old: {"defaults": Options(num_images=2)})
        panel = await world.ann.slash(world.channel, "me")
        await world.ann.click(panel.response, custom_id="easel:me:ask")
        assert "One request with one picture" in text_of(panel.response)
        await world.ann.click(panel.response, custom_id="easel:me:keep")
        assert "Your defaults" in text_of(panel.response)
        assert (await privacy.kept(world.bot.ledger, str(world.ann.id))).pictures == 1

        await world.ann.click(panel.response, custom_id="easel:me:ask")
        await world.ann.click(panel.response, custom_id="easel:me:erase")
        await world.done()
        assert "Deleted: one request" in text_of(panel.response)
        assert ["somebody else's" in text_of(message) for message in world.messages()] == [True]
        assert await privacy.kept(world.bot.ledger, str(world.ann.id)) == privacy.Kept(0, 0, 0)
        assert await world.bot.store.person(str(world.ann.id)) == type(await world.bot.store.person("0"))()
        assert await world.bot.ledger.history(HistoryFilter(search="fox")) == []
        assert await world.bot.ledger.favourites(str(world.ann.id), [other.id]) == set()
        [left] = await world.bot.ledger.history()
        assert left.request.prompt == "somebody else's"
        assert len(list((tmp_path / "pictures").rglob("*.png"))) == 1


async def test_jobs_on_their_way_are_cancelled_before_they_are_deleted(tmp_path: Path) -> None:
    painter = Painter(hold=True)
    async with open_world(tmp_path, painter) as world:
        await world.ann.slash(world.channel, "imagine", prompt="painted now")
        await until(lambda: painter.active == 1)
        await world.ann.slash(world.channel, "imagine", prompt="still waiting")
        panel = await world.ann.slash(world.channel, "me")
        await world.ann.click(panel.response, custom_id="easel:me:ask")
        await world.ann.click(panel.response, custom_id="easel:me:erase")
        await world.done()
        assert "Deleted: 2 requests" in text_of(panel.response)
        assert (await privacy.kept(world.bot.ledger, str(world.ann.id))).generations == 0
        assert world.messages() == []


async def test_deleting_is_no_way_around_a_days_limit(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.admin.slash(world.channel, "limits set", kind="images_a_day", maximum=1)
        await world.imagine()
        panel = await world.ann.slash(world.channel, "me")
        await world.ann.click(panel.response, custom_id="easel:me:ask")
        await world.ann.click(panel.response, custom_id="easel:me:erase")
        await world.done()
        refusal: Any = await world.ann.slash(world.channel, "imagine", prompt="one more")
        assert "one picture a day" in text_of(refusal.response)
