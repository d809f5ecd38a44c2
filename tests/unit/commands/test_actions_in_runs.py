"""Typed actions in a run: what is captured goes into their arguments and their way back; what nobody offers is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hutch.commands import byhand, runs
from hutch.commands.context import Context, Service
from hutch.commands.respond import run_document
from hutch.commands.views import run_json
from hutch.commands.worker import driver
from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.config import Config, ServiceConfig
from hutch.model.effect import Effect
from hutch.model.finding import Finding, Status
from hutch.model.run import Run
from hutch.ports import Connection, Provider, TargetConfig
from hutch.providers.shell.target import connect
from hutch.testing import FakeClock, FakeSecrets, MemoryQueue, MemoryStore


@dataclass
class Tool:
    """Notes what it is used with."""

    used: list[Mapping[str, object]] = field(default_factory=list)
    effect: Effect = Effect.CHANGE

    async def preview(self, args: Mapping[str, object]) -> Preview:
        return Preview(f"uses it with {dict(args)}", 1)

    async def apply(self, args: Mapping[str, object]) -> Outcome:
        self.used.append(dict(args))
        return Outcome(Result.DONE, "used", hits=1)

    async def verify(self, args: Mapping[str, object]) -> Verification:
        return Verification(Verified.PASSED, "as it should be")


async def well() -> Finding:
    return Finding("x.well", "bench", Status.OK, "well", datetime.now(UTC))


TOOL = Tool()


@pytest.fixture
def context(tmp_path: Path) -> Context:
    for folder in ("work", "books"):
        (tmp_path / folder).mkdir()
    TOOL.used.clear()
    clock = FakeClock()
    store = MemoryStore(clock)
    settings: Mapping[str, object] = {"directory": str(tmp_path / "work")}
    offered = {
        "shell": connect(TargetConfig("shop", settings, clock.now)),
        "x": Connection("bench", actions={"tool.use": TOOL}, checks={"x.well": well}),
    }
    shop = Service(ServiceConfig("shop", binds={"touch": "as-is", "rm": "as-is"}), offered)
    config = Config(str(tmp_path / "hutch.yaml"), mode="act", services={"shop": shop.config}, runbooks=("books",))
    known = {name: Provider(name, "x", (), offered.get) for name in offered}  # type: ignore[arg-type]
    return Context(config, tmp_path, store, MemoryQueue(store), clock, FakeSecrets({}), {"shop": shop}, known)


async def run_of(context: Context, text: str, step: str = "", mode: str = "") -> Run:
    (context.home / "books" / "trouble.md").write_text(f"# Trouble\n{text}", encoding="utf-8")
    return await on(context, await run_document(context, "trouble", "shop", step=step, mode=mode))


async def on(context: Context, run: Run) -> Run:
    for _ in range(200):
        run = await driver(context, watched=False).drive(run.id)
        if run.finished or run.waiting in ("approval", "tick", "decision"):
            return run
        context.clock.advance(5)  # type: ignore[attr-defined]
    raise AssertionError("it does not end")


CAPTURED = """
## Resolution

### Option 1: Use it

```bash {"name":"look","hutch.capture":"before = /now (\\\\S+)/"}
echo now seven
```

```yaml {"name":"use","hutch.action":"tool.use"}
before:
from: "{{ before }} of them"
each: [one, "${BEFORE}"]
size: 3
```

```bash {"name":"mark","hutch.undo":"touch back-to-[before]"}
touch marked
```
"""


async def test_what_is_captured_goes_into_an_action_and_the_way_back(context: Context) -> None:
    shop = context.services["shop"]
    bare = {**shop.connections, "x": replace(shop.connections["x"], checks={})}  # nobody knows whether it is well
    context = replace(context, services={"shop": Service(shop.config, bare)})
    run = await run_of(context, CAPTURED)
    while run.waiting == "approval":  # what was rendered since is asked for again
        await runs.approve(context, run.id, "", "olivia")
        run = await on(context, run)
    wanted = {"before": "seven", "from": "seven of them", "each": ["one", "seven"], "size": 3}
    assert TOOL.used == [wanted]
    assert (context.home / "work" / "marked").exists()
    back = await on(context, await byhand.undo(context, run.id, "", "olivia"))
    assert [i.command.text for i in back.chosen[0].option.items] == ["touch back-to-seven"]


async def test_an_option_without_one_of_its_actions_is_another_option(context: Context) -> None:
    text = """
## Resolution

### Option 1: Look at it, then use it

```yaml {"hutch.action":"backup.verify"}
```

```yaml {"hutch.action":"tool.use"}
```
"""
    run = await run_of(context, text, mode="dry-run")
    assert run.chosen == ()
    [(title, reason)] = run.left_out
    assert title == "Option 1: Look at it, then use it"
    assert reason.startswith("no target of shop offers the action backup.verify: give it a command line under")
    assert run_json(run)["left_out"] == [{"title": title, "reason": reason}]


MORE = """
## Detection

```sql {"name":"rows"}
SELECT user_id FROM audit_logs;
```

## Resolution

### Option 1: Use it

```yaml {"hutch.action":"tool.use"}
size: 3
```

## Prevention

```bash {"name":"guard"}
touch guard
```
"""


async def test_a_dry_run_renders_everything_on_a_healthy_service_too(context: Context) -> None:
    run = await run_of(context, MORE, mode="dry-run")
    assert (run.outcome, run.healthy) == ("proposed", True)
    assert [c.preview["summary"] for c in run.chosen] == ["uses it with {'size': 3}"]
    assert (await run_of(context, MORE)).outcome == "healthy"
    assert TOOL.used == []


async def test_what_is_not_run_says_why_and_how_to_ask_for_it(context: Context) -> None:
    run = await run_of(context, MORE, mode="dry-run")
    said = {i.command.text: i.refused for i in run.program.skipped}
    assert "no database is configured" in said["SELECT user_id FROM audit_logs;"]
    assert said["touch guard"] == "stands under “Prevention”, which a run leaves alone; ask for it by --step guard"
    asked = await run_of(context, MORE, step="guard")
    assert [c.option.title for c in asked.chosen] == ["guard"]
