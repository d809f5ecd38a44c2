"""A full server: who fills it, and which of its sessions can go without harm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hutch.model.finding import Cause, Finding, Object, Remedy, Status, called
from hutch.providers.postgres.remedies import FIRST, ending
from hutch.providers.postgres.sessions import Session

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Holder:
    """The sessions of one program under one role: ``idle`` are those outside a transaction for long.

    ``pool`` says that it is a pooler or a service's own pool; ``works`` that it uses its sessions."""

    role: str
    application: str
    sessions: int
    idle: tuple[Session, ...]
    pool: bool
    works: bool

    @classmethod
    def read(cls, data: Mapping[str, object]) -> Holder:
        """From a finding's data; the inverse of :meth:`as_dict`."""
        listed = data["idle"]
        assert isinstance(listed, Iterable)
        return cls(
            role=str(data["role"]),
            application=str(data["application"]),
            sessions=int(str(data["sessions"])),
            idle=tuple(map(Session.read, listed)),
            pool=data["pool"] is True,
            works=data["works"] is True,
        )

    def as_dict(self) -> dict[str, object]:
        """For a finding's data."""
        names = ("role", "application", "sessions", "pool", "works")
        return {name: getattr(self, name) for name in names} | {"idle": [session.as_dict() for session in self.idle]}

    def __str__(self) -> str:
        return f"{self.role} {self.application or '(no application name)'}"


def exhausted(target: str, findings: Sequence[Finding], connections: Finding | None, leaked: int) -> list[Cause]:
    """Full, and still full without what a leak holds. With a connection left, all of them in use, and nothing that
    fails beside it, it is busy and well: its finding says how near the end is, and that is no cause.
    """
    data = connections.data if connections else {}
    if connections is None or "used" not in data:
        return []
    used, usable, bad = (_figure(data, name) for name in ("used", "usable", "bad"))
    if 100 * (used - leaked) / usable < bad:
        return []
    holders = _holders(data)
    least = _figure(data, "hoard_share") / 100 * usable if holders else 0.0
    hoarder = _hoarder(holders, _deployed(findings), least)
    if used < usable and not (hoarder or _fails(findings)) and all_in_use(holders, least):
        return []
    held = _held(holders, hoarder)
    return [
        Cause(
            code="postgres.connections_exhausted",
            object=Object("database", str(data["database"]), held),
            confidence=0.9,
            summary=f"{connections.summary}{_most(hoarder)}",
            target=target,
            evidence=(connections.summary, *connections.evidence, *map(_line, holders[:_SHOWN])),
            remedies=_freeing(target, hoarder, int(_figure(data, "max_sessions"))) if hoarder else (),
        )
    ]


def _fails(findings: Sequence[Finding]) -> bool:
    """Whether what is looked at outside of Postgres fails."""
    return any(f.status in (Status.BAD, Status.UNKNOWN) for f in findings if not f.check.startswith("postgres."))


def all_in_use(holders: Sequence[Holder], least: float) -> bool:
    """Whether it is known who has them, and nobody does nothing with so many."""
    return bool(holders) and all(h.pool or h.works or h.sessions < least for h in holders)


def _holders(data: Mapping[str, object]) -> list[Holder]:
    listed = data.get("holders", ())
    assert isinstance(listed, Iterable)
    return sorted(map(Holder.read, listed), key=lambda holder: (-len(holder.idle), str(holder)))


def _hoarder(holders: Sequence[Holder], deployed: Sequence[str], least: float) -> Holder | None:
    """Who keeps the most sessions for nothing. A program that works with any of its sessions has a pool, as have
    poolers and the release that runs: theirs stay."""
    spared = (h for h in holders if not (h.pool or h.works or called(h.application.rpartition("/")[2], deployed)))
    most = max(spared, key=lambda holder: len(holder.idle), default=None)
    return most if most and most.idle and len(most.idle) >= least else None


def _deployed(findings: Sequence[Finding]) -> list[str]:
    """What the releases that run are called, where a platform's check says so: sessions are named
    ``program/release``."""
    found = [f.data for f in findings if not f.check.startswith("postgres.") and f.data.get("release")]
    return [str(name) for data in found for name in (data["release"], *_names(data))]


def _names(data: Mapping[str, object]) -> Iterable[object]:
    names = data.get("names", ())
    return names if isinstance(names, list | tuple) else ()


def _held(holders: Sequence[Holder], hoarder: Holder | None) -> dict[str, object]:
    """Whose connections they are: the hoarder's, else of whoever has the most."""
    if hoarder:
        return {"role": hoarder.role, "application": hoarder.application, "idle": len(hoarder.idle)}
    most = max(holders, key=lambda holder: holder.sessions, default=None)
    return {"role": most.role, "application": most.application} if most else {}


def _freeing(target: str, hoarder: Holder, limit: int) -> tuple[Remedy, ...]:
    """End what one action may end, the longest idle first."""
    sessions = sorted(hoarder.idle, key=lambda session: -session.idle_seconds)[:limit]
    return ending(target, sessions, f"end the {len(sessions)} idle sessions of {hoarder}", FIRST)


def _most(hoarder: Holder | None) -> str:
    return f"; {hoarder} keeps {len(hoarder.idle)} idle" if hoarder else ""


def _line(holder: Holder) -> str:
    ages = [session.idle_seconds for session in holder.idle]
    idle = f"{len(ages)} idle for {min(ages):.0f} to {max(ages):.0f} s" if ages else "none idle for long"
    use = "a pool" if holder.pool else "in use" if holder.works else "not in use"
    return f"{holder} ({use}): {holder.sessions} sessions, {idle}"


def _figure(data: Mapping[str, object], name: str) -> float:
    return float(str(data[name]))
