"""The ECS provider over boto3: against a stand-in that rolls out step by step, and against moto's own ECS and Logs."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from ecs_world import ODD, World, serving
from hutch.model.action import Preview, Result, Verification, Verified
from hutch.model.finding import Status
from hutch.model.platform import LogQuery
from hutch.ports import Action, Connection, TargetConfig, Unanswered, hearing
from hutch.providers.ecs import provider
from hutch.providers.ecs.actions import GIVE_UP
from hutch.providers.ecs.client import Past
from hutch.providers.ecs.logs import filter_of, windows
from hutch.providers.ecs.platform import told
from hutch.testing import check_provider
from rights import Asked, policies_of, table_of

KEYS = {"access_key_id": "reading-key-id", "secret_access_key": "reading-secret"}
CHANGING = {"change_key_id": "changing-key-id", "change_secret_key": "changing-secret"}
PLACE = {"region": "eu-central-1", "cluster": "shop", "service": "web"}


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def address(world: World) -> Iterator[str]:
    with serving(world) as found:
        yield found


@pytest.fixture
def opened(address: str) -> Callable[..., Connection]:
    def make(**settings: object) -> Connection:
        given = {**PLACE, **KEYS, **CHANGING, "endpoint": address, "timeout": 2.0, "look_every": 0.01, **settings}
        return provider.open(TargetConfig("shop", given, now))

    return make


@pytest.fixture
def web(opened: Callable[..., Connection]) -> Connection:
    return opened()


async def settled(action: Action, args: Mapping[str, object]) -> Verification:
    """What verification says once it is no longer too early."""
    for _ in range(20):
        found = await action.verify(args)
        if found.verdict is not Verified.PENDING:
            return found
    raise AssertionError("it is never rolled out")


# ------------------------------------------------------------------ the contract


@pytest.mark.parametrize("endpoint", ["", "http://127.0.0.1:9"])
async def test_the_contract(endpoint: str, address: str) -> None:
    settings = {**PLACE, **KEYS, **CHANGING, "endpoint": endpoint or address, "timeout": 1.0}
    [finding] = await check_provider(provider, settings)
    assert finding.status is (Status.UNKNOWN if endpoint else Status.OK)


async def test_checks_and_looks_change_nothing(web: Connection, world: World) -> None:
    assert web.platform and web.changes
    await web.checks["ecs.tasks"]()
    await web.platform.standing()
    await web.changes()
    for name, action in web.actions.items():
        await action.preview({"to": "41", "replicas": 3})
        await action.verify({"to": "41", "replicas": 3})
        assert "UpdateService" not in world.calls, name


def test_changes_are_offered_only_with_a_key_for_them(opened: Callable[..., Connection]) -> None:
    none = {"change_key_id": None, "change_secret_key": None}
    assert opened(**none).actions == {}
    assert set(opened(**none, changes=True).actions) == {"deploy.rollback", "service.restart", "service.scale"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"secret_access_key": None}, "ecs: access_key_id and secret_access_key go together"),
        ({"change_key_id": None}, "ecs: change_key_id and change_secret_key go together"),
        ({"max_replicas": 0}, "ecs: max_replicas must be a whole number above 0, not 0"),
        ({"timeout": -1}, "ecs: timeout must be a number above 0"),
    ],
)
def test_bad_settings(opened: Callable[..., Connection], given: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        opened(**given)


# ------------------------------------------------------------------ looking


async def test_what_runs_and_what_was_deployed(web: Connection) -> None:
    assert web.platform and web.changes
    found = await web.platform.standing()
    assert (found.release, found.previous, found.ready, found.replicas, found.well) == ("web:42", "web:41", 2, 2, True)
    deployments = await web.platform.deployments()
    assert [(d.release, d.previous, d.kind, d.state) for d in deployments] == [
        ("web:41", "", "deploy", "succeeded"),
        ("web:42", "web:41", "deploy", "succeeded"),
    ]
    assert [c.id for c in await web.changes()] == ["web:41", "web:42"]


async def test_many_deployments_are_read_in_pages_and_bounded(web: Connection, world: World) -> None:
    for number in range(120):
        world.begin(f"web:{40 + number % 4}")
        world.finish("SUCCESSFUL")
    assert web.platform
    deployments = await web.platform.deployments()
    assert len(deployments) == 100
    assert deployments == sorted(deployments, key=lambda d: d.started_at)
    assert deployments[-1].id == "d122"


def test_a_history_in_words() -> None:
    def past(release: str, status: str = "SUCCESSFUL") -> Past:
        return Past("d", release, status, "why", now(), None)

    found = told([past("a"), past("b", "ROLLBACK_SUCCESSFUL"), past("b"), past("b"), past("a"), past("c", "PENDING")])
    assert [(d.kind, d.state, d.previous, d.reason) for d in found] == [
        ("deploy", "succeeded", "", ""),
        ("deploy", "failed", "a", "why"),
        ("deploy", "succeeded", "a", ""),
        ("restart", "succeeded", "b", ""),
        ("rollback", "succeeded", "b", ""),
        ("deploy", "running", "a", ""),
    ]


async def test_a_release_whose_tasks_end_is_left_by_going_back(web: Connection, world: World) -> None:
    world.bad.add("web:43")
    world.begin("web:43")
    world.stopped = [
        {"taskArn": "arn/task/shop/dead1", "taskDefinitionArn": "arn/web:43", "lastStatus": "STOPPED",
         "stoppedReason": "Essential container in task exited", "containers": [{"name": "app", "exitCode": 137}]},
        {"taskArn": "arn/task/shop/gone1", "taskDefinitionArn": "arn/web:42", "lastStatus": "STOPPED",
         "stoppedReason": "Scaling activity initiated by (deployment ecs-svc/3)"},
    ]  # fmt: skip
    finding = await web.checks["ecs.tasks"]()
    assert (finding.status, finding.data["ended"]) == (Status.BAD, 1)
    assert any("exit code 137" in line for line in finding.evidence)
    [cause] = provider.explain([finding])
    assert (cause.code, cause.object.id) == ("app.crashed", "web:43")
    assert [r.action for r in cause.remedies] == ["deploy.rollback", "service.restart"]
    assert dict(cause.remedies[0].args) == {"to": "web:42", "from": "web:43"}


# ------------------------------------------------------------------ changing


async def test_a_roll_back_is_previewed_applied_rolled_out_and_undone(web: Connection, world: World) -> None:
    rollback, args = web.actions["deploy.rollback"], {"to": "41", "from": "web:42"}
    preview = await rollback.preview(args)
    assert (preview.summary, preview.hits) == ("roll back from release web:42 to web:41: ECS replaces 2 tasks", 2)
    assert (await rollback.verify(args)).verdict is Verified.FAILED
    heard: list[str] = []
    listening = hearing.set(heard.append)
    outcome = await rollback.apply(args)
    hearing.reset(listening)
    assert (outcome.result, outcome.hits) == (Result.DONE, 2)
    assert outcome.summary == (
        "ECS was asked to go from release web:42 to web:41; release web:41 is rolled out, 2 tasks run"
    )
    assert heard[0] == "release web:41 is being rolled out: 1 of 2 run\n"
    assert (await settled(rollback, args)).verdict is Verified.PASSED
    assert (await rollback.apply(args)).summary.endswith("nothing was done")
    assert world.calls.count("UpdateService") == 1
    undo: Any = outcome.undo["args"]
    assert undo == {"to": "web:42", "from": "web:41"}
    assert (await rollback.apply(undo)).result is Result.DONE
    assert (await settled(rollback, undo)).verdict is Verified.PASSED


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"to": "41", "from": "web:43"}, "the service goes to release web:42 now, not web:43: look again"),
        ({"to": "99"}, "Unable to describe task definition"),
        ({"to": "mail:7"}, "mail:7 is no release of this service"),
        ({"to": "40"}, "release web:40 is inactive"),
        ({}, "say which release to run"),
    ],
)
async def test_a_roll_back_that_must_not_be(web: Connection, world: World, args: dict[str, object], said: str) -> None:
    world.active.discard("web:40")
    preview = await web.actions["deploy.rollback"].preview(args)
    outcome = await web.actions["deploy.rollback"].apply(args)
    assert said in preview.refused and said in outcome.summary
    assert outcome.result is Result.FAILED
    assert "UpdateService" not in world.calls


async def test_a_release_that_never_gets_stable_has_failed(web: Connection, world: World) -> None:
    world.bad.add("web:43")
    rollback = web.actions["deploy.rollback"]
    assert (await rollback.apply({"to": "43"})).result is Result.DONE
    found = await settled(rollback, {"to": "43"})
    assert found.verdict is Verified.FAILED
    assert "did not get stable: ECS deployment circuit breaker: tasks failed to start." in found.summary


async def test_a_rollout_is_waited_for_so_long_and_no_longer(opened: Callable[..., Connection], world: World) -> None:
    rollback = opened(rollout=0.3, look_every=0.1).actions["deploy.rollback"]
    world.steps = 1000
    outcome = await rollback.apply({"to": "41"})
    assert outcome.result is Result.DONE
    assert "is not there yet: release web:41 is being rolled out" in outcome.summary
    assert (await rollback.verify({"to": "41"})).verdict is Verified.PENDING


async def test_a_look_without_an_answer_does_not_end_the_wait(web: Connection, world: World) -> None:
    looks = [("DescribeServices", "denied")]
    world.after_update = looks
    outcome = await web.actions["deploy.rollback"].apply({"to": "41"})
    assert (outcome.result, "web:41 is rolled out" in outcome.summary, looks) == (Result.DONE, True, [])
    world.after_update = [("DescribeServices", "denied")] * 9
    outcome = await web.actions["deploy.rollback"].apply({"to": "42"})
    assert "is not there yet: ecs:DescribeServices: the key has not the right" in outcome.summary
    assert len(world.faults) == 9 - GIVE_UP


async def test_scaled_up_and_down_within_bounds(web: Connection, world: World) -> None:
    scale = web.actions["service.scale"]
    outcome = await scale.apply({"replicas": 4, "from": 2})
    assert outcome.undo == {"action": "service.scale", "args": {"replicas": 2, "from": 4}}
    assert (await settled(scale, {"replicas": 4})).verdict is Verified.PASSED
    back: Any = outcome.undo["args"]
    assert (await scale.apply(back)).result is Result.DONE
    assert (await settled(scale, back)).verdict is Verified.PASSED
    before = world.calls.count("UpdateService")
    for args, said in (
        ({"replicas": 0}, "replicas from 1 to 20"),
        ({"replicas": 21}, "replicas from 1 to 20"),
        ({"replicas": "many"}, "replicas from 1 to 20"),
        ({"replicas": 5, "from": 3}, "2 tasks are wanted now, not 3: look again"),
    ):
        assert said in (await scale.preview(args)).refused
        assert said in (await scale.apply(args)).summary
    assert world.calls.count("UpdateService") == before


async def test_restarted(web: Connection, world: World) -> None:
    restart, since = web.actions["service.restart"], now().isoformat()
    assert (await restart.verify({"since": (now() + timedelta(hours=1)).isoformat()})).verdict is Verified.FAILED
    assert (await restart.verify({})).verdict is Verified.UNKNOWN
    assert (await restart.apply({"since": since})).result is Result.DONE
    assert (await settled(restart, {"since": since})).verdict is Verified.PASSED
    assert world.history[-1]["release"] == "web:42"
    assert "no component redis on ECS" in (await restart.apply({"component": "redis"})).summary
    assert world.calls.count("UpdateService") == 1


# ------------------------------------------------------------------ bad times


@pytest.mark.parametrize(
    ("fault", "result", "recoverable", "said"),
    [
        ("throttled", Result.FAILED, True, "AWS asks to call later (ThrottlingException)"),
        ("denied", Result.FAILED, False, "ecs:UpdateService: the key has not the right to it"),
        (
            "expired",
            Result.FAILED,
            False,
            "ecs:UpdateService: the key is wrong, or has expired (ExpiredTokenException)",
        ),
        ("broken", Result.UNKNOWN, False, "AWS answers 500"),
        ("lost", Result.UNKNOWN, False, "no whole answer"),
        ("never", Result.UNKNOWN, False, "no whole answer"),
        ("garbled", Result.UNKNOWN, False, "no whole answer"),
    ],
)
async def test_a_change_that_ends_badly_is_sent_once(
    web: Connection, world: World, fault: str, result: Result, recoverable: bool, said: str
) -> None:
    world.faults.append(("UpdateService", fault))
    rollback = web.actions["deploy.rollback"]
    outcome = await rollback.apply({"to": "41"})
    assert (outcome.result, outcome.recoverable) == (result, recoverable)
    assert said in outcome.summary and "SECRET-TOKEN" not in outcome.summary
    assert world.calls.count("UpdateService") == 1
    found = await settled(rollback, {"to": "41"})  # what runs decides
    assert found.verdict is (Verified.PASSED if fault == "lost" else Verified.FAILED)


async def test_a_read_is_tried_again_and_then_said(web: Connection, world: World) -> None:
    assert web.platform and web.changes
    world.faults += [("DescribeServices", "broken"), ("DescribeServices", "throttled")]
    assert (await web.platform.standing()).release == "web:42"
    world.faults.append(("ListServiceDeployments", "denied"))
    with pytest.raises(Unanswered, match="ecs:ListServiceDeployments: the key has not the right") as refused:
        await web.platform.deployments()
    assert not refused.value.recoverable
    world.faults.append(("ListServiceDeployments", "denied"))
    assert await web.changes() == []
    world.faults.append(("DescribeServices", "garbled"))
    assert "no whole answer" in (await web.actions["service.scale"].preview({"replicas": 3})).refused
    world.faults.append(("DescribeServices", "denied"))
    assert (await web.checks["ecs.tasks"]()).status is Status.UNKNOWN


async def test_an_answer_that_comes_too_late_is_unknown_and_looked_up(
    opened: Callable[..., Connection], world: World
) -> None:
    world.faults.append(("UpdateService", "slow"))
    rollback = opened(timeout=0.3).actions["deploy.rollback"]
    outcome = await rollback.apply({"to": "41"})
    assert (outcome.result, outcome.recoverable, world.calls.count("UpdateService")) == (Result.UNKNOWN, False, 1)
    assert "no whole answer within 0.3 s" in outcome.summary
    assert (await settled(rollback, {"to": "41"})).verdict is Verified.PASSED


async def test_odd_answers_are_said_and_never_taken_for_health(web: Connection, world: World) -> None:
    assert web.platform
    for fault in ODD:
        for verb in ("DescribeServices", "ListServiceDeployments", "DescribeServiceRevisions", "DescribeTasks"):
            world.faults = [(verb, fault)] * 3
            found = await web.checks["ecs.tasks"]()
            assert found.status is not Status.BAD, (fault, verb)
            if verb == "DescribeServices" and "deployment" not in fault and "revision" not in fault:
                assert found.status is Status.UNKNOWN, fault
            for read in (web.platform.standing, web.platform.deployments):
                with contextlib.suppress(Unanswered):
                    await read()
            assert isinstance(await web.actions["deploy.rollback"].preview({"to": "41"}), Preview)


async def test_a_burst_of_errors_is_said(web: Connection, world: World) -> None:
    world.faults += [("DescribeServices", "broken")] * 3
    found = await web.checks["ecs.tasks"]()
    assert (found.status, "AWS answers 500" in found.reason, world.faults) == (Status.UNKNOWN, True, [])


async def test_of_ten_thousand_deployments_the_newest_are_read(web: Connection, world: World) -> None:
    at, world.page = time.time() - 10_000, 100
    world.history = [
        {"n": n, "release": f"web:{41 + n % 2}", "at": at + n, "status": "SUCCESSFUL", "reason": ""}
        for n in range(10_000)
    ]
    assert web.platform
    found = await web.platform.deployments()
    assert (len(found), found[-1].id, world.calls.count("ListServiceDeployments")) == (100, "d9999", 1)


async def test_a_target_that_is_gone(opened: Callable[..., Connection], world: World) -> None:
    gone = opened(service="mail")
    said = "there is no service mail in the cluster shop"
    assert (await gone.checks["ecs.tasks"]()).reason == said
    assert (await gone.actions["service.scale"].apply({"replicas": 3})).summary == said
    assert (await gone.actions["service.scale"].preview({"replicas": 3})).refused == said
    assert "UpdateService" not in world.calls


async def test_the_rights_that_the_guide_names_are_those_that_each_verb_uses(
    web: Connection, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.bad.add("web:43")
    world.begin("web:43")
    world.stopped = [{"taskArn": "arn/task/shop/dead1", "taskDefinitionArn": "arn/web:43", "lastStatus": "STOPPED",
                      "stoppedReason": "Essential container in task exited"}]  # fmt: skip
    asked, used, platform = Asked(monkeypatch), {}, web.platform
    assert platform
    await web.checks["ecs.tasks"]()
    used["ecs.tasks"] = asked.taken()
    await platform.standing()
    used["service.status"] = asked.taken()
    await platform.deployments()
    used["deploy.list"] = asked.taken()
    for name, args in (
        ("deploy.rollback", {"to": "41"}), ("service.restart", {"since": now().isoformat()}),
        ("service.scale", {"replicas": 3}), ("service.scale", {"cpu": 512, "memory": 1024}),
    ):  # fmt: skip
        await web.actions[name].preview(args)
        assert (await web.actions[name].apply(args)).result is Result.DONE
        await settled(web.actions[name], args)
        used[f"{name} cpu=… memory=…" if "cpu" in args else name] = asked.taken()
    told = table_of("ecs.md")
    assert used == {verb: rights for verb, rights in told.items() if verb != "logs.search"}
    assert policies_of("ecs.md") == set().union(*(a | b for a, b in told.values())) | {"ecs:TagResource"}


# ------------------------------------------------------------------ AWS as moto has it


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(moto: str) -> Callable[[str], Any]:
    def client(name: str) -> Any:
        return boto3.client(name, region_name="eu-central-1", endpoint_url=moto, aws_access_key_id="x",
                            aws_secret_access_key="y")  # fmt: skip

    return client


@pytest.fixture
def on_moto(moto: str, aws: Callable[[str], Any]) -> Connection:
    ecs = aws("ecs")
    ecs.create_cluster(clusterName="shop")
    log = {"logDriver": "awslogs", "options": {"awslogs-group": "/shop/web", "awslogs-stream-prefix": "ecs"}}
    container = {"name": "app", "image": "web", "memory": 64, "logConfiguration": log}
    for _ in range(2):
        ecs.register_task_definition(family="web", containerDefinitions=[container])
    if not ecs.list_services(cluster="shop")["serviceArns"]:
        ecs.create_service(cluster="shop", serviceName="web", taskDefinition="web:2", desiredCount=1)
    given = {**PLACE, **KEYS, **CHANGING, "endpoint": moto, "rollout": 0.1, "look_every": 0.1}
    return provider.open(TargetConfig("shop", given, now))


async def test_what_is_asked_is_what_moto_understands(on_moto: Connection, aws: Callable[[str], Any]) -> None:
    """moto never rolls anything out: here only what reaches the service is looked at."""
    actions = on_moto.actions
    assert (await actions["deploy.rollback"].apply({"to": "1", "from": "web:2"})).result is Result.DONE
    assert (await actions["service.scale"].apply({"replicas": 3})).result is Result.DONE
    [service] = aws("ecs").describe_services(cluster="shop", services=["web"])["services"]
    assert service["taskDefinition"].endswith("web:1")
    assert service["desiredCount"] == 3
    assert (
        "ecs:DescribeTaskDefinition: ClientException" in (await actions["deploy.rollback"].apply({"to": "99"})).summary
    )


async def test_logs_are_searched_across_streams(
    on_moto: Connection, aws: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    logs, at = aws("logs"), int(time.time() * 1000) - 60_000
    logs.create_log_group(logGroupName="/shop/web")
    for number, stream in enumerate(("ecs/app/1111", "ecs/app/2222", "other/app/3333")):
        logs.create_log_stream(logGroupName="/shop/web", logStreamName=stream)
        rows = [
            {
                "timestamp": at + number * 10,
                "message": '{"level": "ERROR", "user_id": "u1", "message": "Timed out (9)"}',
            },
            {"timestamp": at + number * 10 + 1000, "message": "INFO it serves"},
        ]
        logs.put_log_events(logGroupName="/shop/web", logStreamName=stream, logEvents=rows)
    assert on_moto.platform
    search, asked = on_moto.platform.logs, Asked(monkeypatch)
    found = await search(LogQuery())
    assert asked.taken() == table_of("ecs.md")["logs.search"]
    assert [(line.replica, line.level) for line in found] == [
        ("1111", "error"), ("2222", "error"), ("1111", "info"), ("2222", "info"),
    ]  # fmt: skip
    assert [line.replica for line in await search(LogQuery("timed OUT (9)", user="u1"))] == ["1111", "2222"]
    assert [line.text for line in await search(LogQuery(replica="2222", level="info"))] == ["INFO it serves"]
    assert [line.replica for line in await search(LogQuery(limit=1))] == ["2222"]
    assert await search(LogQuery(until=now() - timedelta(minutes=10))) == []
    logs.delete_log_group(logGroupName="/shop/web")
    with pytest.raises(Unanswered, match="logs:FilterLogEvents: ResourceNotFoundException"):
        await search(LogQuery())


def test_windows_and_what_aws_filters_by() -> None:
    end = now()
    found = list(windows(end - timedelta(hours=1), end))
    assert (found[0][1], found[-1][0]) == (end, end - timedelta(hours=1))
    assert all(later[0] == earlier[1] for later, earlier in pairwise(found))
    assert filter_of("a b") == "%[aA]%" and filter_of("(…)") == "" and filter_of("") == ""
    pattern = re.compile(filter_of("Error-7").strip("%"))
    assert pattern.search("an ERROR-7 here") and not pattern.search("an error 7")


async def test_two_at_once_wait_for_one_another(web: Connection) -> None:
    assert web.platform
    found = await asyncio.gather(*(web.platform.standing() for _ in range(3)))
    assert [replace(f, instances=()) for f in found] == [replace(found[0], instances=())] * 3


async def test_a_release_is_called_by_the_tag_of_its_image_which_is_asked_for_once(
    web: Connection, world: World
) -> None:
    assert web.changes
    world.faults.append(("DescribeTaskDefinition", "denied"))
    assert {len(change.names) for change in await web.changes()} == {0, 1}
    assert [(c.id, c.names) for c in await web.changes()] == [("web:41", ("v41",)), ("web:42", ("v42",))]
    asked = world.calls.count("DescribeTaskDefinition")
    finding = await web.checks["ecs.tasks"]()
    await web.changes()
    assert (finding.data["names"], world.calls.count("DescribeTaskDefinition")) == (["v42"], asked)
