"""Publishing reviews, finding them again, and what a new incident is like, over the shipped fakes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from hutch.commands import incidents, past, reviews
from hutch.commands.context import CommandError, Context, Service
from hutch.model.clock import ClockState
from hutch.model.config import Config, ServiceConfig
from hutch.model.event import Draft
from hutch.model.incident import Phase
from hutch.model.severity import Severity
from hutch.ports import Append
from hutch.review.gaps import open_slots
from hutch.testing import FakeClock, FakeSecrets, MemoryQueue, MemoryStore


@pytest.fixture
def context(tmp_path: Path) -> Context:
    clock = FakeClock()
    store = MemoryStore(clock)
    services = {n: Service(ServiceConfig(n), {}) for n in ("shop", "mail")}
    secrets = FakeSecrets({"env:X": "hunter22"})
    secrets.resolve("env:X")
    config = Config(services={n: s.config for n, s in services.items()})
    return Context(config, tmp_path, store, MemoryQueue(store), clock, secrets, services, {})


async def incident(
    context: Context,
    title: str,
    code: str = "",
    thing: str = "r",
    rule: str = "",
    service: str = "shop",
    helped: str = "",
) -> str:
    fired = [Draft("alert.fired", {"key": f"{rule}@1", "rule": rule})] if rule else []
    found = await incidents.declare(context, title=title, service=service, severity=Severity.SEV2, also=fired)
    if code:
        cause = {"code": code, "summary": "s", "object": {"kind": "role", "id": thing}}
        await incidents.change(context, found.id, lambda _: [Draft("cause.named", cause)])
    if helped:
        await remedied(context, found.id, helped)
    return found.id


async def remedied(context: Context, incident_id: str, title: str) -> None:
    run = f"R-{incident_id}"
    told = (
        Draft("run.started", {"document": "d#a", "program": {"options": [{"id": "o1", "title": title}]}}),
        Draft("change.done", {"item": "1", "option": "o1", "summary": ""}),
        Draft("verification.done", {"option": "o1", "verdict": "passed", "summary": "well"}),
    )
    linked = Append(f"incident:{incident_id}", (Draft("run.linked", {"run": run, "title": title}),))
    await context.store.commit([Append(f"run:{run}", told), linked])


async def resolved(context: Context, incident_id: str) -> str:
    await incidents.resolve(context, incident_id, "restarted by hand", "olivia")
    return incident_id


async def test_the_most_alike_stand_first_with_what_helped(context: Context) -> None:
    leak = "postgres.connection_leak"
    same = await resolved(context, await incident(context, "Errors", leak, rule="Errors", helped="Roll back"))
    cause = await resolved(context, await incident(context, "Mails wait", leak, "other", service="mail"))
    await resolved(context, await incident(context, "Certificates end"))
    await incident(context, "Errors again", leak)  # open: it says nothing yet
    new = await incident(context, "Errors at checkout", leak, rule="Errors")
    found = await past.similar(context, new)
    assert [one.id for one in found] == [same, cause]
    assert found[0].shares == (f"cause {leak}", "role r", "alert Errors", "service shop", "words errors")
    assert (found[0].helped, found[1].helped, found[1].resolution) == (("Roll back",), (), "restarted by hand")


async def test_the_same_service_alone_is_not_alike(context: Context) -> None:
    await resolved(context, await incident(context, "Certificates end"))
    assert await past.similar(context, await incident(context, "Disk full")) == []


async def test_a_review_with_questions_is_not_published_and_one_without_meets_the_promise(context: Context) -> None:
    name = await incident(context, "Errors", "postgres.connection_leak")
    with pytest.raises(CommandError, match="hutch review draft"):
        await reviews.publish(context, name, None, "olivia")
    place = await reviews.write_review(context, name, "olivia")
    with pytest.raises(CommandError, match=r"still asks \d+ questions: line \d+ \["):
        await reviews.publish(context, name, None, "olivia")
    place.write_text("# Errors\n\nThe pool had no bound: hunter22.\n\n- [x] bounded [PR](https://x)\n")
    with pytest.raises(CommandError, match="is not resolved"):
        await reviews.publish(context, name, None, "olivia")
    await resolved(context, name)
    assert isinstance(context.clock, FakeClock)
    context.clock.advance(timedelta(hours=50).total_seconds())
    state = await reviews.publish(context, name, None, "olivia")
    clock = next(c for c in state.clocks if c.name == "review")
    assert (clock.state, clock.late_by, state.phase) == (ClockState.MET, timedelta(hours=2), Phase.REVIEW)
    [event] = [e for e in await context.store.read(state.stream) if e.kind == "review.published"]
    assert "hunter22" not in str(event.data["text"]) and event.data["gaps"] == 0


async def test_published_reviews_are_found_by_their_words_in_the_latest_edition(
    context: Context, tmp_path: Path
) -> None:
    name = await resolved(context, await incident(context, "Errors"))
    file = tmp_path / "r.md"
    for words in ("first guess: a deadlock", "It was a Connection Leak\nin release 43"):
        file.write_text(words)
        await reviews.publish(context, name, file, "olivia")
    [hit] = await past.search(context, "release leak")
    assert (hit.incident, hit.line) == (name, "It was a Connection Leak")
    assert await past.search(context, "deadlock") == []
    with pytest.raises(CommandError, match="say what to search for"):
        await past.search(context, "  ")
    assert [(s.id, due) for s, due in await past.owed(context, 10)] == [(name, None)]


async def test_a_file_that_is_no_review_is_one_clear_error(context: Context, tmp_path: Path) -> None:
    name = await resolved(context, await incident(context, "Errors"))
    long, binary = tmp_path / "long.md", tmp_path / "binary.md"
    long.write_text("x" * (reviews.LONGEST + 1))
    binary.write_bytes(b"\xff\xfe\x00")
    for place, error in ((long, "longer than 256 kB"), (binary, "no UTF-8 text"), (tmp_path, "cannot read")):
        with pytest.raises(CommandError, match=error):
            await reviews.publish(context, name, place, "olivia")


@pytest.mark.parametrize(
    ("text", "slots"),
    [
        ("- Users affected: [Number/percentage]", ["Number/percentage"]),
        (r"escaped \[Not a slot\] and [link](http://a) and [Ref]: x", []),
        ("- [ ] [Action] - Owner: [Name] - Due: [Date]", ["Action", "Name", "Date"]),
        ("- [x] done", []),
        ("[" * 10_000, []),
    ],
)
def test_open_slots(text: str, slots: list[str]) -> None:
    assert [words for _, words in open_slots(text)] == slots


async def test_of_many_incidents_the_reviews_that_are_owed_come_first_and_only_so_many_are_read(
    context: Context, tmp_path: Path
) -> None:
    names = []
    assert isinstance(context.clock, FakeClock)
    for number in range(6):
        names.append(await resolved(context, await incident(context, f"Errors {number}")))
        context.clock.advance(60)
    file = tmp_path / "r.md"
    file.write_text("It was a leak")
    for name in names[1:]:
        await reviews.publish(context, name, file, "olivia")
    found = await past.owed(context, 3)
    assert [state.id for state, due in found if due] == names[:1] and found[0][0].id == names[0]
    assert len(found) == 4 and {state.id for state, _ in found} < set(names)
    unseen = f"incident:{names[0]}"
    assert names[0] not in [s.id for s, _ in await past.owed(context, 9, lambda stream: stream != unseen)]
