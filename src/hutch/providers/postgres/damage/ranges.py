"""Pages of a table in ranges that are halved around what can't be read. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

PIECE = 8192
"""Pages that are copied at once to begin with (64 MB): a bad one costs reading its piece again, not the table."""


@dataclass(frozen=True, slots=True, order=True)
class Range:
    """Pages from ``first`` up to and without ``end``."""

    first: int
    end: int

    def __len__(self) -> int:
        return self.end - self.first

    def halves(self) -> tuple[Range, Range]:
        """The two halves, the first first.

        >>> Range(0, 5).halves()
        (Range(first=0, end=2), Range(first=2, end=5))
        """
        middle = self.first + len(self) // 2
        return Range(self.first, middle), Range(middle, self.end)


def pieces(blocks: int) -> list[Range]:
    """A table's pages in pieces.

    >>> pieces(10_000)
    [Range(first=0, end=8192), Range(first=8192, end=10000)]
    """
    return [Range(first, min(first + PIECE, blocks)) for first in range(0, blocks, PIECE)]


def joined(blocks: Iterable[int]) -> Sequence[Range]:
    """Single pages as ranges.

    >>> joined([7, 3, 4])
    [Range(first=3, end=5), Range(first=7, end=8)]
    """
    found: list[Range] = []
    for block in sorted(set(blocks)):
        if found and found[-1].end == block:
            found[-1] = Range(found[-1].first, block + 1)
        else:
            found.append(Range(block, block + 1))
    return found
