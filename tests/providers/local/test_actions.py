"""The local provider against a small platform on loopback that can be put into every state."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hutch.model.action import Outcome, Result, Verified
from hutch.model.finding import Cause, Change, Finding, Object, Status
from hutch.ports import Connection, TargetConfig
from hutch.providers.local import provider
from hutch.testing import check_provider

NOW = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)
TOKEN = "a-token-that-nobody-guesses"


def replica(name: str, release: str = "43", **more: Any) -> dict[str, Any]:
    started = (NOW - timedelta(seconds=90)).isoformat()
    row = {"replica": name, "release": release, "pid": 100, "state": "ready", "restarts": 0, "started_at": started}
    return {**row, **more}


@dataclass
class Platform:
    """What it says, what it was asked, and how it answers a change."""

    status: dict[str, Any] = field(
        default_factory=lambda: {
            "release": "43",
            "previous": "42",
            "busy": False,
            "pool_size": 8,
            "replicas": [replica("43-1"), replica("43-2", pid=101)],
        }
    )
    asked: list[tuple[str, Any]] = field(default_factory=list)
    answer: int = 201
    delay: float = 0.0
    metrics: str = "# TYPE db_cpu gauge\ndb_cpu 12.5\n"
    history: list[dict[str, Any]] = field(
        default_factory=lambda: [
            deployment("42", None, "deploy", 600),
            deployment("44", "42", "deploy", 300, "failed"),
            deployment("43", "42", "deploy", 60),
            deployment("42", "43", "rollback", 5, "running"),
        ]
    )

    async def read(self, request: web.Request) -> web.Response:
        match request.path:
            case "/status":
                return web.json_response(self.status)
            case "/releases":
                return web.json_response([{"id": "42"}, {"id": "43"}])
            case "/metrics":
                return web.Response(text=self.metrics)
        return web.json_response(self.history)

    async def change(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"error": "a change needs the token", "what_to_do": "send it"}, status=401)
        body = await request.json()
        self.asked.append((request.path, body))
        await asyncio.sleep(self.delay)
        if self.answer >= 400:
            return web.json_response({"error": "it went wrong", "what_to_do": "try again"}, status=self.answer)
        if request.path == "/rollback":
            self.status |= {"release": body["to"], "replicas": [replica("42-3", "42"), replica("42-4", "42")]}
        return web.json_response({}, status=self.answer)


def deployment(release: str, previous: str | None, kind: str, ago: float, status: str = "succeeded") -> dict[str, Any]:
    at = (NOW - timedelta(seconds=ago)).isoformat()
    why = "no replica came up" if status == "failed" else ""
    told = {"release": release, "previous": previous, "kind": kind, "started_at": at, "status": status, "reason": why}
    return {"id": f"dpl-{ago:g}", **told}


@pytest.fixture
async def platform() -> Platform:
    return Platform()


@pytest.fixture
async def url(platform: Platform) -> AsyncIterator[str]:
    app = web.Application()
    for path in ("/status", "/releases", "/deployments", "/metrics"):
        app.router.add_get(path, platform.read)
    for path in ("/rollback", "/restart", "/scale"):
        app.router.add_post(path, platform.change)
    async with TestServer(app) as server:
        yield str(server.make_url("/"))


@pytest.fixture
async def connection(url: str) -> Connection:
    return opened(url)


def opened(url: str, **settings: Any) -> Connection:
    return provider.open(TargetConfig("web", {"url": url, "token": TOKEN, **settings}, lambda: NOW))


def unreachable() -> Connection:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return opened(f"http://127.0.0.1:{held.getsockname()[1]}")


BACK = {"to": "42", "from": "43"}


# ------------------------------------------------------------------ deploy.rollback


async def test_a_rollback_is_previewed_done_and_verified(connection: Connection, platform: Platform) -> None:
    rollback = connection.actions["deploy.rollback"]
    preview = await rollback.preview(BACK)
    assert preview.summary == "roll back from release 43 to 42: 2 replicas are replaced, new ones first"
    assert (preview.hits, preview.undo, preview.refused) == (2, "deploy release 43 again", "")
    assert preview.items[0] == "replica 43-1 of release 43 (pid 100, ready)"
    assert platform.asked == []
    assert (await rollback.verify(BACK)).verdict is Verified.FAILED
    outcome = await rollback.apply(BACK)
    assert (outcome.result, outcome.hits) == (Result.DONE, 2)
    assert outcome.undo == {"action": "deploy.rollback", "args": {"to": "43", "from": "42"}}
    assert platform.asked == [("/rollback", {"to": "42"})]
    assert (await rollback.verify(BACK)).verdict is Verified.PASSED


async def test_a_rollback_that_is_done_already_is_no_op(connection: Connection, platform: Platform) -> None:
    platform.status["release"] = "42"
    rollback = connection.actions["deploy.rollback"]
    assert (await rollback.preview(BACK)).hits == 0
    outcome = await rollback.apply(BACK)
    assert (outcome.result, outcome.hits, platform.asked) == (Result.DONE, 0, [])


async def test_a_rollback_away_from_another_release_than_approved_is_refused(
    connection: Connection, platform: Platform
) -> None:
    platform.status["release"] = "44"
    rollback = connection.actions["deploy.rollback"]
    said = "release 44 runs now, not 43: look again before changing anything"
    assert (await rollback.preview(BACK)).refused == said
    outcome = await rollback.apply(BACK)
    assert (outcome.result, outcome.summary, platform.asked) == (Result.FAILED, said, [])


async def test_a_rollback_names_its_target(connection: Connection, platform: Platform) -> None:
    rollback = connection.actions["deploy.rollback"]
    assert (await rollback.preview({})).refused == "say which release to run: to; the one before 43 is 42"
    assert (await rollback.preview({"to": "7"})).refused == "there is no release 7; there are: 42, 43"
    assert (await rollback.apply({})).result is Result.FAILED
    assert platform.asked == []


@pytest.mark.parametrize(
    ("status", "result", "recoverable"),
    [
        (409, Result.FAILED, True),
        (502, Result.FAILED, False),
        (401, Result.FAILED, False),
        (500, Result.UNKNOWN, False),
    ],
)
async def test_what_the_platform_answers_is_classified(
    connection: Connection, platform: Platform, status: int, result: Result, recoverable: bool
) -> None:
    platform.answer = status
    outcome = await connection.actions["deploy.rollback"].apply(BACK)
    assert (outcome.result, outcome.recoverable) == (result, recoverable)
    assert "it went wrong: try again" in outcome.summary


async def test_an_unanswered_change_is_unknown_and_its_verification_decides(url: str, platform: Platform) -> None:
    platform.delay = 0.3
    rollback = opened(url, change_timeout=0.05).actions["deploy.rollback"]
    outcome = await rollback.apply(BACK)
    assert (outcome.result, outcome.recoverable) == (Result.UNKNOWN, False)
    platform.status["busy"] = True
    assert (await rollback.verify(BACK)).verdict is Verified.PENDING
    platform.status |= {"busy": False, "release": "42", "replicas": [replica("42-3", "42", state="starting")]}
    assert (await rollback.verify(BACK)).verdict is Verified.PENDING
    platform.status["replicas"][0]["state"] = "ready"
    assert (await rollback.verify(BACK)).verdict is Verified.PASSED


async def test_a_platform_that_is_gone() -> None:
    rollback = unreachable().actions["deploy.rollback"]
    assert "does not answer" in (await rollback.preview(BACK)).refused
    outcome: Outcome = await rollback.apply(BACK)
    assert (outcome.result, outcome.recoverable) == (Result.FAILED, True)
    assert (await rollback.verify(BACK)).verdict is Verified.UNKNOWN


async def test_without_a_token_nothing_can_be_changed(url: str) -> None:
    assert dict(opened(url, token=None).actions) == {}
    outcome = await opened(url, token="a-wrong-token").actions["service.restart"].apply({})
    assert (outcome.result, outcome.summary) == (Result.FAILED, "a change needs the token: send it")


# ------------------------------------------------------------------ service.restart and service.scale


async def test_a_restart_is_verified_by_the_age_of_the_replicas(url: str, platform: Platform) -> None:
    restart = opened(url, fresh_within=60).actions["service.restart"]
    assert (await restart.preview({})).hits == 2
    assert (await restart.verify({})).verdict is Verified.FAILED
    assert (await restart.apply({})).summary == "2 replicas were replaced"
    platform.status["replicas"] = [replica("43-3", started_at=NOW.isoformat())]
    assert (await restart.verify({})).verdict is Verified.PASSED
    assert (await restart.verify({"since": (NOW + timedelta(seconds=1)).isoformat()})).verdict is Verified.FAILED
    platform.status["replicas"] = [replica("43-3", pid=None, started_at=None, state="backing-off")]
    assert (await restart.verify({})).verdict is Verified.PENDING


def component(pid: int | None, **more: Any) -> dict[str, Any]:
    return {"running": pid is not None, "pid": pid, "stopped_on_purpose": False, "crashes": 0, **more}


async def test_a_server_beside_the_service_is_restarted(connection: Connection, platform: Platform) -> None:
    platform.status["components"] = {"postgres": component(7), "redis": component(None, stopped_on_purpose=True)}
    restart = connection.actions["service.restart"]
    preview = await restart.preview({"component": "postgres"})
    assert (preview.hits, preview.items) == (1, ("postgres (pid 7)",))
    assert "every session is cut" in preview.summary
    started = await restart.preview({"component": "redis"})
    assert (started.summary, started.hits) == ("start redis (stopped on purpose)", 1)
    assert (await restart.verify({"component": "redis"})).verdict is Verified.FAILED
    outcome = await restart.apply({"component": "postgres"})
    assert (outcome.result, outcome.summary, outcome.hits) == (Result.DONE, "postgres was restarted", 1)
    assert platform.asked == [("/restart", {"component": "postgres"})]
    assert (await restart.verify({"component": "postgres"})).summary == "postgres runs, and was not restarted"
    platform.status |= {"components": {"postgres": component(8)}, "busy": True}
    assert (await restart.verify({"component": "postgres"})).verdict is Verified.PASSED


async def test_after_a_crash_of_ours_the_time_decides(connection: Connection, platform: Platform) -> None:
    platform.status["components"] = {"redis": component(9, started_at=NOW.isoformat())}
    restart = connection.actions["service.restart"]
    args = {"component": "redis"}
    assert (await restart.verify(args)).verdict is Verified.PASSED
    late = {**args, "since": (NOW + timedelta(seconds=1)).isoformat()}
    assert (await restart.verify(late)).verdict is Verified.FAILED


async def test_a_component_that_is_not_there_is_refused(connection: Connection, platform: Platform) -> None:
    restart = connection.actions["service.restart"]
    for components, known in ((None, "service"), ({"redis": component(9)}, "service, redis")):
        platform.status["components"] = components
        said = f"there is no component kafka here; there are: {known}"
        assert (await restart.preview({"component": "kafka"})).refused == said
        assert (await restart.apply({"component": "kafka"})).result is Result.FAILED
        assert (await restart.verify({"component": "kafka"})).verdict is Verified.UNKNOWN
    assert platform.asked == []


async def test_a_restart_of_a_service_that_is_well_says_so(connection: Connection, platform: Platform) -> None:
    restart = connection.actions["service.restart"]
    assert "it serves now" in (await restart.preview({"component": "service"})).summary
    platform.status["replicas"][0]["state"] = "backing-off"
    assert "it serves now" not in (await restart.preview({})).summary


async def test_scaling(connection: Connection, platform: Platform) -> None:
    scale = connection.actions["service.scale"]
    preview = await scale.preview({"replicas": 4})
    assert (preview.summary, preview.hits) == ("scale from 2 to 4 replicas", 2)
    assert preview.undo == "scale back to 2 replicas with 8 connections of each"
    assert (await scale.preview({"replicas": 2})).hits == 0
    assert (await scale.preview({"replicas": "2", "pool_size": 5})).hits == 2
    outcome = await scale.apply({"replicas": 4})
    assert outcome.undo == {"action": "service.scale", "args": {"replicas": 2, "pool_size": 8}}
    assert platform.asked == [("/scale", {"replicas": 4})]
    assert (await scale.verify({"replicas": 4})).verdict is Verified.FAILED
    assert (await scale.verify({"replicas": 2, "pool_size": 8})).verdict is Verified.PASSED


async def test_the_cache_is_a_size_too_and_the_replicas_stay(connection: Connection, platform: Platform) -> None:
    scale = connection.actions["service.scale"]
    assert "no size cache_seconds" in (await scale.preview({"cache_seconds": 300})).refused  # a platform without it
    platform.status["cache_seconds"] = 5
    preview = await scale.preview({"cache_seconds": 300})
    assert (preview.summary, preview.hits) == ("replace 2 replicas, seconds in the cache from 5 to 300", 2)
    assert preview.undo == "scale back to 2 replicas with 8 connections of each and 5 seconds in the cache"
    outcome = await scale.apply({"cache_seconds": 300})
    assert outcome.undo == {
        "action": "service.scale", "args": {"replicas": 2, "pool_size": 8, "cache_seconds": 5},
    }  # fmt: skip
    assert platform.asked == [("/scale", {"replicas": 2, "cache_seconds": 300})]
    assert (await scale.verify({"cache_seconds": 300})).verdict is Verified.FAILED
    platform.status["cache_seconds"] = 300
    assert (await scale.verify({"cache_seconds": 300})).verdict is Verified.PASSED
    assert "nothing to do" in (await scale.preview({"cache_seconds": 300})).summary


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"cache_seconds": 301}, "cache_seconds must be a whole number from 0 to 300, not 301"),
        ({"replicas": 2, "cache_seconds": "long"}, "not 'long'"),
        ({"replicas": 2, "pool_size": 0}, "pool_size must be a whole number from 1 to 200, not 0"),
    ],
)
async def test_a_size_out_of_bounds_is_refused(
    connection: Connection, platform: Platform, args: dict[str, object], said: str
) -> None:
    scale = connection.actions["service.scale"]
    assert said in (await scale.preview(args)).refused
    assert (await scale.apply(args)).result is Result.FAILED
    assert platform.asked == []


@pytest.mark.parametrize("args", [{}, {"replicas": 0}, {"replicas": 9}, {"replicas": "many"}, {"replicas": True}])
async def test_scaling_out_of_bounds_is_refused(connection: Connection, platform: Platform, args: Any) -> None:
    scale = connection.actions["service.scale"]
    assert "replicas from 1 to 8" in (await scale.preview(args)).refused
    assert (await scale.apply(args)).result is Result.FAILED
    assert platform.asked == []


# ------------------------------------------------------------------ reading


async def look(connection: Connection) -> Finding:
    return await connection.checks["local.replicas"]()


async def test_replicas_that_serve_are_well(connection: Connection) -> None:
    finding = await look(connection)
    assert (finding.status, finding.summary) == (Status.OK, "2 of 2 replicas of release 43 serve")
    assert provider.explain([finding]) == []


async def test_a_deployment_being_made_is_no_trouble(connection: Connection, platform: Platform) -> None:
    platform.status |= {"busy": True, "replicas": [replica("43-1"), replica("44-2", "44", state="starting")]}
    assert (await look(connection)).status is Status.WARN


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"pid": None, "state": "backing-off", "started_at": None}, Status.BAD),
        ({"restarts": 3, "started_at": (NOW - timedelta(seconds=5)).isoformat()}, Status.BAD),
        ({"restarts": 3}, Status.OK),
        ({"state": "starting"}, Status.WARN),
    ],
)
async def test_replicas_that_end_by_themselves(
    connection: Connection, platform: Platform, change: dict[str, Any], status: Status
) -> None:
    platform.status["replicas"][1] |= change
    finding = await look(connection)
    assert finding.status is status
    causes = provider.explain([finding])
    assert [(c.code, c.object.id) for c in causes] == [("app.crashed", "43")] * (status is Status.BAD)


async def crash(connection: Connection, platform: Platform, ago: float = 20.0, kind: str = "deploy") -> Cause:
    """What is said of a replica that keeps ending, its release deployed that many seconds ago."""
    platform.history = [deployment("42", None, "deploy", 9000), deployment("43", "42", kind, ago)]
    platform.status["replicas"][1] |= {"pid": None, "state": "backing-off", "restarts": 3, "started_at": None}
    [cause] = provider.explain([await look(connection)])
    return cause


async def test_a_release_that_crashes_and_is_new_is_left(connection: Connection, platform: Platform) -> None:
    cause = await crash(connection, platform)
    assert (cause.code, cause.object.as_dict()) == ("app.crashed", {"kind": "release", "id": "43", "previous": "42"})
    assert [(r.action, dict(r.args)) for r in cause.remedies] == [
        ("deploy.rollback", {"to": "42", "from": "43"}),
        ("service.restart", {}),
    ]
    assert cause.evidence[-2:] == (
        "started again 3 times after ending unasked",
        "release 43 was deployed 20 s ago",
    )


@pytest.mark.parametrize(("ago", "kind"), [(7200.0, "deploy"), (20.0, "rollback")])
async def test_an_old_release_or_one_gone_back_to_is_restarted(
    connection: Connection, platform: Platform, ago: float, kind: str
) -> None:
    cause = await crash(connection, platform, ago, kind)
    assert (cause.object, [r.action for r in cause.remedies]) == (Object("release", "43"), ["service.restart"])


async def test_a_crash_of_another_release_than_runs_is_not_the_new_ones(
    connection: Connection, platform: Platform
) -> None:
    platform.status["replicas"][1]["release"] = "42"
    assert [r.action for r in (await crash(connection, platform)).remedies] == ["service.restart"]


async def test_no_replica_at_all(connection: Connection, platform: Platform) -> None:
    platform.status["replicas"] = []
    finding = await look(connection)
    assert (finding.summary, provider.explain([finding])[0].confidence) == ("no replica runs", 0.9)


async def test_deployments_are_changes_with_what_ran_before(connection: Connection) -> None:
    assert connection.changes
    assert await connection.changes() == [
        Change("deployment", "42", NOW - timedelta(seconds=600), "release 42 deployed", ""),
        Change("deployment", "43", NOW - timedelta(seconds=60), "release 43 deployed after 42", "42"),
        Change("deployment", "42", NOW - timedelta(seconds=5), "rolled back to 42", "43"),
    ]


async def test_the_scrape(connection: Connection, platform: Platform) -> None:
    assert connection.scrape
    assert [(s.name, s.value) for s in await connection.scrape()] == [("db_cpu", 12.5)]
    platform.metrics = "<html>"
    assert await connection.scrape() == []


async def test_a_silent_platform_is_unknown_and_has_no_data() -> None:
    gone = unreachable()
    finding = await look(gone)
    assert finding.status is Status.UNKNOWN
    assert "does not answer" in finding.reason
    assert gone.scrape
    assert gone.changes
    assert (await gone.scrape(), await gone.changes()) == ([], [])


@pytest.mark.parametrize("answer", [[], {"replicas": 3}, {"replicas": [1]}, {"replicas": [{"started_at": "soon"}]}])
async def test_answers_of_another_form_are_refused(connection: Connection, platform: Platform, answer: Any) -> None:
    platform.status = answer
    assert (await look(connection)).status is Status.UNKNOWN


# ------------------------------------------------------------------ the manifest


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"url": "127.0.0.1:80"}, "local: url must be an address such as http://127.0.0.1:8700"),
        ({"url": "http://u:p@127.0.0.1"}, "without user and password"),
        ({"token": "two\nlines"}, "local: token must be text on one line"),
        ({"timeout": "long"}, "local: timeout must be a number above 0, not 'long'"),
    ],
)
def test_bad_settings_are_named(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        provider.open(TargetConfig("web", {"url": "http://127.0.0.1:1", **settings}, lambda: NOW))
    assert "two" not in str(caught.value)


async def test_it_keeps_the_contract(url: str) -> None:
    for address in (url, f"http://{unreachable().target}"):
        await check_provider(provider, {"url": address, "token": TOKEN})


def test_the_manifest_loads_no_client() -> None:
    code = "import sys, hutch.providers.local; sys.exit('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
