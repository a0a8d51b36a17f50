"""/queue, /cancel and /limits."""

from __future__ import annotations

from pathlib import Path

from tests.journeys.world import Painter, buttons_of, open_world, text_of, until


async def test_the_queue_shows_ones_own_jobs_with_their_places_and_cancels_them(tmp_path: Path) -> None:
    painter = Painter(hold=True)
    async with open_world(tmp_path, painter) as world:
        await world.ann.slash(world.channel, "imagine", prompt="painted now")
        await until(lambda: painter.active == 1)
        waiting = await world.ann.slash(world.channel, "imagine", prompt="still waiting")
        await world.bob.slash(world.channel, "imagine", prompt="somebody else's")

        queue = await world.ann.slash(world.channel, "queue")
        assert queue.ephemeral
        text = text_of(queue.response)
        assert "**This server**: 2 jobs waiting, 1 painting" in text
        assert "painted now" in text
        assert "painting now" in text
        assert "still waiting" in text
        assert "somebody else" not in text
        assert buttons_of(queue.response) == ["Cancel", "Cancel"]

        [_, second] = await world.bot.store.open_jobs(str(world.ann.id))
        job = (await world.bot.ledger.get(second)).short_id
        await world.ann.click(queue.response, custom_id=f"easel:cancel:{job}")
        await until(lambda: "Cancelled." in text_of(waiting.response))


async def test_an_empty_queue_says_how_to_fill_it(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        queue = await world.ann.slash(world.channel, "queue")
        assert "Nothing of yours is waiting." in text_of(queue.response)


async def test_cancel_offers_ones_own_jobs_and_stops_the_chosen_one(tmp_path: Path) -> None:
    painter = Painter(hold=True)
    async with open_world(tmp_path, painter) as world:
        result = await world.ann.slash(world.channel, "imagine", prompt="a red fox")
        await until(lambda: painter.active == 1)
        assert await world.bob.autocomplete(world.channel, "cancel", "job", "") == []
        [choice] = await world.ann.autocomplete(world.channel, "cancel", "job", "fox")
        assert choice["name"] == "a red fox"

        refusal = await world.bob.slash(world.channel, "cancel", job=choice["value"])
        assert "Only the person who asked" in text_of(refusal.response)
        done = await world.ann.slash(world.channel, "cancel", job=choice["value"])
        assert "Cancelled." in text_of(done.response)
        await world.done()
        assert "Cancelled." in text_of(result.response)
        late = await world.ann.slash(world.channel, "cancel", job=choice["value"])
        assert "done already" in text_of(late.response)


async def test_what_is_no_job_is_not_cancelled(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        for job in ("zzz", "no such job!", "9" * 50):
            refusal = await world.ann.slash(world.channel, "cancel", job=job)
            assert "not known any more" in text_of(refusal.response)


async def test_an_admins_limit_for_each_person_is_kept_and_says_when_to_come_back(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        saved = await world.admin.slash(world.channel, "limits set", kind="images_a_day", maximum=2)
        assert "Each person on this server: 2 pictures a day" in text_of(saved.response)
        await world.restart()
        await world.imagine("first", count=2)
        refusal = await world.imagine("second")
        assert refusal.ephemeral
        assert "You have reached your limit of 2 pictures a day. Come back in" in text_of(refusal.response)
        other = await world.imagine("by bob", by=world.bob)
        assert "by bob" in text_of(other.response)


async def test_a_reroll_counts_too(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.admin.slash(world.channel, "limits set", kind="images_a_day", maximum=1)
        result = await world.imagine()
        refusal = await world.ann.click(result.response, label="Reroll")
        assert "reached your limit of one picture a day" in text_of(refusal.response)


async def test_a_limit_of_jobs_waiting_for_a_role_goes_before_the_one_for_each(tmp_path: Path) -> None:
    painter = Painter(hold=True)
    async with open_world(tmp_path, painter) as world:
        await world.admin.slash(world.channel, "limits set", kind="waiting", maximum=1)
        await world.admin.slash(world.channel, "limits set", kind="waiting", maximum=3, role=world.mods)
        for person, allowed in ((world.ann, 1), (world.mod, 3)):
            for _ in range(allowed):
                assert not (await person.slash(world.channel, "imagine", prompt="a fox")).ephemeral
            refusal = await person.slash(world.channel, "imagine", prompt="a fox")
            assert "Come back when one of them is done." in text_of(refusal.response)
        painter.released.set()
        await world.done()


async def test_limits_are_shown_and_removed(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        assert "Nobody is limited" in text_of((await world.admin.slash(world.channel, "limits show")).response)
        await world.admin.slash(world.channel, "limits set", kind="waiting", maximum=5, person=world.ann)
        await world.admin.slash(world.channel, "limits set", kind="waiting", maximum=50, together=True)
        shown = text_of((await world.admin.slash(world.channel, "limits show")).response)
        assert f"<@{world.ann.id}>: 5 jobs waiting at a time" in shown
        assert "Everyone on this server together: 50 jobs waiting at a time" in shown
        removed = await world.admin.slash(world.channel, "limits clear", kind="waiting", person=world.ann)
        assert "Removed." in text_of(removed.response)
        again = await world.admin.slash(world.channel, "limits clear", kind="waiting", person=world.ann)
        assert "There is no such limit." in text_of(again.response)


async def test_only_managers_set_limits_and_only_for_one_at_a_time(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        for command in ("limits show", "limits set", "limits clear"):
            options = {} if command == "limits show" else {"kind": "waiting"}
            options |= {"maximum": 9} if command == "limits set" else {}
            refusal = await world.mod.slash(world.channel, command, **options)
            assert "needs the Manage Server permission" in text_of(refusal.response)
        both = await world.admin.slash(
            world.channel, "limits set", kind="waiting", maximum=1, person=world.ann, role=world.mods
        )
        assert "Choose one of" in text_of(both.response)
