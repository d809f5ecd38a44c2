"""Deciding, row by row, what comes back: in the scratch database, with questions to the live one in pieces.

No row set is held in memory: keys lie in tables of the scratch database, and go over in batches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import sql

from hutch.model.pattern import like
from hutch.providers.backup.recover import texts
from hutch.providers.backup.recover.audit import action_of, key_parts, log_parts
from hutch.providers.backup.recover.config import RecoverConfig
from hutch.providers.backup.recover.facts import CASCADE, Name, Reference, Table, Unique
from hutch.providers.backup.recover.plan import Skipped
from hutch.providers.backup.recover.queries import text
from hutch.providers.backup.recover.sessions import Row, Session, done, poured, rows
from hutch.providers.backup.recover.texts import COMMA, Pick
from hutch.providers.backup.recover.wish import Wish

BATCH = 5000
"""Keys that are asked for at once."""
DEEPEST = 10_000
"""Rounds along foreign keys: so many generations of a table that refers to itself."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a recovery is planned: both databases, the tables in it, all foreign keys."""

    live: Session
    scratch: Session
    picks: Mapping[Name, Pick]
    references: Sequence[Reference]
    config: RecoverConfig

    def own(self) -> list[tuple[Reference, Pick]]:
        """The foreign keys of the tables in it."""
        return [(r, self.picks[r.child]) for r in self.references if r.child in self.picks]


def numbered(tables: Sequence[Table], aside: bool) -> dict[Name, Pick]:
    """The tables with a number each."""
    return {table.name: Pick(table, number, aside) for number, table in enumerate(tables)}


async def make(ground: Ground) -> None:
    """Our own tables in the scratch database; those of an earlier plan are replaced."""
    ours = sql.Identifier(texts.OURS)
    await ground.scratch.execute(sql.SQL("drop schema if exists {} cascade").format(ours))
    await ground.scratch.execute(sql.SQL("create schema {}").format(ours))
    for pick in ground.picks.values():
        table, keys = pick.table, texts.names(pick.width)
        as_keys = COMMA.join(
            sql.SQL("{} as {}").format(c, k) for c, k in zip(texts.columns("b", table.key), keys, strict=True)
        )
        await done(ground.scratch, text("make_pick", pick=pick.pick, as_keys=as_keys, table=pick.place))
        await done(ground.scratch, text("number_pick", pick=pick.pick))
        if pick.aside:
            await done(ground.scratch, text("make_rows", rows=pick.rows, table=pick.place))
        columns = COMMA.join(sql.SQL("{} text").format(k) for k in keys)
        await done(ground.scratch, text("make_deaths", deaths=pick.deaths, columns=columns))


async def remember(ground: Ground, wish: Wish) -> None:
    """Note what the rows were picked for, once they are."""
    ours = sql.Identifier(texts.OURS)
    await ground.scratch.execute(sql.SQL("comment on schema {} is {}").format(ours, sql.Literal(repr(wish))))


async def picked_for(ground: Ground, wish: Wish) -> bool:
    """Whether the rows in the scratch database were picked for just this; if so all is undecided again."""
    found = await rows(ground.scratch, text("picked_for", ours=sql.Literal(texts.OURS)))
    if not found or found[0]["wish"] != repr(wish):
        return False
    for pick in ground.picks.values():
        await done(ground.scratch, sql.SQL("update {} set status = 'back', why = ''").format(pick.pick))
    return True


async def learn(ground: Ground, *found: sql.Composable) -> None:
    """Let the scratch server count: nothing was ever analyzed there, and blind plans are slow ones."""
    for table in found:
        await ground.scratch.execute(sql.SQL("analyze {}").format(table))


async def hear_of_deaths(ground: Ground, pick: Pick, wish: Wish | None, after: datetime) -> None:
    """What the audit log says of deleted rows of a table since the backup. ``wish`` None: none is to be undone."""
    keys = texts.names(pick.width)
    window = _window(wish)
    out = text(
        "deaths", keys=key_parts(pick.table, ground.config), names=COMMA.join(keys), after=sql.Literal(after),
        pattern=sql.Literal(like(action_of(pick.table.name, ground.config))), **window, **log_parts(ground.config),
    )  # fmt: skip
    into = sql.SQL("copy {} from stdin").format(pick.deaths)
    await poured(ground.live, out, ground.scratch, into)
    await learn(ground, pick.deaths)


def _window(wish: Wish | None) -> dict[str, sql.Composable]:
    since, until = ("infinity", "-infinity") if wish is None else (wish.since or "-infinity", wish.until or "infinity")
    account = wish.account if wish else ""
    literals = {"since": since, "until": until, "account": account or None}
    return {key: sql.Literal(str(value) if value is not None else None) for key, value in literals.items()}


async def pick_root(ground: Ground, root: Pick, wish: Wish) -> tuple[Skipped, ...]:
    """The rows to bring back themselves; what else the log says of the table's rows is counted."""
    if wish.all_missing:
        await _pick(ground, root, text("among_all", table=root.place))
        return ()
    dead = text("among_dead", table=root.place, deaths=root.deaths, same=root.same_death())
    await _pick(ground, root, dead)
    return await not_picked(ground, root)


async def _pick(ground: Ground, pick: Pick, among: sql.Composed) -> int:
    """Pick what is found of a table; how many rows."""
    keys = COMMA.join(texts.columns("b", pick.table.key))
    parts = {"keys": keys, "among": among}
    found = text("set_aside", rows=pick.rows, **parts) if pick.aside else text("found", **parts)
    names = COMMA.join(texts.names(pick.width))
    if count := await done(ground.scratch, text("pick", pick=pick.pick, names=names, found=found)):
        await learn(ground, pick.pick, *([pick.rows] if pick.aside else []))
    return count


async def not_picked(ground: Ground, root: Pick) -> tuple[Skipped, ...]:
    """What the log says of the table's rows beside those that were picked."""
    [picked] = await rows(ground.scratch, sql.SQL("select count(*)::int as rows from {}").format(root.pick))
    [counted] = await rows(ground.scratch, text("death_counts", deaths=root.deaths))
    return tuple(_counted(counted, picked["rows"]))


def _counted(counted: Row, known: int) -> list[Skipped]:
    found = [
        (counted["wanted"] - known, "deleted in the window, and not in the backup: made after it"),
        (counted["others"], "deleted at another time or by somebody else, says the audit log: they stay deleted"),
    ]
    return [Skipped(reason, count) for count, reason in found if count]


async def pick_children(ground: Ground, root: Name) -> None:
    """What was deleted with the picked rows, at any depth, until a round finds nothing more.

    A round looks only below the tables that the one before it found something in: each look reads a whole table.
    """
    cascades = [
        (r, pick) for r, pick in ground.own() if r.on_delete == CASCADE and r.parent in ground.picks and pick.table.key
    ]
    grown = {root}
    for _ in range(DEEPEST):
        below = [(reference, child) for reference, child in cascades if reference.parent in grown]
        grown = {r.child for r, child in below if await _pick_along(ground, r, child)}
        if not grown:
            return


async def _pick_along(ground: Ground, reference: Reference, child: Pick) -> int:
    upward = _upward(ground, reference)
    among = text("among_children", pick=child.pick, table=child.place, match=child.match(), **upward)
    return await _pick(ground, child, among)


def _upward(ground: Ground, reference: Reference) -> dict[str, sql.Composable]:
    """From a row ``b`` to its parent ``r`` and what was decided of that, ``q``."""
    parent = ground.picks[reference.parent]
    return {
        "parent": parent.rows, "parent_pick": parent.pick, "parent_match": parent.match("r", "q"),
        "refers": texts.refers(reference),
    }  # fmt: skip


async def keep_deleted(ground: Ground, pick: Pick) -> None:
    """Rows that were deleted for themselves, by an entry that is not one to undo, stay deleted."""
    await done(ground.scratch, text("keep_deleted", pick=pick.pick, deaths=pick.deaths, same=pick.same_pick()))


async def judge(ground: Ground) -> None:
    """Rows that are there, rows whose unique values others have now, rows whose parents are gone."""
    for pick in ground.picks.values():
        await _indexed(ground, pick)
    for pick in ground.picks.values():
        if pick.table.key:
            await _mark_present(ground, pick)
    for pick in ground.picks.values():
        for unique in pick.table.uniques if pick.table.key else ():
            with suppress(psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedFunction):  # the index is newer
                await _mark_taken(ground, pick, unique)
    own = [(r, pick) for r, pick in ground.own() if pick.table.key]
    for reference, pick in own:
        await _mark_orphans(ground, reference, pick)
    inside = [(r, pick) for r, pick in own if r.parent in ground.picks and ground.picks[r.parent].table.key]
    for _ in range(DEEPEST):
        if not sum([await _mark_lost(ground, reference, pick) for reference, pick in inside]):
            return


async def _indexed(ground: Ground, pick: Pick) -> None:
    """An index for what is gone through in many pieces; a few are faster without."""
    [counted] = await rows(ground.scratch, sql.SQL("select count(*)::int as rows from {}").format(pick.pick))
    if counted["rows"] > BATCH:
        keys, name = COMMA.join(map(sql.Identifier, pick.table.key)), sql.Identifier(f"hutch_recover_{pick.number}")
        await ground.scratch.execute(sql.SQL("create index if not exists {} on {} ({})").format(name, pick.rows, keys))
        await learn(ground, pick.rows)


async def _mark_present(ground: Ground, pick: Pick) -> None:
    keys = texts.names(pick.width)
    batch = text("batch", pick=pick.pick, texts=COMMA.join(texts.as_text(texts.names(pick.width, "p"))))
    there = text(
        "present", arrays=texts.arrays(pick.width), names=COMMA.join(keys), table=pick.place, match=pick.present()
    )
    await _each(ground, batch, there, pick, "present", "is there", found=True)


async def _mark_taken(ground: Ground, pick: Pick, unique: Unique) -> None:
    width = len(unique.expressions)
    values = [sql.Identifier(f"k{n}") for n in range(1, width + 1)]
    outputs = [sql.Identifier("u", f"k{n}") for n in range(1, width + 1)]
    made = zip(texts.as_text(texts.expressions(unique)), values, strict=True)
    batch = text(
        "unique_batch", outputs=COMMA.join(outputs), values=COMMA.join(sql.SQL("{} as {}").format(*m) for m in made),
        pick=pick.pick, table=pick.rows, match=pick.match(), condition=texts.condition(unique),
    )  # fmt: skip
    wrapped = [sql.SQL("({})").format(one) for one in texts.expressions(unique)]
    operator = "is not distinct from" if unique.nulls_equal else "="
    there = text(
        "taken", arrays=texts.arrays(width), names=COMMA.join(values), table=pick.place,
        condition=texts.condition(unique),
        same=texts.equal(wrapped, texts.typed(texts.names(width, "k"), unique.types), operator),
    )  # fmt: skip
    await _each(ground, batch, there, pick, "taken", f"another row has its value of {unique.name} now", found=True)


async def _mark_orphans(ground: Ground, reference: Reference, pick: Pick) -> None:
    """References that lead out of what was deleted: the parent must be there."""
    width = len(reference.columns)
    inside = reference.parent in ground.picks and ground.picks[reference.parent].table.key
    unless = text("unless_picked", **_upward(ground, reference)) if inside else sql.SQL("")
    kinds = [c.type for name in reference.columns if (c := pick.table.column(name))]
    values = texts.as_text(texts.columns("b", reference.columns))
    batch = text(
        "parent_batch", values=COMMA.join(values), pick=pick.pick, table=pick.rows, match=pick.match(),
        filled=texts.filled("b", reference.columns), unless_picked=unless,
    )  # fmt: skip
    there = text(
        "parents_there", arrays=texts.arrays(width), names=COMMA.join(texts.names(width)),
        table=texts.place(reference.parent),
        same=texts.equal(texts.columns("t", reference.keys), texts.typed(texts.names(width, "k"), kinds)),
    )  # fmt: skip
    await _each(ground, batch, there, pick, "orphan", _orphaned(reference), found=False)


async def _mark_lost(ground: Ground, reference: Reference, pick: Pick) -> int:
    why = sql.Literal(_orphaned(reference))
    statement = text(
        "parent_lost", pick=pick.pick, table=pick.rows, match=pick.match(), why=why, **_upward(ground, reference)
    )
    return await done(ground.scratch, statement)


def _orphaned(reference: Reference) -> str:
    return f"the row of {reference.parent} that {', '.join(reference.columns)} refers to is gone and stays away"


async def _each(ground: Ground, batch: sql.Composed, there: sql.Composed, pick: Pick, status: str, why: str,
                *, found: bool) -> None:  # fmt: skip
    """Go through a table's keys in pieces; mark those that the live database knows (or, not ``found``, does not)."""
    last, mark = 0, text("mark", pick=pick.pick)
    while True:
        cursor = await ground.scratch.execute(batch, [last, BATCH])
        piece = await cursor.fetchall()
        if not piece:
            return
        numbers, *values = (list(column) for column in zip(*piece, strict=True))
        known = {row["n"] for row in await rows(ground.live, there, [numbers, *values])}
        hit = [n for n in numbers if (n in known) is found]
        if hit:
            await done(ground.scratch, mark, [status, why, hit])
        last = numbers[-1]


async def counted(ground: Ground, pick: Pick) -> list[Row]:
    """What was decided of a table's rows."""
    label = sql.SQL(" || ', ' || ").join(texts.as_text(texts.names(pick.width, "p")))
    return await rows(ground.scratch, text("counts", pick=pick.pick, label=label))


async def emptied(ground: Ground, table: Table, reference: Reference) -> str:
    """A note on rows that lost a reference by the deletion and are left as they are; empty when there are none."""
    if not table.key:
        return ""
    width = len(table.key)
    batch = text(
        "emptied_batch", keys=COMMA.join(texts.columns("b", table.key)), table=texts.place(table.name),
        texts=COMMA.join(texts.as_text(texts.columns("b", table.key))), **_upward(ground, reference),
    )  # fmt: skip
    piece = await (await ground.scratch.execute(batch, [BATCH])).fetchall()
    if not piece:
        return ""
    look = text(
        "emptied", arrays=texts.arrays(width), names=COMMA.join(texts.names(width)), table=texts.place(table.name),
        match=texts.equal(texts.columns("t", table.key), texts.typed(texts.names(width, "k"), table.key_types)),
        empty=texts.empty("t", reference.columns),
    )  # fmt: skip
    [row] = await rows(ground.live, look, [list(column) for column in zip(*piece, strict=True)])
    if not row["rows"]:
        return ""
    more = " at least" if len(piece) == BATCH else ""
    return (
        f"{table.name}:{more} {row['rows']} rows lost their {', '.join(reference.columns)} by the deletion; they are "
        "there, so they are left as they are: no row that exists is ever changed"
    )


async def differing(ground: Ground, pick: Pick, columns: Sequence[str]) -> int:
    """How many rows that are there are not what the backup has of them."""
    keys = texts.as_text(texts.columns("b", pick.table.key))
    batch = text(
        "hashes", texts=COMMA.join(keys), columns=texts.of("b", columns), pick=pick.pick, table=pick.rows,
        match=pick.match(),
    )  # fmt: skip
    look = text(
        "differing", arrays=texts.arrays(pick.width + 1), names=COMMA.join(texts.names(pick.width)), table=pick.place,
        match=pick.present(), columns=texts.of("t", columns),
    )  # fmt: skip
    total, last = 0, 0
    while piece := await (await ground.scratch.execute(batch, [last, BATCH])).fetchall():
        numbers, *values = (list(column) for column in zip(*piece, strict=True))
        [row] = await rows(ground.live, look, [numbers, *values])
        total, last = total + row["rows"], numbers[-1]
    return total
