"""Making an index without locking its table, and dropping one: only what is broken, or what Hutch made."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.providers.postgres.actions import BadArguments, failed
from hutch.providers.postgres.client import Client, Row, executed
from hutch.providers.postgres.config import Config
from hutch.providers.postgres.errors import Kind, PostgresError
from hutch.providers.postgres.explained import plan_of
from hutch.providers.postgres.indexes import (
    BadKey,
    Index,
    Table,
    create_statement,
    drop_statement,
    index_name,
    parsed,
)
from hutch.providers.postgres.operator import Operator
from hutch.providers.postgres.plans import Key, indexes_used, qualified
from hutch.providers.postgres.queries import query
from hutch.providers.postgres.remedies import CREATE_INDEX, DROP_INDEX
from hutch.providers.postgres.slow_statements import table_facts

Args = Mapping[str, object]
_NO_OWNER = (
    "set services.*.postgres.owner_url to a login that is a member of {owner}, the owner of {table}, "
    "and may create objects in its schema"
)


class Refused(Exception):
    """Why it must not be done as the world is now."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the arguments ask for, held against the table as it is."""

    table: Table
    keys: tuple[Key, ...]
    statement: str

    @property
    def name(self) -> str:
        """The name that the index will have."""
        return index_name(self.table.schema, self.table.name, list(map(str, self.keys)))

    @property
    def made(self) -> Index | None:
        """The index of that name, whatever its state."""
        return next((index for index in self.table.indexes if index.name == self.name), None)

    @property
    def equal(self) -> Index | None:
        """A usable index that begins with the same keys."""
        return next((index for index in self.table.like(self.keys) if index.valid), None)

    @property
    def remains(self) -> Index | None:
        """What an earlier try has left of such an index."""
        like = [*self.table.like(self.keys), *([self.made] if self.made else [])]
        return next((index for index in like if not index.valid), None)


@dataclass(frozen=True, slots=True)
class CreateIndex:
    """``args``: ``table``, ``columns`` in order (``lower(email)``, ``created_at DESC``), ``schema`` (``public``), and
    ``statement``, the number of the statement that should use it (pg_stat_statements' queryid)."""

    client: Client
    operator: Operator
    config: Config
    effect: Effect = Effect.CHANGE

    async def preview(self, args: Args) -> Preview:
        """The exact statement, the size of the table, how to undo, and what stands in the way."""
        try:
            wish = await self._wish(args)
            if wish.equal:
                return Preview(f"index {wish.equal.name} on {wish.table} is there already: nothing to do", 0)
            text = create_statement(wish.table.schema, wish.table.name, wish.keys)
            undo = drop_statement(wish.table.schema, wish.name)
            items = (f"{wish.table}: {_size(wish.table.size)}, about {wish.table.rows:.0f} rows", f"as {self._login}")
            return Preview(text, 1, items, undo, await self._obstacle(wish))
        except (PostgresError, BadArguments, Refused) as error:
            return Preview("can't tell what would be made", 0, refused=str(error))

    async def apply(self, args: Args) -> Outcome:
        """Make it; reading and writing of the table go on. What a failure leaves is dropped."""
        started = time.monotonic()
        try:
            wish = await self._wish(args)
            if wish.equal:
                return Outcome(Result.DONE, f"index {wish.equal.name} on {wish.table} is there already: nothing done")
            if obstacle := await self._obstacle(wish):
                return Outcome(Result.FAILED, f"refused: {obstacle}")
        except (PostgresError, BadArguments, Refused) as error:
            return Outcome(Result.FAILED, str(error), seconds=time.monotonic() - started)
        return await self._made(wish, started)

    async def verify(self, args: Args) -> Verification:
        """Passed when the index can be used and the statement's plan does; pending while it is being built."""
        try:
            wish = await self._wish(args)
            return await self._judged(wish)
        except (PostgresError, BadArguments, Refused) as error:
            return Verification(Verified.UNKNOWN, f"can't tell whether the index is there: {error}")

    async def _wish(self, args: Args) -> Wish:
        schema, name, columns = str(args.get("schema") or "public"), _text(args, "table"), args.get("columns")
        if not isinstance(columns, list | tuple) or not columns or not all(isinstance(c, str) for c in columns):
            raise BadArguments("columns must be a list of the columns to index, in order")
        table = await table_facts(self.client, schema, name, self.operator.login)
        if table is None:
            raise Refused(f"there is no table {qualified(schema, name)}")
        try:
            return Wish(table, parsed(columns, table.columns), str(args.get("statement") or ""))
        except BadKey as error:
            raise Refused(f"{table}: {error}") from None

    async def _obstacle(self, wish: Wish) -> str:
        """The first thing that stands in the way; empty when nothing does."""
        if wish.table.kind == "p":
            return f"{wish.table} is partitioned: make the index on each of its partitions"
        if self.operator.refusal or not wish.table.allowed:
            return _NO_OWNER.format(owner=wish.table.owner, table=wish.table)
        if remains := wish.remains:
            if remains.building:
                return f"index {remains.name} is being built now"
            return f"the INVALID index {remains.name} is in the way: drop it first ({DROP_INDEX})"
        rows = await self.client.rows(query("old_transactions"), {"after": self.config.old_transaction_after})
        return f"it would have to wait for {_old(rows)}: let that end first" if rows else ""

    async def _made(self, wish: Wish, started: float) -> Outcome:
        text = create_statement(wish.table.schema, wish.table.name, wish.keys)
        try:
            await self._run(text, self.config.index_timeout)
        except PostgresError as error:
            outcome = failed(error, time.monotonic() - started)
            return outcome if outcome.result is Result.UNKNOWN else await self._cleaned(wish, outcome)
        undo = {"action": DROP_INDEX, "args": {"schema": wish.table.schema, "index": wish.name}}
        said = f"made index {wish.name} on {wish.table}"
        return Outcome(Result.DONE, said, text, seconds=time.monotonic() - started, hits=1, undo=undo)

    async def _cleaned(self, wish: Wish, outcome: Outcome) -> Outcome:
        """The failure, after its half-made index was dropped; or how to drop it."""
        try:
            table = await table_facts(self.client, wish.table.schema, wish.table.name)
            left = [index for index in table.indexes if index.name == wish.name and not index.valid] if table else []
            if left:
                await self._run(drop_statement(wish.table.schema, wish.name), self.config.index_timeout)
            said = f"; its half-made index {wish.name} was dropped" if left else ""
        except PostgresError as error:
            said = f"; its half-made index {wish.name} could not be dropped ({error}): {DROP_INDEX} does"
        return Outcome(
            outcome.result, f"{outcome.summary}{said}", seconds=outcome.seconds, recoverable=outcome.recoverable
        )

    async def _run(self, text: str, seconds: float) -> None:
        await self.operator.run(
            lambda session: executed(session, text, None), seconds, lock=self.config.index_lock_timeout
        )

    async def _judged(self, wish: Wish) -> Verification:
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

    async def _used(self, wish: Wish, index: Index) -> tuple[bool | None, str]:
        """Whether the statement's plan reads the index; None where there is no plan to be had."""
        try:
            texts = await self._texts(wish.statement)
            if not texts:
                return None, "its statement is not known any more: no plan was looked at"
            used = index.name in indexes_used(await plan_of(self.client, texts[0]["query"]))
        except PostgresError as error:
            if error.kind not in (Kind.SQL, Kind.PERMISSION):
                raise
            return None, f"its statement can't be explained: {error}"
        return used, f"the plan of statement {wish.statement} {'reads' if used else 'does not read'} it"

    async def _texts(self, statement: str) -> list[Row]:
        [row] = await self.client.rows(query("statements_available"))
        if not statement.removeprefix("-").isdigit() or not row["available"]:
            return []
        return await self.client.rows(query("statement_texts"), {"ids": [int(statement)]})

    @property
    def _login(self) -> str:
        return self.operator.login or "the login of the address"


@dataclass(frozen=True, slots=True)
class DropIndex:
    """``args``: ``index`` and ``schema`` (``public``). Only an INVALID index, or one that ``postgres.create_index``
    made; every other is somebody's, and stays."""

    client: Client
    operator: Operator
    config: Config
    effect: Effect = Effect.CHANGE

    async def preview(self, args: Args) -> Preview:
        """The exact statement and what the index is, or why it stays."""
        try:
            schema, name = _place(args)
            facts = await self._facts(schema, name)
            if facts is None:
                return Preview(f"there is no index {qualified(schema, name)}: nothing to do", 0)
            items = (str(facts["definition"]), _size(int(facts["bytes"])))
            undo = f"make it again: {facts['definition']}"
            return Preview(drop_statement(schema, name), 1, items, undo, self._obstacle(schema, name, facts))
        except (PostgresError, BadArguments) as error:
            return Preview("can't tell what would be dropped", 0, refused=str(error))

    async def apply(self, args: Args) -> Outcome:
        """Drop it, while its table stays in use."""
        started = time.monotonic()
        try:
            schema, name = _place(args)
            facts = await self._facts(schema, name)
            if facts is None:
                return Outcome(Result.DONE, f"there is no index {qualified(schema, name)}: nothing was done")
            if obstacle := self._obstacle(schema, name, facts):
                return Outcome(Result.FAILED, f"refused: {obstacle}")
            text = drop_statement(schema, name)
            await self.operator.run(
                lambda session: executed(session, text, None),
                self.config.index_timeout,
                lock=self.config.index_lock_timeout,
            )
        except (PostgresError, BadArguments) as error:
            return failed(error, time.monotonic() - started)
        said = f"dropped index {qualified(schema, name)}"
        return Outcome(Result.DONE, said, text, seconds=time.monotonic() - started, hits=1)

    async def verify(self, args: Args) -> Verification:
        """Passed when there is no such index."""
        try:
            schema, name = _place(args)
            facts = await self._facts(schema, name)
        except (PostgresError, BadArguments) as error:
            return Verification(Verified.UNKNOWN, f"can't tell whether the index is gone: {error}")
        if facts is None:
            return Verification(Verified.PASSED, f"there is no index {qualified(schema, name)}")
        return Verification(Verified.FAILED, f"index {qualified(schema, name)} is still there")

    async def _facts(self, schema: str, name: str) -> Row | None:
        params = {"schema": schema, "index": name, "login": self.operator.login}
        rows = await self.client.rows(query("index_facts"), params)
        return rows[0] if rows else None

    def _obstacle(self, schema: str, name: str, facts: Row) -> str:
        if facts["carries"]:
            return f"index {name} carries the constraint {facts['carries']}"
        if facts["building"]:
            return f"index {name} is being built now"
        if facts["valid"] and name != index_name(schema, facts["table"], facts["keys"]):
            return f"index {name} is valid and was not made by {CREATE_INDEX}: it stays"
        if self.operator.refusal or not facts["allowed"]:
            return _NO_OWNER.format(owner="its table's owner", table=qualified(schema, facts["table"]))
        return ""


def _text(args: Args, name: str) -> str:
    value = args.get(name)
    if not isinstance(value, str) or not value:
        raise BadArguments(f"{name} must be a name")
    return value


def _place(args: Args) -> tuple[str, str]:
    return str(args.get("schema") or "public"), _text(args, "index")


def _old(rows: Sequence[Row]) -> str:
    first = rows[0]
    who = f"session {first['pid']} of {first['role']} {first['application']}".rstrip()
    more = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
    return f"{who}, in a transaction for {first['seconds']:.0f} s{more}"


def _size(size: int) -> str:
    return f"{size / 2**20:.1f} MB"
