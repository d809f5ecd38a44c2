"""What the live database says before any backup is looked at: the table, what hangs on it, and the deletions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches

from psycopg import sql

from hutch.model.event import instant
from hutch.model.pattern import like
from hutch.providers.backup.errors import BackupError
from hutch.providers.backup.recover import look
from hutch.providers.backup.recover.audit import action_of, log_parts, log_table
from hutch.providers.backup.recover.config import RecoverConfig
from hutch.providers.backup.recover.facts import EMPTIED, Name, Reference, Table, named
from hutch.providers.backup.recover.queries import text
from hutch.providers.backup.recover.sessions import Session, rows
from hutch.providers.backup.recover.walk import taken_along
from hutch.providers.backup.recover.wish import Wish

GAP, HORIZON = "10 minutes", "30 days"
"""Deletions of one account with no longer gap between them are one run; how far back runs are looked for."""


@dataclass(frozen=True, slots=True)
class Run:
    """Deletions of one account, one soon after another."""

    account: str
    deletions: int
    first: datetime
    last: datetime

    def __str__(self) -> str:
        who = self.account or "nobody named"
        return f"{self.deletions} by {who} from {instant(self.first)} to {instant(self.last)}"


@dataclass(frozen=True, slots=True)
class Survey:
    """The table, all that rows were deleted from with it, every foreign key, and the wish with its window."""

    root: Name
    tables: Mapping[Name, Table]
    references: Sequence[Reference]
    wish: Wish
    logged: bool
    notes: tuple[str, ...] = ()
    beside: tuple[Table, ...] = ()  # tables that may have lost references

    def data_of(self) -> tuple[str, ...]:
        """Whose rows are needed from the backup, as manifests name them: partitions and not their parents."""
        found = [p for t in (*self.tables.values(), *self.beside) for p in (t.partitions or (t.name,))]
        return tuple(f"{name.schema}.{name.table}" for name in found)


async def surveyed(live: Session, wish: Wish, config: RecoverConfig) -> Survey:
    """Look. :class:`BackupError`: no such table, no audit log, nothing that was deleted."""
    everything = await look.all_names(live)
    root = named(wish.table, everything)
    if root is None:
        near = get_close_matches(wish.table, [str(name) for name in everything], n=1)
        raise BackupError(f"there is no table {wish.table!r}" + (f"; nearest: {near[0]}" if near else ""))
    logged = log_table(config) in everything
    if not logged and not wish.all_missing:
        raise BackupError(
            f"there is no audit log {log_table(config)}: which rows were deleted, and which of them on purpose, can't "
            "be told. Name it under services.*.backup.audit_log; or say all_missing: then every row that the backup "
            "has and the table lacks comes back"
        )
    notes: tuple[str, ...] = ()
    if not wish.all_missing and wish.since is None:
        wish, notes = await _found(live, root, wish, config)
    elif not wish.all_missing:
        await _any_in_window(live, root, wish, config)
    references = await look.references(live)
    tables = await look.tables(live, taken_along(root, references))
    emptied = [r.child for r in references if r.parent in tables and r.on_delete in EMPTIED and r.child not in tables]
    beside = await look.tables(live, emptied)
    return Survey(root, tables, references, wish, logged, notes, tuple(beside.values()))


async def _any_in_window(live: Session, root: Name, wish: Wish, config: RecoverConfig) -> None:
    parts = {"since": wish.since or "-infinity", "until": wish.until or "infinity", "account": wish.account or None}
    literals = {name: sql.Literal(str(value) if value is not None else None) for name, value in parts.items()}
    pattern = sql.Literal(like(action_of(root, config)))
    [row] = await rows(live, text("in_window", pattern=pattern, **literals, **log_parts(config)))
    if not row["found"]:
        by = f" by {wish.account}" if wish.account else ""
        raise BackupError(
            f"the audit log {log_table(config)} knows no deletion of {root} ({action_of(root, config)}){by} between "
            f"{wish.since} and {wish.until or 'now'}: widen the window, or see what --from-audit finds"
        )


async def _found(live: Session, root: Name, wish: Wish, config: RecoverConfig) -> tuple[Wish, tuple[str, ...]]:
    """The window of the largest run of deletions; the other ones are said."""
    runs = await deletion_runs(live, root, wish.account, config)
    if not runs:
        raise BackupError(
            f"the audit log {log_table(config)} knows no deletion of {root} ({action_of(root, config)}) in the last "
            f"{HORIZON}: if it calls it otherwise, say how under services.*.backup.audit_actions; or give the window"
        )
    best, *others = runs
    notes = [f"deletions found in the audit log: {best}"]
    notes += [f"left deleted, another run of deletions: {run}" for run in others]
    window = replace(wish, since=best.first, until=wish.until or best.last, account=best.account or wish.account)
    return window, tuple(notes)


async def deletion_runs(live: Session, root: Name, account: str, config: RecoverConfig) -> list[Run]:
    """The largest runs of deletions of a table's rows, the greatest first."""
    found = await rows(
        live,
        text(
            "burst", pattern=sql.Literal(like(action_of(root, config))), horizon=sql.Literal(HORIZON),
            gap=sql.Literal(GAP), account=sql.Literal(account or None), **log_parts(config),
        ),
    )  # fmt: skip
    return [Run(row["who"] or "", row["deletions"], row["first"], row["last"]) for row in found]
