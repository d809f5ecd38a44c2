"""Incidents, clocks and alerts over the shipped fakes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from hutch.commands import incidents, paging
from hutch.commands.context import CommandError, Context, Service
from hutch.commands.documents import classified
from hutch.commands.prepare import prepare
from hutch.commands.situation import Situation
from hutch.commands.worker import Worker
from hutch.effect import classify
from hutch.model.alert import Condition, Rule
from hutch.model.clock import ClockState
from hutch.model.config import Config, ServiceConfig
from hutch.model.incident import Incident, Phase
from hutch.model.runbook import Runbook
from hutch.model.severity import Severity
from hutch.ports import Connection
from hutch.runbook.parse import parse
from hutch.testing import FakeClock, FakeSecrets, MemoryQueue, MemoryStore
from passing import Passing

RULE = Rule("Errors", Condition("error_rate", ">", 5.0, "%"), timedelta(minutes=5), Severity.SEV2)


def over(passing: Passing) -> Context:
    store = MemoryStore(passing.clock)
    shop = Service(ServiceConfig("shop"), {})
    config = passing.config(Config(mode="act", rules=(RULE,), services={"shop": shop.config}))
    return Context(config, Path(), store, MemoryQueue(store), passing.clock, FakeSecrets({}), {"shop": shop}, {})


@pytest.fixture
def context() -> Context:
    return over(Passing(FakeClock()))


async def declared(context: Context, severity: Severity = Severity.SEV2) -> Incident:
    return await incidents.declare(context, title="t", service="shop", severity=severity)


async def test_numbers_count_up_within_the_year(context: Context) -> None:
    first, second = await declared(context), await declared(context)
    year = context.clock.now().year
    assert (first.id, second.id) == (f"INC-{year}-001", f"INC-{year}-002")


@pytest.mark.parametrize(
    ("severity", "response", "update"),
    [(1, timedelta(minutes=5), timedelta(minutes=30)), (2, timedelta(hours=1), timedelta(hours=2)),
     (3, timedelta(hours=4), timedelta(days=1)),
     (4, timedelta(days=1, hours=7), None)],  # Thursday 10:00 to the close of Friday, 17:00
)  # fmt: skip
async def test_the_policy_is_the_runbooks_table(
    context: Context, severity: int, response: timedelta, update: timedelta | None
) -> None:
    state = await declared(context, Severity(severity))
    due = {c.name: c.due - state.detected_at for c in state.clocks}
    assert due == {"response": response} | ({"update": update} if update else {})


async def test_a_clock_warns_once_and_is_overdue_once_however_late_we_wake(passing: Passing) -> None:
    context = over(passing)
    state = await declared(context, Severity.SEV1)
    await passing.on(days=1)
    await paging.attend(context, state.id)
    await paging.attend(context, state.id)
    kinds = [e.kind for e in await context.store.read(state.stream)]
    assert kinds.count("clock.overdue") == 2
    assert await paging.attend(context, state.id) is None


async def test_a_promise_is_warned_of_and_then_overdue_each_at_its_time_and_once(passing: Passing) -> None:
    context = over(passing)
    state, worker = await declared(context, Severity.SEV1), Worker(context)
    for _ in range(40):
        while await worker.step():
            pass
        await passing.on(minutes=1)
    events = await context.store.read(state.stream)
    said = [(e.data["clock"], e.kind) for e in events if e.kind in ("clock.warned", "clock.overdue")]
    assert sorted(said) == sorted(set(said)), "each once"
    assert {clock for clock, kind in said if kind == "clock.overdue"} == {"response-1", "update-1"}
    clocks = {clock.id: clock for clock in state.clocks}
    for event in (e for e in events if e.kind in ("clock.warned", "clock.overdue")):
        clock = clocks[str(event.data["clock"])]
        assert event.at >= (clock.due if event.kind == "clock.overdue" else clock.warn_at), "never early"


async def test_acknowledging_late_says_by_how_much(passing: Passing) -> None:
    context = over(passing)
    state = await declared(context, Severity.SEV1)
    await passing.on(minutes=8)
    state = await incidents.acknowledge(context, state.id, "olivia")
    response = state.clocks[0]
    assert response.state is ClockState.MET and response.ended_at
    assert passing.lasted(response.late_by, minutes=3)
    assert response.late_by == response.ended_at - response.due
    assert state.phase is Phase.ASSESSMENT
    again = await incidents.acknowledge(context, state.id, "peter")
    assert again.acknowledged_by == "olivia"


async def test_a_changed_severity_is_due_from_the_same_start(passing: Passing) -> None:
    context = over(passing)
    state = await declared(context, Severity.SEV3)
    await passing.on(minutes=10)
    state = await incidents.set_severity(context, state.id, Severity.SEV1, "all users", "olivia")
    response = state.clock("response")
    assert response is not None
    assert response.due == state.detected_at + passing.length(minutes=5)
    await paging.attend(context, state.id)
    assert (await incidents.load(context, state.id)).clocks[-2].overdue_said, "what is due anew is late already"


async def test_an_update_meets_its_promise_and_starts_the_next(passing: Passing) -> None:
    context = over(passing)
    state = await declared(context)
    await passing.on(minutes=30)
    state = await incidents.post_update(context, state.id, "we look", "olivia")
    update = state.clock("update")
    assert update is not None and update.number == 2
    assert passing.lasted(update.start - state.detected_at, minutes=30)
    assert update.due == update.start + passing.length(hours=2)


async def test_resolution_ends_updates_and_promises_the_review(passing: Passing) -> None:
    context = over(passing)
    state = await incidents.resolve(context, (await declared(context)).id, "rolled back", "olivia")
    assert state.phase is Phase.RESOLUTION
    assert state.clock("update") is None and state.clock("response") is None
    review = state.clock("review")
    assert review is not None and review.due == review.start + timedelta(hours=48)
    assert passing.lasted(review.start - state.detected_at)
    await passing.on(minutes=31)
    assert (await incidents.end_watch(context, state.id)).phase is Phase.REVIEW


async def test_an_unknown_incident_is_a_usage_error(context: Context) -> None:
    with pytest.raises(CommandError, match="no incident INC-1") as caught:
        await incidents.load(context, "INC-1")
    assert caught.value.code == 2


# ------------------------------------------------------------------ what a program makes of a document

DOCUMENT = """# D

## Trouble

### Detection

```bash
curl -s https://shop.example/health
curl -s https://other.example/health
systemctl restart shop
psql $DATABASE_URL -f all.sql
```

```sql
SELECT * FROM users WHERE id = '[USER_ID]';
SELECT count(*) FROM pg_stat_activity;
```

### Resolution

**Option 1: End it**

```sql
SELECT pg_terminate_backend([SESSION_PID]);
```
"""


async def _never(_command: object) -> object:
    raise AssertionError("nothing runs here")


def program(values: Mapping[str, str]) -> tuple[list[str], dict[str, str], list[tuple[str, tuple[str, ...], str]]]:
    runs = dict.fromkeys(("sql", "psql", "curl", "sh"), _never)
    connection = Connection("db", runs=runs)  # type: ignore[arg-type]
    config = ServiceConfig("shop", binds={"https://shop.example": "http://127.0.0.1:9"})
    document = parse(DOCUMENT, "d.md")
    runbook: Runbook = classified(document).runbooks[0]
    made = prepare(runbook, Situation(Service(config, {"db": connection}), values))
    options = [(o.items[0].command.text, o.items[0].command.params, o.refused) for o in made.options]
    return [i.command.text for i in made.reads], {i.command.text: i.refused for i in made.skipped}, options


def test_only_bound_reads_run_by_themselves() -> None:
    reads, skipped, options = program({})
    assert reads == ["curl -s http://127.0.0.1:9/health", "SELECT count(*) FROM pg_stat_activity;"]
    assert "other.example is not bound" in skipped["curl -s https://other.example/health"]
    assert skipped["systemctl restart shop"]
    assert "-f" in "".join(k for k in skipped if k.startswith("psql"))
    assert "[session-pid] has no value" in options[0][2]


def test_a_value_is_bound_and_a_sensitive_read_waits_for_a_person() -> None:
    reads, skipped, options = program({"session-pid": "4711); DROP TABLE users; --", "user-id": "7"})
    assert options[0][0] == "SELECT pg_terminate_backend(%s);"
    assert options[0][1] == ("4711); DROP TABLE users; --",)
    assert not [r for r in reads if "users" in r]
    assert any("personal rows" in reason for reason in skipped.values())


def test_what_is_not_known_is_a_change() -> None:
    assert classify("bash", "frobnicate --all").effect.word == "change"
