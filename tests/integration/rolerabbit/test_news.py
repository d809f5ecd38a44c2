"""What replicas keep in memory follows the table: told at once, found by looking when the notification is lost."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Any

import pytest

from rolerabbit import news
from rolerabbit.platform.run import TRUSTED_PROXIES

PROXIES = (ipaddress.ip_network(TRUSTED_PROXIES),)
BLOCK = "INSERT INTO ip_blocklist (ip_address, reason, blocked_until) VALUES (%s, 'test', now() + interval '1 hour')"
LISTENERS = (
    "SELECT pid FROM pg_stat_activity WHERE application_name = 'rolerabbit-news/dev' AND datname = current_database()"
)
STEP = (
    "INSERT INTO limit_steps (kind, divisor, reason, stepped_until) VALUES ('login', %s, 'test', now() + %s::interval)"
)
LONG = 3600.0


async def soon(condition: Any) -> None:
    async with asyncio.timeout(15):
        while not await condition():
            await asyncio.sleep(0.02)


async def blocked(replica: Any, address: str) -> None:
    async def refused() -> bool:
        return bool((await replica.ask("GET", "/", headers={"X-Forwarded-For": address})).status == 403)

    await soon(refused)


async def test_a_change_is_told_and_again_after_the_listener_was_ended(
    database_url: str, start_replica: Any, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "LISTENING_S", LONG)  # whoever only looks now and then finds nothing in time
    monkeypatch.setattr(news, "DEAF_S", 0.1)

    async def listening() -> bool:
        return len(rows(LISTENERS)) == 1

    async with start_replica(database_url, trusted_proxies=PROXIES) as replica:
        await soon(listening)
        rows(BLOCK, "198.18.0.1")
        await blocked(replica, "198.18.0.1")
        [[first]] = rows(LISTENERS)
        rows("SELECT pg_terminate_backend(%s)", first)

        async def another() -> bool:
            return any(pid != first for [pid] in rows(LISTENERS))

        await soon(another)
        rows(BLOCK, "2001:db8:0:9::/64")
        await blocked(replica, "2001:db8:0:9::5")
    assert rows(LISTENERS) == []


async def test_a_lost_notification_is_found_by_looking(
    database_url: str, start_replica: Any, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "LISTENING_S", 0.2)
    rows("ALTER TABLE ip_blocklist DISABLE TRIGGER USER")
    async with start_replica(database_url, trusted_proxies=PROXIES) as replica:
        rows(BLOCK, "198.18.0.1")
        await blocked(replica, "198.18.0.1")


async def test_without_a_listener_the_list_is_still_kept_fresh(
    database_url: str, start_replica: Any, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "DEAF_S", 0.1)
    monkeypatch.setattr(news, "CHANNEL", "no such channel")  # LISTEN fails as on a server that has none
    async with start_replica(database_url, trusted_proxies=PROXIES) as replica:
        rows(BLOCK, "198.18.0.1")
        await blocked(replica, "198.18.0.1")


async def test_a_stepped_up_limit_is_in_force_and_ends_by_itself(
    database_url: str, start_replica: Any, rows: Any
) -> None:
    async with start_replica(database_url, trusted_proxies=PROXIES) as replica:

        async def tried(address: str, times: int) -> list[int]:
            """As many wrong log-ins from there, each on another account."""
            sent, found = {"X-Forwarded-For": address}, []
            for number in range(times):
                wrong = {"email": f"{number}-{address}@example.com", "password": "wrong"}
                found.append((await replica.ask("POST", "/api/auth/login", json=wrong, headers=sent)).status)
            return found

        assert await tried("198.18.0.1", 5) == [401] * 5
        rows(STEP, 20, "1 hour")  # 60 a minute become 3

        async def stepped() -> bool:
            return await tried("198.18.0.1", 1) == [429]

        await soon(stepped)
        assert await tried("198.18.0.2", 5) == [401, 401, 401, 429, 429]
        rows("UPDATE limit_steps SET stepped_until = now()")

        async def over() -> bool:
            return await tried("198.18.0.2", 1) == [401]

        await soon(over)
