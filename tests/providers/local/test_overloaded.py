"""A real service that is too small for its visitors, and one that waits for a locked table."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg

from hutch.model.action import Result, Verified
from hutch.model.finding import Finding, Status
from hutch.ports import Connection, TargetConfig
from hutch.providers.local import provider
from hutch.providers.postgres import provider as postgres

Ready = Mapping[str, Any]
RATE = 250


async def looked(*connections: Connection) -> list[Finding]:
    return list(await asyncio.gather(*(check() for c in connections for check in c.checks.values())))


async def waiting(*connections: Connection, until: str) -> Sequence[Finding]:
    """The findings of the first moment at which that check is not well."""
    async with asyncio.timeout(60):
        while True:
            findings = await looked(*connections)
            if any(f.check == until and f.status is not Status.OK for f in findings):
                return findings


def database(ready: Ready) -> Connection:
    settings = {"url": ready["reader_url"]}
    return postgres.open(TargetConfig("web", settings, lambda: datetime.now(UTC)))


async def test_a_lock_is_no_overload(small: Ready, at: Any, load: Any) -> None:
    pg, local = database(small), at(small)
    try:
        with load(small, 60), psycopg.connect(small["database_url"]) as session:
            session.execute("lock table portfolios")
            await waiting(local, until="local.load")
            findings = await waiting(pg, local, until="postgres.locks")
    finally:
        await pg.close()
    assert [c.code for c in provider.explain(findings)] == []
    assert "postgres.blocked_by_lock" in [c.code for c in postgres.explain(findings)]


FAR_AWAY = ("alter role rolerabbit_app set commit_delay = 60000", "alter role rolerabbit_app set commit_siblings = 0")
"""Commits that take 60 ms hold a connection for long and cost no processor, however fast the machine is."""


async def test_too_few_replicas_get_more(small: Ready, at: Any, load: Any, post: Any) -> None:
    with psycopg.connect(small["database_url"], autocommit=True) as session:
        for statement in FAR_AWAY:
            session.execute(statement.encode())
    await asyncio.to_thread(post, small, "/restart", {})
    pg, local = database(small), at(small)
    try:
        with load(small, RATE):
            findings = await waiting(pg, local, until="local.load")
    finally:
        await pg.close()
    [cause] = provider.explain(findings)
    assert (cause.code, cause.object.kind, cause.object.id) == ("app.overloaded", "service", "web")
    [remedy] = cause.remedies
    assert remedy.action == "service.scale"
    assert remedy.args["replicas"] == 2
    assert int(str(remedy.args["pool_size"])) > 1
    scale = local.actions["service.scale"]
    assert (await scale.preview(remedy.args)).refused == ""
    assert (await scale.apply(remedy.args)).result is Result.DONE
    assert (await scale.verify(remedy.args)).verdict is Verified.PASSED
