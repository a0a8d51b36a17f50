"""A disk that may refuse to be written for a while: what has to be written is written when there is room again."""

from __future__ import annotations

import asyncio
import errno
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

log = logging.getLogger(__name__)

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0
CANNOT_WRITE = (sqlite3.OperationalError, OSError)
_FULL = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})


class Disk:
    """Counts the writes that wait for room."""

    def __init__(self) -> None:
        self._refused = 0

    @property
    def full(self) -> bool:
        """Whether something waits to be written now, so that nothing new should be begun."""
        return self._refused > 0

    async def insist(self, write: Callable[[], Awaitable[T]]) -> T:
        """The result of `write`, tried again and again while the disk or the ledger's file refuses.

        OSErrors that are not for want of room are raised.
        """
        try:
            return await write()
        except CANNOT_WRITE as error:
            _raise_unless_full(error)
        self._refused += 1
        try:
            wait = FIRST_WAIT_S
            while True:
                log.error("the disk refuses to be written; trying again in %.1f s", wait)
                await asyncio.sleep(wait)
                wait = min(LONGEST_WAIT_S, 2 * wait)
                try:
                    return await write()
                except CANNOT_WRITE as error:
                    _raise_unless_full(error)
        finally:
            self._refused -= 1


def _raise_unless_full(error: sqlite3.OperationalError | OSError) -> None:
    if isinstance(error, OSError) and error.errno not in _FULL:
        raise error
    log.error("%s: %s", type(error).__name__, error)
