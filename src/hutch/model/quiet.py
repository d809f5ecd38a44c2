"""What holds alerts back: silences, maintenance windows, and alerts that another one makes needless.

A matcher is ``name=pattern`` or ``name!=pattern``; the pattern may hold ``*`` and ``?``. Names are labels, and ``rule``
(or ``alertname``), ``service``, ``severity``, ``source``, ``signal`` (of a rule of ours) and ``cause`` (a cause code).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from fnmatch import translate
from functools import lru_cache

Facts = Mapping[str, str]
"""What matchers ask: an alert's labels and the names above."""

_MATCHER = re.compile(r"\s*([A-Za-z_][\w.]*)\s*(!?=)\s*(.*?)\s*")


@dataclass(frozen=True, slots=True)
class Matcher:
    """``name=pattern``. What an alert does not have is the empty text."""

    name: str
    pattern: str
    negated: bool = False

    def __str__(self) -> str:
        return f"{self.name}{'!=' if self.negated else '='}{self.pattern}"

    def fits(self, facts: Facts) -> bool:
        """Whether it is true of these facts."""
        return bool(_compiled(self.pattern).match(facts.get(self.name, ""))) is not self.negated


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern))


def matcher(text: str) -> Matcher:
    """``rule=High*``. Raises ``ValueError`` saying what is wrong.

    >>> str(matcher("severity != SEV-1"))
    'severity!=SEV-1'
    """
    found = _MATCHER.fullmatch(text)
    if not found:
        raise ValueError(f"cannot read the matcher {text!r}; write name=pattern, as rule=High* or service=shop")
    name = "rule" if found[1] == "alertname" else found[1]
    return Matcher(name, found[3].strip("\"'"), found[2] == "!=")


def fit(matchers: Iterable[Matcher], facts: Facts) -> bool:
    """Whether all are true of these facts."""
    return all(m.fits(facts) for m in matchers)


# ------------------------------------------------------------------ silences and maintenance


@dataclass(frozen=True, slots=True)
class Silence:
    """Holds back what its matchers fit from ``starts`` to ``ends``; it always has an end."""

    id: str
    matchers: tuple[Matcher, ...]
    starts: datetime
    ends: datetime
    reason: str
    by: str = ""

    def holds(self, facts: Facts, now: datetime) -> bool:
        """Whether it holds an alert with these facts back at ``now``."""
        return self.starts <= now < self.ends and fit(self.matchers, facts)

    @property
    def word(self) -> str:
        """Why, for people."""
        return f"silence {self.id}: {self.reason}"


DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Planned work on a service (empty: on all): once from ``starts`` to ``ends``, or each week or day.

    ``weekday`` counts from Monday as 0, None is every day; ``at`` is a time of that day in ``zone``. ``id`` and ``by``
    are of one that a person planned; those of the configuration have none. A ``public`` one is on the status page.
    """

    name: str
    service: str = ""
    starts: datetime | None = None
    ends: datetime | None = None
    weekday: int | None = None
    at: time | None = None
    length: timedelta = timedelta(0)
    zone: tzinfo | None = None
    id: str = ""
    by: str = ""
    public: bool = False

    def window(self, now: datetime) -> tuple[datetime, datetime] | None:
        """The window that is open at ``now``, else the next one; None when there is none any more."""
        if self.starts and self.ends:
            return (self.starts, self.ends) if now < self.ends else None
        if self.at is None or self.zone is None:
            return None
        local = now.astimezone(self.zone)
        days = (local.date() + timedelta(days=n) for n in range(-8, 9))
        begins = (datetime.combine(d, self.at, self.zone) for d in days if self.weekday in (None, d.weekday()))
        windows = ((b.astimezone(now.tzinfo), b.astimezone(now.tzinfo) + self.length) for b in begins)
        return next((w for w in windows if now < w[1]), None)

    def holds(self, facts: Facts, now: datetime) -> bool:
        """Whether alerts of this service are held back at ``now``."""
        open_now = self.window(now)
        mine = self.service in ("", facts.get("service", ""))
        return mine and open_now is not None and open_now[0] <= now

    @property
    def word(self) -> str:
        """Why, for people."""
        return f"maintenance {self.id}: {self.name}" if self.id else f"maintenance: {self.name}"


# ------------------------------------------------------------------ inhibition


@dataclass(frozen=True, slots=True)
class Inhibition:
    """While something that fits ``by`` fires on a service, what fits any of ``holds`` there is only its consequence."""

    by: Matcher
    holds: tuple[Matcher, ...]

    def concerns(self, facts: Facts) -> bool:
        """Whether an alert with these facts could be held back by it."""
        return any(m.fits(facts) for m in self.holds) and not self.by.fits(facts)

    def held(self, facts: Facts, firing: Iterable[Facts]) -> str:
        """The rule that makes an alert with these facts needless, or nothing."""
        if not self.concerns(facts):
            return ""
        return next((f.get("rule", "") for f in firing if self.by.fits(f)), "")


INHIBITIONS: tuple[Inhibition, ...] = tuple(
    Inhibition(matcher(by), tuple(matcher(m) for m in holds))
    for by, holds in (
        ("signal=uptime", ("signal=p*_response_time", "signal=error_rate", "signal=request_rate",
                           "signal=active_users")),
        ("cause=http.unreachable", ("signal=p*_response_time", "signal=error_rate", "cause=http.slow",
                                    "cause=http.error_rate")),
        ("cause=postgres.unreachable", ("signal=db_*", "cause=postgres.*")),
        ("cause=redis.unreachable", ("cause=redis.*",)),
    )
)  # fmt: skip
"""What goes without saying: who is down is also slow. ``alerting.inhibit`` adds more."""
