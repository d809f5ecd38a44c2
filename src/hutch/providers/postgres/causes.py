"""Which findings mean which cause, and what would cure it. Pure: the figures stand in the findings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from hutch.model.finding import Cause, Finding, Object
from hutch.providers.postgres.capacity_causes import exhausted
from hutch.providers.postgres.flow_causes import (
    busy,
    damaged,
    deadlocking,
    missing_the_cache,
    spilling,
    spilling_statements,
)
from hutch.providers.postgres.index_causes import invalid, missing
from hutch.providers.postgres.lasting import IDLE_IN_TRANSACTION, RUNNING
from hutch.providers.postgres.lock_causes import blocked, roots
from hutch.providers.postgres.remedies import ending_for_good, restarting
from hutch.providers.postgres.replication_causes import filling, lagging, retaining, unarchived
from hutch.providers.postgres.sessions import Session
from hutch.providers.postgres.upkeep_causes import behind, bloated, running_out, stale, wrapping

CODES = {
    "postgres.unreachable": "No server answers at the address: it is down, starting, stopping, or the way is cut.",
    "postgres.auth": "The server answers and refuses the login: password, role, pg_hba.conf or database name.",
    "postgres.connections_exhausted": "The connections that ordinary roles may use are taken; new ones are refused.",
    "postgres.connection_leak": "Many sessions of one role hold a transaction open without doing anything in it.",
    "postgres.idle_in_transaction": "One session has held a transaction open for long without doing anything in it.",
    "postgres.blocked_by_lock": "One session holds a lock that others have to wait for, and waits for nobody itself.",
    "postgres.ddl_queue": "A change of a table waits for a session that uses it, and makes everybody else wait.",
    "postgres.missing_index": "A statement that runs often reads a large table for few of its rows: no index helps it.",
    "postgres.invalid_index": "An index was left half-made: every write pays for it, and no statement can use it.",
    "postgres.long_query": "One statement has run for long, without being a backup or upkeep of the database.",
    "postgres.cpu_query": "A heavy statement that runs again and again takes most of a processor.",
    "postgres.deadlocks": "Transactions take the same rows in different orders, and the server ends some of them.",
    "postgres.temp_spill": "Statements that run often sort and join on the disk: work_mem is too small for them.",
    "postgres.cache_miss": "What statements read again and again does not fit into shared_buffers.",
    "postgres.corruption": "A page was read that does not match its checksum: what was stored is damaged.",
    "postgres.stale_statistics": "Plans are made from statistics of a table as it was before most of it changed.",
    "postgres.bloat": "A table or index is mostly air: dead rows, or room that they left.",
    "postgres.autovacuum_behind": "Dead rows pile up in a table: autovacuum does not come, or may not take them away.",
    "postgres.replication_lag": "A standby is far behind: what is read there is old, and a failover would lose more.",
    "postgres.slot_retains_wal": "A replication slot that nobody reads makes the server keep WAL without end.",
    "postgres.archiver_failing": "Finished WAL files do not reach the archive: recovery ends before them.",
    "postgres.disk_full": "The server's disk is full, or nearly so by its configured capacity.",
    "postgres.wraparound": "The transaction numbers run out: at their end the server refuses every write.",
    "postgres.sequence_exhaustion": "A sequence, or the column that it fills, comes to its end: inserts will fail.",
}
_SHOWN = 5


def explain(findings: Sequence[Finding]) -> list[Cause]:
    """The causes that this provider's findings show, for each target by itself."""
    by_target: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.check.startswith("postgres."):
            by_target[finding.target].append(finding)
    return [cause for target, group in by_target.items() for cause in _explain(target, group, findings)]


def _explain(target: str, findings: Sequence[Finding], everything: Sequence[Finding]) -> list[Cause]:
    refusals = _refusals(target, findings)
    by_check = {finding.check: finding for finding in findings if "code" not in finding.data and finding.data}
    connections = by_check.get("postgres.connections")
    idle = by_check.get("postgres.idle_in_transaction")
    groups = _leaks(idle) if idle else []
    leaks = [_leak(target, group, connections) for group in groups]
    leaked = {session.pid for group in groups for session in group}
    blocking = by_check.get("postgres.locks")
    spills = by_check.get("postgres.temp_files")
    late = behind(target, by_check.get("postgres.autovacuum"))
    covered = leaked | roots(blocking)
    return [
        *refusals,
        *leaks,
        *([] if refusals else exhausted(target, everything, connections, len(leaked))),
        *blocked(target, blocking, leaked),
        *missing(target, by_check.get("postgres.missing_indexes")),
        *invalid(target, by_check.get("postgres.invalid_indexes")),
        *damaged(target, by_check.get("postgres.checksums")),
        *deadlocking(target, by_check.get("postgres.deadlocks")),
        *busy(target, by_check.get("postgres.cpu_statements"), spilling_statements(spills)),
        *spilling(target, spills),
        *missing_the_cache(target, by_check.get("postgres.cache")),
        *filling(target, by_check.get("postgres.disk")),
        *retaining(target, by_check.get("postgres.slots")),
        *lagging(target, by_check.get("postgres.replication")),
        *unarchived(target, by_check.get("postgres.archiver")),
        *late,
        *stale(target, by_check.get("postgres.autovacuum")),
        *bloated(target, by_check.get("postgres.bloat"), [cause.object.id for cause in late]),
        *running_out(target, by_check.get("postgres.sequences")),
        *wrapping(target, by_check.get("postgres.wraparound")),
        *(_old(target, session) for session in _old_ones(idle) if session.pid not in covered),
        *(_long(target, s) for s in _sessions(by_check.get("postgres.long_queries")) if s.pid not in covered),
    ]


def _refusals(target: str, findings: Sequence[Finding]) -> list[Cause]:
    """One cause for each way in which the server could not be used, however many checks ran into it."""
    by_code = {str(f.data["code"]): f for f in reversed(findings) if "code" in f.data}
    return [
        Cause(
            code=code,
            object=Object("database", str(finding.data["database"])),
            confidence=0.95,
            summary=f"{finding.summary}: {finding.reason}",
            target=target,
            evidence=finding.evidence,
            remedies=restarting() if code == "postgres.unreachable" else (),
        )
        for code, finding in by_code.items()
    ]


def _sessions(finding: Finding | None) -> list[Session]:
    """The sessions of a finding that may be blamed."""
    listed = finding.data.get("sessions", ()) if finding else ()
    assert isinstance(listed, Iterable)
    return [session for session in map(Session.read, listed) if not session.exempt]


def _leaks(idle: Finding) -> list[list[Session]]:
    """Sessions of one role and application, enough of them to be a leak; else of one role whatever its applications."""
    least = _figure(idle.data, "leak_sessions")
    by_role: dict[str, list[Session]] = defaultdict(list)
    for session in _sessions(idle):
        by_role[session.role].append(session)
    return [group for sessions in by_role.values() for group in _leaks_of_role(sessions, least)]


def _leaks_of_role(sessions: Sequence[Session], least: float) -> list[list[Session]]:
    by_application: dict[str, list[Session]] = defaultdict(list)
    for session in sessions:
        by_application[session.application].append(session)
    groups = [group for group in by_application.values() if len(group) >= least]
    return groups or ([list(sessions)] if len(sessions) >= least else [])


def _leak(target: str, group: Sequence[Session], connections: Finding | None) -> Cause:
    role = group[0].role
    application = group[0].application if len({s.application for s in group}) == 1 else ""
    who = f"{role} ({application})" if application else role
    youngest, oldest = min(s.idle_seconds for s in group), max(s.idle_seconds for s in group)
    began = min(s.xact_start for s in group)
    since = datetime.fromisoformat(began) if began else None
    detail = {"pids": sorted(s.pid for s in group), "release": None, "application": application}
    return Cause(
        code="postgres.connection_leak",
        object=Object("role", role, detail),
        confidence=_leak_confidence(oldest, connections),
        summary=f"{len(group)} sessions of {who} hold transactions open and do nothing in them",
        target=target,
        evidence=(
            f"{len(group)} sessions of {who} idle in transaction for {_between(youngest, oldest)} s",
            *_share(len(group), connections),
            f"the first of these transactions began at {began}",
            f"their last statements: {'; '.join(sorted({s.query for s in group})[:_SHOWN])}",
        ),
        remedies=ending_for_good(
            target, group, f"end the {len(group)} leaked sessions of {who}", role, IDLE_IN_TRANSACTION
        ),
        since=since,
    )


def _between(least: float, most: float) -> str:
    return f"{most:.0f}" if round(least) == round(most) else f"{least:.0f} to {most:.0f}"


def _leak_confidence(oldest: float, connections: Finding | None) -> float:
    """Surer the longer they last (a minute is no slow moment any more) and when the server is nearly full."""
    used = connections.data if connections and "percent" in connections.data else None
    nearly_full = used is not None and _figure(used, "percent") >= _figure(used, "warn")
    return round(0.8 + 0.1 * min(oldest / 60.0, 1.0) + (0.05 if nearly_full else 0.0), 2)


def _share(count: int, connections: Finding | None) -> tuple[str, ...]:
    if connections is None or "usable" not in connections.data:
        return ()
    usable = _figure(connections.data, "usable")
    return (f"{count} of {usable:.0f} usable connections are theirs ({100 * count / usable:.0f} %)",)


def _old_ones(idle: Finding | None) -> list[Session]:
    return [s for s in _sessions(idle) if idle and s.idle_seconds >= _figure(idle.data, "old_after")]


def _old(target: str, session: Session) -> Cause:
    return Cause(
        code="postgres.idle_in_transaction",
        object=Object("session", str(session.pid), {"role": session.role, "application": session.application}),
        confidence=0.75,
        summary=f"session {session.pid} of {session.role} holds a transaction open and does nothing in it",
        target=target,
        evidence=(
            f"idle in transaction for {session.idle_seconds:.0f} s, since its transaction of {session.xact_start}",
            f"its last statement: {session.query}",
        ),
        remedies=ending_for_good(
            target, [session], f"end session {session.pid} of {session.role}", session.role, IDLE_IN_TRANSACTION
        ),
        since=datetime.fromisoformat(session.xact_start) if session.xact_start else None,
    )


def _long(target: str, session: Session) -> Cause:
    """Long by itself harms nobody for sure: the least sure of the causes, a warning rather."""
    return Cause(
        code="postgres.long_query",
        object=Object("session", str(session.pid), {"role": session.role, "application": session.application}),
        confidence=0.3,
        summary=f"session {session.pid} of {session.role} has run one statement for {session.idle_seconds:.0f} s",
        target=target,
        evidence=(f"running for {session.idle_seconds:.0f} s: {session.query}",),
        remedies=ending_for_good(
            target,
            [session],
            f"end session {session.pid} of {session.role} and its statement",
            session.role,
            RUNNING,
        ),
    )


def _figure(data: Mapping[str, object], name: str) -> float:
    return float(str(data[name]))
