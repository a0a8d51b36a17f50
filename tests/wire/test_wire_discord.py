"""The wire-level Discord, tried with a small client of discord.py: it helps, and it refuses, as Discord does."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import discord
import pytest
from discord import app_commands, ui
from PIL import Image

from tests.wire import TOKEN, Channel, Delay, Drop, Guild, Member, NotOffered, RateLimited, Status, Upload, WireDiscord


def png(colour: str = "red", side: int = 8) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(file, "PNG")
    return file.getvalue()


class Painter(discord.Client):
    """A bot of a few commands; tests reach what it received through `seen`."""

    def __init__(self) -> None:
        super().__init__(
            intents=discord.Intents.default(),
            allowed_mentions=discord.AllowedMentions.none(),
            guild_ready_timeout=0.05,
        )
        self.tree = app_commands.CommandTree(self)
        self.seen: list[discord.Interaction] = []
        self.errors: list[BaseException] = []
        self.tree.error(self.on_tree_error)
        self.tree.add_command(app_commands.Command(name="paint", description="Paints", callback=self.paint))
        self.tree.add_command(app_commands.Command(name="ask", description="Opens a modal", callback=self.ask))
        self.tree.add_command(app_commands.Command(name="whisper", description="Only you", callback=self.whisper))
        self.tree.add_command(app_commands.ContextMenu(name="Recipe", callback=self.recipe))

    async def setup_hook(self) -> None:
        await self.tree.sync()

    async def on_tree_error(self, interaction: discord.Interaction, error: app_commands.AppCommandError) -> None:
        self.errors.append(getattr(error, "original", error))

    @app_commands.describe(prompt="What to paint", model="Which model", source="A picture to start from")
    async def paint(
        self,
        interaction: discord.Interaction,
        prompt: app_commands.Range[str, 1, 100],
        model: str = "tiny",
        source: discord.Attachment | None = None,
    ) -> None:
        self.seen.append(interaction)
        await interaction.response.defer()
        data = png() if source is None else await source.read()
        file = discord.File(io.BytesIO(data), "fox.png", description=prompt)
        await interaction.edit_original_response(view=Result(prompt, self), attachments=[file])

    async def ask(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_modal(Question())

    async def whisper(self, interaction: discord.Interaction) -> None:
        self.seen.append(interaction)
        await interaction.response.defer(ephemeral=True)
        await interaction.followup.send("for your eyes")

    async def recipe(self, interaction: discord.Interaction, message: discord.Message) -> None:
        await interaction.response.send_message(f"recipe of {message.id}", ephemeral=True)


class Result(ui.LayoutView):
    def __init__(self, prompt: str, client: Painter) -> None:
        super().__init__(timeout=None)
        gallery = ui.MediaGallery()  # type: ignore[var-annotated]
        gallery.add_item(media="attachment://fox.png", description=prompt)
        self.add_item(ui.Container(ui.TextDisplay(prompt), gallery))
        again: ui.Button[Result] = ui.Button(label="Again", custom_id="again")
        again.callback = self.again  # type: ignore[method-assign]
        self.add_item(ui.ActionRow(again))
        self.client = client

    async def again(self, interaction: discord.Interaction) -> None:
        self.client.seen.append(interaction)
        await interaction.response.send_message("again!", ephemeral=True)


class Question(ui.Modal, title="A question"):
    about = ui.Label(text="What about", component=ui.TextInput(custom_id="about", max_length=50))  # type: ignore[var-annotated]

    async def on_submit(self, interaction: discord.Interaction) -> None:
        assert isinstance(self.about.component, ui.TextInput)
        await interaction.response.send_message(f"about {self.about.component.value}")


@pytest.fixture
async def wire() -> AsyncIterator[WireDiscord]:
    async with WireDiscord() as wire:
        with wire.patched():
            yield wire


@pytest.fixture
def guild(wire: WireDiscord) -> Guild:
    return wire.add_guild("Fox den", locale="de")


@pytest.fixture
def ada(wire: WireDiscord, guild: Guild) -> Member:
    return wire.add_member(guild, "Ada", locale="fr")


@pytest.fixture
def room(wire: WireDiscord, guild: Guild) -> Channel:
    return wire.channel(guild)


@pytest.fixture
async def painter(wire: WireDiscord, guild: Guild) -> AsyncIterator[Painter]:
    painter = Painter()

    async def suggest(interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=key, value=key) for key in ("tiny", "sdxl-turbo") if typed in key]

    painter.tree.get_command("paint").autocomplete("model")(suggest)  # type: ignore[union-attr]
    async with painter:
        running = asyncio.create_task(painter.start(wire.token))
        await wire.ready()
        await painter.wait_until_ready()
        yield painter
        await painter.close()
        await running


def here(painter: Painter, room: Channel) -> discord.TextChannel:
    channel = painter.get_channel(room.id)
    assert isinstance(channel, discord.TextChannel)
    return channel


class TestPeople:
    async def test_a_slash_command_is_deferred_and_filled_in_with_a_picture(
        self, wire: WireDiscord, painter: Painter, ada: Member, room: Channel
    ) -> None:
        shown = await wire.slash(ada, room, "paint", prompt="a fox")
        message = await shown.result()
        assert shown.answer == 5
        assert shown.latency is not None
        assert shown.latency < 3
        assert message.text == "a fox"
        assert [file.data for file in message.shown_files()] == [png()]
        assert message.gallery[0]["description"] == "a fox"
        assert wire.judge.messages(room, seen_by=ada) == [message]
        wire.judge.assert_clean()

    async def test_the_interaction_says_where_it_comes_from(
        self, wire: WireDiscord, painter: Painter, ada: Member, room: Channel, guild: Guild
    ) -> None:
        await wire.slash(ada, room, "paint", prompt="a fox")
        (interaction,) = painter.seen
        assert interaction.locale is discord.Locale.french
        assert interaction.guild_locale is discord.Locale.german
        assert interaction.context.guild
        assert interaction.is_guild_integration()
        assert interaction.app_permissions.send_messages
        assert interaction.user.id == ada.id
        assert interaction.filesize_limit == 10 * 1024 * 1024

    async def test_buttons_menus_and_modals_reach_the_bot(
        self, wire: WireDiscord, painter: Painter, ada: Member, room: Channel
    ) -> None:
        picture = await (await wire.slash(ada, room, "paint", prompt="a fox")).result()
        pressed = await wire.press(ada, picture, "Again")
        assert (await pressed.message()).text == "again!"
        asked = await wire.slash(ada, room, "ask")
        answer = await wire.submit(ada, asked, about="foxes")
        assert (await answer.message()).text == "about foxes"
        menu = await wire.menu(ada, "Recipe", picture)
        assert (await menu.message()).text == f"recipe of {picture.id}"
        wire.judge.assert_clean()

    async def test_autocomplete_offers_what_the_bot_suggests(
        self, wire: WireDiscord, painter: Painter, ada: Member, room: Channel
    ) -> None:
        offered = await wire.suggest(ada, room, "paint", "model", "turbo", prompt="a fox")
        assert offered == [{"name": "sdxl-turbo", "value": "sdxl-turbo"}]

    async def test_an_uploaded_picture_can_be_downloaded(
        self, wire: WireDiscord, painter: Painter, ada: Member, room: Channel
    ) -> None:
        blue = Upload("blue.png", png("blue"))
        message = await (await wire.slash(ada, room, "paint", prompt="a fox", source=blue)).result()
        assert message.shown_files()[0].data == blue.data

    async def test_a_client_does_not_send_what_it_would_not_offer(
        self, wire: WireDiscord, painter: Painter, ada: Member, room: Channel
    ) -> None:
        with pytest.raises(NotOffered, match="is required"):
            await wire.slash(ada, room, "paint")
        with pytest.raises(NotOffered, match="does not take"):
            await wire.slash(ada, room, "paint", prompt="x" * 101)
        with pytest.raises(NotOffered, match="no command"):
            await wire.slash(ada, room, "sing")
        with pytest.raises(NotOffered, match="installed neither"):
            await wire.slash(ada, wire.add_group(ada.user), "paint", prompt="a fox")

    async def test_an_ephemeral_answer_is_for_one_pair_of_eyes_and_not_for_the_bots_own_right(
        self, wire: WireDiscord, painter: Painter, ada: Member, room: Channel, guild: Guild
    ) -> None:
        bob = wire.add_member(guild, "Bob")
        shown = await wire.slash(ada, room, "whisper")
        message = await shown.message()
        assert shown.ephemeral
        assert message in wire.judge.messages(room, seen_by=ada)
        assert message not in wire.judge.messages(room, seen_by=bob)
        with pytest.raises(discord.NotFound) as refused:
            await here(painter, room).get_partial_message(message.id).edit(content="for everyone")
        assert refused.value.code == 10008

    async def test_a_user_install_reaches_where_the_bot_is_not_a_member(
        self, wire: WireDiscord, painter: Painter
    ) -> None:
        elsewhere = wire.add_guild("Elsewhere", has_bot=False)
        eve = wire.add_member(elsewhere, wire.add_user("Eve", installed=True))
        message = await (await wire.slash(eve, wire.channel(elsewhere), "paint", prompt="a fox")).result()
        (interaction,) = painter.seen
        assert interaction.is_user_integration()
        assert not interaction.is_guild_integration()
        partial = painter.get_partial_messageable(message.channel.id, guild_id=elsewhere.id)
        with pytest.raises(discord.Forbidden) as refused:
            await partial.send("hello")
        assert refused.value.code == 50001


class TestRefusals:
    async def test_a_second_answer_is_refused(
        self, wire: WireDiscord, painter: Painter, ada: Member, room: Channel
    ) -> None:
        await wire.slash(ada, room, "paint", prompt="a fox")
        (interaction,) = painter.seen
        interaction.response._response_type = None
        with pytest.raises(discord.HTTPException) as refused:
            await interaction.response.send_message("twice")
        assert refused.value.code == 40060
        assert [violation.code for violation in wire.judge.violations] == [40060]

    @pytest.mark.slow
    async def test_after_three_real_seconds_the_interaction_is_gone(
        self, wire: WireDiscord, painter: Painter, ada: Member, room: Channel
    ) -> None:
        wire.faults.next("POST /interactions/*/callback", Delay(3.1))
        shown = await wire.slash(ada, room, "paint", prompt="a fox", wait=False)
        await wire.world.changes.until(lambda: shown.failed, 5, "the client to give up")
        await wire.world.changes.until(lambda: painter.errors or wire.judge.refusals, 5, "the refusal")
        assert wire.judge.refusals[-1][1].code == 10062
        assert wire.judge.messages(room) == []

    async def test_an_expired_token_answers_401_and_the_bots_own_right_still_works(
        self, wire: WireDiscord, painter: Painter, ada: Member, room: Channel
    ) -> None:
        message = await (await wire.slash(ada, room, "paint", prompt="a fox")).result()
        wire.clock.advance(16 * 60)
        (interaction,) = painter.seen
        with pytest.raises(discord.HTTPException) as refused:
            await interaction.edit_original_response(content="late")
        assert (refused.value.status, refused.value.code) == (401, 50027)
        await here(painter, room).get_partial_message(message.id).edit(view=Result("late", painter))
        assert message.text == "late"

    async def test_permissions_and_closed_doors_are_kept(
        self, wire: WireDiscord, painter: Painter, ada: Member, room: Channel, guild: Guild
    ) -> None:
        channel = here(painter, room)
        room.forbid(wire.bot, attach_files=True)
        await channel.send("words")
        with pytest.raises(discord.Forbidden) as refused:
            await channel.send(file=discord.File(io.BytesIO(png()), "fox.png"))
        assert refused.value.code == 50013
        room.forbid(guild, view_channel=True)
        with pytest.raises(discord.Forbidden) as refused:
            await channel.send("words")
        assert refused.value.code == 50001
        ada.user.accepts_dms = False
        with pytest.raises(discord.Forbidden) as refused:
            await (await painter.fetch_user(ada.id)).send("psst")
        assert refused.value.code == 50007
        wire.judge.assert_clean()

    async def test_too_large_a_file_is_refused(self, wire: WireDiscord, painter: Painter, room: Channel) -> None:
        with pytest.raises(discord.HTTPException) as refused:
            await here(painter, room).send(file=discord.File(io.BytesIO(bytes(10 * 1024 * 1024 + 1)), "big.bin"))
        assert (refused.value.status, refused.value.code) == (413, 40005)

    async def test_a_message_that_breaks_a_rule_is_refused_and_written_down(
        self, wire: WireDiscord, painter: Painter, room: Channel
    ) -> None:
        channel = here(painter, room)
        both = ui.LayoutView()
        both.add_item(ui.TextDisplay("x" * 4000))
        both.add_item(ui.TextDisplay("y"))
        missing = ui.LayoutView()
        missing.add_item(ui.MediaGallery(discord.MediaGalleryItem("attachment://nowhere.png")))
        for reason, sending in (
            ("4000 characters", channel.send(view=both)),
            ("attachment was not found", channel.send(view=missing)),
            ("2000 in length", channel.send("x" * 2001)),
            ("nonce", channel.send("hello", nonce="n" * 26)),
        ):
            with pytest.raises(discord.HTTPException) as refused:
                await sending
            assert refused.value.code == 50035
            assert reason in str(wire.judge.violations[-1])
        assert wire.judge.messages(room) == []

    async def test_commands_that_discord_would_not_take_are_refused(self, wire: WireDiscord, painter: Painter) -> None:
        good = {"name": "ok", "description": "fine", "type": 1}
        bad = [
            [good, good],
            [good | {"name": "Not OK"}],
            [good | {"description": "x" * 101}],
            [good | {"name_localizations": {"tlh": "qapla"}}],
            [good | {"options": [{"type": 3, "name": f"o{n}", "description": "o"} for n in range(26)]}],
            [
                good
                | {
                    "options": [
                        {"type": 3, "name": "a", "description": "a"},
                        {"type": 3, "name": "b", "description": "b", "required": True},
                    ]
                }
            ],
        ]
        for commands in bad:
            with pytest.raises(discord.HTTPException) as refused:
                await painter.http.bulk_upsert_global_commands(wire.bot.id, commands)
            assert refused.value.code == 50035
        assert {command["name"] for command in wire.world.commands[None]} == {"paint", "ask", "whisper", "Recipe"}

    async def test_a_mention_that_is_not_suppressed_is_seen_to_ping(
        self, wire: WireDiscord, painter: Painter, room: Channel
    ) -> None:
        channel = here(painter, room)
        await channel.send("hello @everyone")
        assert wire.judge.pings() == []
        await channel.send("hello @everyone", allowed_mentions=discord.AllowedMentions.all())
        assert [who for _, who in wire.judge.pings()] == ["everyone"]


class TestFaults:
    async def test_rate_limits_of_every_scope_are_waited_out(
        self, wire: WireDiscord, painter: Painter, room: Channel
    ) -> None:
        for scope in ("user", "shared", "global"):
            wire.faults.next("POST /channels/*/messages", RateLimited(0.05, scope))
            await here(painter, room).send(scope)
        assert [message.text for message in wire.judge.messages(room)] == ["user", "shared", "global"]
        assert wire.judge.count("POST /channels/", 429) == 3
        assert wire.judge.invalid_requests == 2

    async def test_a_503_raises_at_once_and_a_500_is_tried_again(
        self, wire: WireDiscord, painter: Painter, room: Channel
    ) -> None:
        wire.faults.next("POST /channels/*/messages", Status(503))
        with pytest.raises(discord.DiscordServerError):
            await here(painter, room).send("first")
        wire.faults.next("POST /channels/*/messages", Status(500))
        await here(painter, room).send("second")
        assert [message.text for message in wire.judge.messages(room)] == ["second"]

    async def test_an_ambiguous_send_with_a_nonce_leaves_one_message(
        self, wire: WireDiscord, painter: Painter, room: Channel
    ) -> None:
        wire.faults.next("POST /channels/*/messages", Drop(after=True))
        with pytest.raises(Exception, match=r"disconnected|reset|closed"):
            await here(painter, room).send("once", nonce="job-1")
        again = await here(painter, room).send("once", nonce="job-1")
        assert [message.id for message in wire.judge.of_nonce("job-1")] == [again.id]
        await here(painter, room).send("once", nonce="job-2")
        assert len(wire.judge.messages(room)) == 2

    async def test_a_dropped_request_was_not_applied(self, wire: WireDiscord, painter: Painter, room: Channel) -> None:
        wire.faults.next("POST /channels/*/messages", Drop())
        with pytest.raises(Exception, match=r"disconnected|reset|closed"):
            await here(painter, room).send("never")
        assert wire.judge.messages(room) == []


class TestGateway:
    async def test_a_cut_socket_is_resumed_and_what_was_missed_is_replayed(
        self, wire: WireDiscord, painter: Painter, ada: Member, room: Channel
    ) -> None:
        wire.gateway.cut()
        shown = await wire.slash(ada, room, "paint", prompt="a fox")
        await shown.result()
        assert "resume 0 replayed 1" in wire.judge.gateway_log
        wire.judge.assert_clean()

    async def test_reconnect_and_a_resumable_invalid_session_lose_nothing(
        self, wire: WireDiscord, painter: Painter, ada: Member, room: Channel
    ) -> None:
        await wire.gateway.ask_to_reconnect()
        await (await wire.slash(ada, room, "paint", prompt="one")).result()
        await wire.gateway.invalidate(resumable=True)
        await (await wire.slash(ada, room, "paint", prompt="two")).result()
        assert wire.judge.gateway_log.count("identify 0/1") == 1

    async def test_a_wrong_token_cannot_log_in(self, wire: WireDiscord) -> None:
        client = discord.Client(intents=discord.Intents.default())
        with pytest.raises(discord.LoginFailure):
            await client.start("not the token")
        await client.close()

    async def test_privileged_intents_need_a_grant(self, wire: WireDiscord) -> None:
        client = discord.Client(intents=discord.Intents.all())
        with pytest.raises(discord.PrivilegedIntentsRequired):
            await client.start(wire.token)
        await client.close()

    @pytest.mark.slow
    async def test_two_shards_share_the_servers(self, wire: WireDiscord) -> None:
        guilds = [wire.add_guild(f"Server {number}") for number in range(6)]
        client = discord.AutoShardedClient(intents=discord.Intents.default(), shard_count=2, guild_ready_timeout=0.05)
        running = asyncio.create_task(client.start(wire.token))
        await wire.ready()
        await client.wait_until_ready()
        assert {guild.id for guild in client.guilds} == {guild.id for guild in guilds}
        assert all(client.get_guild(g.id).shard_id == (g.id >> 22) % 2 for g in guilds)  # type: ignore[union-attr]
        await client.close()
        await running


def test_a_program_runs_unchanged_against_a_fake_in_another_process(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import discord; print(discord.http.Route.BASE)")
    fake = [sys.executable, "-m", "tests.wire", "--port", "0"]
    with subprocess.Popen(fake, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url, _, token = process.stdout.readline().split()
        launch = [sys.executable, "-m", "tests.wire.launch", url, "program"]
        try:
            path = {**os.environ, "PYTHONPATH": str(tmp_path)}
            launched = subprocess.run(launch, capture_output=True, text=True, check=True, env=path)
        finally:
            process.terminate()
    assert launched.stdout.strip() == f"{url}/api/v10"
    assert token == TOKEN
