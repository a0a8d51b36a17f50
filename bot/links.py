"""Where a result can be seen again: Discord's addresses of messages."""

from __future__ import annotations

from bot.store import Store
from engine.types import Generation


def message_link(guild_id: str | None, channel_id: object, message_id: object) -> str | None:
    if not channel_id or not message_id:
        return None
    return f"https://discord.com/channels/{guild_id or '@me'}/{channel_id}/{message_id}"


async def jump(store: Store, generation: Generation) -> str | None:
    """The address of the message that shows a result; None where nobody else could open it, or there is none."""
    if generation.origin.private:
        return None
    delivery = await store.delivery(generation.id)
    if delivery is None or delivery.status != "sent":
        return None
    return message_link(generation.origin.guild_id, delivery.channel_id, delivery.message_id)
