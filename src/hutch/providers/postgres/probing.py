"""The Postgres probe: connect as any client does, ask one statement inside a READ ONLY transaction, go."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from hutch.model.finding import Object
from hutch.model.probe import SHOWN, Probed
from hutch.ports import Probe, ProbeTarget
from hutch.providers.postgres.client import Table, connected, guarded, limit, streamed
from hutch.providers.postgres.config import Config, config_from
from hutch.providers.postgres.errors import CAUSE_CODES, Kind, PostgresError, place
from hutch.providers.postgres.statements import counted


@dataclass(slots=True)
class _Look:
    """One look: what is asked, and the times as they come."""

    config: Config
    where: str
    query: str
    began: float = field(default_factory=time.monotonic)
    phases: dict[str, float] = field(default_factory=dict)

    def note(self, phase: str) -> None:
        self.phases[phase] = round(time.monotonic() - self.began, 6)

    def failed(self, detail: str, code: str, thing: Object) -> Probed:
        self.note("total")
        return Probed(False, detail[:SHOWN], self.phases, "connect" in self.phases, code, thing if code else None)


def opened(target: ProbeTarget) -> Probe:
    """The probe. ``ValueError``, without quoting it, for what is no address of a database."""
    seconds = target.timeout
    config = config_from({"url": target.target, "connect_timeout": float(seconds), "statement_timeout": float(seconds)})
    try:
        where, database = place(config.url)
    except PostgresError as error:
        raise ValueError(f"target: {error}") from None
    query, expect = str(target.settings["query"]), str(target.settings["expect"])
    thing = Object("database", database)

    async def look() -> Probed:
        mine = _Look(config, where, query)
        try:
            async with asyncio.timeout(seconds):
                table = await _asked(mine)
        except TimeoutError:
            return mine.failed(f"{where}: no answer within {seconds:g} s", CAUSE_CODES[Kind.UNREACHABLE], thing)
        except PostgresError as error:
            return mine.failed(str(error), CAUSE_CODES.get(error.kind, ""), thing)
        mine.note("total")
        fault = _fault(table, expect)
        return Probed(not fault, fault or counted(len(table.rows)), mine.phases, answered=True)

    return look


async def _asked(look: _Look) -> Table:
    session = await connected(look.config.url, look.config, look.where)
    look.note("connect")
    try:
        await session.set_read_only(True)

        async def both() -> Table:
            await limit(session, look.config.statement_timeout, look.config.lock_timeout, local=True)
            return await streamed(session, look.query, None)

        table = await guarded(session, look.where, both(), look.config.statement_timeout)
        look.note("first_byte")
        return table
    finally:
        await session.close()


def _fault(table: Table, expect: str) -> str:
    """What is wrong with the answer; empty where nothing is."""
    first = table.rows[0][0] if table.rows and table.rows[0] else None
    if not expect or first == expect:
        return ""
    return f"the answer is {'empty' if first is None else repr(first[:100])}, {expect!r} expected"
