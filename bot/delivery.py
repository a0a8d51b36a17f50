"""The outbox: shows each job's progress, posts its end, and repairs what a crash left behind.

The order of ways, until one works: edit the interaction's response while its token lives; edit the same message
with the bot's own right; post anew in the channel, under a nonce; write to the person directly. A private result
never takes the third way. Where none works the result is kept for /history.

Runs beside the discord.py client rather than inside it (`async with bot, bot.delivery`): it outlives every
interaction, and a simulated Discord does not wait for its long sleeps.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import aiohttp
import discord
import structlog

from bot import attachments, links, messages
from bot.pacing import PROGRESS_INTERVAL_S, paced
from bot.store import Delivery, Store
from bot.texts import Say
from engine.dispatch import Dispatcher
from engine.errors import NotFound
from engine.ledger import Ledger
from engine.types import Generation, Origin, Status

if TYPE_CHECKING:
    from bot.client import EaselBot

log = structlog.get_logger(__name__)

PROGRESS_TIMEOUT_S = 3.0
"""discord.py sleeps through rate limits while it holds the token's lock: a progress edit that does is given up."""

SHRINKS = 6
"""How often a result is made smaller before it is shown without its pictures, which are kept."""

RETRY_DELAYS_S = (1.0, 4.0, 15.0, 60.0, *[300.0] * 288)
"""A day, about: outages end, but a message that Discord cannot bear must not be tried for ever."""

OVERTAKING_S = 5.0
"""How long progress that was given up may still be on its way."""

_UNANSWERED = (aiohttp.ClientError, TimeoutError, OSError)
"""No answer came: whether Discord took the message is unknown."""


class Judgement(Enum):
    """What an answer of Discord's means for a message that is to be delivered."""

    CLOSED = auto()
    """This way is no longer open: take the next."""
    TOO_LARGE = auto()
    RETRY = auto()
    """Discord has a bad moment: the same again later."""


def judge(status: int, code: int) -> Judgement:
    """From the HTTP status and Discord's error code (50027: token expired, 40005: request too large)."""
    if status == 413 or code == 40005:
        return Judgement.TOO_LARGE
    if status == 429 or status >= 500:
        return Judgement.RETRY
    return Judgement.CLOSED


@dataclass(frozen=True, slots=True)
class Post:
    """A message ready to be sent. `files()` are fresh each time, since sending one uses it up."""

    card: messages.Card
    attachments: tuple[attachments.Attachment, ...] = ()

    def files(self) -> list[discord.File]:
        return [attachment.file() for attachment in self.attachments]

    @property
    def largest(self) -> int:
        """Bytes of the largest file."""
        return max((len(attachment.data) for attachment in self.attachments), default=0)


@dataclass(frozen=True, slots=True)
class Way:
    """One way to bring a result to its place. Files of more than `limit` bytes do not go that way."""

    send: Callable[[Delivery, Generation, Post], Awaitable[discord.Message]]
    limit: int
    notes: tuple[str, ...] = ()


class Outbox:
    """Follows jobs from Discord until their end is shown. One task for each job that is on its way."""

    def __init__(
        self,
        bot: EaselBot,
        dispatcher: Dispatcher,
        ledger: Ledger,
        store: Store,
        speaker: Callable[[str | None], Say],
        *,
        data_dir: Path,
        interval: float = PROGRESS_INTERVAL_S,
    ) -> None:
        self._bot, self._dispatcher, self._ledger, self._store, self._speaker = bot, dispatcher, ledger, store, speaker
        self._data_dir, self._interval = data_dir, interval
        self._inbox: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue()
        self._limits: dict[int, int] = {}
        self._unsure: set[int] = set()
        """Jobs whose progress was sent, and Discord did not say whether it took it: it may still come."""
        self._runner: asyncio.Task[None] | None = None
        self._busy = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def __aenter__(self) -> Outbox:
        # Read before the bot hears of new jobs: a row without an answer is a crash's only if it is from before.
        for owed in await self._store.pending():
            self.run(lambda owed=owed: self._repair(owed))  # type: ignore[misc]
        self._runner = asyncio.create_task(self._run(), name="outbox")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.gather(self._runner, return_exceptions=True)

    def follow(self, generation_id: int, *, filesize_limit: int = attachments.DEFAULT_LIMIT) -> None:
        """Shows this job from now on, and delivers its end."""
        self._limits[generation_id] = filesize_limit
        self.run(lambda: self._deliver(generation_id))

    def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Does work that outlives the interaction that asked for it."""
        self._begin()
        self._inbox.put_nowait(work)

    async def idle(self) -> None:
        """Waits until everything followed so far is delivered."""
        await self._idle.wait()

    async def _run(self) -> None:
        await self._bot.connected.wait()
        async with asyncio.TaskGroup() as tasks:
            while True:
                tasks.create_task(self._guarded(await self._inbox.get()))

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        """One job's trouble never stops the others; a row that stays pending is repaired at the next start."""
        try:
            await work()
        except Exception as error:
            log.error("delivery failed unexpectedly", exc_info=error)
        finally:
            self._end()

    def _begin(self) -> None:
        self._busy += 1
        self._idle.clear()

    def _end(self) -> None:
        self._busy -= 1
        if not self._busy:
            self._idle.set()

    # -- one job

    async def _repair(self, delivery: Delivery) -> None:
        """After a restart. Where the first answer is not known to have arrived, the response tells: edit it."""
        generation = await self._ledger.get(delivery.generation_id)
        if not delivery.acknowledged:
            answer = await self._answer_if_any(delivery)
            if answer is None:
                await self._dispatcher.cancel(generation.id)
                await self._store.undeliverable(generation.id, "stopped before Discord had an answer")
                return
            await self._store.acknowledged(generation.id, answer)
        note = "finished-away" if generation.status.final else "resumed"
        await self._deliver(generation.id, note=self._speaker(delivery.locale)(note))

    async def _answer_if_any(self, delivery: Delivery) -> int | None:
        """The message that was our first answer, where Discord had one and its token still tells."""
        if delivery.token is None:
            return None
        try:
            return await self._first_answer(delivery.token)
        except discord.HTTPException as error:
            if judge(error.status, error.code) is not Judgement.CLOSED:
                raise
            return None

    async def _deliver(self, generation_id: int, note: str = "") -> None:
        delivery = await self._store.delivery(generation_id)
        if delivery is None or delivery.status != "pending":
            return
        generation = await self._ledger.get(generation_id)
        if not generation.status.final:
            generation = await self._watch(delivery, generation, note)
            delivery, note = await self._store.delivery(generation_id) or delivery, ""
        await self._finish(delivery, generation, note)
        self._limits.pop(generation_id, None)
        self._unsure.discard(generation_id)

    async def _watch(self, delivery: Delivery, generation: Generation, note: str) -> Generation:
        """Shows progress until the job is final. The row is read anew each time: its token grows old meanwhile."""
        person_id, say = generation.origin.person_id, self._speaker(delivery.locale)
        previews = (await self._store.guild(generation.origin.guild_id)).preview
        seen = paced(self._dispatcher.watch(generation.id), self._interval, lambda: len(self._dispatcher.waiting))
        async with aclosing(seen) as updates:
            async for update in updates:
                if update.generation is not None:
                    return update.generation
                sketch = attachments.preview(update) if previews else None
                card = messages.progress(
                    update,
                    generation.request,
                    person_id,
                    say,
                    note=note,
                    preview=sketch.name if sketch else None,
                    spoiler=messages.hidden(generation),
                )
                delivery = await self._store.delivery(generation.id) or delivery
                await self._show(delivery, generation.origin, Post(card, (sketch,) if sketch else ()))
        return await self._ledger.get(generation.id)

    async def _show(self, delivery: Delivery, origin: Origin, post: Post) -> None:
        """One edit of the message that is there, given up rather than waited for."""
        try:
            async with asyncio.timeout(PROGRESS_TIMEOUT_S):
                if delivery.token is not None:
                    await self._response(delivery, delivery.token, post)
                elif delivery.message_id is not None and not origin.private:
                    await self._own_message(delivery, post)
        except discord.HTTPException as error:
            log.debug("progress not shown", id=delivery.generation_id, error=str(error))
        except _UNANSWERED as error:
            self._unsure.add(delivery.generation_id)
            log.debug("progress perhaps not shown", id=delivery.generation_id, error=str(error))

    async def _finish(self, delivery: Delivery, generation: Generation, note: str) -> None:
        """Tries until the end of the job is shown, or is known to be undeliverable."""
        for delay in (*RETRY_DELAYS_S, None):
            try:
                await self._send(delivery, generation, note)
                return
            except (discord.HTTPException, *_UNANSWERED) as error:
                problem = str(error)
            if delay is None:
                log.warning("kept for the history: Discord never took it", id=generation.short_id, error=problem)
                await self._store.undeliverable(generation.id, problem)
                return
            log.warning("delivery is tried again", id=generation.short_id, error=problem, delay=delay)
            await self._store.failed_try(generation.id, problem)
            await asyncio.sleep(delay)
            delivery = await self._store.delivery(generation.id) or delivery

    async def _send(self, delivery: Delivery, generation: Generation, note: str) -> None:
        limit = self._limits.get(generation.id, self._channel_limit(generation.origin))
        last = "no way to reach the place"
        for way in self._ways(delivery, generation, limit):
            notes = [*filter(None, (note,)), *way.notes]
            try:
                message = await self._fitting(way, delivery, generation, notes)
                if generation.id in self._unsure and await self._was_overtaken(message, delivery, generation):
                    await self._fitting(way, delivery, generation, notes)
            except discord.HTTPException as error:
                if judge(error.status, error.code) is Judgement.RETRY:
                    raise
                last = str(error)
                continue
            await self._store.sent(generation.id, message.channel.id, message.id)
            return
        log.warning("kept for the history: undeliverable", id=generation.short_id, error=last)
        await self._store.undeliverable(generation.id, last)

    def _ways(self, delivery: Delivery, generation: Generation, limit: int) -> Iterator[Way]:
        """Those that are open to this delivery, the nearest first."""
        origin = generation.origin
        if delivery.token is not None:
            yield Way(self._edit_response, limit)
        if not delivery.acknowledged:  # whoever saw no answer is not written to out of the blue
            return
        if not origin.private and delivery.message_id is not None and delivery.channel_id is not None:
            yield Way(self._edit_message, limit)
        if not origin.private and origin.channel_id is not None:
            where = links.message_link(origin.guild_id, origin.channel_id, delivery.message_id) or "none"
            say = self._speaker(delivery.locale)
            told = say("delivered-elsewhere", person=messages.person(origin.person_id), where=where)
            yield Way(self._post_anew, limit, (told,))
        if origin.person_id.isdecimal():
            yield Way(self._write_directly, min(limit, attachments.DEFAULT_LIMIT))

    async def _was_overtaken(self, message: discord.Message, delivery: Delivery, generation: Generation) -> bool:
        """Whether progress that nobody waited for any more was shown over the end of its job after all."""
        await asyncio.sleep(OVERTAKING_S)
        try:
            if isinstance(message, discord.WebhookMessage):
                assert delivery.token is not None
                shown: discord.Message = await self._webhook(delivery.token).fetch_message(message.id)
            else:
                shown = await message.fetch()
            return messages.custom_id("cancel", generation.short_id) in _custom_ids(shown)
        except (discord.HTTPException, *_UNANSWERED) as error:
            log.info("a result could not be looked at again", id=generation.short_id, error=str(error))
            return False

    async def _fitting(self, way: Way, delivery: Delivery, generation: Generation, notes: list[str]) -> discord.Message:
        """Sends, and sends smaller as long as Discord finds it too large: its limits depend on more than we know."""
        say, limit = self._speaker(delivery.locale), way.limit
        for _ in range(SHRINKS):
            post = await self.compose(generation, limit, notes, say)
            try:
                return await way.send(delivery, generation, post)
            except discord.HTTPException as error:
                if judge(error.status, error.code) is not Judgement.TOO_LARGE:
                    raise
                limit = min(limit, post.largest) * 2 // 3
        return await way.send(delivery, generation, await self.compose(generation, 0, notes, say))

    async def calmly(
        self, interaction: discord.Interaction[EaselBot], card: messages.Card, within: float = PROGRESS_TIMEOUT_S
    ) -> None:
        """An edit of an answer whose work goes on without it: given up after `within` seconds."""
        try:
            async with asyncio.timeout(within):
                await interaction.edit_original_response(view=card)
        except (discord.HTTPException, *_UNANSWERED) as error:
            log.info("an answer could not be edited", error=str(error))

    # -- the four ways

    async def _edit_response(self, delivery: Delivery, generation: Generation, post: Post) -> discord.Message:
        assert delivery.token is not None
        return await self._response(delivery, delivery.token, post)

    async def _edit_message(self, delivery: Delivery, generation: Generation, post: Post) -> discord.Message:
        return await self._own_message(delivery, post)

    async def _post_anew(self, delivery: Delivery, generation: Generation, post: Post) -> discord.Message:
        assert generation.origin.channel_id is not None
        channel = self._bot.get_partial_messageable(int(generation.origin.channel_id))
        return await self._post(channel, delivery, generation, post)

    async def _write_directly(self, delivery: Delivery, generation: Generation, post: Post) -> discord.Message:
        channel = await self._bot.create_dm(discord.Object(int(generation.origin.person_id)))
        return await self._post(channel, delivery, generation, post)

    async def _response(self, delivery: Delivery, token: str, post: Post) -> discord.Message:
        """The bot's answer to the interaction, by its token: open also where the bot is no member."""
        message_id = delivery.message_id or await self._first_answer(token)
        return await self._webhook(token).edit_message(message_id, view=post.card, attachments=post.files())

    def _webhook(self, token: str) -> discord.Webhook:
        assert self._bot.application_id is not None
        return discord.Webhook.partial(self._bot.application_id, token, client=self._bot)

    async def _first_answer(self, token: str) -> int:
        """The id of the answer to an interaction, where nobody wrote it down; NotFound where none was given."""
        application_id = self._bot.application_id
        path = "/webhooks/{application_id}/{token}/messages/@original"
        route = discord.http.Route("GET", path, application_id=application_id, token=token)
        return int((await self._bot.http.request(route))["id"])

    async def _own_message(self, delivery: Delivery, post: Post) -> discord.Message:
        assert delivery.channel_id is not None
        assert delivery.message_id is not None
        message = self._bot.get_partial_messageable(delivery.channel_id).get_partial_message(delivery.message_id)
        return await message.edit(view=post.card, attachments=post.files())

    async def _post(
        self, channel: discord.abc.Messageable, delivery: Delivery, generation: Generation, post: Post
    ) -> discord.Message:
        """A new message, once: the nonce guards some minutes, and a later try first looks whether it is there."""
        if delivery.attempt and (found := await self._find(channel, generation)) is not None:
            return await found.edit(view=post.card, attachments=post.files())
        await self._store.trying(generation.id)
        return await channel.send(view=post.card, files=post.files(), nonce=generation.short_id)

    async def _find(self, channel: discord.abc.Messageable, generation: Generation) -> discord.Message | None:
        """Our own message of this generation, known by its buttons."""
        marks = {messages.custom_id(action, generation.short_id) for action in ("reroll", "edit")}
        async for message in channel.history(limit=100):
            if self._bot.user is not None and message.author.id == self._bot.user.id and marks & _custom_ids(message):
                return message
        return None

    # -- what is shown

    async def compose(
        self, generation: Generation, limit: int, notes: list[str] | None = None, say: Say | None = None
    ) -> Post:
        """The message of a finished job; in English, where nobody says otherwise."""
        notes, say = list(notes or []), say or self._speaker(None)
        if generation.status is not Status.STORED:
            return Post(messages.ended(generation, say, note=" ".join(notes)))
        loaded = await attachments.load(self._data_dir, generation, limit)
        files = tuple(attachment for attachment in loaded if attachment is not None)
        if any(attachment.reencoded for attachment in files):
            notes.append(say("shrunk", scaled="yes" if any(attachment.scaled for attachment in files) else "no"))
        if len(files) < len(loaded):
            notes.append(say("not-shown", count=len(loaded) - len(files)))
        link = await self._parent_link(generation)
        names = [attachment.name for attachment in files]
        return Post(messages.result(generation, names, say, gone=not loaded, notes=notes, parent_link=link), files)

    async def _parent_link(self, generation: Generation) -> str | None:
        if generation.parent_id is None:
            return None
        name = messages.short(generation.parent_id)
        try:
            link = await links.jump(self._store, await self._ledger.get(generation.parent_id))
        except NotFound:  # its owner took all their data away
            return name
        return f"[{name}]({link})" if link else name

    def _channel_limit(self, origin: Origin) -> int:
        guild = self._bot.get_guild(int(origin.guild_id)) if origin.guild_id else None
        return guild.filesize_limit if guild is not None else attachments.DEFAULT_LIMIT


def _custom_ids(message: discord.Message) -> set[str]:
    """Of all buttons and menus, however deep they lie."""
    found, open_ = set(), list(message.components)
    while open_:
        part = open_.pop()
        found.add(getattr(part, "custom_id", None) or "")
        open_ += getattr(part, "children", ())
        open_ += filter(None, (getattr(part, "accessory", None),))
    return found
