"""Probes of what the server does now, by change over the last interval: deadlocks, spills, misses, lost sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hutch.model.finding import Seen, Status
from hutch.providers.postgres.client import Client, Row
from hutch.providers.postgres.config import Config
from hutch.providers.postgres.intervals import OURS, Interval, Intervals
from hutch.providers.postgres.looks import SHOWN_GROUPS
from hutch.providers.postgres.queries import query
from hutch.providers.postgres.sessions import iso, without_literals

MEGABYTE = 1024.0 * 1024.0
HABIT = 2
"""Executions within one interval that make a habit: a report, a backup or the making of an index runs once."""
PATIENCE = 2.0
"""Seconds more that a first look gives sessions that wait for each other: the server looks for deadlocks once a
second, and counts them when the victim's next transaction ends."""
UNCOUNTED = "which statements do it can't be told: load pg_stat_statements and create its extension"


@dataclass(frozen=True, slots=True)
class Flow:
    """The checks that share one interval."""

    client: Client
    config: Config
    intervals: Intervals

    async def deadlocks(self) -> Seen:
        """Transactions that the server ended because they waited for each other in a circle."""
        interval, waiting = await self.intervals.latest(), await self.client.rows(query("waits_for_locks"))
        known = interval.after.database["deadlocks"] > 0
        if interval.first and known and waiting and not interval.grown("deadlocks"):
            interval = await self.intervals.again(PATIENCE)
        count = int(interval.grown("deadlocks"))
        per_minute = count * 60 / max(interval.seconds, 60.0)
        bad = count > 0 and per_minute >= self.config.care.deadlocks_per_minute
        data = {
            "count": count,
            "seconds": interval.seconds,
            "bad": bad,
            "database": self.client.database,
            "waiting": [{**row, "query": without_literals(row["query"])} for row in waiting],
        }
        return Seen(_status(bad), f"{count} deadlocks in {interval.seconds:.0f} s", data)

    async def temp_files(self) -> Seen:
        """What statements that got too little memory write to the disk to sort and join, and read again."""
        interval, care = await self.intervals.latest(), self.config.care
        our_bytes, our_files = interval.looking()
        rate = max(interval.grown("temp_bytes") - our_bytes, 0.0) / interval.seconds / MEGABYTE
        files = max(int(interval.grown("temp_files")) - our_files, 0)
        many = rate >= care.temp_rate and files >= HABIT
        dear = await self._dearest(interval, "temp_written") if many else []
        bad = many and (bool(dear) or not interval.after.statements)
        data = {
            "rate": round(rate, 1),
            "files": files,
            "seconds": interval.seconds,
            "bad": bad,
            "statements": dear,
            "work_mem": interval.after.database["work_mem"],
        }
        summary = f"{rate:.1f} MB/s of temporary files over {interval.seconds:.0f} s"
        return Seen(_status(bad), summary, data, reason="" if dear or not bad else UNCOUNTED)

    async def cache(self) -> Seen:
        """Pages that were looked for and not found in shared_buffers."""
        interval, care = await self.intervals.latest(), self.config.care
        block = float(interval.after.database["block_size"])
        hits, reads = interval.grown("hits"), interval.grown("reads")
        percent = 100.0 * hits / max(hits + reads, 1.0)
        rate = reads * block / MEGABYTE / interval.seconds
        many = percent < care.cache_hit and rate >= care.cache_reads
        dear = await self._dearest(interval, "reads") if many else []
        share = sum(row["reads"] for row in dear) / max(reads, 1.0)
        bad = many and share >= 0.5
        data = {
            "percent": round(percent, 1),
            "rate": round(rate, 1),
            "seconds": interval.seconds,
            "bad": bad,
            "statements": dear,
            "shared_buffers": interval.after.database["shared_buffers"],
        }
        summary = f"{percent:.1f} % of the pages found in the cache, {rate:.1f} MB/s read past it"
        blind = many and not interval.after.statements
        return Seen(_status(bad or blind), summary, data, reason=UNCOUNTED if blind else "")

    async def lost_sessions(self) -> Seen:
        """Sessions that ended without a goodbye, by a fatal error, or because somebody ended them: told, no cause."""
        interval = await self.intervals.latest()
        per_minute = interval.grown("sessions_lost") * 60 / max(interval.seconds, 60.0)
        names = ("sessions_abandoned", "sessions_fatal", "sessions_killed")
        counts = {name.removeprefix("sessions_"): int(interval.grown(name)) for name in names}
        many = per_minute >= self.config.care.lost_sessions_per_minute
        summary = ", ".join(f"{count} {name}" for name, count in counts.items())
        return Seen(_status(many), f"sessions in {interval.seconds:.0f} s: {summary}", counts)

    async def slow_statements(self) -> Seen:
        """The statements that took the most time over the interval: told, no cause by themselves."""
        interval = await self.intervals.latest()
        if not interval.after.statements:
            reason = "statements are not counted: load pg_stat_statements and create its extension"
            return Seen(Status.UNKNOWN, "statements are not counted", {}, reason=reason)
        [rights] = await self.client.rows(query("rights"))
        if not rights["stats"]:
            reason = "only this login's own statements can be seen: grant it pg_monitor"
            return Seen(Status.UNKNOWN, "statements can't be looked into", {}, reason=reason)
        ran = interval.statements()
        top = sorted(ran, key=lambda row: -row["milliseconds"])[:SHOWN_GROUPS]
        slow = [row for row in top if _mean(row) >= self.config.slow_statement_after]
        told = await self._told(slow)
        calls = int(sum(row["calls"] for row in ran))
        summary = f"{calls} statements in {interval.seconds:.0f} s, {len(slow)} of the dearest slow"
        return Seen(Status.OK, summary, {"statements": told}, tuple(map(statement_line, told)))

    async def _dearest(self, interval: Interval, by: str) -> list[Row]:
        """The statements that grew the counter, the most first, leaving out those that ran once, and our own looks."""
        block, login = interval.after.database["block_size"], interval.after.database["login"]
        ran = [row for row in interval.statements() if row["calls"] >= (OURS if row["userid"] == login else HABIT)]
        dear = sorted((row for row in ran if row[by] * block >= MEGABYTE), key=lambda row: -row[by])
        return await self._told(dear[:SHOWN_GROUPS])

    async def _told(self, statements: Sequence[Row]) -> list[Row]:
        """With their texts, which lose their values here."""
        if not statements:
            return []
        rows = await self.client.rows(query("statement_texts"), {"ids": [row["queryid"] for row in statements]})
        texts = {row["queryid"]: without_literals(row["query"]) for row in rows}
        return [
            {
                **row,
                "statement": str(row["queryid"]),
                "query": texts.get(row["queryid"], ""),
                "mean": round(_mean(row), 1),
            }
            for row in statements
        ]

    async def checksums(self) -> Seen:
        """Pages that were found damaged when they were read. They stay damaged: what counts is that it was lately."""
        rows = await self.client.rows(query("checksum_failures"))
        within = self.config.care.checksum_failure_hours * 3600
        bad = [row for row in rows if row["failures"] and (row["ago"] is None or row["ago"] <= within)]
        told = [{"database": row["database"], "failures": row["failures"], "last": iso(row["last"])} for row in bad]
        if bad:
            return Seen(Status.BAD, f"{sum(row['failures'] for row in bad)} damaged pages were read", {"damaged": told})
        if not rows[0]["checked"]:
            reason = "the server keeps no checksums of its pages: pg_checksums --enable, while it is stopped"
            return Seen(Status.UNKNOWN, "damage would go unnoticed", {"damaged": []}, reason=reason)
        return Seen(Status.OK, "no page was found damaged", {"damaged": []})


def statement_line(row: Row) -> str:
    """What one statement cost over the interval."""
    return f"statement {row['statement']}: {row['calls']:.0f} times, {row['mean']:g} ms each: {row['query']}"


def _mean(row: Row) -> float:
    return float(row["milliseconds"]) / max(float(row["calls"]), 1.0)


def _status(bad: bool) -> Status:
    return Status.WARN if bad else Status.OK
