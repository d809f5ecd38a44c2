"""Old tokens: a client that was not told is let alone, somebody who took one is written down."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from rolerabbit.config import LIMITS, Limit
from rolerabbit.keys import Ring, Tokens
from rolerabbit.platform.run import TRUSTED_PROXIES

PROXIES = (ipaddress.ip_network(TRUSTED_PROXIES),)
NOTED = (
    "SELECT host(ip_address), user_id, details FROM security_logs WHERE event_type = 'UNAUTHORIZED_ACCESS' ORDER BY id"
)
HOME, CHECKER, THIEF = "198.18.0.1", "2001:db8:0:5::1", "198.19.0.9"


@pytest.fixture
async def asked(database_url: str, start_replica: Any) -> Any:
    async with start_replica(database_url, trusted_proxies=PROXIES, jwt_keys=Ring.fresh()) as replica:

        async def ask(address: str, token: str, path: str = "/api/auth/me") -> int:
            status: int = (await replica.ask("GET", path, token=token, headers={"X-Forwarded-For": address})).status
            return status

        yield replica, ask


async def test_a_token_that_was_ended_is_told_by_where_it_comes_from(asked: Any, rows: Any) -> None:
    replica, ask = asked
    body = {"email": "ann@example.com", "password": "a long password"}
    home = {"X-Forwarded-For": HOME}
    assert (await replica.ask("POST", "/api/auth/register", json=body, headers=home)).status == 201
    token = (await replica.ask("POST", "/api/auth/login", json=body, headers=home)).json["token"]
    assert await ask(CHECKER, token) == 200  # of a /64 every address is the same customer's
    rows("UPDATE user_sessions SET revoked_at = now()")
    for address in (HOME, CHECKER, "2001:db8:0:5:ffff::7"):
        assert await ask(address, token) == 401
    assert rows(NOTED) == []
    assert [await ask(THIEF, token) for _ in range(40)] == [401] * 40
    noted = rows(NOTED)
    [[ann]] = rows("SELECT id FROM users")
    assert noted == [(THIEF, None, {"reason": "old token", "of": str(ann)})] * 30  # a minute's


async def test_a_key_that_was_retired_makes_no_thieves_of_users(asked: Any, rows: Any) -> None:
    replica, ask = asked
    token = await replica.new_user("ann@example.com")
    foreign = Tokens(Ring.fresh()).sign("somebody")
    rows("UPDATE user_sessions SET token_hash = sha256(%s::bytea), ip_address = %s", foreign.encode(), HOME)
    assert await ask(HOME, foreign) == 401  # signed by a key that the ring has no more, and its row stands
    assert rows(NOTED) == []
    assert await ask(THIEF, foreign) == 401
    assert [row[2]["reason"] for row in rows(NOTED)] == ["old token"]
    assert token


async def test_made_up_tokens_are_noted_each_once(asked: Any, rows: Any) -> None:
    _, ask = asked
    for number in range(12):
        assert await ask(THIEF, f"made-up-{number}") == 401
        assert await ask(CHECKER, "the same old thing") == 401
    by = [row[0] for row in rows(NOTED)]
    assert (by.count(THIEF), by.count(CHECKER)) == (12, 1)


async def test_an_attack_on_an_account_does_not_lock_its_owner_out(
    database_url: str, start_replica: Any, rows: Any
) -> None:
    limits = {**LIMITS, "login_account": Limit(3, 600)}
    async with start_replica(database_url, trusted_proxies=PROXIES, limits=limits) as replica:
        body = {"email": "ann@example.com", "password": "a long password"}

        async def log_in(address: str, password: str) -> int:
            sent = {"X-Forwarded-For": address}
            status: int = (
                await replica.ask("POST", "/api/auth/login", json={**body, "password": password}, headers=sent)
            ).status
            return status

        await replica.ask("POST", "/api/auth/register", json=body)
        assert await log_in(HOME, body["password"]) == 200
        assert [await log_in(f"198.19.0.{n}", "a guess") for n in range(1, 7)] == [401, 401, 401, 429, 429, 429]
        assert await log_in(HOME, body["password"]) == 200
        assert await log_in("198.18.0.99", body["password"]) == 429  # from anywhere else it waits for its time
