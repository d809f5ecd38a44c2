"""The HTTP provider against small real servers on loopback."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import BaseTestServer, TestServer

from hutch.model.action import Partly
from hutch.model.finding import Cause, Finding, Object, Status
from hutch.ports import Connection, TargetConfig
from hutch.providers.http import provider
from hutch.testing import check_provider

NOW = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)


@dataclass
class Service:
    """A service whose counters grow by ``per_look`` between two scrapes."""

    per_look: dict[str, int] = field(default_factory=lambda: {"200": 20})
    slow: bool = False
    health: int = 200
    looks: int = 0
    pool: bool = False

    async def answer_health(self, _request: web.Request) -> web.Response:
        body = {"status": "ok"} if self.health == 200 else {"status": "error", "failing": "database"}
        return web.json_response(body, status=self.health)

    async def answer_metrics(self, _request: web.Request) -> web.Response:
        self.looks += 1
        total = sum(self.per_look.values()) * self.looks
        fast = 0 if self.slow else total
        lines = ["# TYPE http_requests_total counter"]
        lines += [
            f'http_requests_total{{method="GET",path="/p",status="{status}"}} {count * self.looks}'
            for status, count in self.per_look.items()
        ]
        lines += [
            f'http_requests_total{{method="GET",path="/api/health",status="503"}} {1000 * self.looks}',
            "# TYPE http_request_duration_seconds histogram",
            f'http_request_duration_seconds_bucket{{path="/p",le="0.1"}} {fast}',
            f'http_request_duration_seconds_bucket{{path="/p",le="5.0"}} {total}',
            f'http_request_duration_seconds_bucket{{path="/p",le="+Inf"}} {total}',
            f'http_request_duration_seconds_count{{path="/p"}} {total}',
            "# TYPE active_users gauge",
            "active_users 3",
        ]
        if self.pool:
            lines += ["db_pool_size 2", "db_pool_in_use 2", "db_pool_waiting 30"]
            lines += [f"db_pool_waited_total {10 * self.looks}", f"db_pool_wait_seconds_total {9 * self.looks}"]
        return web.Response(text="\n".join(lines) + "\n")


@pytest.fixture
async def service() -> Service:
    return Service()


@pytest.fixture
async def server(service: Service) -> AsyncIterator[BaseTestServer]:
    app = web.Application()
    app.router.add_get("/api/health", service.answer_health)
    app.router.add_get("/metrics", service.answer_metrics)
    async with TestServer(app) as running:
        yield running


def opened(url: str, **settings: object) -> Connection:
    return provider.open(TargetConfig("web", {"url": url, "sample_gap": 0.01, **settings}, lambda: NOW))


def of(server: BaseTestServer, **settings: object) -> Connection:
    return opened(str(server.make_url("/")), **{"metrics": "/metrics", **settings})


def codes(*findings: Finding) -> list[str]:
    return [cause.code for cause in provider.explain(findings)]


async def test_a_healthy_service(server: BaseTestServer) -> None:
    connection = of(server)
    health, requests = await connection.checks["http.health"](), await connection.checks["http.requests"]()
    assert (health.status, requests.status) == (Status.OK, Status.OK)
    assert health.data["body"] == {"status": "ok"}
    phases = health.data["phases"]
    assert isinstance(phases, dict)
    assert 0 < phases["connect"] <= phases["first_byte"] <= phases["total"]
    assert requests.summary == "0 of 20 requests failed, 95 % within 95 ms"
    assert codes(health, requests) == []


async def test_an_unhealthy_answer_names_the_failing_dependency(server: BaseTestServer, service: Service) -> None:
    service.health = 503
    finding = await of(server).checks["http.health"]()
    assert finding.status is Status.BAD
    assert "answers 503" in finding.summary
    (cause,) = provider.explain([finding])
    assert (cause.code, cause.object) == ("http.error_rate", Object("service", "web"))
    assert '"failing": "database"' in cause.evidence[1]


async def test_another_status_is_no_cause_but_not_well_either(server: BaseTestServer, service: Service) -> None:
    service.health = 404
    finding = await of(server).checks["http.health"]()
    assert finding.status is Status.BAD
    assert codes(finding) == []


async def test_failing_requests_are_judged_by_their_change(server: BaseTestServer, service: Service) -> None:
    service.per_look = {"200": 12, "500": 8}
    finding = await of(server).checks["http.requests"]()
    assert (finding.status, finding.data["error_rate"]) == (Status.BAD, 40.0)
    (cause,) = provider.explain([finding])
    assert cause.code == "http.error_rate"
    assert cause.summary == "40 % of the answers are 5xx"
    assert [r.action for r in cause.remedies] == ["service.restart"]


async def test_the_metrics_are_surer_than_one_probe(server: BaseTestServer, service: Service) -> None:
    service.per_look, service.health = {"500": 9}, 503
    connection = of(server)
    both = [await check() for check in connection.checks.values()]
    found: list[Cause] = list(provider.explain(both))
    assert [(c.code, c.confidence) for c in found] == [("http.error_rate", 0.8)]


async def test_who_waits_for_a_connection_is_told_beside_the_requests(server: BaseTestServer, service: Service) -> None:
    assert "load" not in (await of(server).checks["http.requests"]()).data
    service.pool = True
    load: Any = (await of(server).checks["http.requests"]()).data["load"]
    assert (load["queued"], load["waiting"], load["wait_ms"], load["replicas"]) == (True, 30, 900, 0)
    patient: Any = (await of(server, wait_bad=1000).checks["http.requests"]()).data["load"]
    assert patient["queued"] is False


async def test_slow_answers(server: BaseTestServer, service: Service) -> None:
    service.slow = True
    finding = await of(server).checks["http.requests"]()
    assert finding.status is Status.BAD
    assert codes(finding) == ["http.slow"]


async def test_too_few_requests_say_so_and_blame_nobody(server: BaseTestServer, service: Service) -> None:
    service.per_look = {"500": 1}
    finding = await of(server, sample_looks=2).checks["http.requests"]()
    assert finding.status is Status.OK
    assert finding.summary == "2 of 2 requests failed; 5 are needed to judge"
    assert service.looks == 3


async def test_unreadable_metrics_are_unknown(server: BaseTestServer) -> None:
    for path, said in (("/nowhere", "it answers 404"), ("/api/health", "cannot be read")):
        finding = await of(server, metrics=path).checks["http.requests"]()
        assert finding.status is Status.UNKNOWN
        assert said in finding.reason
        assert codes(finding) == []


async def test_nobody_listens() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        connection = opened(f"http://127.0.0.1:{held.getsockname()[1]}")
        finding = await connection.checks["http.health"]()
        assert connection.scrape
        (success, duration) = await connection.scrape()
    assert finding.status is Status.BAD
    (cause,) = provider.explain([finding])
    assert (cause.code, cause.object.kind, cause.object.id) == ("http.unreachable", "host", connection.target)
    assert (success.name, success.value, duration.name) == ("probe_success", 0.0, "probe_duration_seconds")


async def test_a_name_without_an_address_is_dns() -> None:
    finding = await opened("http://nowhere.invalid").checks["http.health"]()
    assert codes(finding) == ["http.dns"]


async def test_a_server_that_says_nothing_times_out() -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        finding = await opened(f"http://127.0.0.1:{mute.getsockname()[1]}", timeout=0.1).checks["http.health"]()
    assert "no answer within 0.1 s" in finding.summary
    assert codes(finding) == ["http.unreachable"]


async def test_the_scrape_has_kinds_and_a_probe(server: BaseTestServer) -> None:
    scrape = of(server).scrape
    assert scrape
    kinds = {sample.name: sample.kind for sample in await scrape()}
    assert kinds == {
        "probe_success": "gauge",
        "probe_duration_seconds": "gauge",
        "http_requests_total": "counter",
        "http_request_duration_seconds_bucket": "bucket",
        "http_request_duration_seconds_count": "counter",
        "active_users": "gauge",
    }


async def test_a_scrape_without_readable_metrics_still_probes(server: BaseTestServer) -> None:
    scrape = of(server, metrics="/nowhere").scrape
    assert scrape
    with pytest.raises(Partly, match=r"metrics at .*/nowhere cannot be read: it answers 404") as caught:
        await scrape()
    assert [sample.name for sample in caught.value.samples] == ["probe_success", "probe_duration_seconds"]


async def _endless(request: web.Request) -> web.StreamResponse:
    return await _forever(request, b'x_total{a="1"} 1\n' * 4096, 0)


async def _dripping(request: web.Request) -> web.StreamResponse:
    return await _forever(request, b"x", 0.02)


async def _forever(request: web.Request, piece: bytes, pause: float) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    with suppress(ConnectionError):
        while True:
            await answer.write(piece)
            await asyncio.sleep(pause)
    return answer


async def _junk(_request: web.Request) -> web.Response:
    return web.Response(body=b"\x00\xff<html>\xfe")


Answers = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.mark.parametrize(
    ("answers", "said"),
    [(_endless, "is too long|no answer within 2 s"), (_dripping, "no answer within 2 s"), (_junk, "line 1 is not in")],
)
async def test_metrics_that_never_end_or_are_junk_are_said_and_cost_only_themselves(
    service: Service, answers: Answers, said: str
) -> None:
    app = web.Application()
    app.router.add_get("/api/health", service.answer_health)
    app.router.add_get("/metrics", answers)
    async with TestServer(app) as running:
        connection = of(running, timeout=2.0)
        assert connection.scrape and connection.scrape_within > 2.0
        with pytest.raises(Partly, match=rf"metrics .*cannot be read: .*({said})") as caught:
            await connection.scrape()
    assert [(s.name, s.value) for s in caught.value.samples][:1] == [("probe_success", 1.0)]


def test_without_health_and_metrics_nothing_is_looked_at() -> None:
    connection = opened("http://127.0.0.1:9", health="")
    assert (dict(connection.checks), connection.scrape) == ({}, None)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"url": "rolerabbit.com"}, "http: url must be an address such as https://rolerabbit.com"),
        ({"timeout": 0}, "http: timeout must be a number above 0, not 0"),
        ({"health": 3}, "http: health must be a path"),
        ({"metrics": "ftp://x/metrics"}, "http: metrics must be an address"),
        ({"ignore_paths": "all"}, "http: ignore_paths must be a list of paths, not 'all'"),
    ],
)
def test_bad_settings_are_named(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("(", r"\(")):
        provider.open(TargetConfig("web", {"url": "http://127.0.0.1", **settings}, lambda: NOW))


def test_every_code_is_documented() -> None:
    assert set(provider.codes) == {"http.unreachable", "http.dns", "http.error_rate", "http.slow"}
    assert all(setting.doc for setting in provider.settings)


def test_the_manifest_loads_no_client() -> None:
    code = "import sys, hutch.providers.http; sys.exit('aiohttp' in sys.modules or 'prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_it_keeps_the_contract_and_shows_no_password(server: BaseTestServer) -> None:
    plain = str(server.make_url("/"))
    url = plain.replace("http://", "http://someone:correct-horse@")
    settings: dict[str, object] = {"url": url, "metrics": "/metrics", "sample_gap": 0.01}
    found = await check_provider(provider, settings)
    away = await check_provider(provider, {"url": "http://someone:correct-horse@nowhere.invalid", "metrics": "/m"})
    assert [f.status for f in (*found, *away)] == [Status.OK, Status.OK, Status.BAD, Status.UNKNOWN]
    assert "correct-horse" not in repr((found, away, provider.explain(found), provider.explain(away)))
