"""Every Postgres remedy under kill -9 at each of its steps, and with its connection ended in the middle.

Whatever the moment: it is done or it is not, the verification of another process tells which, an index that was left
half-made is noticed, and to do it again is right: what was done is not done twice.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.test_crash_matrix import Nursery as Hutches
from tests.acceptance.test_crash_matrix import Place, events

from hutch.model.action import Result, Verified
from hutch.model.finding import Status
from hutch.ports import Connection, TargetConfig
from hutch.providers.postgres import provider
from hutch.store.verify import verify_store
from nursery import Nursery as Process
from nursery import started
from remedy_world import CASES, Case, Shop, shop

BY_NAME = {case.name: case for case in CASES}
MAIN_STEP = {"extend_sequence": 3, "set_role_timeout": 3, "reindex": 2}
"""Which statement of the changing login is the change itself: the limits are set first, then rechecks are made."""
WITHIN = 20.0


class Nursery(Process):
    """Applies remedies in processes of their own, and kills them."""

    def apply(self, world: Shop, case: Case, at: int = 0, when: str = "before") -> dict[str, Any]:
        """One attempt, killed at that step (0: never)."""
        self.order(world, case, at, when)
        return self.answer()

    def order(self, world: Shop, case: Case, at: int, when: str) -> None:
        args = dict(case.args)
        self.send({"settings": world.settings, "action": case.name, "args": args, "at": at, "when": when})


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with started("remedy_nursery") as process:
        yield Nursery(process)


@pytest.fixture(scope="module")
def one_shop() -> Iterator[Shop]:
    with shop() as world:
        yield world


@pytest.fixture
def world(one_shop: Shop) -> Shop:
    one_shop.renew()
    return one_shop


@asynccontextmanager
async def opened(world: Shop, **more: object) -> AsyncIterator[Connection]:
    connection = provider.open(TargetConfig("shop", {**world.settings, **more}, lambda: datetime.now(UTC)))
    try:
        yield connection
    finally:
        await connection.close()


def until(true: Callable[[], object], what: str) -> None:
    """Bounded waiting for something of the server's."""
    end = time.monotonic() + WITHIN
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.02)


async def judge(world: Shop, case: Case, place: object) -> bool:
    """What must hold after a kill; whether it was done."""
    until(lambda: not world.busy(), f"{place}: the server comes to rest")
    made = bool(world.value(case.made))
    async with opened(world) as connection:
        verified = await connection.actions[f"postgres.{case.name}"].verify(case.args)
        assert verified.verdict is (Verified.PASSED if made else Verified.FAILED), (place, made, verified)
        if world.invalid():
            assert "INVALID" in verified.summary, (place, verified)
            found = await connection.checks["postgres.invalid_indexes"]()
            assert found.status is Status.WARN, (place, found)
    assert world.times(case) <= 1, (place, "it was done twice")
    return made


async def again(world: Shop, case: Case, made: bool, place: object) -> None:
    """To do it once more makes it right, and does nothing where it was done."""
    before = world.times(case)
    async with opened(world) as connection:
        action = connection.actions[f"postgres.{case.name}"]
        outcome = await action.apply(case.args)
        verified = await action.verify(case.args)
    assert outcome.result is Result.DONE, (place, outcome)
    assert verified.verdict is Verified.PASSED, (place, verified)
    assert world.value(case.made), place
    assert not world.invalid(), place
    if made and not case.repeats:
        assert (outcome.hits, world.times(case)) == (0, before), (place, "what was done was done again")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("name", list(BY_NAME))
async def test_killed_beside_the_change_itself(nursery: Nursery, world: Shop, name: str, when: str) -> None:
    case = world.completed(BY_NAME[name])
    found = nursery.apply(world, case, MAIN_STEP.get(name, 2), when)
    assert found["killed"], found
    made = await judge(world, case, (name, when))
    if when == "before":
        assert (made, world.times(case)) == (False, 0)
    await again(world, case, made, (name, when))


@pytest.mark.parametrize("name", list(BY_NAME))
async def test_killed_while_the_change_runs(nursery: Nursery, world: Shop, name: str) -> None:
    """The server goes on without us: what it was told, it does, as soon as it can."""
    case = world.completed(BY_NAME[name])
    with world.blocked(case.blocker) as let_go:
        nursery.order(world, case, MAIN_STEP.get(name, 2), "during")
        found = nursery.answer()
        if case.blocker:
            assert found["killed"], found
            assert world.busy(), "the server knows nothing of the kill yet"
        let_go()
    made = await judge(world, case, name)
    assert case.statement == "" or world.times(case) == 1
    await again(world, case, made, name)


@pytest.mark.parametrize("name", ["create_index", "drop_index", "reindex"])
async def test_killed_while_it_runs_and_the_server_gives_up(nursery: Nursery, world: Shop, name: str) -> None:
    """Nobody is left to clear away what the server leaves: it is noticed."""
    case = world.completed(BY_NAME[name])
    with world.blocked(case.blocker):
        assert nursery.apply(world, case, 2, "during")["killed"]
        until(lambda: not world.busy(), "the server gives up")
    assert world.invalid() or name == "drop_index"
    assert not await judge(world, case, name)
    await again(world, case, False, name)


@pytest.mark.parametrize("name", [case.name for case in CASES if case.blocker])
async def test_the_connection_is_ended_in_the_middle(world: Shop, name: str) -> None:
    case = world.completed(BY_NAME[name])
    async with opened(world) as connection:
        with world.blocked(case.blocker) as let_go:
            asking = asyncio.create_task(connection.actions[f"postgres.{case.name}"].apply(case.args))
            for _ in range(400):
                await asyncio.sleep(0.01)
                if waiting := world.busy():
                    break
            for pid in waiting:
                world.admin.execute("select pg_terminate_backend(%s)", [pid])
            outcome = await asking
            let_go()
    assert outcome.result is Result.UNKNOWN, outcome
    assert "connection lost" in outcome.summary
    made = await judge(world, case, name)
    await again(world, case, made, name)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", list(BY_NAME))
async def test_killed_at_every_step(nursery: Nursery, one_shop: Shop, name: str) -> None:
    for when in ("before", "during", "after"):
        for step in range(1, 20):
            one_shop.renew()
            case = one_shop.completed(BY_NAME[name])
            found = nursery.apply(one_shop, case, step, when)
            made = await judge(one_shop, case, (name, when, step))
            await again(one_shop, case, made, (name, when, step))
            if found["steps"] < step:
                break
        assert step > 2


# ------------------------------------------------------------------ the same, with all of Hutch around it

RUNBOOK = """# Trouble

## Trouble

### Resolution

**Option 1: Cure it**

```yaml {"name":"cure","hutch.action":"postgres.ACTION"}
ARGS
```
"""


@pytest.fixture(scope="module")
def hutches() -> Iterator[Hutches]:
    with started("crash_nursery") as process:
        yield Hutches(process)


def configured(folder: Path, world: Shop, case: Case) -> Place:
    """A service whose runbook calls the remedy, as somebody would write it down."""
    folder.mkdir()
    (folder / "state").write_text("nobody knows\n")
    (folder / "trouble.md").write_text(
        RUNBOOK.replace("ACTION", case.name).replace("ARGS", json.dumps(dict(case.args)))
    )
    settings = dict(world.settings)
    for name in ("url", "operator_url", "owner_url"):
        (folder / name).write_text(str(settings[name]))
        settings[name] = {"file": str(folder / name)}
    service = {"postgres": settings, "runbook": "trouble"}
    (folder / "hutch.yaml").write_text(json.dumps({"mode": "act", "runbooks": ["."], "services": {"shop": service}}))
    return Place(folder)


QUICK = {("create_index", "change.intended", "after"), ("create_index", "change.done", "before"),
         ("set_role_timeout", "change.done", "before")}  # fmt: skip
MOMENTS = [
    pytest.param(case.name, kind, when, marks=() if (case.name, kind, when) in QUICK else pytest.mark.slow)
    for case in CASES
    for kind in ("change.intended", "change.done")
    for when in ("before", "after")
]  # fmt: skip


@pytest.mark.parametrize(("name", "kind", "when"), MOMENTS)
async def test_all_of_hutch_is_killed_around_the_change(
    hutches: Hutches, world: Shop, tmp_path: Path, name: str, kind: str, when: str
) -> None:
    """The next Hutch looks instead of doing it again; what was not done is said not to be."""
    case = world.completed(BY_NAME[name])
    at = configured(tmp_path / "hutch", world, case)
    assert hutches.raise_one(at, kind, when)["killed"]
    until(lambda: not world.busy(), "the server comes to rest")
    made = bool(world.value(case.made))
    second = hutches.raise_one(at)
    assert not second["killed"] and second["code"] == 0, second
    log = events(at)
    kinds = [event for _, event, _ in log]
    assert kinds.count("change.intended") == 1
    cured = bool(world.value(case.made))
    assert world.times(case) == (1 if cured else 0), "it was done twice, or never and nobody knows"
    assert cured or (kind, when) == ("change.intended", "after")
    assert made == (kind == "change.done") or (kind, when) == ("change.intended", "before")
    outcome = next(data["outcome"] for _, event, data in log if event == "run.finished")
    assert outcome == ("resolved" if cured else "unresolved")
    assert not verify_store(at.folder / ".hutch" / "hutch.db").breaks


@pytest.mark.parametrize(
    "name",
    [c.name if c.name == "create_index" else pytest.param(c.name, marks=pytest.mark.slow) for c in CASES if c.blocker],
)
async def test_all_of_hutch_is_killed_while_the_change_runs(
    hutches: Hutches, world: Shop, tmp_path: Path, name: str
) -> None:
    """A single statement is done all the same; what waits for its commit is rolled back by the server."""
    case = world.completed(BY_NAME[name])
    at = configured(tmp_path / "hutch", world, case)
    with world.blocked(case.blocker) as let_go:
        assert hutches.raise_one(at, 400, "during")["killed"]
        let_go()
    second = hutches.raise_one(at)
    assert not second["killed"] and second["code"] == 0, second
    log = events(at)
    assert "change.unknown" in [event for _, event, _ in log]
    made = bool(world.value(case.made))
    outcome = next(data["outcome"] for _, event, data in log if event == "run.finished")
    assert outcome == ("resolved" if made else "unresolved")
    assert world.times(case) <= 1 and not world.invalid()
