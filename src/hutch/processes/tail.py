"""The last bytes of a stream."""

from __future__ import annotations

from collections import deque


class Tail:
    """The last ``limit`` bytes of what is added, and how many came before them."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: deque[bytes] = deque()
        self._size = 0
        self.left_out = 0

    def add(self, part: bytes) -> None:
        """Take in the next piece."""
        self._parts.append(part)
        self._size += len(part)
        while self._size - len(self._parts[0]) >= self._limit:
            gone = len(self._parts.popleft())
            self._size -= gone
            self.left_out += gone

    def kept(self) -> bytes:
        """What is kept."""
        whole = b"".join(self._parts)
        surplus = max(len(whole) - self._limit, 0)
        self.left_out += surplus
        return whole[surplus:]
