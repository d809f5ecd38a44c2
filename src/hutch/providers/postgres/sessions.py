"""A database session as the checks see it and as an action names it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

SHOWN = 160
"""Characters of a statement that are shown."""
_LITERALS = re.compile(r"'(?:[^']|'')*(?:'|$)|\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|$)|(?<![\w.$])\d+(?:\.\d+)?\b", re.S)


def without_literals(query: str) -> str:
    """A statement without its values, which may be personal data, on one line and cut to :data:`SHOWN`.

    >>> without_literals("select *\\n from users where mail = 'a@b.c' and id = 42")
    'select * from users where mail = ? and id = ?'
    """
    short = " ".join(_LITERALS.sub("?", query).split())
    return short if len(short) <= SHOWN else f"{short[: SHOWN - 1]}…"


def iso(moment: object) -> str:
    """A server's timestamp in UTC; empty for none."""
    return moment.astimezone(UTC).isoformat() if isinstance(moment, datetime) else ""


@dataclass(frozen=True, slots=True)
class Session:
    """One session. ``idle_seconds``: since its state last changed (a running statement: since its start).

    ``protection`` says why it must not be ended; ``exempt``: nor is it ever blamed (a backup)."""

    pid: int
    backend_start: str
    role: str
    application: str
    state: str
    client: str = ""
    database: str = ""
    xact_start: str = ""
    state_change: str = ""
    idle_seconds: float = 0.0
    query: str = ""
    protection: str = ""
    exempt: bool = False

    @classmethod
    def seen(cls, row: Mapping[str, object]) -> Session:
        """From a row of the server; the statement loses its values here."""
        return cls.read({
            **row,
            "backend_start": iso(row["backend_start"]),
            "xact_start": iso(row["xact_start"]),
            "state_change": iso(row.get("state_change")),
            "query": without_literals(str(row["query"] or "")),
        })  # fmt: skip

    @classmethod
    def read(cls, data: Mapping[str, object]) -> Session:
        """From a finding's data; the inverse of :meth:`as_dict`."""
        return cls(
            pid=int(str(data["pid"])),
            idle_seconds=float(str(data["idle_seconds"])),
            exempt=data["exempt"] is True,
            **{name: str(data.get(name) or "") for name in _TEXTS},
        )

    def as_dict(self) -> dict[str, object]:
        """For a finding's data."""
        return {name: getattr(self, name) for name in (*_TEXTS, "pid", "idle_seconds", "exempt")}

    def same(self, other: Session) -> bool:
        """Whether it stands where the other stood: the same session, in the same transaction, in the same state."""
        return (self.pid, self.backend_start, self.xact_start, self.state) == (
            other.pid,
            other.backend_start,
            other.xact_start,
            other.state,
        )

    def as_target(self) -> dict[str, object]:
        """What an action needs to know it again: identity, transaction, state; and the role, for people.

        For a session outside a transaction also since when it is idle: one that was used again is another matter.
        """
        names = ("pid", "backend_start", "xact_start", "state", "role", "application")
        idle = {"state_change": self.state_change} if self.state == "idle" and self.state_change else {}
        return {name: getattr(self, name) for name in names} | idle

    def at_statement(self, statement: str) -> dict[str, object]:
        """The same for one that runs a statement again and again: by that, since each time is another transaction.

        ``statement`` is the server's number of it; empty where it gives none: then the transaction has to do."""
        named = self.as_target()
        return {**named, "xact_start": "", "statement": statement} if statement else named


_TEXTS = (
    "backend_start", "role", "application", "state", "client", "database", "xact_start", "state_change", "query",
    "protection",
)  # fmt: skip
