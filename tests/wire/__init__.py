"""A strict Discord on a local port: REST and gateway, for the unmodified discord.py to log in to.

Its log, not the bot's own records, is the judge of what people saw. See `tests.wire.server`.
"""

from tests.wire.commands import NotOffered, Upload
from tests.wire.errors import Refusal
from tests.wire.faults import Call, Delay, Drop, RateLimited, Status
from tests.wire.judge import Judge, percentile
from tests.wire.server import TOKEN, WireDiscord, pointed_at
from tests.wire.shown import Invocation, Message
from tests.wire.state import Channel, Guild, Member, User

__all__ = [
    "TOKEN",
    "Call",
    "Channel",
    "Delay",
    "Drop",
    "Guild",
    "Invocation",
    "Judge",
    "Member",
    "Message",
    "NotOffered",
    "RateLimited",
    "Refusal",
    "Status",
    "Upload",
    "User",
    "WireDiscord",
    "percentile",
    "pointed_at",
]
