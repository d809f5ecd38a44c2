"""Masks a text that comes in pieces as if it had come whole: nothing slips through between two pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator

HOLD = 8192
"""Characters that are held back: as long as a secret may be (a private key of 8192 bits is shorter)."""

BATCH = 65536
"""Characters that are gathered before they are masked."""

MOST = 4 * BATCH
"""Characters that may be gathered where no place to cut is found; then they are given on as they are masked."""

Mask = Callable[[str], str]


class Masking:
    """Give it pieces; it gives back what is safe to keep."""

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self._pending = ""

    @property
    def held(self) -> int:
        """Characters that were taken in and not given back."""
        return len(self._pending)

    def add(self, piece: str) -> str:
        """The next piece; what can be given on by now, masked."""
        self._pending += piece
        if len(self._pending) < BATCH:
            return ""
        cut = place_to_cut(self._pending, len(self._pending) - HOLD, self._mask)
        if cut == 0 and len(self._pending) > MOST:
            cut = len(self._pending)
        done, self._pending = self._mask(self._pending[:cut]), self._pending[cut:]
        return done

    def end(self) -> str:
        """The rest."""
        rest, self._pending = self._mask(self._pending), ""
        return rest


def place_to_cut(text: str, most: int, mask: Mask) -> int:
    """Where ``text`` may be cut at ``most`` or before, so that each part is masked as it is in the whole; 0 for
    nowhere."""
    whole = mask(text)
    return next((at for at in _places(text, most) if mask(text[:at]) + mask(text[at:]) == whole), 0)


def _places(text: str, most: int) -> Iterator[int]:
    """A few places to try, the latest first: after a line if there is one, each much earlier than the one before."""
    at = most
    while at > 0:
        line = text.rfind("\n", 0, at) + 1
        yield line or at
        at = min(line or at, most - 2 * (most - (line or at)) - 64)
