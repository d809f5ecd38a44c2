"""Causes on the way out of the server: a standby that falls behind, WAL kept for nobody, an archive, a full disk."""

from __future__ import annotations

from hutch.model.finding import Cause, Finding, Object
from hutch.providers.postgres.items import Item, items, number
from hutch.providers.postgres.standbys import lag_line
from hutch.providers.postgres.upkeep_causes import dropping_slot

MEGABYTE, GIGABYTE = 1024.0**2, 1024.0**3


def lagging(target: str, finding: Finding | None) -> list[Cause]:
    """A cause for each standby that is behind, and for this server where it is one."""
    if finding is None:
        return []
    behind = [_lagging(target, item) for item in items(finding, "standbys")]
    return [*behind, *(_stuck(target, item, str(finding.data["where"])) for item in items(finding, "itself"))]


def _lagging(target: str, item: Item) -> Cause:
    return Cause(
        code="postgres.replication_lag",
        object=Object("host", str(item["standby"]), {"client": item["client"], "state": item["state"]}),
        confidence=0.75,
        summary=f"standby {item['standby']} is {number(item, 'behind') / MEGABYTE:.0f} MB of WAL behind",
        target=target,
        evidence=(
            lag_line(dict(item)),
            "what is not replayed waits on the standby: for its disk, for a query there, or for a pause to end",
        ),
    )


def _stuck(target: str, item: Item, where: str) -> Cause:
    paused = "its replay is paused: select pg_wal_replay_resume()" if item["paused"] else "its replay is not paused"
    cut = "" if item["receiving"] else "; it receives nothing from its primary"
    return Cause(
        code="postgres.replication_lag",
        object=Object("host", where),
        confidence=0.75,
        summary=f"this standby has not replayed {number(item, 'unplayed') / MEGABYTE:.1f} MB that it received{cut}",
        target=target,
        evidence=(f"the last transaction was replayed {number(item, 'replayed_ago'):.0f} s ago", paused),
    )


def retaining(target: str, finding: Finding | None) -> list[Cause]:
    """A cause for each slot that nobody reads."""
    return [_retaining(target, item) for item in items(finding, "slots")]


def _retaining(target: str, item: Item) -> Cause:
    kind = f"{item['type']} slot" + (f" of {item['plugin']}, database {item['database']}" if item["plugin"] else "")
    what = "lost the WAL that its reader needs" if item["status"] == "lost" else _kept(item)
    return Cause(
        code="postgres.slot_retains_wal",
        object=Object("slot", str(item["slot"]), {"restart_lsn": item["restart_lsn"], "type": item["type"]}),
        confidence=0.8,
        summary=f"slot {item['slot']}, which nobody reads, {what}",
        target=target,
        evidence=(
            f"{kind}, inactive, stands at {item['restart_lsn']}, status {item['status']}",
            "start its reader again if there is one; max_slot_wal_keep_size bounds what a slot may keep",
        ),
        remedies=(dropping_slot(target, str(item["slot"]), item["restart_lsn"]),),
    )


def _kept(item: Item) -> str:
    return f"makes the server keep {number(item, 'kept') / MEGABYTE:.0f} MB of WAL"


def unarchived(target: str, finding: Finding | None) -> list[Cause]:
    """Finished WAL files do not reach the archive."""
    if finding is None or finding.data.get("failing") is not True:
        return []
    data = finding.data
    since = "never before" if data["archived_ago"] is None else f"{number(data, 'archived_ago'):.0f} s ago"
    return [
        Cause(
            code="postgres.archiver_failing",
            object=Object("setting", "archive_command"),
            confidence=0.8,
            summary="WAL files are not archived: recovery ends at the last one that was, and pg_wal grows",
            target=target,
            evidence=(
                f"{data['last_failed_wal']} failed {number(data, 'failed_ago'):.0f} s ago, "
                f"{data['failed_count']} failures; the last success was {since}",
                "the server's log has what archive_command (or archive_library) said",
            ),
        )
    ]


def filling(target: str, finding: Finding | None) -> list[Cause]:
    """The disk is full, or nearly so by the capacity that was configured."""
    if finding is None or finding.data.get("bad") is not True:
        return []
    data = finding.data
    used, capacity, wal = (number(data, name) / GIGABYTE for name in ("used", "capacity", "wal"))
    excess = number(data, "wal") > 2 * number(data, "max_wal")
    return [
        Cause(
            code="postgres.disk_full",
            object=Object("host", str(data["where"])),
            confidence=0.8,
            summary=f"{used:.1f} of {capacity:.1f} GB are used ({data['percent']} %): at the end no write is taken",
            target=target,
            evidence=(
                f"{wal:.2f} GB are WAL"
                + (", more than max_wal_size explains: a slot or a failing archive holds it" if excess else ""),
                "the capacity is what disk_capacity says; other files on the disk are not counted",
            ),
        )
    ]
