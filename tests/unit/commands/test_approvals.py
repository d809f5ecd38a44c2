"""Approvals by policy: more than one person, only some people, and what Hutch may do by itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hutch.bootstrap.wire import read_config
from hutch.commands import incidents, runs
from hutch.commands.approvals import asked
from hutch.commands.context import CommandError, Context, Service
from hutch.commands.freeze import freeze
from hutch.commands.respond import run_document
from hutch.commands.worker import driver
from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.approval import ApprovalRule, Autonomy, Facts, Terms, terms
from hutch.model.config import Config, ServiceConfig
from hutch.model.effect import Effect
from hutch.model.event import Draft
from hutch.model.finding import Cause, Finding, Object, Remedy, Status
from hutch.model.run import ChangeState, Run
from hutch.model.severity import Severity
from hutch.ports import Connection, Provider, TargetConfig
from hutch.testing import FakeClock, FakeSecrets, MemoryQueue, MemoryStore

RUNBOOK = """# Trouble

## Trouble

### Resolution

**Option 1: Turn it**

```yaml {"hutch.action":"knob.turn"}
```
"""

TURN = Autonomy("turn it", "knob.turn", "Knob Stuck", per_hour=2)


class Knob:
    """A thing that can be turned; stuck until it was."""

    effect = Effect.CHANGE

    def __init__(self) -> None:
        self.turned = 0

    async def preview(self, args: object) -> Preview:
        return Preview("turn it", 1)

    async def apply(self, args: object) -> Outcome:
        self.turned += 1
        return Outcome(Result.DONE, "turned", hits=1)

    async def verify(self, args: object) -> Verification:
        return Verification(Verified.PASSED if self.turned else Verified.FAILED, "looked")


def context_at(folder: Path, knob: Knob, **settings: object) -> Context:
    clock = FakeClock()
    store = MemoryStore(clock)

    async def stuck() -> Finding:
        return Finding("x.stuck", "box", Status.OK if knob.turned else Status.BAD, "looked", clock.now())

    def explain(findings: object) -> list[Cause]:
        found = [f for f in findings if f.status is Status.BAD]  # type: ignore[attr-defined]
        remedy = Remedy("knob.turn", "box", {}, "turn it")
        return [Cause("app.crashed", Object("service", "shop"), 0.9, "stuck", "box", (), (remedy,)) for _ in found]

    def closed(_target: TargetConfig) -> Connection:
        raise AssertionError("opened already")

    (folder / "trouble.md").write_text(RUNBOOK)
    connection = Connection("box", checks={"x.stuck": stuck}, actions={"knob.turn": knob})
    shop = Service(ServiceConfig("shop"), {"x": connection})
    config = Config(str(folder / "hutch.yaml"), mode="act", services={"shop": shop.config}, runbooks=(".",))
    provider = Provider("x", "x", (), closed, explain)
    made = Context(config, folder, store, MemoryQueue(store), clock, FakeSecrets({}), {"shop": shop}, {"x": provider})
    return replace(made, config=replace(config, **settings))  # type: ignore[arg-type]


async def offered(context: Context, alert: str = "") -> Run:
    """A run of an incident that this alert opened, driven as far as it goes."""
    fired = Draft("alert.fired", {"key": f"{alert}@1", "rule": alert, "severity": "SEV-2", "summary": ""})
    state = await incidents.declare(
        context, title="t", service="shop", severity=Severity.SEV2, also=[fired] if alert else [], respond=False
    )
    run = await run_document(context, "trouble", "shop", incident=state)
    await driver(context, watched=False).drive(run.id)
    return await runs.load(context, run.id)


async def test_two_people_are_asked_and_one_counts_once(tmp_path: Path) -> None:
    knob = Knob()
    context = context_at(tmp_path, knob, approvals=(ApprovalRule(2, effect=Effect.CHANGE),))
    run = await offered(context)
    found = await runs.approve(context, run.id, "", "olivia")
    assert found.chosen[0].state is ChangeState.OFFERED
    with pytest.raises(CommandError, match=r"olivia approved .* already; it needs 1 more, somebody else"):
        await runs.approve(context, run.id, "", "olivia")
    await driver(context, watched=False).drive(run.id)
    assert knob.turned == 0
    found = await runs.approve(context, run.id, "", "peter")
    assert (found.chosen[0].state, found.chosen[0].approved_by) == (ChangeState.APPROVED, "olivia, peter")
    assert (await driver(context, watched=False).drive(run.id)).outcome == "resolved"
    assert knob.turned == 1


async def test_only_those_who_may_approve(tmp_path: Path) -> None:
    context = context_at(tmp_path, Knob(), approvals=(ApprovalRule(by=("peter", "maria")),))
    run = await offered(context)
    with pytest.raises(CommandError, match="may be approved by peter, maria"):
        await runs.approve(context, run.id, "", "olivia")
    assert (await runs.approve(context, run.id, "", "maria")).chosen[0].state is ChangeState.APPROVED


async def test_nobody_is_called_like_a_policy(tmp_path: Path) -> None:
    context = context_at(tmp_path, Knob())
    run = await offered(context)
    with pytest.raises(CommandError, match="no person may be called so"):
        await runs.approve(context, run.id, "", "policy:turn it")


async def test_a_policy_does_what_it_allows_and_acknowledges_nothing(tmp_path: Path) -> None:
    knob = Knob()
    context = context_at(tmp_path, knob, autonomy=(TURN,))
    run = await offered(context, "Knob Stuck")
    assert (run.outcome, knob.turned, run.chosen[0].approved_by) == ("resolved", 1, "policy:turn it")
    state = await runs.follow(context, run.incident, run.id)
    assert state.acknowledged_by == ""


@pytest.mark.parametrize(
    ("policy", "alert", "mode"),
    [
        (TURN, "Other", "act"),
        (TURN, "Knob Stuck", "observe"),
        (replace(TURN, action="knob.break"), "Knob Stuck", "act"),
        (replace(TURN, service="other"), "Knob Stuck", "act"),
    ],
)
async def test_a_policy_allows_just_that(tmp_path: Path, policy: Autonomy, alert: str, mode: str) -> None:
    knob = Knob()
    context = context_at(tmp_path, knob, autonomy=(policy,), mode=mode)
    run = await offered(context, alert)
    assert knob.turned == 0
    assert run.chosen[0].state is ChangeState.OFFERED


async def test_a_policy_has_its_hour_and_yields_to_a_freeze(tmp_path: Path) -> None:
    knob = Knob()
    context = context_at(tmp_path, knob, autonomy=(TURN,))
    for wanted in (1, 1, 0):  # two in an hour are allowed
        knob.turned = 0
        run = await offered(context, "Knob Stuck")
        assert knob.turned == wanted
    assert run.chosen[0].state is ChangeState.OFFERED, "the third in an hour is left to a person"
    assert isinstance(context.clock, FakeClock)
    context.clock.advance(3601)
    await freeze(context, "database move", "peter")
    run = await offered(context, "Knob Stuck")
    assert run.chosen[0].state is ChangeState.OFFERED
    assert (await asked(context, run, run.chosen[0].option, True)).autonomous is None


FACTS = Facts("shop", ("deploy.rollback",), Effect.CHANGE, Severity.SEV2, frozenset({"A"}), True)


@pytest.mark.parametrize(
    ("rules", "wanted"),
    [
        ((), Terms()),
        ((ApprovalRule(2), ApprovalRule(3, severity=Severity.SEV1)), Terms(2)),
        ((ApprovalRule(2, severity=Severity.SEV3),), Terms(2)),
        ((ApprovalRule(by=("a", "b")), ApprovalRule(by=("b", "c"))), Terms(1, ("b",))),
        ((ApprovalRule(by=("a",)), ApprovalRule(by=("c",))), Terms(1, ())),
        (
            (ApprovalRule(4, effect=Effect.DESTROY), ApprovalRule(4, action="x.y"), ApprovalRule(4, service="z")),
            Terms(),
        ),
    ],
)
def test_the_strictest_rule_counts(rules: tuple[ApprovalRule, ...], wanted: Terms) -> None:
    assert terms(rules, (), FACTS) == wanted


def test_what_loses_data_is_never_autonomous() -> None:
    policy = Autonomy("p", "deploy.rollback", "A")
    assert terms((), (policy,), FACTS).autonomous is policy
    for other in (
        replace(FACTS, effect=Effect.DESTROY),
        replace(FACTS, indicated=False),
        replace(FACTS, alerts=frozenset()),
        replace(FACTS, actions=("deploy.rollback", "service.restart")),
    ):
        assert terms((), (policy,), other).autonomous is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("approvals: [{approvers: 0}]", "0 approvers out of anybody: expected at least 1"),
        ("approvals: [{approvers: 2, by: [a]}]", "2 approvers out of 1"),
        ("approvals: [{effect: read}]", "expected change or destroy, found 'read'"),
        ("approvals: [{severity: SEV-9}]", "unknown severity 'SEV-9'"),
        ("approvals: [{efect: change}]", "efect"),
        ("autonomy: [{name: x, action: a.b}]", "alert is missing"),
        ("autonomy: [{name: x, action: a.b, alert: A, per_hour: 0}]", "leave the entry out to allow nothing"),
    ],
)
def test_bad_policies_are_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "hutch.yaml").write_text(f"services: {{shop: {{}}}}\n{text}\n")
    with pytest.raises(CommandError) as error:
        read_config(tmp_path / "hutch.yaml")
    assert said in str(error.value)


def test_policies_are_read(tmp_path: Path) -> None:
    (tmp_path / "hutch.yaml").write_text(
        "services: {shop: {}}\n"
        "approvals: [{approvers: 2, by: [a, b], severity: SEV-1, effect: destroy}]\n"
        "autonomy: [{name: n, action: service.restart, alert: Service Down}]\n"
    )
    config, _ = read_config(tmp_path / "hutch.yaml")
    assert config.approvals == (ApprovalRule(2, ("a", "b"), Effect.DESTROY, Severity.SEV1),)
    assert config.autonomy == (Autonomy("n", "service.restart", "Service Down"),)
