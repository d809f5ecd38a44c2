"""Causes that the tree of waiting sessions shows: the session at its root, and what queues behind it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from hutch.model.finding import Cause, Finding, Object, Remedy
from hutch.providers.postgres.remedies import LATER, ending
from hutch.providers.postgres.sessions import Session

PREPARED = 0
"""The pid that the server gives for a prepared transaction: it has no session."""
_SHOWN = 5

Waiting = Mapping[str, object]


def roots(blocking: Finding | None) -> set[int]:
    """The pids that others wait for: what they do otherwise is explained by that."""
    return {root.pid for root, _ in _blockings(blocking)}


def blocked(target: str, blocking: Finding | None, explained: Collection[int]) -> list[Cause]:
    """A cause for each root blocker that is not ``explained`` already and may be blamed."""
    return [
        _blocked(target, root, waiters)
        for root, waiters in _blockings(blocking)
        if root.pid not in explained and _counts(root, waiters)
    ]


def _counts(root: Session, waiters: Sequence[Waiting]) -> bool:
    """A backup may make a change of a table wait, but not, behind that, everybody else."""
    return not root.exempt or (len(waiters) > 1 and any(waiter["ddl"] for waiter in waiters))


def _blockings(blocking: Finding | None) -> list[tuple[Session, Sequence[Waiting]]]:
    listed = blocking.data.get("blockers", ()) if blocking else ()
    assert isinstance(listed, Sequence)
    return [(Session.read(item["root"]), item["waiters"]) for item in listed]


def _blocked(target: str, root: Session, waiters: Sequence[Waiting]) -> Cause:
    """A change of a table in the queue makes it a DDL queue: even readers wait behind it."""
    ddl = next((waiter for waiter in waiters if waiter["ddl"]), None)
    who = _who(root)
    longest = max(float(str(waiter["waits"])) for waiter in waiters)
    what = f"a change of {ddl['relation']} and what queues behind it" if ddl else f"{len(waiters)} sessions"
    return Cause(
        code="postgres.ddl_queue" if ddl else "postgres.blocked_by_lock",
        object=Object("session", str(root.pid), _detail(root, waiters, ddl)),
        confidence=0.9 if longest >= 5.0 else 0.8,
        summary=f"{who} keeps {what} waiting",
        target=target,
        evidence=(
            f"{who}: {root.state or 'state unknown'} for {root.idle_seconds:.0f} s, last: {root.query}",
            f"{len(waiters)} sessions wait for it, the longest for {longest:.0f} s",
            *(_waiting(waiter) for waiter in waiters[:_SHOWN]),
        ),
        remedies=(*_end_root(target, root), *_end_change(target, ddl)),
        since=datetime.fromisoformat(root.xact_start) if root.xact_start else None,
    )


def _end_root(target: str, root: Session) -> tuple[Remedy, ...]:
    """The root alone: whoever waits for it goes on by itself."""
    return ending(target, [root], f"end session {root.pid} of {root.role}") if root.pid != PREPARED else ()


def _end_change(target: str, ddl: Waiting | None) -> tuple[Remedy, ...]:
    """The other way: the waiting change of a table gives up, and those behind it go on. It can be tried again."""
    if ddl is None or not isinstance(ddl.get("session"), Mapping):
        return ()
    session = Session.read(ddl["session"])  # type: ignore[arg-type]
    return ending(target, [session], f"end the waiting change of {ddl['relation']}, session {session.pid}", LATER)


def _who(root: Session) -> str:
    if root.pid == PREPARED:
        return "a prepared transaction (pg_prepared_xacts lists it; commit or roll it back)"
    return f"session {root.pid} of {root.role} {root.application}".rstrip()


def _detail(root: Session, waiters: Sequence[Waiting], ddl: Waiting | None) -> dict[str, object]:
    pids = [waiter["pid"] for waiter in waiters]
    change = {"ddl": ddl["pid"]} if ddl else {}
    return {"role": root.role, "application": root.application, "waiting": pids, **change}


def _waiting(waiter: Waiting) -> str:
    lock = f"{waiter['mode']} on {waiter['relation'] or waiter['locktype']}"
    waits = float(str(waiter["waits"]))
    return f"pid {waiter['pid']} of {waiter['role']} waits {waits:.0f} s for {lock}: {waiter['query']}"
