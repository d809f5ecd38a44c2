"""A key ring as services read it, ``ID:BASE64,ID:BASE64``: the first key signs, every key verifies. Pure.

Where a rotation stands is read from the ring alone, whoever wrote it and whatever was broken off: the ids that are made
here tell when a key was born. One that is younger than the key that signs has yet to sign; any other was replaced.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

MOST_KEYS = 8
_ID = re.compile(r"[a-z0-9-]{1,40}")
_VALUE = re.compile(r"[A-Za-z0-9+/]{22,}={0,2}")
_BORN = re.compile(r"k(\d{8}t\d{12})-[0-9a-f]{8}")
_STAMP = "%Y%m%dt%H%M%S%f"


class NoRing(ValueError):
    """A text is no ring. What is said of it holds nothing of a key."""


@dataclass(frozen=True, slots=True)
class Ring:
    """Ids with their keys, the one that signs first. The keys stay out of the representation."""

    keys: tuple[tuple[str, str], ...] = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Ring:
        """The ring of a text. Raises :class:`NoRing`."""
        parts = [tuple(part.strip().split(":", 1)) for part in text.split(",") if part.strip()]
        keys = tuple((part[0], part[1]) for part in parts if len(part) == 2)
        good = all(_ID.fullmatch(id) and _VALUE.fullmatch(value) for id, value in keys)
        if not keys or len(keys) != len(parts) or len(dict(keys)) != len(keys) or len(keys) > MOST_KEYS or not good:
            raise NoRing(f"it is no ring of 1 to {MOST_KEYS} keys, ID:BASE64 by commas")
        return cls(keys)

    def text(self) -> str:
        """The inverse of :meth:`parse`."""
        return ",".join(f"{id}:{value}" for id, value in self.keys)

    @property
    def signs(self) -> str:
        """The id of the key that signs or seals."""
        return self.keys[0][0]

    @property
    def new(self) -> tuple[str, ...]:
        """Keys that verify only and are to sign."""
        return tuple(id for id, _ in self.keys[1:] if born(id) > born(self.signs))

    @property
    def old(self) -> tuple[str, ...]:
        """Keys that were replaced and still verify."""
        return tuple(id for id, _ in self.keys[1:] if id not in self.new)

    def added(self, value: str, noise: str, now: datetime) -> Ring:
        """With a new key that verifies only. It is younger than the one that signs, whatever the clock says."""
        last = born(self.signs)
        after = datetime.strptime(last, _STAMP) + timedelta(microseconds=1) if last else datetime.min
        stamp = max(now.replace(tzinfo=None), after).strftime(_STAMP)
        first, *rest = self.keys
        return Ring((first, (f"k{stamp}-{noise}", value), *rest))

    def signed(self) -> Ring:
        """The youngest new key signs, the one that did verifies only."""
        youngest = max(self.new, key=born)
        return Ring((*(k for k in self.keys if k[0] == youngest), *(k for k in self.keys if k[0] != youngest)))

    def retired(self) -> Ring:
        """Without the keys that were replaced."""
        return Ring(tuple(key for key in self.keys if key[0] not in self.old))


def born(id: str) -> str:
    """When a key was born, as text that sorts; empty, before all others, where its id does not tell.

    >>> born("k20260131t101500000000-0a1b2c3d")
    '20260131t101500000000'
    """
    found = _BORN.fullmatch(id)
    return found[1] if found else ""
