"""Action items over the shipped fakes: promises like any other."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from hutch.commands import incidents, paging, reviews, todo
from hutch.commands.context import CommandError, Context, Service
from hutch.commands.report import made
from hutch.commands.todo import Listed, Wanted
from hutch.model.clock import ClockState
from hutch.model.config import Config, ServiceConfig
from hutch.model.severity import Severity
from hutch.testing import FakeClock, FakeSecrets, MemoryQueue, MemoryStore


@pytest.fixture
def context() -> Context:
    clock = FakeClock()
    store = MemoryStore(clock)
    shop = Service(ServiceConfig("shop"), {})
    secrets = FakeSecrets({"env:X": "hunter22"})
    secrets.resolve("env:X")
    config = Config(services={"shop": shop.config})
    return Context(config, Path(), store, MemoryQueue(store), clock, secrets, {"shop": shop}, {})


def advance(context: Context, days: float) -> None:
    assert isinstance(context.clock, FakeClock)
    context.clock.advance(days * 86400)


async def added(context: Context, text: str = "Bound the pool", days: float = 14, owner: str = "olivia") -> Listed:
    state = await incidents.declare(context, title="t", service="shop", severity=Severity.SEV4)
    due = context.clock.now() + timedelta(days=days)
    return await todo.add(context, state.id, Wanted(text, owner, due, "https://t.example/1"), "sam")


async def test_the_first_due_stands_on_top_and_the_owner_selects(context: Context) -> None:
    late, soon = await added(context, days=20), await added(context, days=2, owner="sam")
    assert [f.id for f in await todo.listing(context)] == [soon.id, late.id]
    assert [f.id for f in await todo.listing(context, owner="olivia")] == [late.id]
    await todo.done(context, soon.id, "deployed", "sam")
    assert [f.id for f in await todo.listing(context)] == [late.id]
    assert [f.item.state for f in await todo.listing(context, everything=True)] == ["open", "done"]


async def test_it_warns_is_overdue_once_and_says_how_late_it_was_done(context: Context) -> None:
    found = await added(context, days=4)
    for _ in range(8):
        await paging.attend(context, found.incident.id)
        advance(context, 1)
    events = [e for e in await context.store.read(found.incident.stream) if e.data.get("clock") == found.item.clock]
    assert [e.kind for e in events if e.kind.startswith("clock.")] == ["clock.warned", "clock.overdue"]
    ended = (await todo.done(context, found.id, "deployed", "sam")).incident
    clock = next(c for c in ended.clocks if c.id == found.item.clock)
    assert clock.state is ClockState.MET and clock.late_by == timedelta(days=4)
    now = context.clock.now()
    assert (await made(context, now - timedelta(days=30), now)).promises["todo"] == {"late": 1}


async def test_another_due_time_begins_its_promise_anew_and_another_owner_does_not(context: Context) -> None:
    found = await added(context)
    same = await todo.move(context, found.id, Wanted(owner="sam"), "olivia")
    assert (same.item.owner, same.item.clock, same.item.link) == ("sam", found.item.clock, "https://t.example/1")
    due = context.clock.now() + timedelta(days=30)
    moved = await todo.move(context, found.id, Wanted(due=due), "olivia")
    states = {c.id: c.state for c in moved.incident.clocks if c.name == "todo"}
    assert states == {"todo-1": ClockState.CANCELLED, "todo-2": ClockState.RUNNING}
    assert (moved.item.due, moved.item.owner, moved.item.clock) == (due, "sam", "todo-2")


async def test_what_is_dropped_says_why_and_stays_so(context: Context) -> None:
    found = await added(context)
    with pytest.raises(CommandError, match="say why with --reason"):
        await todo.drop(context, found.id, " ", "sam")
    ended = await todo.drop(context, found.id, "the service goes away", "sam")
    assert ended.item.note == "the service goes away"
    assert next(c for c in ended.incident.clocks if c.name == "todo").state is ClockState.CANCELLED
    with pytest.raises(CommandError, match="is dropped already: the service goes away"):
        await todo.done(context, found.id, "", "sam")


async def test_the_review_lists_them_and_secrets_are_masked(context: Context) -> None:
    found = await added(context, text="Rotate hunter22 <script>")
    await todo.done(context, found.id, "", "sam")
    review = await reviews.draft_review(context, found.incident.id)
    [line] = [row for row in review.splitlines() if row.startswith("- [x] ")]
    assert "hunter22" not in review and r"\<script\>" in line and "Owner: olivia - Due: 2026-01-29" in line


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        (Wanted("", "o"), "needs its text"),
        (Wanted("t", " "), "needs its owner"),
        (Wanted("t" * 501, "o"), "longer than 500 characters"),
        (Wanted("t", "o", link="javascript:alert(1)"), "must be an http or https address"),
        (Wanted("t", "o", link="https://a b"), "must be an http or https address"),
    ],
)
async def test_what_makes_no_sense_is_refused(context: Context, wanted: Wanted, error: str) -> None:
    state = await incidents.declare(context, title="t", service="shop", severity=Severity.SEV4)
    with pytest.raises(CommandError, match=error):
        await todo.add(context, state.id, wanted, "sam")
    assert await todo.listing(context) == []


@pytest.mark.parametrize("name", ["INC-2026-001", "INC-2026-001/x", "INC-2026-001/7", "/1", "INC-2026-001/²"])
async def test_an_unknown_item_is_named(context: Context, name: str) -> None:
    await added(context)
    with pytest.raises(CommandError) as caught:
        await todo.done(context, name, "", "sam")
    assert caught.value.code == 2


async def test_the_past_is_no_due_time(context: Context) -> None:
    with pytest.raises(CommandError, match="must lie ahead"):
        await added(context, days=-1)
