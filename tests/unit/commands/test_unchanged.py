"""What was approved must be what is done: a changed document, configuration or target stops it, and a lost lease."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from hutch.commands import runs
from hutch.commands.context import CommandError, Context, Service
from hutch.commands.freeze import freeze, thaw
from hutch.commands.respond import run_document
from hutch.commands.unchanged import changed_since
from hutch.commands.worker import Worker, driver
from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.config import Config, ServiceConfig
from hutch.model.effect import Effect
from hutch.model.run import ChangeState, Run
from hutch.ports import Conflict, Connection, Provider, TargetConfig
from hutch.testing import FakeClock, FakeSecrets, MemoryQueue, MemoryStore

RUNBOOK = """# Trouble

## Trouble

### Resolution

**Option 1: Turn it**

```yaml {"hutch.action":"knob.turn"}
to: right
```
"""


@dataclass
class Knob:
    """A thing that can be turned."""

    effect: Effect = Effect.CHANGE
    turned: int = 0
    seen: list[Mapping[str, object]] = field(default_factory=list)

    async def preview(self, args: Mapping[str, object]) -> Preview:
        return Preview("turn it", 1)

    async def apply(self, args: Mapping[str, object]) -> Outcome:
        self.turned += 1
        return Outcome(Result.DONE, "turned", hits=1)

    async def verify(self, args: Mapping[str, object]) -> Verification:
        return Verification(Verified.PASSED if self.turned else Verified.FAILED, "looked")


def closed(_target: TargetConfig) -> Connection:
    raise AssertionError("opened already")


def context_at(folder: Path, knob: Knob, target: str = "box 1", binds: Mapping[str, str] | None = None) -> Context:
    clock = FakeClock()
    store = MemoryStore(clock)
    shop = Service(ServiceConfig("shop", binds=binds or {}), {"x": Connection(target, actions={"knob.turn": knob})})
    config = Config(str(folder / "hutch.yaml"), mode="act", services={"shop": shop.config}, runbooks=(".",))
    provider = Provider("x", "x", (), closed)
    return Context(config, folder, store, MemoryQueue(store), clock, FakeSecrets({}), {"shop": shop}, {"x": provider})


async def waiting(context: Context, folder: Path) -> Run:
    (folder / "trouble.md").write_text(RUNBOOK, encoding="utf-8")
    run = await run_document(context, "trouble", "shop")
    await driver(context, watched=False).drive(run.id)
    found = await runs.load(context, run.id)
    assert found.waiting == "approval"
    return found


async def test_nothing_changed_and_it_is_done_once(tmp_path: Path) -> None:
    knob = Knob()
    context = context_at(tmp_path, knob)
    run = await waiting(context, tmp_path)
    await runs.approve(context, run.id, "", "olivia")
    found = await driver(context, watched=False).drive(run.id)
    assert (found.outcome, knob.turned) == ("resolved", 1)


async def test_a_changed_document_is_not_approved(tmp_path: Path) -> None:
    context = context_at(tmp_path, Knob())
    run = await waiting(context, tmp_path)
    (tmp_path / "trouble.md").write_text(RUNBOOK + "\nmore\n", encoding="utf-8")
    with pytest.raises(CommandError, match=r"cannot be approved: trouble was changed since .* start the runbook again"):
        await runs.approve(context, run.id, "", "olivia")
    assert (await runs.load(context, run.id)).chosen[0].state is ChangeState.OFFERED


async def test_a_document_that_is_gone_is_not_approved(tmp_path: Path) -> None:
    context = context_at(tmp_path, Knob())
    run = await waiting(context, tmp_path)
    (tmp_path / "trouble.md").unlink()
    with pytest.raises(CommandError, match="cannot be read any more"):
        await runs.approve(context, run.id, "", "olivia")


async def test_a_document_changed_between_approval_and_change_stops_it(tmp_path: Path) -> None:
    knob = Knob()
    context = context_at(tmp_path, knob)
    run = await waiting(context, tmp_path)
    await runs.approve(context, run.id, "", "olivia")
    (tmp_path / "trouble.md").write_text(RUNBOOK + "\nmore\n", encoding="utf-8")
    found = await driver(context, watched=False).drive(run.id)
    assert knob.turned == 0
    assert (found.chosen[0].state, found.outcome) == (ChangeState.FAILED, "unresolved")
    assert "was changed since the run read it" in found.chosen[0].reason


async def test_a_changed_configuration_is_not_approved(tmp_path: Path) -> None:
    context = context_at(tmp_path, Knob())
    run = await waiting(context, tmp_path)
    moved = Service(ServiceConfig("shop", binds={"https://shop.example": "http://127.0.0.1:1"}), {})
    later = replace(context, services={"shop": moved})
    with pytest.raises(CommandError, match="the configuration of shop was changed since"):
        await runs.approve(later, run.id, "", "olivia")
    assert "unknown service 'shop'" in changed_since(replace(context, services={}), run)


async def test_another_target_stops_it(tmp_path: Path) -> None:
    knob = Knob()
    context = context_at(tmp_path, knob)
    run = await waiting(context, tmp_path)
    await runs.approve(context, run.id, "", "olivia")
    shop = context.service("shop")
    elsewhere = Service(shop.config, {"x": Connection("box 2", actions={"knob.turn": knob})})
    found = await driver(replace(context, services={"shop": elsewhere}), watched=False).drive(run.id)
    assert knob.turned == 0
    assert "goes to box 2 now, not to box 1" in found.chosen[0].reason


async def test_a_run_that_was_taken_over_after_its_intent_is_not_done_here(tmp_path: Path) -> None:
    """A process that stood still past its lease finds out before it acts; whoever took over asks the verification."""
    knob = Knob()
    context = context_at(tmp_path, knob)
    run = await waiting(context, tmp_path)
    await runs.approve(context, run.id, "", "olivia")

    async def lost() -> bool:
        return False

    with pytest.raises(Conflict, match="taken over"):
        await driver(context, watched=False).drive(run.id, ours=lost)
    assert knob.turned == 0
    found = await driver(context, watched=False).drive(run.id)
    assert knob.turned == 0, "an intent without an outcome is never repeated"
    kinds = [e.kind for e in await context.store.read(found.stream)]
    assert kinds.count("change.intended") == 1 and "change.unknown" in kinds


async def test_a_worker_whose_lease_ran_out_drops_the_job(tmp_path: Path) -> None:
    knob = Knob()
    context = context_at(tmp_path, knob)
    run = await waiting(context, tmp_path)
    await runs.approve(context, run.id, "", "olivia")
    worker = Worker(context)
    taken = await context.queue.take(["drive"])
    assert taken is not None and isinstance(context.clock, FakeClock)
    context.clock.advance(60)  # it stood still; another takes the job
    other = await context.queue.take(["drive"])
    assert other is not None
    with pytest.raises(Conflict):
        await worker.handlers["drive"](taken)
    assert knob.turned == 0


async def test_nothing_is_approved_while_changes_are_frozen(tmp_path: Path) -> None:
    knob = Knob()
    context = context_at(tmp_path, knob)
    run = await waiting(context, tmp_path)
    await freeze(context, "database move", "peter")
    with pytest.raises(CommandError, match=r"changes are frozen: database move \(peter\); `hutch thaw`"):
        await runs.approve(context, run.id, "", "olivia")
    assert await thaw(context, "peter")
    await runs.approve(context, run.id, "", "olivia")
    await freeze(context, "after all", "peter")
    found = await driver(context, watched=False).drive(run.id)
    assert knob.turned == 0
    assert "changes are frozen: after all" in found.chosen[0].reason
