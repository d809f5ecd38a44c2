"""The runbook of an alert that names none: found, asked for, or left to a person."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hutch.commands import alerts, incidents
from hutch.commands.choosing import choose, take
from hutch.commands.context import CommandError, Context, Service
from hutch.commands.firings import runbook_of
from hutch.model.alert import Alert
from hutch.model.config import Config, ServiceConfig
from hutch.model.incident import Incident
from hutch.model.severity import Severity
from hutch.testing import FakeClock, FakeSecrets, MemoryQueue, MemoryStore

DATABASE = """# Our database

## Database

### Connection Pool Exhausted

**Symptoms:**
- "Too many clients already" errors, timeouts

**Detection:**
```bash
echo well
```

### High CPU Usage

**Symptoms:**
- Database CPU above 80 %, timeouts

**Detection:**
```bash
echo well
```
"""


def made(folder: Path, *documents: str) -> Context:
    for name in documents:
        (folder / f"{name}.md").write_text(DATABASE)
    clock = FakeClock()
    store = MemoryStore(clock)
    shop = Service(ServiceConfig("shop"), {})
    config = Config(path=str(folder / "hutch.yaml"), runbooks=documents and (".",), services={"shop": shop.config})
    return Context(config, folder, store, MemoryQueue(store), clock, FakeSecrets(), {"shop": shop}, {})


async def fired(context: Context, rule: str, summary: str = "", **notes: str) -> Incident:
    alert = Alert(rule, "shop", Severity.SEV2, context.clock.now(), summary or rule, annotations=notes)
    (receipt,) = await alerts.receive(context, [alert])
    return await incidents.load(context, receipt.incident)


async def last(context: Context, state: Incident) -> tuple[str, str]:
    event = (await context.store.read(state.stream))[-1]
    return event.kind, str(event.data.get("reason", ""))


async def test_symptoms_that_clearly_fit_choose(tmp_path: Path) -> None:
    context = made(tmp_path, "db")
    state = await choose(context, await fired(context, "Clients refused", "FATAL: too many clients already"))
    assert state.runbook == "db#connection-pool-exhausted"
    kind, why = await last(context, state)
    assert kind == "runbook.chosen" and "its symptoms fit best" in why
    assert (await choose(context, state)).seq == state.seq


async def test_where_several_fit_a_person_is_asked_once_and_chooses(tmp_path: Path) -> None:
    context = made(tmp_path, "db")
    state = await choose(context, await fired(context, "Timeouts"))
    assert (state.runbook, set(state.choices)) == ("", {"db#connection-pool-exhausted", "db#high-cpu-usage"})
    assert (await choose(context, state)).seq == state.seq
    shown = await runbook_of(context, state.id)
    assert [c["title"] for c in shown["choices"]] == ["Connection Pool Exhausted", "High CPU Usage"]
    with pytest.raises(CommandError, match="no runbook #none in it"):
        await take(context, state.id, "db#none", "olivia")
    state = await take(context, state.id, "db#high-cpu-usage", "olivia")
    assert (state.runbook, state.choices) == ("db#high-cpu-usage", ())
    taken = await context.queue.take(["respond"])
    assert taken and taken.job.data == {"incident": state.id}
    await incidents.resolve(context, state.id, "done", "olivia")
    with pytest.raises(CommandError, match="nothing answers it any more"):
        await take(context, state.id, "db#high-cpu-usage", "olivia")


async def test_a_rule_that_is_known_by_name_takes_ones_own_document_first(tmp_path: Path) -> None:
    context = made(tmp_path, "db")
    assert (await choose(context, await fired(context, "Database CPU High"))).runbook == "db#high-cpu-usage"
    bare = made(tmp_path / "none" if (tmp_path / "none").mkdir() is None else tmp_path)
    assert (await choose(bare, await fired(bare, "Database CPU High"))).runbook == "postgres-high-cpu"
    for rule, reference in (("Service Down", "service-outage"), ("Response Time Slow", "slow-responses")):
        other = made(tmp_path / "none")
        assert (await choose(other, await fired(other, rule))).runbook == reference


async def test_nothing_fits_and_nothing_is_configured(tmp_path: Path) -> None:
    context = made(tmp_path, "db")
    state = await choose(context, await fired(context, "Certificate expires"))
    assert (state.runbook, await last(context, state)) == ("", ("runbook.asked", ""))
    (tmp_path / "none").mkdir()
    bare = made(tmp_path / "none")
    state = await fired(bare, "Certificate expires")
    assert (await choose(bare, state)).seq == state.seq


async def test_a_reference_from_outside_counts_where_there_is_such_a_document(tmp_path: Path) -> None:
    context = made(tmp_path, "db")
    assert (
        await fired(context, "A", runbook_url="https://wiki/x/db.md#high-cpu-usage")
    ).runbook == "db.md#high-cpu-usage"
    other = made(tmp_path, "db")
    assert (await fired(other, "B", runbook_url="https://wiki/x/unknown.md#y")).runbook == ""


async def test_an_incident_that_a_person_declared_is_left_to_them(tmp_path: Path) -> None:
    context = made(tmp_path, "db")
    state = await incidents.declare(context, title="Database CPU High", service="shop", severity=Severity.SEV3)
    assert (await choose(context, state)).seq == state.seq
    assert replace(state) == state
