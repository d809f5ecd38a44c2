"""Masks a text that comes in pieces as if it had come whole: nothing slips through between two pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator

HOLD = 8192
"""Characters that are held back: as long as a secret may be (a private key of 8192 bits is shorter)."""

BATCH = 24576
"""Characters that are gathered before they are masked."""

MOST = 8 * BATCH
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
        done: list[str] = []
        while len(self._pending) >= BATCH and (part := self._batch()):
            done.append(part)
        return "".join(done)

    def _batch(self) -> str:
        """About one batch, masked; nothing while there is no place to cut."""
        cut, done = cut_safely(self._pending[:BATCH], BATCH - HOLD, self._mask)
        if not cut and len(self._pending) > BATCH:
            cut, done = cut_safely(self._pending, len(self._pending) - HOLD, self._mask)
        if not cut and len(self._pending) > MOST:
            cut, done = len(self._pending), self._mask(self._pending)
        self._pending = self._pending[cut:]
        return done

    def end(self) -> str:
        """The rest."""
        rest, self._pending = self._mask(self._pending), ""
        return rest


def cut_safely(text: str, most: int, mask: Mask) -> tuple[int, str]:
    """Where ``text`` may be cut at ``most`` or before, so that each part is masked as it is in the whole, and what is
    before it, masked; 0 for nowhere."""
    whole = mask(text)
    for at in _places(text, most):
        before = mask(text[:at])
        if before + mask(text[at:]) == whole:
            return at, before
    return 0, ""


def _places(text: str, most: int) -> Iterator[int]:
    """A few places to try, the latest first: after a line if there is one, each much earlier than the one before."""
    at = most
    while at > 0:
        line = text.rfind("\n", 0, at) + 1
        yield line or at
        at = min(line or at, most - 2 * (most - (line or at)) - 64)
