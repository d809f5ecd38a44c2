"""What is publicly known to be wrong in the packages of a release."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum


class Rating(IntEnum):
    """How bad, in the words of GitHub's advisories; a CVSS score by the bands of CVSS 3.1."""

    LOW = 1
    MODERATE = 2
    HIGH = 3
    CRITICAL = 4

    @classmethod
    def of(cls, text: str) -> Rating | None:
        """The rating of that name; None where it is none.

        >>> Rating.of("Medium"), Rating.of("info"), Rating.of("")
        (<Rating.MODERATE: 2>, <Rating.LOW: 1>, None)
        """
        word = {"medium": "moderate", "info": "low", "none": "low"}.get(text.strip().lower(), text.strip().lower())
        return next((rating for rating in cls if rating.name.lower() == word), None)

    @classmethod
    def scored(cls, score: float) -> Rating:
        """The rating of a CVSS score.

        >>> [Rating.scored(score).name for score in (3.9, 4.0, 7.0, 9.0)]
        ['LOW', 'MODERATE', 'HIGH', 'CRITICAL']
        """
        bands = ((9.0, cls.CRITICAL), (7.0, cls.HIGH), (4.0, cls.MODERATE))
        return next((rating for least, rating in bands if score >= least), cls.LOW)


@dataclass(frozen=True, slots=True)
class Advisory:
    """One vulnerability of one package. ``names`` are its ids, the best known first; ``version`` is what is installed,
    or which versions have it where the report tells no more. ``rating``: None where the report gives none."""

    names: tuple[str, ...]
    package: str
    version: str
    rating: Rating | None = None

    def same(self, other: Advisory) -> bool:
        """Whether it is the same vulnerability of the same package, in whatever version."""
        return self.package == other.package and not set(self.names).isdisjoint(other.names)


@dataclass(frozen=True, slots=True)
class Audit:
    """A report on one release. ``installed``: the versions of each package, also of sound ones, where it tells them."""

    at: datetime
    advisories: tuple[Advisory, ...]
    installed: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Care:
    """From which rating on a new vulnerability is a reason to go back, whether one without a rating is, and how old a
    report may be."""

    least: Rating = Rating.HIGH
    unrated: bool = True
    oldest: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Advisories:
    """Where a service's reports are. ``read`` gives the one on the release that is called so, by any of its names, and
    raises :class:`hutch.ports.Unanswered`, which says why there is none. ``care``: what of it counts."""

    read: Callable[[Sequence[str]], Awaitable[Audit]]
    care: Care
