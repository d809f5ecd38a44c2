"""The Railway provider against RoleRabbit's platform by Railway's API: reads, changes, and bad times."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from hutch.model.action import Result, Verified
from hutch.model.finding import Status
from hutch.model.platform import LogQuery
from hutch.ports import Connection, Unanswered, hearing
from hutch.providers.railway import provider
from hutch.providers.railway.client import LIST, LOGS, ONE, REDEPLOY, ROLLBACK
from hutch.providers.railway.limits import LIMITS, OWN, SET
from hutch.providers.railway.replicas import INSTANCE, RUNNING, SCALE, SETTINGS
from hutch.remote import GIVE_UP
from hutch.testing import check_provider
from platform_world import TOKEN, World, changes, settled, utc_now
from rolerabbit.platform.logs import read_line
from rolerabbit.platform.railway.view import deployment_id

ONE_, TWO, THREE = (deployment_id(number) for number in (1, 2, 3))


# ------------------------------------------------------------------ the contract


async def test_the_contract(settings: dict[str, object]) -> None:
    [finding] = await check_provider(provider, settings)
    assert finding.status is Status.OK
    [finding] = await check_provider(provider, {**settings, "url": "http://127.0.0.1:9/graphql/v2"})
    assert finding.status is Status.UNKNOWN and "Railway is not reached" in finding.reason


async def test_checks_and_looks_change_nothing(web: Connection, world: World) -> None:
    assert web.platform and web.changes
    await web.checks["railway.deployment"]()
    await web.platform.standing()
    await web.platform.logs(LogQuery())
    await web.changes()
    for action in web.actions.values():
        await action.preview({"to": ONE_})
        await action.verify({"to": ONE_})
    assert changes(world) == []


def test_changes_are_offered_only_with_a_token_for_them(opened: Callable[..., Connection]) -> None:
    assert opened(changes=False).actions == {}
    other = opened(changes=False, change_token="other-token-1")
    assert set(other.actions) == {"deploy.rollback", "service.restart", "service.scale"}
    with pytest.raises(ValueError, match="railway: url must begin with https://"):
        opened(url="http://backboard.example.com")


@pytest.mark.parametrize("project_tokens", [True, False])
async def test_the_token_travels_in_a_header_alone(
    opened: Callable[..., Connection], world: World, project_tokens: bool
) -> None:
    web = opened(project_tokens=project_tokens)
    assert (await web.actions["deploy.rollback"].apply({"to": ONE_})).result is Result.DONE
    assert world.calls and all(call.token == TOKEN for call in world.calls)
    assert not any(TOKEN in json.dumps(call.body) + call.query for call in world.calls)


def test_each_operation_asks_for_one_field_by_variables_alone() -> None:
    for operation in (LIST, ONE, LOGS, ROLLBACK, REDEPLOY, SETTINGS, INSTANCE, RUNNING, SCALE, LIMITS, OWN, SET):
        kind = "mutation" if operation in (ROLLBACK, REDEPLOY, SCALE, SET) else "query"
        assert operation.text.startswith(f"{kind} {operation.name}(") and '"' not in operation.text


# ------------------------------------------------------------------ looking


async def test_what_runs_and_what_was_deployed(web: Connection, world: World) -> None:
    assert web.platform and web.changes
    found = await web.platform.standing()
    assert (found.release, found.previous, found.busy, found.well) == (TWO, ONE_, False, True)
    world.control.bad.add("43")
    world.control.ran("43", ago=timedelta(minutes=1))
    assert [(d.release, d.previous, d.kind, d.state) for d in await web.platform.deployments()] == [
        (ONE_, "", "deploy", "succeeded"),
        (TWO, ONE_, "deploy", "succeeded"),
        (THREE, TWO, "deploy", "failed"),
    ]
    assert [c.id for c in await web.changes()] == [ONE_, TWO]
    finding = await web.checks["railway.deployment"]()
    assert finding.status is Status.WARN and f"the newest deployment {THREE} failed" in finding.summary


async def test_a_crashed_release_is_left_by_going_back(web: Connection, world: World) -> None:
    world.control.ran("43", ago=timedelta(minutes=1))
    world.control.serving = False
    finding = await web.checks["railway.deployment"]()
    assert (finding.status, finding.data["go_back_to"]) == (Status.BAD, TWO)
    [cause] = provider.explain([finding])
    assert (cause.code, cause.object.id) == ("app.crashed", THREE)
    assert [r.action for r in cause.remedies] == ["deploy.rollback", "service.restart"]
    assert web.platform and not (await web.platform.standing()).well


async def test_ten_thousand_deployments_are_read_in_pages_and_bounded(web: Connection, world: World) -> None:
    ledger = world.control.ledger
    failed = ledger.deployments[-1].__class__
    at = [(utc_now() - timedelta(hours=1) + timedelta(milliseconds=n)).isoformat() for n in range(10_000)]
    many = tuple(failed(f"dpl-{n + 3}", "42", "42", "deploy", at[n], at[n], "failed", "no") for n in range(9_998))
    world.control.ledger = type(ledger)(ledger.releases, ledger.deployments + many)
    assert web.platform
    found = await web.platform.deployments()
    assert (len(found), found[-1].id, found == sorted(found, key=lambda d: d.started_at)) == (
        500,
        deployment_id(10_000),
        True,
    )
    assert [call.body["variables"]["first"] for call in world.calls] == [100] * 5


async def test_logs_are_searched_over_deployments(web: Connection, world: World) -> None:
    begun = [datetime.fromisoformat(d.started_at) for d in world.control.ledger.deployments]
    for number in range(60):
        text = json.dumps({"level": "ERROR" if number % 2 else "INFO", "user_id": f"u{number % 3}", "n": number})
        world.book.add(read_line(text, begun[1] + timedelta(seconds=number), "42", "42-1", "stdout"))
    world.book.add(read_line('CRITICAL "it" is over', begun[0] + timedelta(seconds=5), "41", "41-1", "stdout"))
    assert web.platform
    search, since = web.platform.logs, begun[0] - timedelta(minutes=1)
    found = await search(LogQuery(since=since, limit=1000))
    assert len(found) == 61 and found == sorted(found, key=lambda line: line.at)
    assert {(line.replica, line.release) for line in found} == {("41-1", ONE_), ("42-1", TWO)}
    assert [line.user for line in await search(LogQuery('"n": 7', since=since, level="error", user="u1"))] == ["u1"]
    assert [line.release for line in await search(LogQuery("IS OVER", since=since))] == [ONE_]
    assert len(await search(LogQuery(since=since, replica="41-1"))) == 1
    assert [line.text[-3:] for line in await search(LogQuery(since=since, limit=2))] == ["58}", "59}"]
    assert await search(LogQuery()) == []  # the last hour
    assert (
        len(await search(LogQuery(since=begun[1] + timedelta(seconds=30), until=begun[1] + timedelta(seconds=39))))
        == 10
    )


# ------------------------------------------------------------------ changing


async def test_a_roll_back_is_previewed_applied_verified_and_undone(web: Connection, world: World) -> None:
    world.control.seconds = 0.1
    rollback, args = web.actions["deploy.rollback"], {"to": ONE_, "from": TWO}
    preview = await rollback.preview(args)
    assert f"roll back from {TWO} to {ONE_}: Railway deploys its image and variables again" in preview.summary
    assert (await rollback.verify(args)).verdict is Verified.FAILED
    heard: list[str] = []
    listening = hearing.set(heard.append)
    outcome = await rollback.apply(args)
    hearing.reset(listening)
    assert outcome.result is Result.DONE and outcome.summary.endswith(f"; {THREE} serves")
    assert heard[0] == f"{THREE} is deploying\n"
    assert (await settled(rollback, args)).verdict is Verified.PASSED
    assert web.platform
    assert [(d.kind, d.release, d.previous) for d in await web.platform.deployments()][-1] == ("rollback", THREE, TWO)
    assert (await web.platform.standing()).previous == TWO
    undo: Any = outcome.undo["args"]
    assert undo == {"to": TWO, "from": THREE}
    assert (await rollback.apply(undo)).result is Result.DONE
    assert (await settled(rollback, undo)).verdict is Verified.PASSED
    assert changes(world) == ["DeploymentRollback"] * 2


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"to": ONE_, "from": THREE}, f"{TWO} serves now, not {THREE}: look again"),
        ({"to": deployment_id(9)}, "Deployment not found"),
        ({"to": THREE}, f"Railway cannot go back to {THREE}: it is failed"),
        ({}, "say which deployment to go to"),
    ],
)
async def test_a_roll_back_that_must_not_be(web: Connection, world: World, args: dict[str, object], said: str) -> None:
    world.control.bad.add("43")
    world.control.ran("43", ago=timedelta(minutes=1))
    rollback = web.actions["deploy.rollback"]
    preview, outcome = await rollback.preview(args), await rollback.apply(args)
    assert said in preview.refused and said in outcome.summary
    assert outcome.result is Result.FAILED and changes(world) == []


async def test_a_roll_back_that_fails_and_one_that_takes_too_long(
    opened: Callable[..., Connection], world: World
) -> None:
    world.control.bad.add("41")
    rollback = opened().actions["deploy.rollback"]
    outcome = await rollback.apply({"to": ONE_})
    assert f"did not get there: {THREE} is failed, {TWO} serves" in outcome.summary
    assert (await settled(rollback, {"to": ONE_})).verdict is Verified.FAILED
    world.control.bad.clear()
    world.control.seconds = 30
    outcome = await opened(rollout=0.2).actions["deploy.rollback"].apply({"to": ONE_})
    assert f"is not there yet: {deployment_id(4)} is deploying" in outcome.summary
    assert "goes on: wait for it" in (await rollback.preview({"to": ONE_})).refused


async def test_restarted(web: Connection, world: World) -> None:
    world.control.seconds = 0.1
    restart, since = web.actions["service.restart"], utc_now().isoformat()
    assert f"redeploy {TWO}" in (await restart.preview({})).summary
    outcome = await restart.apply({"since": since})
    assert outcome.result is Result.DONE and outcome.summary.endswith(f"; {THREE} serves")
    assert (await settled(restart, {"since": since})).verdict is Verified.PASSED
    assert web.platform
    assert [(d.release, d.kind) for d in await web.platform.deployments()][-1] == (THREE, "restart")
    assert (await web.platform.standing()).previous == ONE_  # not the same source
    assert "no component redis on Railway" in (await restart.apply({"component": "redis"})).summary
    assert changes(world) == ["DeploymentRedeploy"]


# ------------------------------------------------------------------ bad times


@pytest.mark.parametrize(
    ("fault", "result", "recoverable", "said"),
    [
        ("throttled for long", Result.FAILED, True, "cannot roll back: Railway asks to call again in 3600 s"),
        ("not authorized", Result.FAILED, False, "cannot roll back: the token has not the right to it, or has expired"),
        ("vague", Result.UNKNOWN, False, "Railway says “Problem processing request”"),
        ("broken", Result.UNKNOWN, False, "Railway answers 500"),
        ("lost", Result.UNKNOWN, False, "the connection broke"),
        ("never", Result.UNKNOWN, False, "the connection broke"),
        ("garbled", Result.UNKNOWN, False, "not of the expected form"),
        ("odd", Result.UNKNOWN, False, "not of the expected form"),
    ],
)
async def test_a_change_that_ends_badly_is_sent_once(
    web: Connection, world: World, fault: str, result: Result, recoverable: bool, said: str
) -> None:
    world.faults.append(("mutation", fault))
    rollback, args = web.actions["deploy.rollback"], {"to": ONE_, "from": TWO}
    outcome = await rollback.apply(args)
    assert (outcome.result, outcome.recoverable) == (result, recoverable)
    assert said in outcome.summary
    assert len(changes(world)) == 1
    found = await settled(rollback, args)  # what runs decides
    assert found.verdict is (Verified.PASSED if fault == "lost" else Verified.FAILED)


async def test_an_answer_that_comes_too_late_is_unknown_and_looked_up(
    opened: Callable[..., Connection], world: World
) -> None:
    world.faults.append(("mutation", "slow"))
    outcome = await opened(timeout=0.4).actions["deploy.rollback"].apply({"to": ONE_})
    assert (outcome.result, outcome.recoverable, len(changes(world))) == (Result.UNKNOWN, False, 1)
    assert "cannot roll back: no whole answer within 0.4 s" in outcome.summary
    args = {"to": ONE_, "from": TWO}
    assert (await settled(opened().actions["deploy.rollback"], args)).verdict is Verified.PASSED


async def test_a_burst_of_errors_and_odd_answers_are_said(
    web: Connection, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hutch.remote.FIRST_WAIT", 0.01)
    for fault, said in (("broken", "Railway answers 500"), ("odd", "not of the expected form"), ("expired", "403")):
        world.faults += [("query", fault)] * 3
        found = await web.checks["railway.deployment"]()
        assert (found.status, said in found.reason) == (Status.UNKNOWN, True), (fault, found)
        world.faults.clear()


async def test_a_restart_whose_answer_was_lost_is_found_again(opened: Callable[..., Connection], world: World) -> None:
    since = utc_now().isoformat()
    world.faults.append(("mutation", "lost"))
    assert (await opened().actions["service.restart"].apply({"since": since})).result is Result.UNKNOWN
    restart = opened().actions["service.restart"]  # after a crash, by another process
    assert (await settled(restart, {"since": since})).verdict is Verified.PASSED
    assert (await restart.verify({"since": (utc_now() + timedelta(hours=1)).isoformat()})).verdict is Verified.FAILED
    assert (await restart.verify({})).verdict is Verified.UNKNOWN
    assert len(changes(world)) == 1


async def test_what_railway_did_not_look_at_is_sent_again(web: Connection, world: World) -> None:
    world.faults += [("mutation", "throttled")] * 2
    assert (await web.actions["deploy.rollback"].apply({"to": ONE_})).result is Result.DONE
    assert len(changes(world)) == 3


async def test_a_read_is_tried_again_and_then_said(web: Connection, world: World) -> None:
    assert web.platform and web.changes
    world.faults += [("query Deployments", "broken"), ("query Deployments", "vague")]
    assert (await web.platform.standing()).release == TWO
    world.faults.append(("query Deployments", "not authorized"))
    with pytest.raises(Unanswered, match="cannot list the deployments: the token has not the right") as refused:
        await web.platform.deployments()
    assert not refused.value.recoverable
    world.faults.append(("query Deployments", "not authorized"))
    assert await web.changes() == []
    world.faults += [("query Deployments", "garbled")] * 3
    assert (await web.checks["railway.deployment"]()).status is Status.UNKNOWN


async def test_a_look_without_an_answer_does_not_end_the_wait(web: Connection, world: World) -> None:
    rollback, world.control.seconds = web.actions["deploy.rollback"], 0.2
    world.change_mark = "mutation"
    world.after_change = [("query Deployments", "not authorized")] * (GIVE_UP - 1)
    outcome = await rollback.apply({"to": ONE_})
    assert (outcome.summary.endswith(f"{THREE} serves"), world.faults) == (True, [])


async def test_a_service_that_is_gone_or_another_token(opened: Callable[..., Connection], world: World) -> None:
    for gone in (opened(service="other"), opened(token="another-token-1")):
        assert "the token has not the right to it" in (await gone.checks["railway.deployment"]()).reason
        assert (await gone.actions["service.restart"].apply({})).result is Result.FAILED
    assert changes(world) == []


async def test_a_release_is_called_what_it_calls_itself_also_after_a_restart(web: Connection) -> None:
    assert web.changes
    one, two = await web.changes()
    assert [(c.id, c.previous, c.names) for c in (one, two)] == [(ONE_, "", ("41",)), (TWO, ONE_, ("42",))]
    assert (await web.actions["service.restart"].apply({})).result is Result.DONE
    _, again = await web.changes()
    assert (again.id, again.previous, again.at) == (THREE, ONE_, two.at)
    assert again.is_called("42") and again.is_called(TWO)
    finding = await web.checks["railway.deployment"]()
    assert (finding.data["release"], finding.data["names"]) == (THREE, ["42"])
