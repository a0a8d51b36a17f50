"""Which rows are in the next forward of a UNet. Pure and synchronous: no torch, no threads, no clock.

What may share a forward is a *group*; a picture in it needs two rows of the batch where it is guided, else one. Whoever
has waited longest goes first, with as many others of its group as there is room for, and all of them queue up again.
So pictures join and leave between any two forwards, all go at the same pace, and no group starves.

How many rows a forward has must not depend on who is there: matrix kernels are chosen by size, and another kernel
means other low bits. In a bucket of fixed size, filled up with rows that nobody looks at, a picture's bits are its own.
Forwards may grow beyond it where somebody else sees to the bits (`engine.samebits`), or nobody minds them.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

GROWTH = 4
"""How many buckets a forward may have where `exact` is off."""

READY = 4
"""Rows that are worth having beside a full bucket: whose turn is next stands ready, and somebody new need not wait."""


class Rows(Protocol):
    """What is stepped. Compared by identity."""

    @property
    def rows(self) -> int:
        """Rows of the batch: 1 or 2."""
        ...


Member = TypeVar("Member", bound=Rows)


def bucket_for(device: str, latent_pixels: int, guided: bool) -> int:
    """The rows of a group's forwards on that kind of device ("cuda", "mps", "cpu"): a picture's bits are of them.

    One picture, and on a GPU two where a forward of two costs little more, as it does while the network is too small to
    keep the device busy. A CPU needs no such bucket: forwards can grow there (`largest_for`). `guided` says whether the
    model can be guided at all: those that cannot never need a second row. It must not be measured when Easel starts,
    since bits would follow the measurement.
    """
    bucket = 4 if device != "cpu" and latent_pixels <= 64 * 64 else 2
    return bucket if guided else bucket // 2


def largest_for(device: str, latent_pixels: int, bucket: int) -> int:
    """The most rows that are worth trying for, with the bits of that bucket.

    Small networks on a CPU read their weights for about as long as they use them: three pictures take 1.9 times as long
    as one. A fourth would gain less than it makes the three wait. Where a device has more to do than it can, more rows
    gain nothing.
    """
    return 3 * bucket if device == "cpu" and latent_pixels <= 32 * 32 else bucket


@dataclass(frozen=True, slots=True)
class Turn(Generic[Member]):
    """One forward: `members` fill some of the `bucket` rows."""

    group: Hashable
    bucket: int
    members: tuple[Member, ...]


@dataclass(slots=True)
class _Group(Generic[Member]):
    bucket: int
    largest: int
    """What the bucket may grow to where bits may depend on neighbours."""
    rotates: bool
    waiting: dict[Member, int] = field(default_factory=dict)
    """Since which turn each has waited; who is next first."""


class RowPlan(Generic[Member]):
    """The groups and who is in them."""

    def __init__(self) -> None:
        self._groups: dict[Hashable, _Group[Member]] = {}
        self._turns = itertools.count()
        self._joined: dict[Member, int] = {}

    def __len__(self) -> int:
        return len(self._joined)

    def __iter__(self) -> Iterator[Member]:
        return iter(tuple(self._joined))

    @property
    def room(self) -> int:
        """The rows that are worth having at once, by the groups that are there; 0 where none is."""
        return max((max(group.largest, group.bucket + READY) for group in self._groups.values()), default=0)

    def join(
        self, member: Member, key: Hashable, bucket: int, largest: int | None = None, *, rotates: bool = True
    ) -> None:
        """Takes a member into its group. A group keeps the bucket that its first member brought.

        Its forwards have as many rows more as what waits needs, up to `largest`. One that does not rotate serves
        its first member to the end before the next one begins.
        """
        group = self._groups.setdefault(key, _Group(bucket, largest or bucket, rotates))
        group.bucket = max(group.bucket, member.rows)  # it may have shrunk to one row
        group.waiting[member] = self._joined[member] = next(self._turns)

    def leave(self, member: Member) -> None:
        del self._joined[member]
        for key, group in list(self._groups.items()):
            group.waiting.pop(member, None)
            if not group.waiting:
                del self._groups[key]

    def next_turn(self) -> Turn[Member] | None:
        """The next forward; its members go to the end of their group's line. None where nobody is."""
        if not self._groups:
            return None
        key, group = min(self._groups.items(), key=lambda entry: next(iter(entry[1].waiting.values())))
        bucket = self._bucket(group)
        members = tuple(_fill(group.waiting, bucket))
        for member in members:
            if group.rotates:
                del group.waiting[member]
            group.waiting[member] = next(self._turns)
        # In the order of joining: the same members make the same line-up, however they queued.
        return Turn(key, bucket, tuple(sorted(members, key=self._joined.__getitem__)))

    def _bucket(self, group: _Group[Member]) -> int:
        """The fixed one, and above it as many more rows as hold what waits, a picture's at a time, as far as it may."""
        wanted = sum(member.rows for member in group.waiting)
        picture = min(group.bucket, 2)
        return max(group.bucket, min(-(-wanted // picture) * picture, group.largest))

    def shrink(self, key: Hashable, bucket: int) -> bool:
        """Has a group take fewer rows, after a forward of `bucket` did not fit the memory: its bucket, then half of it.

        False where it is as small as its members allow. It stays small until all of them have left.
        """
        group = self._groups[key]
        smaller = group.bucket if bucket > group.bucket else bucket // 2
        if smaller < max(member.rows for member in group.waiting):
            return False
        group.largest, group.bucket = smaller, min(group.bucket, smaller)
        return True


def _fill(line: Iterable[Member], bucket: int) -> Iterable[Member]:
    """From the head of the line, whoever still fits."""
    for member in line:
        if member.rows <= bucket:
            bucket -= member.rows
            yield member
