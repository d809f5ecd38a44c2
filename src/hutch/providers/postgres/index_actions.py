"""Making an index without locking its table: by its columns, or by the definition of one that was dropped."""

from __future__ import annotations

from dataclasses import dataclass

from hutch.model.action import Verification, Verified
from hutch.providers.postgres.care import Args, BadArguments, Care, Plan, Refused, place_of, size
from hutch.providers.postgres.client import Row
from hutch.providers.postgres.errors import Kind, PostgresError
from hutch.providers.postgres.explained import plan_of
from hutch.providers.postgres.indexes import (
    BadKey,
    Definition,
    Index,
    Table,
    create_statement,
    drop_statement,
    index_name,
    parsed,
    parsed_definition,
)
from hutch.providers.postgres.plans import Key, indexes_used, qualified
from hutch.providers.postgres.preflight import barred
from hutch.providers.postgres.queries import query
from hutch.providers.postgres.remedies import CREATE_INDEX, DROP_INDEX
from hutch.providers.postgres.slow_statements import table_facts

NO_OWNER = (
    "set services.*.postgres.owner_url to a login that is a member of {owner}, the owner of {table}, "
    "and may create objects in its schema"
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What the arguments ask for, held against the table as it is: keys, or a whole ``definition``."""

    table: Table
    keys: tuple[Key, ...] = ()
    query: str = ""
    definition: Definition | None = None

    @property
    def name(self) -> str:
        """The name that the index will have."""
        if self.definition:
            return self.definition.name
        return index_name(self.table.schema, self.table.name, list(map(str, self.keys)))

    @property
    def statement(self) -> str:
        """The statement that makes it."""
        if self.definition:
            return self.definition.statement
        return create_statement(self.table.schema, self.table.name, self.keys)

    @property
    def made(self) -> Index | None:
        """The index of that name, whatever its state."""
        return next((index for index in self.table.indexes if index.name == self.name), None)

    @property
    def equal(self) -> Index | None:
        """A usable index that begins with the same keys; of a definition, the one of its name."""
        if self.definition:
            return self.made if self.made and self.made.valid else None
        return next((index for index in self.table.like(self.keys) if index.valid), None)

    @property
    def remains(self) -> Index | None:
        """What an earlier try has left of such an index."""
        like = [*(self.table.like(self.keys) if self.keys else []), *([self.made] if self.made else [])]
        return next((index for index in like if not index.valid), None)


class CreateIndex(Care):
    """Make an index CONCURRENTLY: reading and writing of the table go on, and what a failure leaves is dropped.

    ``args``: ``table``, ``columns`` in order (``lower(email)``, ``created_at DESC``), ``schema`` (``public``), and
    ``statement``, the number of the statement that should use it (pg_stat_statements' queryid); or, instead of columns,
    ``definition``: the ``CREATE INDEX`` of one that was dropped."""

    __slots__ = ()

    @property
    def limits(self) -> tuple[float, float]:
        """It waits for every older session of the table."""
        return self.config.index_timeout, self.config.index_lock_timeout

    async def plan(self, args: Args) -> Plan:
        """One CREATE INDEX CONCURRENTLY, after dropping what an earlier try of our own has left half-made.

        An index that serves as well makes it needless."""
        wish = await self._wish(args)
        table = wish.table
        if wish.equal:
            return Plan(nothing=f"index {wish.equal.name} on {table} is there already")
        undo = {"action": DROP_INDEX, "args": {"schema": table.schema, "index": wish.name}}
        needed = table.index_size(wish.keys)
        about = f"{table}: {size(table.size)}, about {table.rows:.0f} rows; the index takes about {size(needed)}"
        old = wish.remains
        remains = (drop_statement(table.schema, old.name),) if old and old.name == wish.name else ()
        return Plan(
            statements=(*remains, wish.statement),
            done=f"made index {wish.name} on {table}",
            items=(about, f"as {self.operator.login or 'the login of the address'}"),
            undo=drop_statement(table.schema, wish.name),
            way_back=undo,
            refused=self._obstacle(wish) or await barred(self.client, self.config, 2 * needed),
            progress="progress_create_index",
            right=self._right(table),
        )

    async def judged(self, args: Args) -> Verification:
        """Passed when the index can be used and the statement's plan does; pending while it is being built."""
        wish = await self._wish(args)
        index = wish.made or wish.equal
        if index is None:
            return Verification(Verified.FAILED, f"there is no index {wish.name}")
        if index.building:
            return Verification(Verified.PENDING, f"index {index.name} is still being built")
        if not index.valid:
            how = f"drop it ({DROP_INDEX}: schema {wish.table.schema}, index {index.name}), then {CREATE_INDEX} again"
            return Verification(Verified.FAILED, f"index {index.name} is INVALID: {how}")
        used, said = await self._used(wish, index)
        if used is False:
            return Verification(Verified.FAILED, f"index {index.name} is valid, but {said}")
        return Verification(Verified.PASSED, f"index {index.name} is valid", (said,))

    async def tidied(self, args: Args) -> str:
        """Drop the half-made index."""
        wish = await self._wish(args)
        if wish.made is None or wish.made.valid or wish.made.building:
            return ""
        await self.operator.statement(drop_statement(wish.table.schema, wish.name), *self.limits)
        return f"its half-made index {wish.name} was dropped"

    async def _wish(self, args: Args) -> Wish:
        if args.get("definition"):
            definition = _definition(args)
            return Wish(await self._table(definition.schema, definition.table), definition=definition)
        (schema, name), columns = place_of(args, "table"), args.get("columns")
        if not isinstance(columns, list | tuple) or not columns or not all(isinstance(c, str) for c in columns):
            raise BadArguments("columns must be a list of the columns to index, in order")
        table = await self._table(schema, name)
        try:
            return Wish(table, parsed(columns, table.columns), str(args.get("statement") or ""))
        except BadKey as error:
            raise Refused(f"{table}: {error}") from None

    async def _table(self, schema: str, name: str) -> Table:
        table = await table_facts(self.client, schema, name, self.operator.login)
        if table is None:
            raise Refused(f"there is no table {qualified(schema, name)}")
        return table

    def _obstacle(self, wish: Wish) -> str:
        """The first thing that stands in the way; empty when nothing does."""
        if wish.table.kind == "p":
            return f"{wish.table} is partitioned: make the index on each of its partitions"
        if self.operator.refusal or not wish.table.allowed:
            return self._right(wish.table)
        if remains := wish.remains:
            if remains.building:
                return f"index {remains.name} is being built now"
            ours = remains.name == wish.name
            return "" if ours else f"the INVALID index {remains.name} is in the way: drop it first ({DROP_INDEX})"
        return ""

    def _right(self, table: Table) -> str:
        return NO_OWNER.format(owner=table.owner, table=table)

    async def _used(self, wish: Wish, index: Index) -> tuple[bool | None, str]:
        """Whether the statement's plan reads the index; None where there is no plan to be had."""
        try:
            texts = await self._texts(wish.query)
            if not texts:
                return None, "its statement is not known any more: no plan was looked at"
            used = index.name in indexes_used(await plan_of(self.client, texts[0]["query"]))
        except PostgresError as error:
            if error.kind not in (Kind.SQL, Kind.PERMISSION):
                raise
            return None, f"its statement can't be explained: {error}"
        return used, f"the plan of statement {wish.query} {'reads' if used else 'does not read'} it"

    async def _texts(self, statement: str) -> list[Row]:
        [row] = await self.client.rows(query("statements_available"))
        if not statement.removeprefix("-").isdigit() or not row["available"]:
            return []
        return await self.client.rows(query("statement_texts"), {"ids": [int(statement)]})


def _definition(args: Args) -> Definition:
    try:
        return parsed_definition(str(args["definition"]))
    except BadKey as error:
        raise BadArguments(str(error)) from None
