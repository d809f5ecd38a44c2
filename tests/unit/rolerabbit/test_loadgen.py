"""The load generator's plan: proportions, pacing, figures, and whom it refuses to load."""

from __future__ import annotations

import asyncio
import ipaddress
from collections import Counter
from itertools import islice

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from rolerabbit.loadgen import CROWD, MIX, LoadError, Plan, Tally, crowd, due_times, operations, percentile, run

URL = "http://127.0.0.1:8080"


def test_the_same_seed_gives_the_same_operations() -> None:
    first, again, other = (list(islice(operations(seed), 200)) for seed in (7, 7, 8))
    assert first == again
    assert first != other


def test_operations_come_in_the_proportions_of_the_mix() -> None:
    assert sum(MIX.values()) == 100
    counts = Counter(islice(operations(1), 10_000))
    assert all(abs(counts[name] / 100 - share) < 2 for name, share in MIX.items())


def test_requests_are_due_at_a_steady_rate() -> None:
    assert list(due_times(Plan(URL, rate=4, seconds=1.5, seed=1))) == [0, 0.25, 0.5, 0.75, 1.0, 1.25]


@pytest.mark.parametrize(
    "url", ["http://localhost:80", "http://127.8.8.8/", "http://[::1]:8080", "https://127.0.0.1:1/base"]
)
def test_loopback_is_accepted(url: str) -> None:
    assert Plan(url, 1, 1, 1).check().url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "http://192.168.1.1:80",
        "http://127.0.0.1@example.com/",
        "http://localhost.example.com",
        "http://0.0.0.0",
        "ftp://127.0.0.1",
        "127.0.0.1:8080",
    ],
)
def test_everything_else_is_refused(url: str) -> None:
    with pytest.raises(LoadError):
        Plan(url, 1, 1, 1).check()


def test_a_plan_is_bounded() -> None:
    with pytest.raises(LoadError, match="43200000 requests"):
        Plan(URL, rate=500, seconds=86_400, seed=1).check()


def test_percentiles_are_values_that_occurred() -> None:
    values = [float(n) for n in range(100, 0, -1)]
    assert percentile(values, 50) == 50
    assert percentile(values, 95) == 95
    assert percentile([3.0], 95) == 3.0
    assert percentile([], 95) is None


def test_the_report_counts_5xx_and_silence_as_failed() -> None:
    tally = Tally(skipped=3)
    for status, count in ((200, 6), (404, 1), (503, 2)):
        for _ in range(count):
            tally.answered("list", status, 0.02)
    tally.unanswered("page", "timeout")
    report = tally.as_object(2.0)
    assert (report["requests"], report["failed"], report["skipped"]) == (10, 3, 3)
    assert report["by_status"] == {"200": 6, "404": 1, "503": 2}
    assert report["by_kind"] == {"list": {"requests": 9, "failed": 2}, "page": {"requests": 1, "failed": 1}}
    assert report["p95_ms"] == 20.0


def test_a_peak_is_in_the_middle_third() -> None:
    plan = Plan(URL, rate=2, seconds=3, seed=1, peak=4)
    due = list(due_times(plan))
    assert len(due) == plan.requests == 12
    assert [sum(start <= at < start + 1 for at in due) for start in (0, 1, 2)] == [2, 8, 2]
    assert due == sorted(due)


def test_visitors_come_from_many_addresses_of_the_network() -> None:
    found = crowd(CROWD, 7)
    assert found == crowd(CROWD, 7) != crowd(CROWD, 8)
    assert len(set(found)) > 200
    assert all(ipaddress.ip_address(address) in ipaddress.ip_network(CROWD) for address in found)
    assert all(":" in address for address in crowd("2001:db8::/32", 7))
    assert crowd("", 7) == []
    with pytest.raises(LoadError, match="expected a network such as"):
        Plan(URL, 1, 1, 1, forwarded_for="198.18.0.1/15").check()


async def test_whoever_was_logged_out_logs_in_again_before_anything_else() -> None:
    """Two log-ins of each are ended at once; from then on everybody meets one refusal at most."""
    good: set[str] = set()
    made = Counter[str]()

    async def log_in(request: web.Request) -> web.Response:
        email = str((await request.json())["email"])
        made[email] += 1
        good.add(token := f"{email} {made[email]}")
        return web.json_response({"token": token})

    async def any_other(request: web.Request) -> web.Response:
        told = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if request.path == "/p/nobody" and len(made) == 3 and max(made.values()) == 1:
            good.clear()
        return web.json_response([], status=200 if not told or told in good else 401)

    app = web.Application()
    app.router.add_post("/api/auth/login", log_in)
    app.router.add_route("*", "/{path:.*}", any_other)
    async with TestServer(app) as server:
        report = await run(Plan(str(server.make_url("/")), 100, 2, seed=3), asyncio.Event())
    assert min(made.values()) >= 2
    assert 1 <= report["by_status"]["401"] <= 6  # two of one visitor may be under way at once
    assert report["failed"] == 0
