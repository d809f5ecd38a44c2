"""From a wish to a plan, and from a plan to rows: the one way that preview, doing and verification all go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import NamedTuple

from psycopg import sql

from hutch.model.event import instant
from hutch.patience import MARGIN
from hutch.ports import said
from hutch.providers.backup import server
from hutch.providers.backup.catalogue import Shelf
from hutch.providers.backup.config import Config
from hutch.providers.backup.errors import BackupError
from hutch.providers.backup.manifest import Manifest
from hutch.providers.backup.recover import look, picks
from hutch.providers.backup.recover.carry import Carried, carried
from hutch.providers.backup.recover.config import RecoverConfig
from hutch.providers.backup.recover.facts import EMPTIED, Name, Reference, Table
from hutch.providers.backup.recover.merge import Merged, Work, merge
from hutch.providers.backup.recover.picks import Ground
from hutch.providers.backup.recover.plan import Part, Plan, Skipped, part_from, undecided
from hutch.providers.backup.recover.queries import text
from hutch.providers.backup.recover.sessions import Session, opened, rows
from hutch.providers.backup.recover.survey import Survey, surveyed
from hutch.providers.backup.recover.texts import Pick
from hutch.providers.backup.recover.walk import in_order
from hutch.providers.backup.recover.wish import Wish
from hutch.providers.backup.recover.workshop import Workshop
from hutch.providers.backup.together import together

NO_LOGIN = "no rows come back here: services.*.backup.recover_url is not set; set it to a login that may INSERT"


@dataclass(frozen=True, slots=True)
class Laid:
    """A plan with what it stands on, while both databases are open."""

    plan: Plan
    ground: Ground
    carried: Mapping[Name, Carried]


class Sides(NamedTuple):
    """Sessions: with the live database, with the scratch one, and with that once more for what is counted meanwhile."""

    live: Session
    scratch: Session
    counting: Session


class Recovery:
    """The recoveries of one service's database."""

    def __init__(self, config: Config, own: RecoverConfig, shelf: Shelf) -> None:
        self.own = own
        self._config, self._shelf = config, shelf
        self._where = server.place(config.url)
        self.workshop = Workshop(config, shelf, own.keep_scratch)

    @property
    def refusal(self) -> str:
        """Why nothing can come back at all; empty when it can."""
        return "" if self.own.recover_url else NO_LOGIN

    @asynccontextmanager
    async def planned(self, wish: Wish, *, again: bool = False) -> AsyncIterator[Laid]:
        """The plan as things are now; the scratch database is ours in the block. Raises :class:`BackupError`.

        ``again``: the rows that the plan before this one picked are judged anew, and none is picked anew.
        """
        async with self._reading() as live:
            survey = await surveyed(live, wish, self.own.logging(wish.log))
            manifest = await self._chosen(survey)
        known = [table for table in survey.data_of() if manifest.table(table)]
        if not known:
            raise BackupError(f"backup {manifest.id} of {instant(manifest.at)} holds no table {survey.root}")
        async with self.workshop.at(manifest, known) as restored:
            said("planning\n")
            where = f"scratch database {restored.database.name}"
            limit = self._config.timeout
            url = restored.database.url
            async with (
                self._reading() as live,
                opened(url, where, limit, limit) as scratch,
                opened(url, where, limit, limit) as counting,
            ):
                sides = Sides(live, scratch, counting)
                yield await self._laid(survey, manifest, sides, again)

    async def merged(self, laid: Laid, quiet: bool) -> Merged:
        """Do what was planned, in one transaction. Raises :class:`BackupError`."""
        ground, tables = laid.ground, laid.plan.tables
        groups = in_order(tables, ground.references)
        work = Work(
            [[ground.picks[name] for name in group] for group in groups],
            {name: laid.carried[name].columns for name in tables},
            ground.references,
            {part.table: part.back for part in laid.plan.parts if part.back},
            quiet,
        )
        where = server.place(self.own.recover_url)
        own, timeout = self.own, self._config.connect_timeout
        async with opened(own.recover_url, where, own.timeout, own.lock_timeout, timeout) as live:
            said(f"merging {laid.plan.back} rows in one transaction\n")
            return await merge(live, ground.scratch, work)

    async def differing(self, laid: Laid) -> int:
        """How many of the rows that are there have another hash than in the backup."""
        found = laid.ground.picks.items()
        return sum([await picks.differing(laid.ground, pick, laid.carried[name].columns) for name, pick in found])

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[Session]:
        """The live database, as it is at one moment, unable to change anything."""
        seconds = self.own.timeout
        timeout = self._config.connect_timeout
        async with opened(self._config.url, self._where, seconds, self.own.lock_timeout, timeout) as live:
            await live.execute("begin transaction isolation level repeatable read, read only")
            yield live

    async def _chosen(self, survey: Survey) -> Manifest:
        """The backup that was named, else the newest from before the deletions; of this database."""
        wish = survey.wish
        found = await (asyncio.to_thread(self._shelf.find, wish.backup) if wish.backup else self._newest(wish))
        manifest = found if isinstance(found, Manifest) else found.manifest
        patience = self.own.timeout + MARGIN
        async with server.connected(self._config.url, self._config.connect_timeout, patience) as session:
            here = (await server.facts(session)).identity
        if differs := manifest.identity.differs(here):
            raise BackupError(f"backup {manifest.id} can't be used: {differs}")
        if wish.since and manifest.at >= wish.since:
            raise BackupError(
                f"backup {manifest.id} is of {instant(manifest.at)}, after the deletions began "
                f"({instant(wish.since)}): it does not hold what they took"
            )
        return manifest

    async def _newest(self, wish: Wish) -> Manifest:
        catalogue = await asyncio.to_thread(self._shelf.catalogue)
        found = catalogue.before(wish.since) if wish.since else catalogue.find("")
        if found is not None:
            return found.manifest
        unread = "".join(f"; {id_} can't be read: {why}" for id_, why in catalogue.unreadable.items())
        when = f" from before {instant(wish.since)}" if wish.since else ""
        raise BackupError(
            f"there is no backup{when} in {self._shelf.place.name}, which has {len(catalogue.backups)}{unread}"
        )

    async def _laid(self, survey: Survey, manifest: Manifest, sides: Sides, again: bool) -> Laid:
        old = await look.tables(sides.scratch, list(survey.tables))
        found = {name: carried(table, old.get(name)) for name, table in survey.tables.items()}
        able = not found[survey.root].refused
        usable = [table for name, table in survey.tables.items() if able and not found[name].refused]
        own = self.own.logging(survey.wish.log)
        numbered = picks.numbered(usable, not survey.wish.all_missing)
        ground = Ground(sides.live, sides.scratch, numbered, _usable(survey.references, old, usable), own)
        beside = await _decided(ground, survey, manifest, sides.counting, again) if able else ()
        parts = [await _part(ground, found[name], survey, beside, old) for name in survey.tables]
        plan = Plan(
            manifest.id, manifest.at, survey.wish.since, survey.wish.until, survey.wish.account, tuple(parts),
            notes=(*survey.notes, *await _left(ground, survey)),
        )  # fmt: skip
        refused = found[survey.root].refused and f"{survey.root}: {found[survey.root].refused}"
        refused = refused or self._too_many(plan, survey.wish) or undecided(plan.parts, survey.wish.triggers)
        order = in_order(plan.tables, ground.references)
        return Laid(replace(plan, order=order, refused=refused), ground, found)

    def _too_many(self, plan: Plan, wish: Wish) -> str:
        if wish.most and plan.back > wish.most:
            return f"{plan.back} rows would come back, more than the {wish.most} that were approved: look again"
        if plan.back > self.own.max_rows:
            return f"{plan.back} rows are more than recover_max_rows = {self.own.max_rows} allows"
        return ""


async def _all_there(scratch: Session, manifest: Manifest, tables: Sequence[str]) -> None:
    """The rows that came are as many as the backup counted: what is missing would look as if it had never been."""
    for name in (name for name in tables if manifest.table(name)):
        schema, _, table = name.partition(".")
        [row] = await rows(scratch, text("count", table=sql.Identifier(schema, table)))
        said_rows = found.rows if (found := manifest.table(name)) else 0
        if row["rows"] != said_rows:
            raise BackupError(
                f"backup {manifest.id} counted {said_rows} rows of {name}, and {row['rows']} were restored"
            )


async def _decided(
    ground: Ground, survey: Survey, manifest: Manifest, counting: Session, again: bool
) -> tuple[Skipped, ...]:
    """Row by row, in the scratch database; ``again``: of the rows that were picked for the same, if they were."""
    root = ground.picks[survey.root]
    if again and await picks.picked_for(ground, survey.wish):
        beside = () if survey.wish.all_missing else await picks.not_picked(ground, root)
    else:  # nothing is told of what was picked before the count adds up
        counted = _all_there(counting, manifest, survey.data_of())
        beside, _ = await together(_picked(ground, survey, manifest, root), counted)
        await picks.remember(ground, survey.wish)
    for name, pick in ground.picks.items():
        if name != survey.root:
            await picks.keep_deleted(ground, pick)
    await picks.judge(ground)
    return beside


async def _picked(ground: Ground, survey: Survey, manifest: Manifest, root: Pick) -> tuple[Skipped, ...]:
    await picks.make(ground)
    if survey.logged:
        for name, pick in ground.picks.items():
            await picks.hear_of_deaths(ground, pick, survey.wish if name == survey.root else None, manifest.at)
    beside = await picks.pick_root(ground, root, survey.wish)
    await picks.pick_children(ground, survey.root)
    return beside


async def _part(ground: Ground, found: Carried, survey: Survey, beside: tuple[Skipped, ...],
                old: Mapping[Name, Table]) -> Part:  # fmt: skip
    table = survey.tables[found.table]
    if found.table not in ground.picks:
        why = found.refused or f"none of {survey.root} can"
        return Part(found.table, notes=(f"none of its rows can come back: {why}",))
    counted = await picks.counted(ground, ground.picks[found.table])
    triggers = [f"{t.name} (calls {t.calls})" for t in table.triggers]
    notes = [*found.notes, *_beside(table, old[found.table], any(c["status"] == "present" for c in counted))]
    return part_from(found.table, counted, notes, triggers, beside if found.table == survey.root else ())


def _beside(table: Table, old: Table, present: bool) -> Iterator[str]:
    """What else there is to know of a table."""
    for partition in old.partitions:
        if partition not in table.partitions:
            yield f"partition {partition}, in the backup, is none of its own now: rows in it stay away"
    if present and table.column("deleted_at"):
        yield "rows that are there may only be marked as deleted (deleted_at): taking the marks off brings them back"


async def _left(ground: Ground, survey: Survey) -> list[str]:
    """Rows that lost a reference and are there: they are never changed, so it is said."""
    emptied = [r for r in survey.references if r.parent in ground.picks and r.on_delete in EMPTIED]
    names = [r.child for r in emptied]
    here, there = await look.tables(ground.live, names), await look.tables(ground.scratch, names)
    found = [await picks.emptied(ground, here[r.child], r) for r in emptied if r.child in here and r.child in there]
    return [note for note in found if note]


def _usable(references: Sequence[Reference], old: Mapping[Name, Table], usable: Sequence[Table]) -> list[Reference]:
    """The foreign keys that the backup's tables have the columns of, too."""
    mine = {table.name for table in usable}
    return [
        r
        for r in references
        if (r.child not in mine or all(old[r.child].column(c) for c in r.columns))
        and (r.parent not in mine or all(old[r.parent].column(c) for c in r.keys))
    ]
