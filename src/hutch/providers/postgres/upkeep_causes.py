"""Causes that grow slowly: numbers that run out, rows that nothing cleans up, statistics of long ago."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hutch.model.effect import Effect
from hutch.model.finding import Cause, Finding, Object, Remedy
from hutch.providers.postgres.items import Item, items, number
from hutch.providers.postgres.plans import qualified
from hutch.providers.postgres.remedies import (
    ANALYZE,
    DROP_SLOT,
    EXTEND_SEQUENCE,
    FIRST,
    LATER,
    REINDEX,
    USUAL,
    VACUUM,
    ending,
)
from hutch.providers.postgres.sessions import Session


def running_out(target: str, finding: Finding | None) -> list[Cause]:
    """A cause for each sequence that is near its end."""
    return [_running_out(target, item) for item in items(finding, "sequences")]


def _running_out(target: str, item: Item) -> Cause:
    name, used = qualified(str(item["schema"]), str(item["sequence"])), number(item, "used")
    fills = f"{item['table']}.{item['column']}" if item["column"] else ""
    args = {"schema": item["schema"], "sequence": item["sequence"]}
    narrow = f"its column {fills} is {item['column_type']}, which ends at {item['most']}" if fills else ""
    return Cause(
        code="postgres.sequence_exhaustion",
        object=Object("sequence", name, {"schema": item["schema"], "table": item["table"], "column": item["column"]}),
        confidence=0.9 if used >= 95 else 0.75,
        summary=f"sequence {name} has used {used:.1f} % of its numbers: after {item['most']} every insert fails",
        target=target,
        evidence=(f"the last number drawn is {item['last']}, the last one there is {item['most']}",
                  *((narrow,) if narrow else ())),
        remedies=(Remedy(EXTEND_SEQUENCE, target, args, f"give sequence {name} room", rank=USUAL),),
    )  # fmt: skip


def wrapping(target: str, finding: Finding | None) -> list[Cause]:
    """One cause for the database whose rows are the oldest, with the table that holds them where it can be seen."""
    if finding is None or finding.data.get("near") is not True:
        return []
    worst = finding.data["database"]
    assert isinstance(worst, Mapping)
    tables, holders = items(finding, "tables"), items(finding, "holders")
    age = max(number(worst, "age"), number(worst, "multi_age"))
    what = _table(tables[0]) if tables else Object("database", str(worst["database"]))
    return [
        Cause(
            code="postgres.wraparound",
            object=what,
            confidence=0.9,
            summary=f"{finding.data['used']} % of the transaction numbers are used up: at the end no write is taken",
            target=target,
            evidence=(
                f"the oldest rows of database {worst['database']} are {age:.0f} transactions old",
                *(_aged(table) for table in tables),
                *map(held_back, holders),
            ),
            remedies=(*freeing(target, holders), *_frozen(target, tables)),
        )
    ]


def _table(item: Item) -> Object:
    return Object("table", qualified(str(item["schema"]), str(item["table"])), {"schema": item["schema"]})


def _aged(item: Item) -> str:
    name = qualified(str(item["schema"]), str(item["table"]))
    now = ", being vacuumed now" if item["vacuuming"] else ""
    return f"{name}: {max(number(item, 'age'), number(item, 'multi_age')):.0f} transactions since it was frozen{now}"


def _frozen(target: str, tables: Sequence[Item]) -> tuple[Remedy, ...]:
    return tuple(vacuuming(target, table, USUAL, freeze=True) for table in tables[:1] if not table["vacuuming"])


def vacuuming(target: str, item: Item, rank: int, *, freeze: bool = False) -> Remedy:
    """Vacuum of one table."""
    name = qualified(str(item["schema"]), str(item["table"]))
    args: Mapping[str, object] = {"schema": item["schema"], "table": item["table"]}
    more = {"freeze": True} if freeze else {}
    return Remedy(
        VACUUM, target, {**args, **more}, f"vacuum {name}{' and freeze its rows' if freeze else ''}", rank=rank
    )


def held_back(holder: Item) -> str:
    """Who keeps vacuum from taking rows away, on one line."""
    since = f", for {number(holder, 'seconds'):.0f} s" if number(holder, "seconds") else ""
    return (
        f"{holder['kind']} {holder['id']} ({holder['holder']}) holds back rows of the last {holder['age']} "
        f"transactions{since}"
    )


def freeing(target: str, holders: Sequence[Item]) -> tuple[Remedy, ...]:
    """Let go of the oldest holder: end its session, or drop its slot where nobody reads it. Never an exempt one."""
    if not holders or holders[0]["exempt"]:
        return ()
    oldest = holders[0]
    if oldest["kind"] == "session":
        session = Session.seen(oldest)
        return ending(target, [session], f"end session {session.pid}, which holds back vacuum", FIRST)
    if oldest["kind"] == "slot" and oldest["state"] == "inactive":
        return (dropping_slot(target, str(oldest["id"]), oldest["restart_lsn"]),)
    return ()


def dropping_slot(target: str, slot: str, restart_lsn: object) -> Remedy:
    """Whoever read it can't go on from where it was: history is lost."""
    args = {"slot": slot, "restart_lsn": restart_lsn}
    return Remedy(DROP_SLOT, target, args, f"drop replication slot {slot}", Effect.DESTROY, LATER)


def behind(target: str, finding: Finding | None) -> list[Cause]:
    """A cause for each table whose dead rows nothing takes away, with who is in the way."""
    holders = items(finding, "holders")
    return [_behind(target, item, holders) for item in items(finding, "behind")]


def _behind(target: str, item: Item, holders: Sequence[Item]) -> Cause:
    name = qualified(str(item["schema"]), str(item["table"]))
    held = holders if item["held"] else []
    ago = f"{number(item, 'vacuumed_ago'):.0f} s ago" if item["vacuumed_ago"] is not None else "never"
    vacuum = vacuuming(target, item, USUAL)
    return Cause(
        code="postgres.autovacuum_behind",
        object=Object("table", name, {"schema": item["schema"]}),
        confidence=_sure(item, held),
        summary=f"{name} has {item['dead']} dead rows for {item['live']} live ones: autovacuum {_why(item, held)}",
        target=target,
        evidence=(
            f"autovacuum would come at {number(item, 'dead_at'):.0f} dead rows; the table was vacuumed {ago}",
            *map(held_back, held),
        ),
        remedies=(*freeing(target, held), vacuum),
    )


def _why(item: Item, held: Sequence[Item]) -> str:
    if held:
        return f"may not take them away: {held[0]['kind']} {held[0]['id']} might still look at them"
    return _off(item) or f"has not come for {number(item, 'due'):.0f} s"


def _sure(item: Item, held: Sequence[Item]) -> float:
    """What can't heal by itself is surer than what is late."""
    return 0.75 if held or _off(item) else 0.6


def _off(item: Item) -> str:
    if not item["running"]:
        return "is switched off on this server"
    return "" if item["enabled"] else "is switched off for it"


def stale(target: str, finding: Finding | None) -> list[Cause]:
    """A cause for each table whose plans are made from statistics of long ago."""
    return [_stale(target, item) for item in items(finding, "stale")]


def _stale(target: str, item: Item) -> Cause:
    name = qualified(str(item["schema"]), str(item["table"]))
    ago = f"{number(item, 'analyzed_ago'):.0f} s ago" if item["analyzed_ago"] is not None else "never"
    late = f"autovacuum {_off(item) or 'has not come for ' + format(number(item, 'due'), '.0f') + ' s'}"
    args = {"schema": item["schema"], "table": item["table"]}
    return Cause(
        code="postgres.stale_statistics",
        object=Object("table", name, {"schema": item["schema"]}),
        confidence=_sure(item, ()),
        summary=f"{item['changed']} rows of {name} have changed since its statistics were made: plans are guesses",
        target=target,
        evidence=(
            f"analyzed {ago}; the planner takes it for {number(item, 'rows'):.0f} rows, it has {item['live']}",
            f"{late}; it would come at {number(item, 'changed_at'):.0f} changed rows",
        ),
        remedies=(Remedy(ANALYZE, target, args, f"analyze {name}", rank=USUAL),),
    )


def bloated(target: str, finding: Finding | None, elsewhere: Sequence[str]) -> list[Cause]:
    """A cause for each table and index that is mostly air; tables ``elsewhere`` have theirs already."""
    tables = [_bloated_table(target, item) for item in items(finding, "tables")]
    indexes = [_bloated_index(target, item) for item in items(finding, "indexes")]
    return [*(cause for cause in tables if cause.object.id not in elsewhere), *indexes]


REUSABLE = 0.2
"""Dead rows, as a part of the live ones, from which on a vacuum gains room that can be used again."""


def _bloated_table(target: str, item: Item) -> Cause:
    """A plain vacuum is offered where it helps: it makes dead rows' room usable, and gives nothing back."""
    name = qualified(str(item["schema"]), str(item["table"]))
    dead, rows = number(item, "dead"), number(item, "rows")
    return Cause(
        code="postgres.bloat",
        object=Object("table", name, {"schema": item["schema"]}),
        confidence=0.75 if item["exact"] else 0.5,
        summary=f"table {name} is mostly air: {_air(item)}",
        target=target,
        evidence=(f"{rows:.0f} rows, {dead:.0f} dead ones, {_how(item)}", *_giving_back(item)),
        remedies=(vacuuming(target, item, USUAL),) if dead > REUSABLE * rows else (),
    )


def _giving_back(item: Item) -> tuple[str, ...]:
    """What a person may do by hand, once it is planned: the file is written anew, and that takes a lock and room.

    Source: the PostgreSQL manual on VACUUM FULL; pg_repack's on the locks at its beginning and its end."""
    schema, table = str(item["schema"]), str(item["table"])
    quoted = ".".join('"' + name.replace('"', '""') + '"' for name in (schema, table))
    room = max(number(item, "bytes") - number(item, "air"), 0.0) / 2.0**20
    return (
        "plain vacuum gives nothing back to the disk; new rows fill the room by and by: there is no hurry",
        f"by hand, in a planned pause: VACUUM (FULL, ANALYZE) {quoted}; it holds ACCESS EXCLUSIVE until it is done "
        f"(nobody reads or writes the table) and takes another {room:.0f} MB, and its indexes, meanwhile",
        f"by hand, while it is in use: pg_repack --table={schema}.{table}; that lock for a moment at its ends alone",
    )


def _bloated_index(target: str, item: Item) -> Cause:
    schema, name = str(item["schema"]), qualified(str(item["schema"]), str(item["index"]))
    args = {"schema": schema, "index": item["index"], "oid": item["oid"]}
    return Cause(
        code="postgres.bloat",
        object=Object("index", name, {"table": qualified(schema, str(item["table"])), "schema": schema}),
        confidence=0.75 if item["exact"] else 0.5,
        summary=f"index {name} is mostly air: {_air(item)}",
        target=target,
        evidence=(f"{number(item, 'rows'):.0f} entries, {_how(item)}",),
        remedies=(Remedy(REINDEX, target, args, f"make index {name} anew while it stays in use", rank=USUAL),),
    )


def _air(item: Item) -> str:
    megabytes = 2.0**20
    return f"{number(item, 'air') / megabytes:.0f} of {number(item, 'bytes') / megabytes:.0f} MB"


def _how(item: Item) -> str:
    return "measured by pgstattuple" if item["exact"] else "estimated from the average width of what is stored"
