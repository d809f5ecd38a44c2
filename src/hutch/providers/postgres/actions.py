"""Ending sessions: exactly the approved ones that are still what they were, and never a protected one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import dict_row

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.providers.postgres.care import BadArguments, failed
from hutch.providers.postgres.client import Client, Row, Session
from hutch.providers.postgres.config import Config
from hutch.providers.postgres.errors import PostgresError
from hutch.providers.postgres.lasting import proposals
from hutch.providers.postgres.operator import Operator
from hutch.providers.postgres.queries import query
from hutch.providers.postgres.sessions import without_literals

VERIFY_LOOKS = 25
VERIFY_GAP = 0.2
"""Seconds between looks, and how many: an ended session rolls back before it goes."""
_UNDO = "cannot be undone: the sessions' open transactions are rolled back, their clients must connect again"


@dataclass(frozen=True, slots=True)
class EndSessions:
    """End the sessions that were named and are still what they were; never a protected one, nor one that only waits for
    others. What they had not committed is rolled back. Afterwards it proposes what keeps them from coming back.

    ``args``: ``sessions``, each with ``pid`` and ``backend_start``, and ``xact_start`` and ``state`` as approved.
    Without ``state`` only a session idle in a transaction is hit; with ``xact_start`` only while that one lasts; with
    ``state_change`` only if it was not used since; with ``statement``, the server's number of one, only while it runs
    that one."""

    client: Client
    operator: Operator
    config: Config

    @property
    def effect(self) -> Effect:
        """A change: the sessions lose what they had not committed, stored data stays."""
        return Effect.CHANGE

    async def preview(self, args: Mapping[str, object]) -> Preview:
        """Which of the named sessions would be ended now, and why the others would not."""
        try:
            judged = await self._judged(args)
        except (PostgresError, BadArguments) as error:
            return Preview("can't tell what would be ended", 0, undo=_UNDO, refused=str(error))
        hits = sum(map(_is_hit, judged))
        refused = self._refusal(judged)
        return Preview(f"end {hits} of {len(judged)} sessions", hits, tuple(map(_line, judged)), _UNDO, refused)

    async def apply(self, args: Mapping[str, object]) -> Outcome:
        """End them in one statement that judges each once more. ``hits``: how many were told to end."""
        started = time.monotonic()
        try:
            judged = await self._judged(args)
            if refusal := self._refusal(judged):
                return Outcome(Result.FAILED, f"refused: {refusal}")
            ended = await self._end(args) if any(map(_is_hit, judged)) else []
        except (PostgresError, BadArguments) as error:
            return failed(error, time.monotonic() - started)
        hit = {row["pid"] for row in ended if row["ended"]}
        gone = [row for row in judged if row["pid"] in hit]
        return Outcome(
            Result.DONE,
            f"ended {len(hit)} of {len(judged)} sessions" if hit else "ended nothing: none is as it was approved",
            "\n".join([*map(_line, gone), *proposals(gone)]),
            seconds=time.monotonic() - started,
            hits=len(hit),
        )

    async def verify(self, args: Mapping[str, object]) -> Verification:
        """Passed once no named session is in its named transaction any more; failed if one still is after a while."""
        try:
            left = await self._left(args)
            for _ in range(VERIFY_LOOKS if left else 0):
                await asyncio.sleep(VERIFY_GAP)
                if not (left := await self._left(args)):
                    break
        except (PostgresError, BadArguments) as error:
            return Verification(Verified.UNKNOWN, f"can't tell whether the sessions are gone: {error}")
        if not left:
            return Verification(Verified.PASSED, "none of the sessions is there any more")
        verdict = Verified.UNKNOWN if any(row["hidden"] for row in left) else Verified.FAILED
        return Verification(verdict, f"{len(left)} of the sessions are still there", tuple(map(_line, left)))

    async def _judged(self, args: Mapping[str, object]) -> list[Row]:
        return await self.client.rows(query("judged"), _named(args) | self.config.protection())

    async def _left(self, args: Mapping[str, object]) -> list[Row]:
        """Those still there; one that moved on to another transaction holds nothing of the old one."""
        return [row for row in await self._judged(args) if not row["gone"] and not row["moved_on"]]

    async def _end(self, args: Mapping[str, object]) -> list[Row]:
        params = _named(args) | self.config.protection() | {"max_sessions": self.config.max_sessions}

        async def end(session: Session) -> list[Row]:
            cursor = session.cursor(row_factory=dict_row)
            await cursor.execute(query("end_sessions").encode(), params, prepare=True)
            return await cursor.fetchall()

        return await self.operator.run(end, self.config.statement_timeout)

    def _refusal(self, judged: Sequence[Row]) -> str:
        """The guard's reason against the whole: it fails closed on the first protected session."""
        if self.operator.refusal:
            return self.operator.refusal
        if len(judged) > self.config.max_sessions:
            return f"{len(judged)} sessions are more than the {self.config.max_sessions} that one action may end"
        protected = [row for row in judged if not row["gone"] and row["protection"]]
        return f"session {protected[0]['pid']} {protected[0]['protection']}" if protected else ""


def _named(args: Mapping[str, object]) -> dict[str, object]:
    """The named sessions as parameters, each pid once. :class:`BadArguments` says what is missing."""
    listed = args.get("sessions", ())
    if not isinstance(listed, list | tuple) or not all(isinstance(item, Mapping) for item in listed):
        raise BadArguments("sessions must be a list, each with pid and backend_start")
    named = {_pid(item): item for item in listed}
    return {
        "pids": list(named),
        "starts": [_moment(item, "backend_start", required=True) for item in named.values()],
        "transactions": [_moment(item, "xact_start") for item in named.values()],
        "states": [str(item["state"]) if item.get("state") else None for item in named.values()],
        "changes": [_moment(item, "state_change") for item in named.values()],
        "statements": [_statement(item) for item in named.values()],
    }


def _statement(item: Mapping[str, object]) -> int | None:
    value = str(item.get("statement") or "")
    if value and not value.removeprefix("-").isdecimal():
        raise BadArguments(f"session {item.get('pid')}: statement must be the server's number of it, not {value!r}")
    return int(value) if value else None


def _pid(item: Mapping[str, object]) -> int:
    pid = item.get("pid")
    if isinstance(pid, str) and pid.isascii() and pid.isdigit():
        return int(pid)
    if not isinstance(pid, int) or isinstance(pid, bool):
        raise BadArguments(f"pid must be a number, not {pid!r}")
    return pid


def _moment(item: Mapping[str, object], name: str, required: bool = False) -> datetime | None:
    value = item.get(name)
    if not value and not required:
        return None
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BadArguments(f"session {item.get('pid')}: {name} must be a time with its zone, not {value!r}")
    return moment


def _is_hit(row: Row) -> bool:
    return row["changed"] is None and row["protection"] is None


def _line(row: Row) -> str:
    """One named session on one line: what would be ended, or why it would not."""
    if row["gone"]:
        return f"pid {row['pid']}: is gone"
    who = f"pid {row['pid']}: {row['role']} {row['application'] or '(no application name)'}"
    if why := row["protection"] or row["changed"]:
        return f"{who}: left alone, {why}"
    return f"{who}, {row['state']} for {row['idle_seconds']:.0f} s, last: {without_literals(row['query'])}"
