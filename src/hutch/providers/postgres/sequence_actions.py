"""Moving the end of a sequence as far as its column bears; a column that is too narrow gets a plan alone."""

from __future__ import annotations

from psycopg import sql

from hutch.model.action import Verification, Verified
from hutch.providers.postgres.care import Args, BadArguments, Care, Plan, Refused, place_of, size
from hutch.providers.postgres.client import Row
from hutch.providers.postgres.plans import qualified
from hutch.providers.postgres.queries import query
from hutch.providers.postgres.remedies import EXTEND_SEQUENCE
from hutch.providers.postgres.sequences import Column, extend_statement, narrow, reach, type_for, widening

ALMOST = 0.9
"""The part of its values from which a sequence counts as used up."""
_RECHECK = "SELECT seqmax = {} AND seqtypid = {}::regtype FROM pg_sequence WHERE seqrelid = {}::oid"


class ExtendSequence(Care):
    """Let a sequence go on to the end of its column's type; its values, its owner and its step stay.

    ``args``: ``sequence``, ``schema`` (``public``); ``max``, another end that its columns hold."""

    __slots__ = ()

    async def plan(self, args: Args) -> Plan:
        """One ALTER SEQUENCE; or, where a column ends first, the plan to widen it as a refusal."""
        schema, name, row = await self._row(args)
        columns, shown = _columns(row), qualified(schema, name)
        end, tight = _end(args, columns), _tight(args, columns, row)
        if end == row["max"] and not tight:
            return Plan(nothing=f"sequence {shown} ends at {end}, as far as it may")
        type_ = type_for(end, str(args.get("type") or ""), row["type"])
        back = {"schema": schema, "sequence": name, "max": str(row["max"]), "type": row["type"]}
        recheck = sql.SQL(_RECHECK).format(*map(sql.Literal, (row["max"], row["type"], row["oid"])))
        return Plan(
            statements=(extend_statement(schema, name, type_, end),),
            done=f"sequence {shown} ends at {end} now, not at {row['max']}",
            items=(_about(shown, row), *map(_shown, columns), *_plan_lines(tight)),
            undo=f"{EXTEND_SEQUENCE} with max {row['max']}, as long as its value is below that",
            way_back={"action": EXTEND_SEQUENCE, "args": back},
            refused=self._obstacle(shown, row, end, tight),
            together=True,
            recheck=recheck.as_string(),
            right=self._right(shown, row),
        )

    async def judged(self, args: Args) -> Verification:
        """Passed when the sequence ends where its columns do (or where ``max`` says), and is not there already."""
        schema, name, row = await self._row(args)
        end, shown = _end(args, _columns(row)), qualified(schema, name)
        if row["max"] != end:
            return Verification(Verified.FAILED, f"sequence {shown} ends at {row['max']}, not at {end}")
        if row["last"] is not None and row["last"] > ALMOST * end:
            return Verification(Verified.FAILED, f"sequence {shown} is almost at its end", (_about(shown, row),))
        return Verification(Verified.PASSED, f"sequence {shown} ends at {end}", (_about(shown, row),))

    async def _row(self, args: Args) -> tuple[str, str, Row]:
        schema, name = place_of(args, "sequence")
        params = {"schema": schema, "sequence": name, "login": self.operator.login}
        rows = await self.client.rows(query("sequence_facts"), params)
        if not rows:
            raise Refused(f"there is no sequence {qualified(schema, name)}")
        return schema, name, rows[0]

    def _obstacle(self, shown: str, row: Row, end: int, tight: list[Column]) -> str:
        if row["step"] < 0:
            return f"sequence {shown} counts downwards: its other end is meant, and nobody has decided that"
        if tight:
            which = f"{tight[0]} is {tight[0].type} and ends at {tight[0].limit}"
            return f"{which}: widen the column first; the plan is shown, for a migration, and is not run from here"
        if row["last"] is not None and end < row["last"]:
            return f"sequence {shown} is at {row['last']} already, beyond {end}"
        return "" if row["allowed"] else self._right(shown, row)

    def _right(self, shown: str, row: Row) -> str:
        who = self.operator.login or "the changing login"
        return (
            f"only the owner alters sequence {shown}: make {who} a member of {row['owner']}, or name such a login in "
            "services.*.postgres.owner_url"
        )


def _shown(column: Column) -> str:
    """A column for the preview."""
    referring = f", referred to by {', '.join(f'{c} ({c.type})' for c in column.referring)}" if column.referring else ""
    return f"feeds {column} ({column.type}), about {column.rows:.0f} rows, {size(column.bytes)}{referring}"


def _plan_lines(tight: list[Column]) -> list[str]:
    """The numbered plan for each column that is too narrow."""
    return [f"{column}, {number}. {step}" for column in tight for number, step in enumerate(widening(column), 1)]


def _about(shown: str, row: Row) -> str:
    at = row["last"] if row["readable"] else "a value that the reading login may not see (GRANT SELECT ON it)"
    return (
        f"sequence {shown} is at {at if at is not None else 'its start'}; it is {row['type']} and ends at {row['max']}"
    )


def _tight(args: Args, columns: list[Column], row: Row) -> list[Column]:
    """The columns that end where the sequence does, or before: to move its end would only move the error."""
    moves = bool(args.get("max")) or reach(columns) > row["max"]
    return [] if moves else narrow(columns, row["max"])


def _columns(row: Row) -> list[Column]:
    return [Column.read(item) for item in row["columns"]]


def _end(args: Args, columns: list[Column]) -> int:
    """Where it shall end. :class:`BadArguments` for what is no number, :class:`Refused` beyond the columns."""
    said, furthest = args.get("max"), reach(columns)
    if said in (None, ""):
        return furthest
    if isinstance(said, bool) or not str(said).isascii() or not str(said).isdigit():
        raise BadArguments(f"max must be a whole number, not {said!r}")
    if int(str(said)) > furthest:
        raise Refused(f"max {said} is beyond what the columns hold, {furthest}")
    return int(str(said))
