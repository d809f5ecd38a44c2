"""Building an index anew beside the old one, while both its table and it stay in use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from psycopg import sql

from hutch.model.action import Outcome, Verification, Verified
from hutch.providers.postgres.care import Args, BadArguments, Care, Plan, Refused, place_of, size
from hutch.providers.postgres.client import Row
from hutch.providers.postgres.errors import PostgresError
from hutch.providers.postgres.indexes import drop_statement
from hutch.providers.postgres.plans import qualified
from hutch.providers.postgres.preflight import barred
from hutch.providers.postgres.queries import query
from hutch.providers.postgres.remedies import REINDEX


@dataclass(frozen=True, slots=True)
class Reindex(Care):
    """Build an index anew, CONCURRENTLY, and clear away what an earlier try has left (``…_ccnew``, ``…_ccold``).

    ``args``: ``index``, or ``table`` for all its valid indexes; ``schema`` (``public``); ``oid``, the index that was
    approved, which a rebuild replaces: then even a crash leaves no doubt whether it was rebuilt."""

    before: dict[tuple[str, str], int] = field(default_factory=dict)
    """Which index was there when this process began to rebuild it: a rebuilt one has another oid."""

    @property
    def limits(self) -> tuple[float, float]:
        """It waits for every older session of the table, as making an index does."""
        return self.config.index_timeout, self.config.index_lock_timeout

    async def plan(self, args: Args) -> Plan:
        """Drop the remains, then one REINDEX for each index."""
        rows = await self._rows(args)
        names = [qualified(row["schema"], row["index"]) for row in rows]
        if args.get("oid") and int(str(args["oid"])) != rows[0]["oid"]:
            return Plan(nothing=f"index {names[0]} was rebuilt or replaced since (oid {rows[0]['oid']} now)")
        largest = max(row["bytes"] for row in rows)
        return Plan(
            statements=(*(drop_statement(*left) for left in _leftovers(rows)), *map(_statement, rows)),
            done=f"rebuilt {', '.join(names)}",
            items=tuple(
                f"{name} of {row['table']}: {size(row['bytes'])}" for name, row in zip(names, rows, strict=True)
            ),
            undo="needs none: the same index, built anew",
            refused=self._obstacle(rows) or await barred(self.client, self.config, largest),
            progress="progress_create_index",
            right=self._right(rows[0]),
            hits=len(rows),
            once=len(rows) > 1,
        )

    async def apply(self, args: Args) -> Outcome:
        """Rebuild, remembering which index was there: the verification compares."""
        try:
            for row in await self._rows(args):
                self.before[row["schema"], row["index"]] = row["oid"]
        except (PostgresError, BadArguments, Refused):
            self.before.clear()  # the plan says why
        return await Care.apply(self, args)

    async def judged(self, args: Args) -> Verification:
        """Passed when every index is valid, is not the old one, and nothing is left beside it."""
        rows = await self._rows(args)
        if any(row["building"] for row in rows):
            return Verification(Verified.PENDING, f"an index of {rows[0]['table']} is being built")
        invalid = [qualified(row["schema"], row["index"]) for row in rows if not row["valid"]]
        left = [qualified(*left) for left in _leftovers(rows)]
        if invalid or left:
            said = f"INVALID: {', '.join([*invalid, *left])}; {REINDEX} again clears away what is left"
            return Verification(Verified.FAILED, said)
        return self._renewed(rows, args)

    async def tidied(self, args: Args) -> str:
        """Drop the half-made copies."""
        left = _leftovers(await self._rows(args))
        for place in left:
            await self.operator.statement(drop_statement(*place), *self.limits)
        return f"its half-made copies were dropped ({', '.join(qualified(*place) for place in left)})" if left else ""

    def _renewed(self, rows: Sequence[Row], args: Args) -> Verification:
        """Whether they are others than before; a crash of this process forgets which those were."""
        approved = {(rows[0]["schema"], rows[0]["index"]): int(str(args["oid"]))} if args.get("oid") else {}
        known = self.before | approved
        names = ", ".join(qualified(row["schema"], row["index"]) for row in rows)
        old = [row["index"] for row in rows if known.get((row["schema"], row["index"])) == row["oid"]]
        if old:
            return Verification(Verified.FAILED, f"still the old ones: {', '.join(old)}")
        if any((row["schema"], row["index"]) not in known for row in rows):
            said = f"{names}: valid, and nothing is left half-made; whether they were rebuilt can't be seen"
            return Verification(Verified.UNKNOWN, f"{said} (name the old index's oid in the arguments to have it told)")
        return Verification(Verified.PASSED, f"{names}: rebuilt and valid")

    async def _rows(self, args: Args) -> list[Row]:
        kind = "index" if args.get("index") else "table"
        schema, name = place_of(args, kind)
        params = {"schema": schema, "index": None, "table": None, kind: name, "login": self.operator.login}
        rows = await self.client.rows(query("reindex_facts"), params)
        if not rows:
            raise Refused(f"there is no {kind} {qualified(schema, name)}{' with an index' if kind == 'table' else ''}")
        return rows

    def _obstacle(self, rows: Sequence[Row]) -> str:
        if any(row["kind"] == "I" for row in rows):
            return "it is partitioned: rebuild the index of each of its partitions"
        if any(row["exclusion"] for row in rows):
            return (
                "an exclusion constraint's index can't be rebuilt while its table is in use: plan a maintenance window"
            )
        if any(row["building"] for row in rows):
            return f"an index of {rows[0]['table']} is being built now"
        return "" if rows[0]["allowed"] else self._right(rows[0])

    def _right(self, row: Row) -> str:
        who, table = self.operator.login or "the changing login", qualified(row["schema"], row["table"])
        return (
            f"to rebuild indexes of {table}, make {who} a member of its owner {row['owner']}, or from version 17 "
            f"GRANT MAINTAIN ON {table} TO it; or name such a login in services.*.postgres.owner_url"
        )


def _leftovers(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """What earlier tries have left, each once; none while something is being built."""
    found = {(row["schema"], str(left)) for row in rows if not row["building"] for left in row["leftovers"]}
    return sorted(found)


def _statement(row: Row) -> str:
    return sql.SQL("REINDEX INDEX CONCURRENTLY {}").format(sql.Identifier(row["schema"], row["index"])).as_string()
