"""What a service's sources give: none delays another, and custom signals are asked at their own pace."""

from __future__ import annotations

import asyncio
import math
import socket
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hutch.commands.context import Context, Service
from hutch.commands.monitor import Monitor
from hutch.commands.sources import Sources, refusal
from hutch.detection.catalogue import catalogue
from hutch.detection.history import History
from hutch.detection.signals import measure_all
from hutch.model.action import Partly, Sample
from hutch.model.alert import Condition, Rule
from hutch.model.config import Config, CustomSignal, ServiceConfig
from hutch.model.severity import Severity
from hutch.ports import Connection, TargetConfig
from hutch.providers.http import provider as http
from hutch.testing import FakeClock, FakeSecrets, MemoryQueue, MemoryStore

QUEUE = CustomSignal("queue_depth", "jobs", "sql", "SELECT count(*) FROM jobs")
DEEP = Rule("Queue deep", Condition("queue_depth", ">", 10.0, ""), timedelta(0), Severity.SEV2)


def made(connections: Sequence[Connection], config: Config | None = None) -> tuple[Context, Service]:
    clock = FakeClock()
    store = MemoryStore(clock)
    shop = Service(ServiceConfig("shop"), {str(n): c for n, c in enumerate(connections)})
    whole = replace(config or Config(), services={"shop": shop.config})
    secrets = FakeSecrets({"env:T": "hunter2-secret"})
    return Context(whole, Path(), store, MemoryQueue(store), clock, secrets, {"shop": shop}, {}), shop


async def test_a_source_that_hangs_delays_nobody_and_is_not_asked_twice() -> None:
    asked = []
    release = asyncio.Event()

    async def hangs() -> list[Sample]:
        asked.append(1)
        await release.wait()
        return [Sample("db_cpu", {}, 5, FakeClock().now())]

    async def well() -> list[Sample]:
        return [Sample("cpu", {}, 7, FakeClock().now())]

    context, shop = made([Connection("slow", scrape=hangs), Connection("well", scrape=well)])
    sources = Sources(context, shop, History())
    began = time.monotonic()
    await sources.look(0.05)
    await sources.look(0.05)
    assert time.monotonic() - began < 1
    assert (len(asked), sources.history.metrics()) == (1, frozenset({"cpu"}))
    release.set()
    await sources.look(1)
    assert sources.history.metrics() == {"cpu", "db_cpu"}
    await sources.close()


async def test_what_is_wrong_is_known_until_it_is_well_again(caplog: pytest.LogCaptureFixture) -> None:
    said: list[BaseException | None] = [ValueError("junk of hunter2-secret"), ZeroDivisionError("odd"), None]

    async def scrape() -> list[Sample]:
        error = said.pop(0)
        if error:
            raise error
        return []

    context, shop = made([Connection("x", scrape=scrape)])
    sources = Sources(context, shop, History())
    troubles = []
    for _ in range(3):
        await sources.look(1)
        await asyncio.sleep(0)
        troubles.append(dict(sources.troubles))
    assert troubles == [{"x": "junk of •••"}, {"x": "it broke: ZeroDivisionError: odd"}, {}]
    assert "hunter2" not in caplog.text and "x answers again" in caplog.text


async def test_what_gives_a_part_is_kept_and_what_is_missing_is_said(caplog: pytest.LogCaptureFixture) -> None:
    context, shop = made([])
    seen = Sample("probe_success", {}, 1.0, context.clock.now())

    async def scrape() -> list[Sample]:
        raise Partly("the metrics cannot be read: hunter2-secret", [seen])

    shop = Service(shop.config, {"0": Connection("x", scrape=scrape)})
    sources = Sources(context, shop, History())
    await sources.look(1)
    assert sources.history.metrics() == {"probe_success"}
    assert sources.troubles == {"x": "the metrics cannot be read: •••"}
    assert "x gives a part only: the metrics cannot be read: •••" in caplog.text


async def test_a_service_that_hangs_is_down_and_not_without_data() -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        settings = {"url": f"http://127.0.0.1:{mute.getsockname()[1]}", "metrics": "/metrics"}
        context, shop = made([])
        connection = http.open(TargetConfig("shop", settings, context.clock.now))  # as it waits by default
        sources = Sources(context, Service(shop.config, {"http": connection}), History())
        await sources.look(10)
    measured = measure_all(sources.history, context.clock.now(), 1.0, catalogue([], "shop"))
    assert measured["uptime"] == 0.0
    assert "cannot be read: no answer within 5 s" in sources.troubles[connection.target]
    await connection.close()


async def test_a_signal_of_ones_own_is_asked_at_its_pace_and_judged() -> None:
    answers: list[float | None] = [5.0, 11.0, None, None]
    queries = []

    async def ask(query: str) -> float | None:
        queries.append(query)
        return answers.pop(0)

    context, _ = made([Connection("db", ask={"sql": ask})], Config(rules=(DEEP,), signals=(QUEUE,)))
    monitor = Monitor(context)
    watch = monitor.watches["shop"]
    seen = []
    for _ in range(7):
        await monitor.look(watch)
        seen.append((watch.values["queue_depth"], str(watch.evaluator.states["Queue deep"].phase)))
        assert isinstance(context.clock, FakeClock)
        context.clock.advance(14)
    assert seen[0] == (5.0, "inactive") and seen[2] == (11.0, "firing")
    assert queries == ["SELECT count(*) FROM jobs"] * 4, "every 15 s, and not at every look"
    assert seen[-1] == (None, "inactive"), "what its source has none of is no data at once"


async def test_no_answer_is_no_data_and_never_zero() -> None:
    async def ask(_query: str) -> float | None:
        return None

    context, shop = made([Connection("db", ask={"sql": ask})], Config(signals=(QUEUE,)))
    sources = Sources(context, shop, History())
    await sources.look(1)
    specs = catalogue(context.config.signals, "shop")
    assert specs["queue_depth"].value(sources.history, context.clock.now()) is None
    assert sources.troubles == {}


@pytest.mark.parametrize(
    ("signal", "why"),
    [
        (replace(QUEUE, query="DELETE FROM jobs"), "a signal only reads, and this is destroy"),
        (replace(QUEUE, query="SELECT pg_terminate_backend(1)"), "a signal only reads, and this is change"),
        (replace(QUEUE, query="SELECT nextval('s')"), "a signal only reads, and this is change"),
        (replace(QUEUE, kind="promql", query="sum(x)"), "the service has no source that answers promql"),
    ],
)
async def test_what_may_not_or_cannot_be_asked_is_never_asked(signal: CustomSignal, why: str) -> None:
    async def ask(_query: str) -> float | None:
        raise AssertionError("nobody may ask")

    context, shop = made([Connection("db", ask={"sql": ask})], Config(signals=(signal,)))
    sources = Sources(context, shop, History())
    await sources.look(1)
    assert sources.troubles["queue_depth"].startswith(why)
    assert refusal(QUEUE) == ""


def test_a_probe_counts_its_own_results_only() -> None:
    history, now = History(), FakeClock().now()
    results = {"login": (1, 0), "other": (0, 0)}
    for name, values in results.items():
        places = enumerate(values)
        history.add([Sample("probe_success", {"probe": name, "location": str(n)}, v, now) for n, v in places], name)
    specs = catalogue([CustomSignal("login_up", "%", "probe", "login")])
    assert specs["login_up"].value(history, now) == 50.0
    assert specs["uptime"].value(history, now) == 25.0
    assert specs["login_up"].value(History(), now) is None


def test_a_signal_may_take_a_built_in_ones_place_for_one_service() -> None:
    own = CustomSignal("error_rate", "%", "promql", "my_errors", service="shop")
    assert catalogue([own], "shop")["error_rate"].promql == "my_errors"
    assert catalogue([own], "api")["error_rate"].promql == ""
    assert math.isclose(catalogue([own], "api")["error_rate"].window.total_seconds(), 60)
