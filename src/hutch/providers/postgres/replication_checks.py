"""Probes of what leaves the server: standbys behind, slots that hold WAL, the archive, and the disk that fills."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from hutch.model.finding import Seen, Status
from hutch.providers.postgres.client import Client, Row, Session
from hutch.providers.postgres.config import Config
from hutch.providers.postgres.errors import Kind, PostgresError
from hutch.providers.postgres.looks import SHOWN_GROUPS
from hutch.providers.postgres.queries import query
from hutch.providers.postgres.standbys import lag_line

MEGABYTE, GIGABYTE = 1024.0**2, 1024.0**3
NEEDS_STATS = "standbys can't be looked at: grant this login pg_monitor"
NEEDS_CAPACITY = "it has room now; the server can't say how large its disk is: set disk_capacity (gigabytes)"
NEEDS_WAL = "the size of the WAL can't be seen: grant this login pg_monitor"


async def replication(client: Client, config: Config) -> Seen:
    """Standbys that are behind at both looks, or this server itself where it is one."""
    itself = await client.rows(query("as_standby"))
    first = [row for row in await client.rows(query("standbys")) if _late(row, config)]
    own = [row for row in itself if _follows_badly(row, config)]
    if first or own:
        await asyncio.sleep(config.sample_gap)
    late = await _still_late(client, config, first) if first else []
    stuck = [row for row in await client.rows(query("as_standby")) if _follows_badly(row, config)] if own else []
    seen = await client.rows(query("standbys"))
    hidden = sum(row["hidden"] for row in seen)
    data = {"standbys": late, "itself": stuck, "hidden": hidden, "database": client.database, "where": client.where}
    if late or stuck:
        return Seen(Status.WARN, f"{len(late) + len(stuck)} standbys behind", data, tuple(map(lag_line, late)))
    if hidden or (itself and not itself[0]["stats"]):
        return Seen(Status.UNKNOWN, "replication can't be looked at", data, reason=NEEDS_STATS)
    what = "this standby follows" if itself else f"{len(seen)} standbys, none behind" if seen else "no standby"
    return Seen(Status.OK, what, data)


async def _still_late(client: Client, config: Config, first: Sequence[Row]) -> list[Row]:
    known = {row["standby"] for row in first}
    rows = await client.rows(query("standbys"))
    return [row for row in rows if row["standby"] in known and _late(row, config)][:SHOWN_GROUPS]


def _late(row: Row, config: Config) -> bool:
    if row["hidden"] or row["state"] == "backup":
        return False
    return bool(row["behind"] >= config.care.lag_size * MEGABYTE or (row["seconds"] or 0) >= config.care.lag_seconds)


def _follows_badly(row: Row, config: Config) -> bool:
    """Much received and not replayed, or nothing received any more; an idle primary sends nothing new, and is well."""
    unplayed = row["unplayed"] or 0.0
    old = (row["replayed_ago"] or 0.0) >= config.care.lag_seconds
    cut = row["stats"] and not row["receiving"] and old
    return bool(unplayed >= config.care.lag_size * MEGABYTE or (unplayed > 0 and old) or cut)


async def slots(client: Client, config: Config) -> Seen:
    """Slots that nobody reads, at both looks, and for which the server keeps WAL."""
    first = [row for row in await client.rows(query("slots")) if _holds(row, config)]
    if first:
        await asyncio.sleep(config.sample_gap)
    known = {(row["slot"], row["restart_lsn"]) for row in first}
    rows = await client.rows(query("slots"))
    held = [row for row in rows if _holds(row, config) and (row["slot"], row["restart_lsn"]) in known]
    data = {"slots": held[:SHOWN_GROUPS]}
    summary = f"{len(held)} of {len(rows)} slots hold WAL for nobody" if held else f"{len(rows)} slots, all well"
    return Seen(Status.WARN if held else Status.OK, summary, data)


def _holds(row: Row, config: Config) -> bool:
    lost = row["status"] in ("lost", "unreserved")
    return not row["active"] and not row["temporary"] and (lost or row["kept"] >= config.care.slot_size * MEGABYTE)


async def archiver(client: Client) -> Seen:
    """Whether finished WAL files reach the archive; until they do, the server keeps them all."""
    [row] = await client.rows(query("archiver"))
    if row["mode"] == "off":
        return Seen(Status.OK, "no archive is kept (archive_mode off)", {"failing": False})
    if not row["failing"]:
        return Seen(Status.OK, f"{row['archived_count']} WAL files archived", {"failing": False})
    return Seen(Status.WARN, f"archiving fails, last {row['failed_ago']:.0f} s ago", dict(row))


async def disk(client: Client, config: Config) -> Seen:
    """Whether the server can write a little, and what the databases and the WAL take, as far as it can say.

    A full disk is the error of kind ``FULL`` that the writing ends in."""
    await client.look(_written)
    [row] = await client.rows(query("disk"))
    wal, reason = await _wal(client)
    used, capacity = (row["databases"] or 0.0) + wal, config.care.disk_capacity * GIGABYTE
    percent = 100.0 * used / capacity if capacity else 0.0
    bad = bool(capacity) and percent >= config.care.disk_bad
    notes = [reason, NEEDS_CAPACITY if not capacity else "", _unmeasured(row)]
    said = "; ".join(note for note in notes if note)
    data = {"used": used, "wal": wal, "capacity": capacity, "percent": round(percent, 1), "bad": bad,
            "max_wal": row["max_wal"], "database": client.database, "where": client.where}  # fmt: skip
    of = f" of {capacity / GIGABYTE:.1f} ({percent:.0f} %)" if capacity else ""
    summary = f"{used / GIGABYTE:.2f}{of} GB used, {wal / GIGABYTE:.2f} of them WAL"
    return Seen(Status.BAD if bad else Status.OK if capacity else Status.UNKNOWN, summary, data, reason=said)


async def _written(session: Session) -> None:
    await session.execute("select set_config('work_mem', '64kB', true)", prepare=True)
    await session.execute(query("spill").encode(), prepare=True)


def _unmeasured(row: Row) -> str:
    return f"{row['hidden']} databases can't be measured: grant this login pg_monitor" if row["hidden"] else ""


async def _wal(client: Client) -> tuple[float, str]:
    try:
        [row] = await client.rows(query("wal_size"))
    except PostgresError as error:
        if error.kind is not Kind.PERMISSION:
            raise
        return 0.0, NEEDS_WAL
    return float(row["bytes"]), ""
