"""Every read of the library's SQL runs on a real Postgres with RoleRabbit's schema, as a run would run it.

Through the provider: the extended protocol, a READ ONLY transaction, and a login that can only look. On a database that
is well the verifications must pass.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime

import psycopg
import pytest

from hutch.bootstrap.wire import find_providers
from hutch.commands.documents import bundled, load_document
from hutch.model.action import Command, Outcome, Result
from hutch.model.effect import Effect
from hutch.model.runbook import Role, Section, Statement, Step
from hutch.ports import Connection, TargetConfig
from hutch.runbook.capture import extract
from hutch.runbook.expectations import met
from hutch.runbook.render import render
from rolerabbit import database
from rolerabbit.embedded.postgres import Postgres
from rolerabbit.migrate import bundled as migrations

VALUES: Mapping[str, str] = {
    "account": "0b7d9a9e-6c3f-4d43-9a52-3f6f0f0c7a11",
    "address": "2001:db8::/64",
    "incident-start": "2026-01-15T10:00:00Z",
    "incident-end": "2026-01-15T11:00:00Z",
    "table": "portfolios",
}
READER = """
create role looks login password 'looks' in role pg_monitor;
grant usage on schema public to looks; grant select on all tables in schema public to looks;
create extension pg_stat_statements; create extension amcheck;
grant execute on function bt_index_check(regclass), bt_index_check(regclass, boolean),
  bt_index_check(regclass, boolean, boolean), verify_heapam(regclass, boolean, boolean, text, bigint, bigint) to looks;
"""

Read = tuple[str, Section, Step, Statement]


def reads() -> list[Read]:
    """Every SQL statement of the library that only reads."""
    return [
        (name, section, step, statement)
        for name in bundled()
        for runbook in load_document(name).runbooks
        for section, step in runbook.steps()
        if step.lang == "sql"
        for statement in step.statements
        if statement.verdict and statement.verdict.effect is Effect.READ
    ]


def _name(read: Read) -> str:
    return f"{read[0]}:{read[3].line}"


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with Postgres.temporary(shared_preload_libraries="pg_stat_statements") as running:
        url = running.createdb("shop")
        database.up(url, migrations())
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(READER.encode())
            connection.execute("insert into users (email, password_hash) values ('a@example.com', 'x')")
        yield running


def ask(server: Postgres, text: str, params: tuple[str, ...] = ()) -> Outcome:
    """What a run would see: the provider's own reading login."""
    provider = find_providers()["postgres"]
    settings = {s.name: s.default for s in provider.settings} | {"url": server.url_for("shop", "looks", "looks")}

    async def run() -> Outcome:
        connection: Connection = provider.open(TargetConfig("shop", settings, lambda: datetime.now(UTC)))
        try:
            return await connection.runs["sql"](Command("sql", text, "", Effect.READ, "", params=params))
        finally:
            await connection.close()

    return asyncio.run(run())


@pytest.mark.parametrize("read", reads(), ids=_name)
def test_it_runs_and_a_healthy_database_verifies(server: Postgres, read: Read) -> None:
    _, section, _, statement = read
    rendered = render(statement, "sql", VALUES)
    assert not rendered.missing
    outcome = ask(server, rendered.sql, rendered.params)
    assert outcome.result is Result.DONE, outcome.summary
    for expectation in statement.expects if section.role is Role.VERIFICATION else ():
        assert met(expectation.text, outcome.output), f"{expectation.text} in\n{outcome.output}"


def output(server: Postgres, document: str, step_name: str) -> str:
    """What the step of that name shows."""
    found = next(read for read in reads() if (read[0], read[2].name) == (document, step_name))
    outcome = ask(server, render(found[3], "sql", VALUES).sql)
    assert outcome.result is Result.DONE, outcome.summary
    return outcome.output


def test_the_one_root_of_a_chain_of_locks_is_named(server: Postgres) -> None:
    with ExitStack() as stack:
        url = server.url_for("shop")
        root, middle, last = (stack.enter_context(psycopg.connect(url, autocommit=True)) for _ in range(3))
        pool = stack.enter_context(ThreadPoolExecutor(2))
        pid = str(root.info.backend_pid)
        root.execute("begin; lock table portfolios in access exclusive mode")
        middle.execute("begin; lock table users in access exclusive mode")
        waits = [pool.submit(middle.execute, "lock table portfolios in access exclusive mode")]
        waits += [pool.submit(last.execute, "select count(*) from users")]
        _until_two_wait(root)
        shown = output(server, "postgres-locks", "root-blockers")
        root.execute("rollback")
        waits[0].result(10)
        middle.execute("rollback")
        waits[1].result(10)
    assert re.findall(r"^ (\d+) ", shown, re.MULTILINE) == [pid], shown
    assert "idle in transaction | 2 " in shown


def _until_two_wait(connection: psycopg.Connection) -> None:
    for _ in range(200):
        row = connection.execute("select count(*) from pg_locks where not granted").fetchone()
        if row and row[0] == 2:
            return
        time.sleep(0.05)
    raise AssertionError("the two never waited")


def test_the_longest_statement_is_captured_and_it_alone_would_be_cancelled(server: Postgres) -> None:
    document = load_document("postgres-high-cpu").runbooks[0]
    longest = next(step for _, step in document.steps() if step.name == "longest")
    cancel = next(step for _, step in document.steps() if step.name == "cancel")
    with psycopg.connect(server.url_for("shop"), autocommit=True) as busy, ThreadPoolExecutor(1) as pool:
        running = pool.submit(busy.execute, "select pg_sleep(20)")
        values: dict[str, str] = {}
        for _ in range(200):
            shown = output(server, "postgres-high-cpu", "longest")
            if "pid=" in shown:
                values = {c.name: extract(c, shown) for c in longest.flow.captures}
                break
            time.sleep(0.05)
        assert values["pid"] == str(busy.info.backend_pid)
        assert _cancelled(server, cancel, {**values, "started": "2026-01-15T10:00:00Z"}) == 0
        assert _cancelled(server, cancel, values) == 1
        with pytest.raises(psycopg.errors.QueryCanceled):
            running.result(10)


def _cancelled(server: Postgres, step: Step, values: Mapping[str, str]) -> int:
    done = render(step.statements[0], "sql", values)
    with psycopg.connect(server.url_for("shop"), autocommit=True) as operator:
        return len(operator.execute(done.sql.encode(), done.params, prepare=True).fetchall())
