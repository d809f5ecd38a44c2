"""The Prometheus provider against servers that answer badly, and its settings. The real one: tests/integration."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hutch.detection.signals import SIGNALS
from hutch.model.action import Command, Result
from hutch.model.effect import Effect
from hutch.model.finding import Status
from hutch.ports import Connection, TargetConfig
from hutch.providers.prometheus import client, provider
from hutch.providers.prometheus.config import METRICS, config_from
from hutch.testing import check_provider

NOW = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)
Answer = Callable[[web.Request], web.StreamResponse]


def opened(url: str, **settings: object) -> Connection:
    given = {s.name: s.default for s in provider.settings} | {"url": url} | settings
    return provider.open(TargetConfig("shop", given, lambda: NOW))


def vector(*values: tuple[dict[str, str], object]) -> str:
    rows = [{"metric": labels, "value": [NOW.timestamp(), value]} for labels, value in values]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": rows}})


BAD = {
    "junk": ("<html>", "what is not JSON"),
    "truncated": ('{"status": "succ', "what is not JSON"),
    "deep": ("[" * 100_000, "what is not JSON"),
    "refused": ('{"status": "error", "error": "parse error"}', "parse error"),
    "number": ("3", "no reason given"),
    "string": ('{"status": "success", "data": {"resultType": "string", "result": [0, "x"]}}', "answers with a string"),
    "odd": ('{"status": "success", "data": {"resultType": "vector", "result": [{"metric": 3}]}}', "form that is not"),
    "infinite": ('{"status": "success", "data": {"resultType": "scalar", "result": [1e999, "1"]}}', "form that is not"),
}


@pytest.fixture
async def base() -> AsyncIterator[str]:
    async def answer(request: web.Request) -> web.Response:
        form = await request.post()
        if request.path.startswith("/token/"):
            return web.Response(text=vector(({}, request.headers.get("Authorization", "")[-1])))
        name = request.path.split("/")[1]
        if name == "slow":
            await asyncio.sleep(5)
        if name == "big":
            return web.Response(text=" " * (client.MAX_BODY + 1))
        if name == "good":
            values = {"one": [({}, "4")], "nan": [({}, "NaN")], "none": []}.get(str(form["query"]), [])
            return web.Response(text=vector(*values))
        return web.Response(text=BAD[name][0])

    app = web.Application()
    app.router.add_post("/{name}/api/v1/query", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_answer_is_said_and_gives_nothing(base: str, name: str) -> None:
    connection = opened(f"{base}/{name}")
    with pytest.raises(ValueError, match=BAD[name][1]):
        await connection.ask["promql"]("x")
    assert connection.scrape and await connection.scrape() == []
    finding = await connection.checks["prometheus.reachable"]()
    assert finding.status is Status.UNKNOWN and not finding.matters
    done = await connection.runs["promql"](Command("promql", "x", "p", Effect.READ))
    assert done.result is Result.FAILED


async def test_no_data_is_none_and_no_number_too(base: str) -> None:
    ask = opened(f"{base}/good").ask["promql"]
    assert [await ask(text) for text in ("one", "nan", "none")] == [4.0, None, None]


async def test_a_server_that_hangs_or_never_ends_costs_its_time_only(base: str) -> None:
    with pytest.raises(ValueError, match=r"no answer within 0\.2 s"):
        await opened(f"{base}/slow", timeout=0.2).ask["promql"]("x")
    with pytest.raises(ValueError, match="more than 16 MB"):
        await opened(f"{base}/big").ask["promql"]("x")
    with pytest.raises(ValueError, match="no connection"):
        await opened("http://127.0.0.1:1").ask["promql"]("x")


async def test_the_token_is_sent(base: str) -> None:
    assert await opened(f"{base}/token", token="abcdefgh7").ask["promql"]("x") == 7.0


async def test_it_keeps_the_contract_and_its_secrets() -> None:
    await check_provider(provider, {"url": "http://user:pass-word-1@127.0.0.1:1"})
    await check_provider(provider, {"url": "http://127.0.0.1:1/prometheus", "token": "token-word-2"})


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"url": "prometheus:9090"}, "url must be an address"),
        ({"url": "http://p", "match": "job=shop"}, "match must be label matchers"),
        ({"url": "http://p", "match": 'job="x"} or vector(1'}, "match must be label matchers"),
        ({"url": "http://p", "metrics": ["a b"]}, "metrics must be a list of metric names"),
        ({"url": "http://u:p@p", "token": "t"}, "give a token, or user and password in url, not both"),
        ({"url": "http://p", "timeout": 0}, "timeout must be a number above 0"),
    ],
)
def test_bad_settings_are_named(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        config_from("shop", settings)


def test_the_service_is_its_job_by_default() -> None:
    assert config_from('a"b', {"url": "http://p"}).match == 'job="a\\"b"'
    assert config_from("x", {"url": "http://p", "match": '{job="y", env=~"p.*"}'}).match == 'job="y", env=~"p.*"'


def test_it_asks_for_what_the_signals_need() -> None:
    """All but the age of backups, which their own provider tells."""
    asked = [spec for name, spec in SIGNALS.items() if name != "backup_age"]
    assert {m for spec in asked for m in spec.metrics} <= set(METRICS)
