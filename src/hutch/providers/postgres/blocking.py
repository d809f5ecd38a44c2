"""Who waits for whom, down to the session that waits for nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from hutch.model.finding import Seen, Status
from hutch.providers.postgres.client import Client, Row
from hutch.providers.postgres.config import Config
from hutch.providers.postgres.looks import NEEDS_MONITOR, SHOWN_GROUPS, described
from hutch.providers.postgres.queries import query
from hutch.providers.postgres.sessions import Session, without_literals

# The table locks that only DDL, LOCK TABLE and upkeep ask for; reading and writing rows take weaker ones.
# https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES
_DDL_MODES = ("ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock")
_SELF = ("role", "application", "state", "backend_start", "xact_start", "protection", "query")
_UNSEEN: Mapping[str, object] = {"idle_seconds": 0.0, "exempt": False}


@dataclass(frozen=True, slots=True)
class Waiter:
    """A session that waits; ``blockers`` are those directly ahead of it, ``waits`` is in seconds.

    ``relation`` names what it waits for, a table or an advisory key; ``session`` is itself, to be told again.
    """

    pid: int
    role: str
    session: Session
    locktype: str
    mode: str
    relation: str
    waits: float
    query: str
    blockers: tuple[int, ...]

    @classmethod
    def seen(cls, row: Row) -> Waiter:
        """From a row of the server; the statement loses its values here."""
        return cls(
            pid=row["waiter"],
            role=row["waiter_role"],
            session=Session.seen({**{name: row[f"waiter_{name}"] for name in _SELF}, **_UNSEEN, "pid": row["waiter"]}),
            locktype=row["locktype"],
            mode=row["mode"],
            relation=row["relation"],
            waits=row["waits"],
            query=without_literals(row["waiter_query"]),
            blockers=tuple(row["blockers"]),
        )

    def as_dict(self) -> dict[str, object]:
        """For a finding's data."""
        names = ("pid", "role", "locktype", "mode", "relation", "waits", "query")
        return {**{name: getattr(self, name) for name in names}, "ddl": self.is_ddl, "session": self.session.as_dict()}

    @property
    def is_ddl(self) -> bool:
        """Whether it waits for a table in a way that makes even readers queue behind it."""
        return self.locktype == "relation" and self.mode in _DDL_MODES


Blocking = tuple[Session, list[Waiter]]


async def locks(client: Client, config: Config) -> Seen:
    """Root blockers and who has waited for each at both looks, and for long enough at the second."""
    first = await _blockings(client, config)
    if first:
        await asyncio.sleep(config.sample_gap)
    second = await _blockings(client, config) if first else []
    known = {(root.pid, waiter.pid) for root, waiters in first for waiter in waiters}
    stayed = [
        (root, lasting)
        for root, waiters in second
        if (lasting := [w for w in waiters if w.waits >= config.lock_wait_after and (root.pid, w.pid) in known])
    ]
    data: Mapping[str, object] = {"blockers": [_as_dict(blocking) for blocking in stayed]}
    if not stayed:
        return Seen(Status.OK, "nobody waits for a lock", data)
    waiting = sum(len(waiters) for _, waiters in stayed)
    reason = NEEDS_MONITOR if any(root.pid and not root.backend_start for root, _ in stayed) else ""
    summary = f"{waiting} sessions wait for {len(stayed)} blockers"
    return Seen(Status.WARN, summary, data, _evidence(stayed), reason)


async def _blockings(client: Client, config: Config) -> list[Blocking]:
    rows = await client.rows(query("blocking"), config.protection())
    groups = [list(group) for _, group in groupby(rows, key=lambda row: row["pid"])]
    return [(Session.seen(group[0]), [Waiter.seen(row) for row in group]) for group in groups]


def _as_dict(blocking: Blocking) -> dict[str, object]:
    root, waiters = blocking
    return {"root": root.as_dict(), "waiters": [waiter.as_dict() for waiter in waiters]}


def _evidence(blockings: Sequence[Blocking]) -> tuple[str, ...]:
    return tuple(f"{described(root)}; {len(waiters)} wait for it" for root, waiters in blockings[:SHOWN_GROUPS])
