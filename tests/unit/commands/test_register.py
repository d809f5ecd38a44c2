"""Lists of incidents: the table gives what reading everything gives, and reads no more than it shows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
import yaml
from sqlalchemy import create_engine
from sqlalchemy.dialects import sqlite

from hutch.bootstrap.wire import open_context
from hutch.commands import incidents, past, register
from hutch.commands.context import Context
from hutch.commands.recalled import LONG, Recalled, Stories
from hutch.commands.seen import whole
from hutch.commands.warming import warm
from hutch.model.event import Draft, Event
from hutch.model.incident import Incident
from hutch.model.register import Entry, Wanted, entry, pick
from hutch.model.severity import Severity
from hutch.ports import Append, Store
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

    async def counting(wanted: Wanted) -> list[Entry] | None:
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


class Counted:
    """A store that counts the events of incidents that are read from it."""

    def __init__(self, store: Store) -> None:
        self.store, self.read_events = store, 0

    def __getattr__(self, name: str) -> object:
        return getattr(self.store, name)

    async def read(self, stream: str, after: int = 0) -> list[Event]:
        found = await self.store.read(stream, after)
        self.read_events += len(found)
        return found

    async def read_all(self, streams: Sequence[str]) -> list[list[Event]]:
        found = await self.store.read_all(streams)
        self.read_events += sum(map(len, found))
        return found


async def test_a_long_incident_is_read_once_and_then_only_what_is_new(context: Context) -> None:
    """However many turns of the log it fills, and however often it is listed."""
    state = await incidents.declare(context, title="long", service="shop", severity=Severity.SEV2)
    notes = tuple(Draft("note.added", {"text": f"note {n}"}, "ann") for n in range(register.STEP * 2 + 500))
    await context.store.commit([Append(state.stream, notes)])
    counted = Counted(whole(context.store))
    seen = replace(context, store=cast(Store, counted))
    total = state.seq + len(notes)
    assert [one.seq for one in (await register.page(seen, Wanted())).incidents] == [total]
    assert counted.read_events == total
    await incidents.change(seen, state.id, lambda _: [Draft("note.added", {"text": "one more"}, "ann")])
    for _ in range(3):
        page = await register.page(seen, Wanted())
        assert [one.seq for one in page.incidents] == [total + 1]
    assert counted.read_events <= total + 1
    await context.close()


async def test_two_who_look_at_once_follow_the_log_once(context: Context) -> None:
    await filled(context, 6)
    counted = Counted(whole(context.store))
    seen = replace(context, store=cast(Store, counted))
    every = sum(map(len, await counted.store.read_all(await counted.store.streams("incident:"))))
    await asyncio.gather(*(register.count(seen, Wanted()) for _ in range(4)))
    assert counted.read_events == every
    await context.close()


async def test_at_the_start_is_read_what_a_first_page_needs(context: Context) -> None:
    state = await incidents.declare(context, title="long", service="shop", severity=Severity.SEV2)
    over = await incidents.declare(context, title="over", service="shop", severity=Severity.SEV2)
    await incidents.resolve(context, over.id, "it is well again", "ann")
    notes = tuple(Draft("note.added", {"text": f"note {n}"}, "ann") for n in range(LONG))
    await context.store.commit([Append(state.stream, notes)])
    counted = Counted(whole(context.store))
    started = replace(context, store=cast(Store, counted), recalled=Recalled(), stories=Stories())
    await warm(started)
    read = counted.read_events
    assert (await incidents.load(started, state.id)).seq == state.seq + len(notes)
    assert len(await past.told(started)) == 1
    assert counted.read_events == read
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
