"""Dropping a replication slot that nobody reads any more, before what it keeps fills the disk."""

from __future__ import annotations

from psycopg import sql

from hutch.model.action import Verification, Verified
from hutch.model.effect import Effect
from hutch.providers.postgres.care import Args, Care, Plan, size, text_of
from hutch.providers.postgres.client import Row
from hutch.providers.postgres.queries import query

_STATEMENT = (
    "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = {} AND NOT active "
    "AND restart_lsn IS NOT DISTINCT FROM {}::pg_lsn"
)


class DropSlot(Care):
    """Drop an inactive replication slot: its consumer can't go on from where it was, and must be set up anew.

    ``args``: ``slot``; ``restart_lsn``, where it stood when it was approved: one that moved since is in use."""

    __slots__ = ()

    @property
    def effect(self) -> Effect:
        """What the slot kept for its consumer is gone for good."""
        return Effect.DESTROY

    async def plan(self, args: Args) -> Plan:
        """One statement that drops it only while it is inactive and has not moved."""
        name = text_of(args, "slot")
        row = await self._row(name)
        if row is None:
            return Plan(nothing=f"there is no replication slot {name}")
        where = args.get("restart_lsn") or row["restart_lsn"]
        kind = f"{row['type']} slot {name}" + (
            f" ({row['plugin']}, database {row['database']})" if row["plugin"] else ""
        )
        return Plan(
            statements=(sql.SQL(_STATEMENT).format(sql.Literal(name), sql.Literal(where)).as_string(),),
            done=f"dropped the replication slot {name}, which kept {size(row['kept'])}",
            items=(f"{kind}: inactive, keeps {size(row['kept'])} of the log of changes, {row['wal_status'] or '-'}",),
            undo="cannot be undone: its consumer must be set up anew, from a copy of the whole database",
            refused=self._obstacle(name, row, str(where or "")),
            counted=True,
            right=self._right(),
        )

    async def judged(self, args: Args) -> Verification:
        """Passed when there is no such slot."""
        name = text_of(args, "slot")
        row = await self._row(name)
        if row is None:
            return Verification(Verified.PASSED, f"there is no replication slot {name}")
        state = f"in use by pid {row['active_pid']}" if row["active"] else f"inactive, keeps {size(row['kept'])}"
        return Verification(Verified.FAILED, f"the replication slot {name} is there, {state}")

    async def _row(self, name: str) -> Row | None:
        rows = await self.client.rows(query("slot_facts"), {"slot": name, "login": self.operator.login})
        return rows[0] if rows else None

    def _obstacle(self, name: str, row: Row, approved: str) -> str:
        if row["active"]:
            return f"slot {name} is in use by pid {row['active_pid']}: its consumer is at work"
        if approved != str(row["restart_lsn"] or ""):
            return f"slot {name} moved on to {row['restart_lsn']} since: somebody reads it"
        return "" if row["allowed"] else self._right()

    def _right(self) -> str:
        who = self.operator.login or "the changing login"
        return f"{who} may not drop slots: ALTER ROLE {who} REPLICATION, or let a superuser do it"
