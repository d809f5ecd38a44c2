"""Lists of incidents: the table gives what reading everything gives, and reads no more than it shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from sqlalchemy import create_engine
from sqlalchemy.dialects import sqlite

from hutch.bootstrap.wire import open_context
from hutch.commands import incidents, register
from hutch.commands.context import Context
from hutch.model.incident import Incident
from hutch.model.register import Wanted, entry, pick
from hutch.model.severity import Severity
from hutch.store.aside import in_file
from hutch.store.register import RegisterTable, found, metadata

EVERY = [
    Wanted(open=open_, service=service, severity=severity, most=3)
    for open_ in (True, False)
    for service in ("", "shop", "mail")
    for severity in (None, Severity.SEV1, Severity.SEV3)
] + [Wanted(open=False, owing=True, most=2)]


@pytest.fixture
async def context(tmp_path: Path) -> Context:
    path = tmp_path / "hutch.yaml"
    path.write_text(yaml.safe_dump({"services": {"shop": {}, "mail": {}}}), encoding="utf-8")
    return open_context(path)


async def filled(context: Context, count: int = 12) -> list[Incident]:
    """Of both services and every severity; every third one resolved."""
    now = context.clock.now()
    for number in range(count):
        state = await incidents.declare(
            context,
            title=f"number {number}",
            service=("shop", "mail")[number % 2],
            severity=Severity(1 + number % 4),
            detected_at=now - timedelta(minutes=7 * number % 11),
        )
        if number % 3 == 0:
            await incidents.resolve(context, state.id, "it is well again", "ann")
    return await incidents.listing(context)


async def walked(context: Context, wanted: Wanted) -> list[str]:
    """All pages of a list, one after another."""
    ids: list[str] = []
    page = await register.page(context, wanted)
    while True:
        ids += [state.id for state in page.incidents]
        if page.more is None:
            return ids
        page = await register.page(context, replace(wanted, after=page.more))


async def test_every_list_page_by_page_is_what_reading_everything_gives(context: Context) -> None:
    everything = [entry(state) for state in await filled(context)]
    for wanted in EVERY:
        right = [one.id for one in pick(everything, replace(wanted, most=1000))]
        assert await walked(context, wanted) == right
        assert await register.count(context, wanted) == len(right)
    assert await walked(replace(context, register=None), EVERY[0]) == await walked(context, EVERY[0])
    await context.close()


async def test_it_follows_what_happens_and_another_process_sees_it_too(context: Context, tmp_path: Path) -> None:
    states = await filled(context, 4)
    first = next(state for state in states if state.open)
    assert first.id in await walked(context, Wanted())
    await incidents.resolve(context, first.id, "over", "ann")
    other = open_context(tmp_path / "hutch.yaml")
    assert first.id not in await walked(other, Wanted())
    assert first.id in await walked(context, Wanted(open=False))
    await other.close()
    await context.close()


async def test_over_another_log_it_begins_anew(context: Context, tmp_path: Path) -> None:
    await filled(context, 6)
    await register.page(context, Wanted())
    await context.close()
    for name in ("hutch.db", "hutch.db-wal", "hutch.db-shm"):
        (tmp_path / ".hutch" / name).unlink(missing_ok=True)
    again = open_context(tmp_path / "hutch.yaml")
    assert await walked(again, Wanted()) == []
    made = await incidents.declare(again, title="new", service="shop", severity=Severity.SEV2)
    assert await walked(again, Wanted()) == [made.id]
    await again.close()


async def test_who_may_not_see_some_gets_a_full_page_of_the_others(context: Context) -> None:
    states = [state for state in await filled(context) if state.open]
    hidden = {state.stream for state in states[:5]}
    page = await register.page(context, Wanted(most=3), lambda stream: stream not in hidden)
    assert len(page.incidents) == 3
    assert not hidden & {state.stream for state in page.incidents}
    assert await register.count(context, Wanted(), lambda stream: stream not in hidden) == len(states) - 5
    await context.close()


async def test_what_is_hidden_is_not_asked_for_a_few_at_a_time(context: Context) -> None:
    """One who may see little of a long list does not make the store answer a thousand questions."""
    await filled(context, 30)
    asked: list[int] = []
    assert context.register
    find = context.register.find

    async def counting(wanted: Wanted) -> list[register.Entry] | None:
        asked.append(wanted.most)
        return await find(wanted)

    context.register.find = counting  # type: ignore[method-assign]
    assert await register.entries(context, Wanted(most=1), lambda _: False) == []
    assert asked == [2, register.STEP]
    await context.close()


async def test_where_the_table_cannot_be_used_the_log_is_read(context: Context, tmp_path: Path) -> None:
    await filled(context, 4)
    broken = replace(context, register=RegisterTable(in_file(tmp_path / "hutch.yaml" / "register.db")))
    assert await walked(broken, Wanted()) == await walked(context, Wanted())
    await context.close()


@pytest.mark.parametrize("wanted", EVERY)
def test_every_list_is_read_by_an_index_in_order(wanted: Wanted) -> None:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    for one in (wanted, replace(wanted, after=(12.5, "INC-2026-001"))):
        text = found(one).compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
        with engine.connect() as connection:
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")]
        assert len(plan) == 1, plan
        assert plan[0].startswith("SEARCH register USING INDEX register_"), plan
