"""Which applied migrations break older code, asked of a real database."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hutch.model.action import Command, Result
from hutch.model.effect import Effect
from hutch.model.event import instant
from rolerabbit import database
from rolerabbit.migrate import known_to

DROP = "-- migrate:up\nALTER TABLE users DROP COLUMN password_hash;\n-- migrate:down\nSELECT 1;\n"


async def asked(target: Any, args: dict[str, object], **settings: object) -> dict[str, Any]:
    async with target(**settings) as connection:
        found = await connection.runs["migrate.breaking"](Command("migrate.breaking", "", "", Effect.READ, args=args))
    assert found.result is Result.DONE, found.summary
    told: dict[str, Any] = json.loads(found.output)
    return told


async def test_what_was_applied_since_then(server: Any, target: Any) -> None:
    before = instant(datetime.now(UTC) - timedelta(hours=1))
    server.write(DROP, "900_drop.sql")
    server.write("-- migrate:up\nALTER TABLE users ADD COLUMN nick text;\n-- migrate:down\nSELECT 1;\n", "901_nick.sql")
    database.up(server.url(), known_to({"RR_MIGRATIONS_EXTRA": str(server.extra)}))
    with server.connect() as session:
        session.execute("update schema_migrations set started_at = started_at - interval '2 days',"
                        " finished_at = finished_at - interval '2 days' where version::int < 900")  # fmt: skip
    found = await asked(target, {"since": before})
    [one] = found["breaking"]
    assert (one["version"], one["why"], found["untold"]) == ("900", ["drops column users.password_hash"], [])
    assert (await asked(target, {"since": instant(datetime.now(UTC))}))["breaking"] == []
    assert await asked(target, {"since": before}, harmless=["900"]) == {"breaking": [], "untold": []}


async def test_without_a_time_every_breaking_one_is_untold(server: Any, target: Any) -> None:
    server.write(DROP, "900_drop.sql")
    database.up(server.url(), known_to({"RR_MIGRATIONS_EXTRA": str(server.extra)}))
    found = await asked(target, {})
    assert (found["breaking"], found["untold"][-1]) == ([], "900")
    with server.connect() as session:
        session.execute(
            "alter table schema_migrations drop column finished_at, drop column started_at, drop applied_at"
        )
    found = await asked(target, {"since": instant(datetime.now(UTC) - timedelta(days=9))})
    assert (found["breaking"], found["untold"][-1]) == ([], "900")


async def test_a_database_that_is_away_is_said(target: Any) -> None:
    async with target(url="postgresql://watcher@127.0.0.1:9/none", connect_timeout=1.0) as connection:
        found = await connection.runs["migrate.breaking"](Command("migrate.breaking", "", "", Effect.READ))
    assert (found.result, found.recoverable) == (Result.FAILED, True)
