"""The Vercel provider against RoleRabbit's platform by Vercel's API: what it reads, changes, and does in bad times."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hutch.model.action import Result, Verification, Verified
from hutch.model.finding import Status
from hutch.model.platform import LogQuery
from hutch.ports import Action, Connection, Unanswered, hearing
from hutch.providers.vercel import provider
from hutch.remote import GIVE_UP
from hutch.testing import check_provider
from platform_world import TOKEN, World
from rolerabbit.platform.logs import read_line


def now() -> datetime:
    return datetime.now(UTC)


def dpl(number: int) -> str:
    return f"dpl_{number:024d}"


async def settled(action: Action, args: Mapping[str, object]) -> Verification:
    """What verification says once it is no longer too early."""
    for _ in range(200):
        found = await action.verify(args)
        if found.verdict is not Verified.PENDING:
            return found
    raise AssertionError("it is never there")


# ------------------------------------------------------------------ the contract


async def test_the_contract(settings: dict[str, object]) -> None:
    [finding] = await check_provider(provider, settings)
    assert finding.status is Status.OK
    away = {**settings, "url": "http://127.0.0.1:9", "logs_url": "http://127.0.0.1:9"}
    [finding] = await check_provider(provider, away)
    assert finding.status is Status.UNKNOWN and "Vercel is not reached" in finding.reason


async def test_checks_and_looks_change_nothing(web: Connection, world: World) -> None:
    assert web.platform and web.changes
    await web.checks["vercel.production"]()
    await web.platform.standing()
    await web.platform.logs(LogQuery())
    await web.changes()
    for action in web.actions.values():
        await action.preview({"to": dpl(1)})
        await action.verify({"to": dpl(1)})
    assert not world.asked("POST")


def test_changes_are_offered_only_with_a_token_for_them(opened: Callable[..., Connection]) -> None:
    assert opened(changes=False).actions == {}
    assert set(opened(changes=False, change_token="other-token-1").actions) == {
        "deploy.rollback",
        "service.restart",
        "service.scale",
    }


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"url": "http://api.example.com"}, "vercel: url must begin with https://, since a token is sent there"),
        ({"timeout": 0}, "vercel: timeout must be a number above 0"),
    ],
)
def test_bad_settings(opened: Callable[..., Connection], given: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        opened(**given)


# ------------------------------------------------------------------ looking


async def test_what_runs_and_what_was_deployed(web: Connection, world: World) -> None:
    assert web.platform and web.changes
    found = await web.platform.standing()
    assert (found.release, found.previous, found.busy, found.well) == (dpl(2), dpl(1), False, True)
    world.control.bad.add("43")
    world.control.ran("43", ago=timedelta(minutes=1))
    deployments = await web.platform.deployments()
    assert [(d.release, d.previous, d.kind, d.state) for d in deployments] == [
        (dpl(1), "", "deploy", "succeeded"),
        (dpl(2), dpl(1), "deploy", "succeeded"),
        (dpl(3), dpl(2), "deploy", "failed"),
    ]
    assert [c.id for c in await web.changes()] == [dpl(1), dpl(2)]
    finding = await web.checks["vercel.production"]()
    assert finding.status is Status.WARN and f"the newest deployment {dpl(3)} error" in finding.summary


async def test_what_was_left_by_a_roll_back_is_not_what_ran_before_the_next(web: Connection, world: World) -> None:
    """1, 2, back to 1, then 4: 4 leads back to 1, not to 2, which was left since it failed."""
    await web.actions["deploy.rollback"].apply({"to": dpl(1)})
    world.control.ran("43", ago=timedelta(0))
    assert web.platform and web.changes
    standing = await web.platform.standing()
    assert (standing.release, standing.previous) == (dpl(4), dpl(1))
    assert [(d.release, d.kind, d.previous) for d in await web.platform.deployments()] == [
        (dpl(1), "deploy", ""), (dpl(2), "deploy", dpl(1)), (dpl(1), "rollback", dpl(2)), (dpl(4), "deploy", dpl(1)),
    ]  # fmt: skip
    assert (await web.changes())[-1].previous == dpl(1)
    world.control.ran("44", ago=timedelta(0))
    assert (await web.platform.standing()).previous == dpl(4)


async def test_after_a_restart_of_what_was_gone_back_to_nothing_newer_is_the_one_before(
    web: Connection, world: World
) -> None:
    await web.actions["deploy.rollback"].apply({"to": dpl(1)})
    await web.actions["service.restart"].apply({"since": now().isoformat()})
    assert web.platform
    assert (await web.platform.standing()).previous == ""


async def test_ten_thousand_deployments_are_read_in_pages_and_bounded(web: Connection, world: World) -> None:
    world.control.bad.add("bad")
    world.control.ledger = type(world.control.ledger)()
    entries = ["good", "now", *["bad"] * 400]
    world.control.ran(*entries, ago=timedelta(days=20))
    one = world.control.ledger.deployments
    many = tuple(type(one[0])(f"dpl-{n}", "bad", "now", "deploy", _at(n), _at(n), "failed") for n in range(500, 10_098))
    world.control.ledger = type(world.control.ledger)(world.control.ledger.releases, one + many)
    assert web.platform
    found = await web.platform.deployments()
    assert (len(found), found[-1].id, found == sorted(found, key=lambda d: d.started_at)) == (500, dpl(10_097), True)
    pages = [call for call in world.calls if call.path == "/v6/deployments"]
    assert len(pages) == 5 and all("limit=100" in call.query for call in pages)
    standing = await web.platform.standing()
    assert (standing.release, standing.previous) == (dpl(2), dpl(1))
    assert len([call for call in world.calls if call.path == "/v6/deployments"]) == 5 + 100


def _at(number: int) -> str:
    return (datetime.now(UTC) - timedelta(days=10) + timedelta(seconds=number)).isoformat(timespec="milliseconds")


async def test_logs_are_searched(web: Connection, world: World) -> None:
    start = now() - timedelta(minutes=30)
    for number in range(130):
        text = json.dumps({"level": "ERROR" if number % 2 else "INFO", "user_id": f"u{number % 3}", "n": number})
        world.book.add(read_line(text, start + timedelta(seconds=number), "42", "42-1", "stdout"))
    world.book.add(read_line("CRITICAL it is over", start + timedelta(minutes=5), "41", "41-1", "stdout"))
    assert web.platform
    search = web.platform.logs
    found = await search(LogQuery(limit=1000))
    assert len(found) == 131 and found == sorted(found, key=lambda line: line.at)
    assert {line.release for line in found} == {dpl(1), dpl(2)}
    assert [line.user for line in await search(LogQuery('"n": 12', level="error", user="u1"))] == ["u1"] * 2
    assert [line.text for line in await search(LogQuery(level="critical"))] == ["CRITICAL it is over"]
    assert len(await search(LogQuery(replica=dpl(1)))) == 1
    assert [line.text[-4:] for line in await search(LogQuery(limit=2, replica=dpl(2)))] == ["128}", "129}"]
    assert await search(LogQuery(until=now() - timedelta(minutes=40))) == []
    assert len(await search(LogQuery(since=start + timedelta(seconds=100)))) == 31


# ------------------------------------------------------------------ changing


async def test_a_roll_back_is_previewed_applied_verified_and_undone(web: Connection, world: World) -> None:
    world.control.seconds = 0.1
    rollback, args = web.actions["deploy.rollback"], {"to": dpl(1), "from": dpl(2)}
    preview = await rollback.preview(args)
    assert f"roll back from {dpl(2)} to {dpl(1)}: every production domain; nothing is built" in preview.summary
    assert (await rollback.verify(args)).verdict is Verified.FAILED
    heard: list[str] = []
    listening = hearing.set(heard.append)
    outcome = await rollback.apply(args)
    hearing.reset(listening)
    assert (outcome.result, outcome.hits) == (Result.DONE, 1)
    assert outcome.summary.endswith(f"; {dpl(1)} has the production domains")
    assert heard[0] == f"the domains go to {dpl(1)}\n"
    assert (await settled(rollback, args)).verdict is Verified.PASSED
    assert (await rollback.apply(args)).summary.endswith("nothing was done")
    undo: Any = outcome.undo["args"]
    assert undo == {"to": dpl(2), "from": dpl(1)}
    assert (await rollback.preview(undo)).summary.startswith(f"promote from {dpl(1)} to {dpl(2)}")
    assert (await rollback.apply(undo)).result is Result.DONE
    assert (await settled(rollback, undo)).verdict is Verified.PASSED
    assert world.asked() == [
        f"POST /v9/projects/prj_rolerabbit/rollback/{dpl(1)}",
        f"POST /v10/projects/prj_rolerabbit/promote/{dpl(2)}",
    ]
    assert web.platform
    assert [(d.kind, d.release, d.previous) for d in await web.platform.deployments()][-1] == ("deploy", dpl(2), dpl(1))


async def test_a_deployment_may_be_named_by_its_host(web: Connection) -> None:
    rollback, args = web.actions["deploy.rollback"], {"to": "https://rolerabbit-1.localhost"}
    outcome = await rollback.apply(args)
    assert (outcome.result, outcome.undo["args"]) == (Result.DONE, {"to": dpl(2), "from": dpl(1)})
    assert (await settled(rollback, args)).verdict is Verified.PASSED


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"to": dpl(1), "from": dpl(7)}, f"{dpl(2)} has the production domains now, not {dpl(7)}: look again"),
        ({"to": dpl(9)}, "not_found: The deployment could not be found"),
        ({"to": dpl(3)}, f"{dpl(3)} is error: it cannot serve"),
        ({}, "say which deployment to go to"),
    ],
)
async def test_a_roll_back_that_must_not_be(web: Connection, world: World, args: dict[str, object], said: str) -> None:
    world.control.bad.add("43")
    world.control.ran("43", ago=timedelta(minutes=1))
    rollback = web.actions["deploy.rollback"]
    preview, outcome = await rollback.preview(args), await rollback.apply(args)
    assert said in preview.refused and said in outcome.summary
    assert outcome.result is Result.FAILED
    assert not world.asked()


async def test_domains_that_do_not_get_there(web: Connection, world: World) -> None:
    world.control.bad.add("41")
    rollback = web.actions["deploy.rollback"]
    outcome = await rollback.apply({"to": dpl(1)})
    assert outcome.result is Result.DONE
    assert f"did not get there: Vercel could not point every domain at {dpl(1)}" in outcome.summary
    assert (await settled(rollback, {"to": dpl(1)})).verdict is Verified.FAILED
    finding = await web.checks["vercel.production"]()
    assert "the last rollback could not take every domain along" in finding.summary


async def test_a_move_is_waited_for_so_long_and_no_longer(opened: Callable[..., Connection], world: World) -> None:
    world.control.seconds = 30
    rollback = opened(rollout=0.2).actions["deploy.rollback"]
    outcome = await rollback.apply({"to": dpl(1)})
    assert f"is not there yet: the domains go to {dpl(1)}" in outcome.summary
    assert (await rollback.verify({"to": dpl(1)})).verdict is Verified.PENDING
    world.control.ran("43", ago=timedelta(minutes=1))
    assert "goes on: wait for it" in (await rollback.preview({"to": dpl(1), "from": dpl(4)})).refused


async def test_a_restart_builds_the_same_again(web: Connection, world: World) -> None:
    world.control.seconds = 0.1
    restart, since = web.actions["service.restart"], now().isoformat()
    preview = await restart.preview({})
    assert f"redeploy {dpl(2)}: Vercel builds it again" in preview.summary
    assert "then it gets the domains" in preview.summary
    outcome = await restart.apply({"since": since})
    assert outcome.result is Result.DONE and outcome.summary.endswith(f"; {dpl(3)} has the production domains")
    assert (await settled(restart, {"since": since})).verdict is Verified.PASSED
    assert web.platform
    assert [(d.release, d.kind) for d in await web.platform.deployments()][-1] == (dpl(3), "restart")
    assert (await web.platform.standing()).previous == dpl(1)  # not another build of what runs
    undo: Any = outcome.undo["args"]
    assert (await web.actions["deploy.rollback"].apply(undo)).result is Result.DONE
    assert "no component redis on Vercel" in (await restart.apply({"component": "redis"})).summary


async def test_a_restart_after_a_roll_back_is_promoted(web: Connection, world: World) -> None:
    await web.actions["deploy.rollback"].apply({"to": dpl(1)})
    restart, since = web.actions["service.restart"], now().isoformat()
    assert "and it is promoted: the project gives new ones no domain" in (await restart.preview({})).summary
    outcome = await restart.apply({"since": since})
    assert "has the production domains" in outcome.summary
    assert (await settled(restart, {"since": since})).verdict is Verified.PASSED
    assert [line.split("/")[1] for line in world.asked()] == ["v9", "v13", "v10"]
    finding = await web.checks["vercel.production"]()
    assert (finding.status, finding.data["pinned"]) == (Status.OK, False)


async def test_a_restart_that_cannot_be_built_has_failed(web: Connection, world: World) -> None:
    world.control.bad.add("42")
    restart, since = web.actions["service.restart"], now().isoformat()
    outcome = await restart.apply({"since": since})
    assert f"did not get there: {dpl(3)} is error: no replica came up" in outcome.summary
    assert (await settled(restart, {"since": since})).verdict is Verified.FAILED
    assert web.platform
    assert (await web.platform.standing()).release == dpl(2)


# ------------------------------------------------------------------ bad times


@pytest.mark.parametrize(
    ("fault", "result", "recoverable", "said"),
    [
        ("throttled for long", Result.FAILED, True, "cannot roll back: Vercel asks to call again in 3600 s"),
        ("denied", Result.FAILED, False, "cannot roll back: the token has not the right to it (forbidden)"),
        ("expired", Result.FAILED, False, "Vercel does not know the token, or it has expired"),
        ("broken", Result.UNKNOWN, False, "Vercel answers 500"),
        ("lost", Result.UNKNOWN, False, "the connection broke"),
        ("never", Result.UNKNOWN, False, "the connection broke"),
        ("garbled", Result.UNKNOWN, False, "not of the expected form"),
    ],
)
async def test_a_change_that_ends_badly_is_sent_once(
    web: Connection, world: World, fault: str, result: Result, recoverable: bool, said: str
) -> None:
    world.faults.append(("POST", fault))
    rollback = web.actions["deploy.rollback"]
    outcome = await rollback.apply({"to": dpl(1)})
    assert (outcome.result, outcome.recoverable) == (result, recoverable)
    assert said in outcome.summary and "SECRET" not in outcome.summary
    assert len(world.asked()) == 1
    found = await settled(rollback, {"to": dpl(1)})  # what runs decides
    assert found.verdict is (Verified.PASSED if fault == "lost" else Verified.FAILED)


async def test_an_answer_that_comes_too_late_is_unknown_and_looked_up(
    opened: Callable[..., Connection], world: World
) -> None:
    world.faults.append(("POST", "slow"))
    rollback = opened(timeout=0.4).actions["deploy.rollback"]
    outcome = await rollback.apply({"to": dpl(1)})
    assert (outcome.result, outcome.recoverable, len(world.asked())) == (Result.UNKNOWN, False, 1)
    assert "cannot roll back: no whole answer within 0.4 s" in outcome.summary
    assert (await settled(opened().actions["deploy.rollback"], {"to": dpl(1)})).verdict is Verified.PASSED


async def test_a_burst_of_errors_and_odd_answers_are_said(
    web: Connection, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hutch.remote.FIRST_WAIT", 0.01)
    assert web.platform
    for fault, said in (("broken", "Vercel answers 500"), ("odd", "not of the expected form"), ("vague", "form")):
        world.faults += [("GET", fault)] * 3
        found = await web.checks["vercel.production"]()
        assert (found.status, said in found.reason) == (Status.UNKNOWN, True), (fault, found)
        world.faults.clear()
    for path, read in (("deployments", web.platform.deployments), ("logs", lambda: web.platform.logs(LogQuery()))):
        world.faults.append((path, "odd"))
        with pytest.raises(Unanswered, match="not of the expected form"):
            await read()


async def test_a_restart_whose_answer_was_lost_is_found_again(opened: Callable[..., Connection], world: World) -> None:
    since = now().isoformat()
    world.faults.append(("POST", "lost"))
    assert (await opened().actions["service.restart"].apply({"since": since})).result is Result.UNKNOWN
    restart = opened().actions["service.restart"]  # after a crash, by another process
    assert (await settled(restart, {"since": since})).verdict is Verified.PASSED
    later = (now() + timedelta(hours=1)).isoformat()
    assert (await restart.verify({"since": later})).verdict is Verified.FAILED
    assert (await restart.verify({})).verdict is Verified.UNKNOWN
    assert len(world.asked()) == 1


async def test_what_vercel_did_not_look_at_is_sent_again(web: Connection, world: World) -> None:
    world.faults += [("POST", "throttled"), ("POST", "throttled")]
    assert (await web.actions["deploy.rollback"].apply({"to": dpl(1)})).result is Result.DONE
    assert len(world.asked()) == 3


async def test_a_read_is_tried_again_and_then_said(web: Connection, world: World) -> None:
    assert web.platform and web.changes
    world.faults += [("/v9/projects", "broken"), ("/v9/projects", "throttled")]
    assert (await web.platform.standing()).release == dpl(2)
    world.faults.append(("/v6/deployments", "denied"))
    with pytest.raises(Unanswered, match="cannot list the deployments: the token has not the right") as refused:
        await web.platform.deployments()
    assert not refused.value.recoverable
    world.faults.append(("/v9/projects", "expired"))
    assert await web.changes() == []
    for fault in ("garbled", "odd"):
        world.faults += [("/v9/projects", fault)] * 3
        assert (await web.checks["vercel.production"]()).status is not Status.OK


async def test_a_look_without_an_answer_does_not_end_the_wait(web: Connection, world: World) -> None:
    rollback, world.control.seconds = web.actions["deploy.rollback"], 0.2
    world.after_change = [("/v9/projects", "denied")] * (GIVE_UP - 1)
    outcome = await rollback.apply({"to": dpl(1)})
    assert (outcome.summary.endswith("has the production domains"), world.faults) == (True, [])
    world.after_change = [("/v9/projects", "denied")] * 9
    outcome = await rollback.apply({"to": dpl(2)})
    assert "is not there yet: cannot read the project: the token has not the right" in outcome.summary
    assert len(world.faults) == 9 - GIVE_UP


async def test_a_project_that_is_gone(opened: Callable[..., Connection], world: World) -> None:
    gone = opened(project="gone")
    assert (await gone.checks["vercel.production"]()).status is Status.UNKNOWN
    assert "not_found" in (await gone.actions["deploy.rollback"].apply({"to": dpl(1)})).summary
    assert not world.asked()


async def test_the_token_travels_in_a_header_alone(web: Connection, world: World) -> None:
    await web.actions["deploy.rollback"].apply({"to": dpl(1)})
    assert world.calls and all(call.token == TOKEN for call in world.calls)
    assert not any(TOKEN in call.query + call.path + json.dumps(call.body) for call in world.calls)


async def test_a_release_is_called_what_it_calls_itself_also_after_another_build_of_it(
    web: Connection, world: World
) -> None:
    assert web.changes
    one, two = await web.changes()
    host = "rolerabbit-2.localhost"
    assert (one.id, one.names[0]) == (dpl(1), "41")
    assert (two.id, two.previous, two.names) == (dpl(2), dpl(1), ("42", host))
    assert (await web.actions["service.restart"].apply({})).result is Result.DONE
    _, again = await web.changes()
    assert (again.id, again.previous, again.at) == (dpl(3), dpl(1), two.at)
    assert again.is_called("42") and again.is_called(dpl(2)) and not again.is_called("41")
    finding = await web.checks["vercel.production"]()
    assert (finding.data["release"], finding.data["names"]) == (dpl(3), ["42", "rolerabbit-3.localhost"])
