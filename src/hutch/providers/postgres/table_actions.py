"""What was switched off and stayed so: a constraint that was never checked, a trigger that does not fire."""

from __future__ import annotations

from psycopg import sql

from hutch.model.action import Verification, Verified
from hutch.providers.postgres.care import Args, Care, Plan, Refused, place_of, size, text_of
from hutch.providers.postgres.client import Row
from hutch.providers.postgres.plans import qualified
from hutch.providers.postgres.queries import query


class ValidateConstraint(Care):
    """Check the rows that were there before a constraint, which is NOT VALID until then. Reading and writing go on.

    ``args``: ``table``, ``constraint``, ``schema`` (``public``). A row that breaks it stops it, and stays."""

    __slots__ = ()

    @property
    def limits(self) -> tuple[float, float]:
        """It reads the whole table, but waits for no reader or writer."""
        return self.config.upkeep_timeout, self.config.lock_timeout

    async def plan(self, args: Args) -> Plan:
        """One ALTER TABLE … VALIDATE CONSTRAINT."""
        schema, table, name, row = await _found(self, args, "constraint")
        shown = f"constraint {name} of {qualified(schema, table)}"
        if row["valid"]:
            return Plan(nothing=f"{shown} is valid")
        text = sql.SQL("ALTER TABLE {} VALIDATE CONSTRAINT {}").format(
            sql.Identifier(schema, table), sql.Identifier(name)
        )
        looks_up = f", and looks each up in {row['refers']}" if row["refers"] else ""
        about = f"reads {size(row['bytes'])}, about {row['rows']:.0f} rows{looks_up}"
        return Plan(
            statements=(text.as_string(),),
            done=f"{shown} is valid: every row keeps to it",
            items=(row["definition"], about),
            undo="needs none: no row is changed",
            refused="" if row["allowed"] else _right(self, row, qualified(schema, table)),
            right=_right(self, row, qualified(schema, table)),
        )

    async def judged(self, args: Args) -> Verification:
        """Passed when it is valid."""
        _, _, name, row = await _found(self, args, "constraint")
        verdict = Verified.PASSED if row["valid"] else Verified.FAILED
        return Verification(verdict, f"constraint {name} is {'valid' if row['valid'] else 'NOT VALID'}")


class EnableTrigger(Care):
    """Let a trigger fire again that was switched off. What was written meanwhile it never sees.

    ``args``: ``table``, ``trigger``, ``schema`` (``public``)."""

    __slots__ = ()

    async def plan(self, args: Args) -> Plan:
        """One ALTER TABLE … ENABLE TRIGGER, which waits for writers for a moment."""
        schema, table, name, row = await _found(self, args, "trigger")
        shown = f"trigger {name} of {qualified(schema, table)}"
        if row["state"] != "D":
            return Plan(nothing=f"{shown} is enabled")
        enabling, disabling = (
            sql.SQL("ALTER TABLE {} {} TRIGGER {}")
            .format(sql.Identifier(schema, table), sql.SQL(verb), sql.Identifier(name))
            .as_string()
            for verb in ("ENABLE", "DISABLE")
        )
        internal = (
            f"{shown} carries a foreign key: only a superuser may enable it (ENABLE TRIGGER ALL), and rows written "
        )
        return Plan(
            statements=(enabling,),
            done=f"{shown} fires again",
            items=(row["definition"], "rows that were written while it was off are not made up for"),
            undo=disabling,
            refused=f"{internal}meanwhile must be checked first"
            if row["internal"]
            else ("" if row["allowed"] else _right(self, row, qualified(schema, table))),
            right=_right(self, row, qualified(schema, table)),
        )

    async def judged(self, args: Args) -> Verification:
        """Passed when it is not switched off."""
        _, _, name, row = await _found(self, args, "trigger")
        off = row["state"] == "D"
        return Verification(
            Verified.FAILED if off else Verified.PASSED, f"trigger {name} is {'off' if off else 'enabled'}"
        )


async def _found(care: Care, args: Args, kind: str) -> tuple[str, str, str, Row]:
    """Schema, table and name of a thing that belongs to a table, and what it is. :class:`Refused` where it is not."""
    (schema, table), name = place_of(args, "table"), text_of(args, kind)
    params = {"schema": schema, "table": table, "name": name, "login": care.operator.login}
    rows = await care.client.rows(query(f"{kind}_facts"), params)
    if not rows:
        raise Refused(f"{qualified(schema, table)} has no {kind} {name}")
    return schema, table, name, rows[0]


def _right(care: Care, row: Row, table: str) -> str:
    who = care.operator.login or "the changing login"
    return (
        f"only the owner alters {table}: make {who} a member of {row['owner']}, or name such a login in "
        "services.*.postgres.owner_url"
    )
