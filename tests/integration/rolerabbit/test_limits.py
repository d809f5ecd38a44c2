"""Rate limits: by address and by account, for all replicas together, and without Redis for each alone."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from collections.abc import AsyncIterator
from typing import Any

import pytest

from rolerabbit.config import LIMITS, Limit
from rolerabbit.embedded import Valkey

PROXIES = (ipaddress.ip_network("127.0.0.1/32"),)
ANN = {"email": "ann@example.com", "password": "a long password"}
EVENTS = (
    "SELECT event_type, host(ip_address), details ->> 'limit' FROM security_logs WHERE event_type <> 'LOGIN_FAILURE'"
)


@pytest.fixture(params=["redis", "process"])
async def limited(request: Any, database_url: str, start_replica: Any) -> AsyncIterator[Any]:
    """Starts replicas with these limits, that share a Redis or have none."""
    with contextlib.ExitStack() as servers:
        url = servers.enter_context(Valkey.temporary()).url if request.param == "redis" else None

        def start(**limits: Limit) -> Any:
            return start_replica(database_url, redis_url=url, trusted_proxies=PROXIES, limits={**LIMITS, **limits})

        yield start


async def log_in(replica: Any, address: str, **account: str) -> Any:
    headers = {"X-Forwarded-For": address, "Connection": "close"}
    return await replica.ask("POST", "/api/auth/login", json={**ANN, **account}, headers=headers)


async def test_an_address_that_guesses_has_to_wait_and_others_don_t(limited: Any, rows: Any) -> None:
    async with limited(login_address=Limit(3, 60)) as replica:
        await replica.new_user("ann@example.com")
        for number in range(3):
            wrong = await log_in(replica, "198.18.0.1", email=f"user{number}@example.com")
            assert wrong.status == 401
        for _ in range(2):
            refused = await log_in(replica, "198.18.0.1")
            assert refused.status == 429
            assert 0 < int(refused.headers["Retry-After"]) <= 60
            assert "from this address: try again in" in refused.json["error"]
        assert (await log_in(replica, "198.18.0.2")).status == 200
        assert rows(EVENTS) == [("BRUTE_FORCE", "198.18.0.1", "RR_LIMIT_LOGIN_ADDRESS")]
        metrics = (await replica.ask("GET", "/metrics")).text
        assert 'rolerabbit_rate_limited_total{kind="login",subject="address"} 2.0' in metrics


async def test_the_whole_network_of_an_ipv6_address_counts(limited: Any) -> None:
    async with limited(login_address=Limit(2, 60)) as replica:
        found = [(await log_in(replica, f"2001:db8::{n}:1")).status for n in range(1, 4)]
        assert found == [401, 401, 429]
        assert (await log_in(replica, "2001:db8:0:1::1")).status == 401


async def test_an_account_that_is_guessed_from_everywhere_is_spared_for_a_while(limited: Any, rows: Any) -> None:
    async with limited(login_account=Limit(3, 60)) as replica:
        await replica.new_user("ann@example.com")
        guesses = [await log_in(replica, f"198.18.1.{n}", password="wrong guess") for n in range(4)]
        assert [answer.status for answer in guesses] == [401, 401, 401, 429]
        assert (await log_in(replica, "198.18.2.1", email="ANN@example.com")).status == 429
        assert rows(EVENTS) == [("BRUTE_FORCE", "198.18.1.3", "RR_LIMIT_LOGIN_ACCOUNT")]


async def test_who_gets_in_is_never_counted(limited: Any, rows: Any) -> None:
    async with limited(login_address=Limit(2, 60), login_account=Limit(2, 60)) as replica:
        await replica.new_user("ann@example.com")
        statuses = [(await log_in(replica, "198.18.0.1")).status for _ in range(8)]
        assert statuses == [200] * 8
        assert rows(EVENTS) == []


async def test_a_failure_of_ours_is_not_counted(limited: Any, rows: Any) -> None:
    async with limited(login_address=Limit(2, 60)) as replica:
        rows("ALTER TABLE user_sessions RENAME TO elsewhere")
        await replica.ask("POST", "/api/auth/register", json=ANN)
        assert {(await log_in(replica, "198.18.0.1")).status for _ in range(5)} == {500}
        rows("ALTER TABLE elsewhere RENAME TO user_sessions")
        assert (await log_in(replica, "198.18.0.1")).status == 200


async def test_exports_sign_ups_reports_and_resets_have_limits(limited: Any, rows: Any) -> None:
    once = Limit(1, 60)
    async with limited(export_account=once, signup_address=Limit(2, 60), report_address=once, reset_account=once) as r:
        token = await r.new_user("ann@example.com")
        exports = [await r.ask("GET", "/api/account/export", token=token) for _ in range(2)]
        assert [answer.status for answer in exports] == [200, 429]
        await r.new_user("bob@example.com")
        third = await r.ask("POST", "/api/auth/register", json={**ANN, "email": "cy@example.com"})
        assert third.status == 429
        reports = [await r.ask("POST", "/report", data="message=bad") for _ in range(2)]
        assert [answer.status for answer in reports] == [201, 429]
        assert reports[1].headers["Content-Type"].startswith("text/html")
        assert int(reports[1].headers["Retry-After"]) > 0
        resets = [await r.ask("POST", "/api/auth/password-reset", json={"email": ANN["email"]}) for _ in range(2)]
        assert [answer.status for answer in resets] == [202, 429]
    assert sorted((event, limit) for event, _, limit in rows(EVENTS)) == [
        ("BRUTE_FORCE", "RR_LIMIT_RESET_ACCOUNT"),
        ("SUSPICIOUS_IP", "RR_LIMIT_EXPORT_ACCOUNT"),
        ("SUSPICIOUS_IP", "RR_LIMIT_REPORT_ADDRESS"),
        ("SUSPICIOUS_IP", "RR_LIMIT_SIGNUP_ADDRESS"),
    ]


async def test_replicas_count_together(database_url: str, valkey: Valkey, start_replica: Any) -> None:
    more = {"redis_url": valkey.url, "trusted_proxies": PROXIES, "limits": {**LIMITS, "login_address": Limit(3, 60)}}
    async with start_replica(database_url, **more) as one, start_replica(database_url, **more) as other:
        found = [(await log_in(replica, "198.18.0.1")).status for replica in (one, other, one, other, one)]
    assert found == [401, 401, 401, 429, 429]


async def test_a_window_begins_anew(limited: Any) -> None:
    async with limited(login_address=Limit(1, 4)) as replica:  # a slow machine takes seconds for a few log-ins
        statuses: list[int] = []
        async with asyncio.timeout(90):
            while 401 not in statuses[statuses.index(429) :] if 429 in statuses else True:
                statuses.append((await log_in(replica, "198.18.0.1")).status)
                await asyncio.sleep(0.02)
        assert statuses[0] == 401


async def test_what_an_address_is_refused_locks_no_owner_out(limited: Any) -> None:
    async with limited(login_address=Limit(2, 60), login_account=Limit(4, 60)) as replica:
        await replica.new_user("ann@example.com")
        for _ in range(8):
            await log_in(replica, "198.19.0.1", password="wrong guess 1")
        assert (await log_in(replica, "198.18.0.9")).status == 200
