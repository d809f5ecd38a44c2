"""From what amcheck saw to causes: which objects are damaged, what may be done about each, and in which order. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hutch.model.finding import Cause, Object, Remedy
from hutch.providers.postgres.remedies import REINDEX

SHOWN = 10
"""Messages of one object that are kept."""


@dataclass(frozen=True, slots=True)
class Object_:
    """A table, or an index; with the table that it is part of."""

    kind: str
    schema: str
    name: str
    table_schema: str
    table: str

    def __str__(self) -> str:
        if self.kind == "table" and self.name != self.table:
            return f"what {_named(self.table_schema, self.table)} stores out of line ({self.schema}.{self.name})"
        return f"{self.kind} {_named(self.schema, self.name)}"


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found in one object. ``sound_alone``: an index that is in order by itself, while it can't be held
    against its table. ``unchecked``: why nothing can be said."""

    what: Object_
    messages: tuple[str, ...] = ()
    blocks: tuple[int, ...] = ()
    sound_alone: bool = False
    unchecked: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """The whole look."""

    looked: int
    damaged: tuple[Seen, ...]
    unchecked: tuple[Seen, ...]
    causes: tuple[Cause, ...]
    order: tuple[str, ...]
    checksums: bool
    failures: int

    @property
    def summary(self) -> str:
        """One line."""
        left = f", {len(self.unchecked)} could not be looked at" if self.unchecked else ""
        if not self.damaged:
            return f"no damage in {self.looked} tables and indexes{left}"
        return f"damage in {len(self.damaged)} of {self.looked} tables and indexes{left}"

    def as_dict(self) -> dict[str, object]:
        """The form of ``hutch recover check --json``."""
        return {
            "summary": self.summary,
            "checksums": self.checksums,
            "checksum_failures": self.failures,
            "looked_at": self.looked,
            "damaged": [
                {"object": str(s.what), "kind": s.what.kind, "messages": list(s.messages[:SHOWN]),
                 "blocks": list(s.blocks)}
                for s in self.damaged
            ],
            "unchecked": [{"object": str(s.what), "reason": s.unchecked} for s in self.unchecked],
            "causes": [_cause_dict(cause) for cause in self.causes],
            "order": list(self.order),
        }  # fmt: skip


def report(target: str, seen: Sequence[Seen], *, checksums: bool, failures: int) -> Report:
    """Judge. An index that fails only since its table can't be read is not damaged by what is known."""
    torn = {(s.what.table_schema, s.what.table) for s in seen if s.what.kind == "table" and s.messages}
    told = [_excused(s) if _only_its_table(s, torn) else s for s in seen]
    damaged = tuple(s for s in told if s.messages)
    return Report(
        looked=len(seen),
        damaged=damaged,
        unchecked=tuple(s for s in told if s.unchecked),
        causes=tuple(_cause(target, s, torn) for s in damaged),
        order=tuple(_order(damaged, checksums)),
        checksums=checksums,
        failures=failures,
    )


def _only_its_table(seen: Seen, torn: set[tuple[str, str]]) -> bool:
    return seen.sound_alone and (seen.what.table_schema, seen.what.table) in torn


def _excused(seen: Seen) -> Seen:
    return Seen(seen.what, unchecked="in order by itself; its table is damaged, so they can't be compared")


def _cause(target: str, seen: Seen, torn: set[tuple[str, str]]) -> Cause:
    what = seen.what
    index = what.kind == "index"
    # An index of a table that is damaged too would be built of what can be read, or not at all.
    free = index and (what.table_schema, what.table) not in torn and what.schema != "pg_catalog"
    args = {"index": what.name, "schema": what.schema}
    remedies = (Remedy(REINDEX, target, args, f"build {what.name} anew, concurrently"),) if free else ()
    name = what if index else Object_("table", what.table_schema, what.table, what.table_schema, what.table)
    return Cause(
        code="postgres.corruption",
        object=Object(name.kind, name.name, {"schema": name.schema}),
        confidence=0.98,
        summary=f"{what} is damaged" + ("; its table is whole" if free else ""),
        target=target,
        evidence=seen.messages[:SHOWN],
        remedies=remedies,
    )


def _order(damaged: Sequence[Seen], checksums: bool) -> Iterator[str]:
    """What to do, in an order that loses nothing."""
    if not damaged:
        if not checksums:
            yield "pages have no checksums here, so damage within a row's values is not seen: pg_checksums --enable"
        return
    tables = [s for s in damaged if s.what.kind == "table"]
    yield "keep the files as they are first: a snapshot of the storage, or a copy of the stopped server's folder"
    if tables:
        yield "copy what can be read: hutch recover copy --to FOLDER"
        yield "look at a replica with hutch recover check: damage by a disk stays on one machine"
        yield "restore the newest backup that passes hutch backup verify, and bring what is missing here from it"
        yield "meanwhile no VACUUM, no restart, no REINDEX of a damaged table: none mends a page, each may lose more"
    if any(s.what.kind == "index" for s in damaged):
        yield "build damaged indexes of whole tables anew: nothing is lost by it"
    yield "find out why, before this machine is trusted again: disk, memory, fsync"


def _cause_dict(cause: Cause) -> dict[str, object]:
    return {
        "code": cause.code,
        "object": cause.object.as_dict(),
        "confidence": cause.confidence,
        "summary": cause.summary,
        "evidence": list(cause.evidence),
        "remedies": [{"action": r.action, "target": r.target, "args": dict(r.args), "summary": r.summary}
                     for r in cause.remedies],
    }  # fmt: skip


def _named(schema: str, name: str) -> str:
    return name if schema == "public" else f"{schema}.{name}"
