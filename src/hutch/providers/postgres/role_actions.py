"""Time-outs for a role: the lasting cure where sessions are left open or statements never end."""

from __future__ import annotations

from psycopg import sql

from hutch.model.action import Verification, Verified
from hutch.providers.postgres.care import Args, BadArguments, Care, Plan, Refused, text_of
from hutch.providers.postgres.client import Row
from hutch.providers.postgres.queries import query
from hutch.providers.postgres.remedies import SET_ROLE_TIMEOUT
from hutch.providers.postgres.timeouts import LEAST, RESET, TIMEOUTS, milliseconds

_RECHECK = """
SELECT coalesce((SELECT substr(c, strpos(c, '=') + 1) FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) c
                 WHERE s.setrole = {role}::regrole AND s.setdatabase = {database}
                   AND split_part(c, '=', 1) = {setting}),
                {reset}) = {before}"""


class SetRoleTimeout(Care):
    """Set a time-out for a role, or take it away. It counts for sessions that begin afterwards.

    ``args``: ``role``; ``setting``, one of idle_in_transaction_session_timeout, statement_timeout, lock_timeout,
    idle_session_timeout, transaction_timeout; ``value`` with its unit (``60s``), ``0`` for none, or ``reset``."""

    __slots__ = ()

    async def plan(self, args: Args) -> Plan:
        """One ALTER ROLE; the previous setting is the way back."""
        role, setting, value = _wish(args)
        row = await self._row(role, setting)
        before = _own(row, setting) or RESET
        if _same(before, value):
            return Plan(nothing=f"{setting} of {role} is {value}")
        back = {"role": role, "setting": setting, "value": before}
        return Plan(
            statements=(_statement(role, setting, value),),
            done=f"{setting} of {role} is {value} for new sessions; it was {before}",
            items=(
                f"{role}: {row['sessions']} sessions are open and keep what they have until they connect again",
                *(
                    f"in database {o['database']} it has its own, {o['value']}, which stands"
                    for o in _others(row, setting)
                ),
            ),
            undo=_statement(role, setting, before),
            way_back={"action": SET_ROLE_TIMEOUT, "args": back},
            refused=self._obstacle(role, value, row),
            together=True,
            recheck=_recheck(role, setting, before),
            right=self._right(role),
        )

    async def judged(self, args: Args) -> Verification:
        """Passed when the role has that setting of its own."""
        role, setting, value = _wish(args)
        row = await self._row(role, setting)
        now = _own(row, setting) or RESET
        seen = f"{setting} of {role} is {now}"
        if not _same(now, value):
            return Verification(Verified.FAILED, f"{seen}, not {value}")
        others = tuple(f"but {o['value']} in database {o['database']}" for o in _others(row, setting))
        return Verification(Verified.PASSED, seen, others)

    async def _row(self, role: str, setting: str) -> Row:
        params = {"role": role, "setting": setting, "login": self.operator.login} | self.config.protection()
        rows = await self.client.rows(query("role_facts"), params)
        if not rows:
            raise Refused(f"there is no role {role}")
        if not rows[0]["known"]:
            raise Refused(f"this server knows no {setting}: it is of a later version")
        return rows[0]

    def _obstacle(self, role: str, value: str, row: Row) -> str:
        if row["superuser"] or row["replication"]:
            return f"{role} is a {'superuser' if row['superuser'] else 'replication role'}: protected"
        if role in self.config.protected_roles:
            return f"{role} is a protected role"
        if row["protected"] and milliseconds(value):
            return f"{', '.join(row['protected'])} works as {role} now and would be cut off: give it a role of its own"
        if 0 < (milliseconds(value) or 0) < LEAST:
            return f"{value} is so short that it would stop {role} altogether: at least {LEAST} ms"
        return "" if row["allowed"] else self._right(role)

    def _right(self, role: str) -> str:
        who = self.operator.login or "the changing login"
        return (
            f"{who} may not alter {role}: ALTER ROLE {who} CREATEROLE, and from version 16 GRANT {role} TO {who} WITH "
            "ADMIN TRUE, INHERIT FALSE, SET FALSE"
        )


def _wish(args: Args) -> tuple[str, str, str]:
    role, setting, value = text_of(args, "role"), text_of(args, "setting"), str(args.get("value", "")).strip()
    if setting not in TIMEOUTS:
        raise BadArguments(f"setting must be one of {', '.join(TIMEOUTS)}, not {setting!r}")
    if value != RESET and (milliseconds(value) is None or (value.isdigit() and value != "0")):
        raise BadArguments(f"value must be a time with its unit (60s, 5min), 0 or reset, not {value!r}")
    return role, setting, value


def _same(one: str, other: str) -> bool:
    return one == other if RESET in (one, other) else milliseconds(one) == milliseconds(other)


def _own(row: Row, setting: str) -> str:
    return next((str(o["value"]) for o in row["own"] if o["setting"] == setting and not o["database"]), "")


def _others(row: Row, setting: str) -> list[Row]:
    return [o for o in row["own"] if o["setting"] == setting and o["database"]]


def _statement(role: str, setting: str, value: str) -> str:
    names = (sql.Identifier(role), sql.Identifier(setting))
    if value == RESET:
        return sql.SQL("ALTER ROLE {} RESET {}").format(*names).as_string()
    return sql.SQL("ALTER ROLE {} SET {} = {}").format(*names, sql.Literal(value)).as_string()


def _recheck(role: str, setting: str, before: str) -> str:
    quoted = sql.Identifier(role).as_string()
    literals = {"role": quoted, "database": 0, "setting": setting, "reset": RESET, "before": before}
    return sql.SQL(_RECHECK).format(**{name: sql.Literal(value) for name, value in literals.items()}).as_string()
