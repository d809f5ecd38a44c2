"""Probes of the upkeep of tables: what autovacuum leaves lying, statistics of long ago, and air in files."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from psycopg import sql

from hutch.model.finding import Seen, Status
from hutch.providers.postgres.client import Client, Row
from hutch.providers.postgres.config import Config
from hutch.providers.postgres.errors import CAUSE_CODES, Kind, PostgresError
from hutch.providers.postgres.looks import SHOWN_GROUPS
from hutch.providers.postgres.plans import qualified
from hutch.providers.postgres.queries import query

MEGABYTE = 1024.0 * 1024.0
NEEDS_STATS = "the columns of {count} tables can't be looked into: grant this login SELECT on them, or pg_read_all_data"
NEEDS_EXTENSION = "bloat_exact needs the extension pgstattuple in this database: create extension pgstattuple"
EXACT = 3
"""Suspected tables, and as many indexes, that one look measures: each is read from end to end."""


@dataclass(slots=True)
class Upkeep:
    """Remembers since when each table has been due, which the server doesn't say."""

    client: Client
    config: Config
    now: Callable[[], float] = time.monotonic
    _due: dict[tuple[str, str, str], float] = field(default_factory=dict)

    async def autovacuum(self) -> Seen:
        """Tables with many dead or changed rows that autovacuum does not come to."""
        care = self.config.care
        rows = await self.client.rows(query("upkeep"), {"rows": care.upkeep_rows, "factor": care.overdue_factor})
        holders = (
            await self.client.rows(query("horizon"), self.config.protection() | {"catalogs": False}) if rows else []
        )
        held = bool(holders) and self._in_the_way(holders[0])
        excused = bool(holders) and holders[0]["exempt"]
        dirty, stale = [], []
        for row in rows:
            if row["dead"] >= care.overdue_factor * row["dead_at"] and row["dead"] >= care.upkeep_rows:
                dirty.append({**row, "due": self._due_for("dead", row), "held": held, "excused": excused})
            if row["changed"] >= care.overdue_factor * row["changed_at"] and row["changed"] >= care.upkeep_rows:
                stale.append({**row, "due": self._due_for("changed", row)})
        self._forget({(kind, row["schema"], row["table"]) for kind, found in (("dead", dirty), ("changed", stale))
                      for row in found})  # fmt: skip
        behind = [row for row in dirty if not row["vacuuming"] and self._hopeless(row)]
        old = [row for row in stale if not row["analyzing"] and self._unanalyzed(row)]
        data = {"behind": behind[:SHOWN_GROUPS], "stale": old[:SHOWN_GROUPS], "holders": holders if held else []}
        summary = f"{len(dirty)} tables due for vacuum, {len(behind)} given up; {len(old)} with statistics of long ago"
        return Seen(Status.WARN if behind or old else Status.OK, summary, data)

    def _in_the_way(self, holder: Row) -> bool:
        """What lasts without a session, or lasts for long. A backup is right to hold back what it still has to read."""
        if holder["exempt"] or holder["kind"] != "session":
            return not holder["exempt"]
        after = self.config.long_query_after if holder["state"] == "active" else self.config.old_transaction_after
        return bool(holder["seconds"] >= after)

    def _due_for(self, kind: str, row: Row) -> float:
        """Seconds since it was first seen to be due."""
        began = self._due.setdefault((kind, row["schema"], row["table"]), self.now())
        return self.now() - began

    def _forget(self, due: set[tuple[str, str, str]]) -> None:
        self._due = {key: at for key, at in self._due.items() if key in due}

    def _hopeless(self, row: Row) -> bool:
        """Whether it will not heal by itself: switched off, in vain, or late for too long."""
        in_vain = (
            row["held"] and row["vacuumed_ago"] is not None and row["vacuumed_ago"] < self.config.care.overdue_after
        )
        late = row["due"] >= self.config.care.overdue_after and not row["excused"]
        return not (row["running"] and row["enabled"]) or in_vain or late

    def _unanalyzed(self, row: Row) -> bool:
        return not (row["running"] and row["enabled"]) or bool(row["due"] >= self.config.care.overdue_after)

    async def bloat(self) -> Seen:
        """Tables and indexes that are mostly air: by an estimate, or where it is asked for by measuring."""
        least = {"least": self.config.care.bloat_size * MEGABYTE}
        tables = await self.client.rows(query("bloat_tables"), least)
        indexes = await self.client.rows(query("bloat_indexes"), least)
        suspects = [row for row in map(_with_air, tables) if self._airy(row) and not row["vacuuming"]]
        airy = [row for row in map(_with_air, indexes) if self._airy(row) and not row["building"]]
        reason = _blind([*tables, *indexes])
        if self.config.care.bloat_exact:
            suspects, airy, reason = await self._measured(suspects, airy, reason)
        data = {"tables": suspects[:SHOWN_GROUPS], "indexes": airy[:SHOWN_GROUPS]}
        found = len(suspects) + len(airy)
        summary = (
            f"{len(suspects)} tables and {len(airy)} indexes are mostly air" if found else "no table is mostly air"
        )
        if reason and not found:
            return Seen(Status.UNKNOWN, "bloat can't be told", data, reason=reason)
        return Seen(Status.WARN if found else Status.OK, summary, data, tuple(map(air_line, suspects + airy)), reason)

    def _airy(self, row: Row) -> bool:
        care = self.config.care
        much = row["air"] >= care.bloat_size * MEGABYTE
        return bool(much and 100.0 * row["air"] >= care.bloat_share * row["bytes"])

    async def _measured(
        self, tables: Sequence[Row], indexes: Sequence[Row], reason: str
    ) -> tuple[list[Row], list[Row], str]:
        """Those that measuring confirms."""
        [rights] = await self.client.rows(query("rights"))
        if rights["pgstattuple"] is None:
            return list(tables), list(indexes), NEEDS_EXTENSION
        schema = rights["pgstattuple_schema"]
        try:
            exact_tables = [await self._exact(row, row["table"], "pgstattuple", schema) for row in tables[:EXACT]]
            exact_indexes = [await self._exact(row, row["index"], "pgstatindex", schema) for row in indexes[:EXACT]]
        except PostgresError as error:
            if error.kind in CAUSE_CODES:
                raise
            grant = ": grant this login pg_stat_scan_tables" if error.kind is Kind.PERMISSION else ""
            return list(tables), list(indexes), f"pgstattuple could not measure: {error}{grant}"
        return list(filter(self._airy, exact_tables)), list(filter(self._airy, exact_indexes)), reason

    async def _exact(self, row: Row, relation: str, measure: str, schema: str) -> Row:
        name = sql.Identifier(row["schema"], relation).as_string()
        text = query(measure).replace("SCHEMA", sql.Identifier(schema).as_string())
        [found] = await self.client.rows(text, {"name": name})
        return {**row, "air": found["air"], "bytes": found["bytes"], "exact": True}


def _with_air(row: Row) -> Row:
    known = not row["blind"] and row["rows"] >= 0 and row["needed"] is not None
    return {**row, "air": max(row["bytes"] - row["needed"], 0.0) if known else 0.0, "exact": False}


def _blind(rows: Sequence[Row]) -> str:
    """Only what may not be read is beyond us: what was never analyzed has no statistics for anybody."""
    closed = {(row["schema"], row["table"]) for row in rows if row["blind"] and not row["readable"]}
    return NEEDS_STATS.format(count=len(closed)) if closed else ""


def air_line(row: Row) -> str:
    """How much of a file is air."""
    name = qualified(row["schema"], row.get("index") or row["table"])
    how = "measured" if row["exact"] else "estimated"
    percent = 100.0 * row["air"] / max(row["bytes"], 1.0)
    return f"{name}: {row['air'] / MEGABYTE:.0f} of {row['bytes'] / MEGABYTE:.0f} MB are air ({percent:.0f} %, {how})"
