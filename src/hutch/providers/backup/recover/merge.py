"""The merge: one transaction in the live database, which adds rows and changes none.

Rows go into temporary tables first, a piece at a time. Tables that refer to each other in a circle are filled by one
statement: foreign keys are looked at when a statement ends, so neither deferring nor a second pass is needed, and the
same holds for a table that refers to itself. Whatever does not add up ends the transaction, and nothing has happened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from hutch.providers.backup.errors import BackupError, Unsure, said
from hutch.providers.backup.recover import texts
from hutch.providers.backup.recover.facts import Name, Reference, Sequence_, Trigger
from hutch.providers.backup.recover.queries import text
from hutch.providers.backup.recover.sessions import Row, Session, done, poured, rows
from hutch.providers.backup.recover.texts import COMMA, Pick


@dataclass(frozen=True, slots=True)
class Work:
    """What is merged: the tables in groups, parents first, with the columns that go over."""

    groups: Sequence[Sequence[Pick]]
    columns: Mapping[Name, Sequence[str]]
    references: Sequence[Reference]
    expected: Mapping[Name, int]
    quiet: bool

    @property
    def picks(self) -> list[Pick]:
        """All tables, in order."""
        return [pick for group in self.groups for pick in group]


@dataclass(frozen=True, slots=True)
class Merged:
    """What was added, by table; ``sequences`` that were moved up, and rows that came into being meanwhile."""

    added: Mapping[Name, int]
    meanwhile: int
    sequences: tuple[str, ...]
    changed_by_triggers: int


async def merge(live: Session, scratch: Session, work: Work) -> Merged:
    """Do it whole or not at all. :class:`BackupError` says what did not add up; a driver's error what was refused.

    :class:`Unsure` when the connection went while it was committed: then all of it is there, or nothing is.
    """
    merged = None
    try:
        async with live.transaction():
            merged = await _added(live, scratch, work)
    except psycopg.Error as error:
        if merged is None or error.sqlstate is not None:
            raise  # never committed: the server rolls back what it has of it
        raise Unsure(f"the connection went while it was committed: {said(error)}", passing=True) from error
    return merged


async def _added(live: Session, scratch: Session, work: Work) -> Merged:
    """All that the transaction does."""
    for pick in work.picks:
        await _stage(live, scratch, pick, work)
    silenced = [(p, t) for p in work.picks for t in p.table.triggers] if work.quiet else []
    for pick, trigger in silenced:
        await live.execute(_switched(pick, trigger, "disable trigger"))
    meanwhile = sum([await _leave_out(live, pick) for pick in work.picks])
    for group in work.groups:
        await live.execute(filling(group, work.columns))
    for pick, trigger in silenced:
        back = "enable always trigger" if trigger.enabled == "A" else "enable trigger"
        await live.execute(_switched(pick, trigger, back))
    added = {pick.table.name: await _count(live, pick) for pick in work.picks}
    differing = await _proved(live, work)
    moved = [
        found
        for pick in work.picks
        for sequence in pick.table.sequences
        if (found := await _raised(live, pick, sequence))
    ]
    return Merged(added, meanwhile, tuple(moved), differing)


async def _stage(live: Session, scratch: Session, pick: Pick, work: Work) -> None:
    """The rows that come back, beside their table. How many there are must be what was planned."""
    own = work.columns[pick.table.name]
    columns = COMMA.join(map(sql.Identifier, own))
    stage = sql.Identifier(f"hutch_stage_{pick.number}")
    await live.execute(text("stage", stage=stage, columns=columns, table=pick.place))
    out = text("out", columns=texts.of("b", own), table=pick.rows, pick=pick.pick, match=pick.match())
    await poured(scratch, out, live, sql.SQL("copy {} from stdin").format(pick.stage))
    await live.execute(sql.SQL("analyze {}").format(pick.stage))  # blind plans would read the whole table beside it
    held = await _count(live, pick)
    if held != work.expected[pick.table.name]:
        raise BackupError(
            f"{pick.table.name}: {held} rows came over where {work.expected[pick.table.name]} were planned: nothing "
            "was changed; preview again"
        )


async def _leave_out(live: Session, pick: Pick) -> int:
    match = texts.equal(texts.columns("t", pick.table.key), texts.columns("s", pick.table.key))
    return await done(live, text("came_back", stage=pick.stage, table=pick.place, match=match))


async def _count(live: Session, pick: Pick) -> int:
    [row] = await rows(live, sql.SQL("select count(*)::int as rows from {}").format(pick.stage))
    return int(row["rows"])


def filling(group: Sequence[Pick], columns: Mapping[Name, Sequence[str]]) -> sql.Composed:
    """One statement that fills all tables of a group."""
    inserts = [
        text("insert", table=p.place, stage=p.stage, columns=COMMA.join(map(sql.Identifier, columns[p.table.name])))
        for p in group
    ]
    if len(inserts) == 1:
        return inserts[0]
    parts = [sql.SQL("{} as ({})").format(sql.Identifier(f"i{n}"), one) for n, one in enumerate(inserts)]
    return sql.SQL("with {} select 1").format(COMMA.join(parts))


async def _proved(live: Session, work: Work) -> int:
    """Every row that was added is there, is what the backup has, and refers to something."""
    differing = sum([await _differing(live, pick, work.columns[pick.table.name]) for pick in work.picks])
    firing = any(pick.table.triggers for pick in work.picks) and not work.quiet
    if differing and not firing:
        raise BackupError(f"{differing} rows would not be as the backup has them: nothing was changed")
    for reference in work.references:
        child = next((p for p in work.picks if p.table.name == reference.child), None)
        if child and (lost := await _orphans(live, child, reference)):
            raise BackupError(f"{lost} rows of {reference.child} would refer to nothing: nothing was changed")
    return differing


async def _differing(live: Session, pick: Pick, columns: Sequence[str]) -> int:
    keys = pick.table.key
    match = texts.equal(texts.columns("t", keys), texts.columns("s", keys))
    found = text(
        "differ", stage=pick.stage, table=pick.place, match=match, first=sql.Identifier(keys[0]),
        stage_columns=texts.of("s", columns), table_columns=texts.of("t", columns),
    )  # fmt: skip
    [row] = await rows(live, found)
    return int(row["rows"])


async def _orphans(live: Session, child: Pick, reference: Reference) -> int:
    found = text(
        "orphans", stage=child.stage, filled=texts.filled("b", reference.columns), parent=texts.place(reference.parent),
        refers=texts.refers(reference),
    )  # fmt: skip
    [row] = await rows(live, found)
    return int(row["rows"])


async def _raised(live: Session, pick: Pick, sequence: Sequence_) -> str:
    """Move a sequence on to where its column's values are, never back. Nobody can take a value in between: the
    statement that changes nothing of the sequence holds its lock until the transaction ends."""
    if not _behind(sequence, await _standing(live, pick, sequence)):
        return ""
    place = texts.place(sequence.name)
    await live.execute(sql.SQL("alter sequence {} increment by {}").format(place, sql.Literal(sequence.step)))
    found = await _standing(live, pick, sequence)
    if not _behind(sequence, found):
        return ""
    quoted = sql.SQL("{}::regclass").format(sql.Literal(place.as_string(live)))
    await live.execute(sql.SQL("select setval({}, {})").format(quoted, sql.Literal(found["edge"])))
    return f"{sequence.name} from {found['last']} to {found['edge']}"


def _behind(sequence: Sequence_, found: Row) -> bool:
    if found["edge"] is None:
        return False
    return bool(found["edge"] > found["last"] if sequence.step > 0 else found["edge"] < found["last"])


async def _standing(live: Session, pick: Pick, sequence: Sequence_) -> Row:
    edge = sql.SQL("pg_catalog.max" if sequence.step > 0 else "pg_catalog.min")
    [row] = await rows(
        live,
        text(
            "sequence", edge=edge, column=sql.Identifier(sequence.column), table=pick.place,
            sequence=texts.place(sequence.name),
        ),
    )  # fmt: skip
    return row


def _switched(pick: Pick, trigger: Trigger, how: str) -> sql.Composed:
    return sql.SQL("alter table {} {} {}").format(pick.place, sql.SQL(how), sql.Identifier(trigger.name))
