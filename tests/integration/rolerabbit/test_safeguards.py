"""Blocked addresses, restricted accounts, admins and deletions of many: what is refused and what is written down."""

from __future__ import annotations

import asyncio
import ipaddress
import uuid
from typing import Any

import pytest

from rolerabbit.platform.run import TRUSTED_PROXIES

PROXIES = (ipaddress.ip_network(TRUSTED_PROXIES),)
BLOCK = "INSERT INTO ip_blocklist (ip_address, reason, blocked_until) VALUES (%s, 'test', now() + %s::interval)"
RESTRICT = (
    "INSERT INTO account_restrictions (user_id, restriction, reason, restricted_until)"
    " SELECT id, %s, 'test', now() + %s::interval FROM users"
)
EVENTS = "SELECT event_type, host(ip_address), details ->> 'reason' FROM security_logs ORDER BY id"


async def soon(condition: Any) -> None:
    async with asyncio.timeout(15):
        while not await condition():
            await asyncio.sleep(0.05)


@pytest.fixture
async def proxied(database_url: str, start_replica: Any) -> Any:
    async with start_replica(database_url, trusted_proxies=PROXIES) as replica:

        async def get(address: str, path: str = "/") -> int:
            status: int = (await replica.ask("GET", path, headers={"X-Forwarded-For": address})).status
            return status

        yield get


@pytest.mark.parametrize(
    ("blocked", "hit", "spared"),
    [
        ("198.18.0.7", "198.18.0.7", "198.18.0.8"),
        ("198.18.4.0/22", "198.18.7.255", "198.18.8.0"),
        ("2001:db8:1:2::/64", "2001:db8:1:2:ffff::1", "2001:db8:1:3::1"),
        ("::ffff:198.18.0.9", "198.18.0.9", "198.18.0.7"),
        ("198.18.0.10", "::ffff:198.18.0.10", "::ffff:198.18.0.11"),
    ],
)
async def test_a_blocked_network_is_refused_everything_but_health(
    proxied: Any, rows: Any, blocked: str, hit: str, spared: str
) -> None:
    rows(BLOCK, blocked, "1 hour")

    async def in_force() -> bool:
        status: int = await proxied(hit)
        return status == 403

    await soon(in_force)
    assert [await proxied(hit, path) for path in ("/p/none", "/api/portfolios", "/no/such")] == [403, 403, 403]
    assert [await proxied(hit, path) for path in ("/api/health", "/metrics")] == [200, 200]
    assert await proxied(spared) == 200
    written = str(ipaddress.ip_address(hit.removeprefix("::ffff:")))
    assert rows(EVENTS) == [("SUSPICIOUS_IP", written, "blocked address")]


async def test_a_block_ends_by_itself_and_by_hand(proxied: Any, rows: Any) -> None:
    rows(BLOCK, "198.18.0.1", "2 seconds")
    rows(BLOCK, "198.18.0.2", "1 hour")

    async def statuses(*wanted: int) -> None:
        async def found() -> bool:
            return [await proxied("198.18.0.1"), await proxied("198.18.0.2")] == list(wanted)

        await soon(found)

    await statuses(403, 403)
    await statuses(200, 403)
    rows("UPDATE ip_blocklist SET blocked_until = now()")
    await statuses(200, 200)


async def test_a_block_of_the_proxy_shuts_nobody_out(proxied: Any, rows: Any) -> None:
    for network in ("127.0.0.1", "127.0.0.0/8", "198.18.0.3"):
        rows(BLOCK, network, "1 hour")

    async def in_force() -> bool:
        status: int = await proxied("198.18.0.3")
        return status == 403

    await soon(in_force)
    assert [await proxied(claimed) for claimed in ("198.18.0.4", "", "not an address", "127.0.0.1")] == [200] * 4
    assert await proxied("198.18.0.4, 198.18.0.3") == 403  # what stands further left is the visitor's own claim


async def test_a_claimed_address_counts_for_nothing_without_a_trusted_proxy(replica: Any, rows: Any) -> None:
    rows(BLOCK, "198.18.0.1", "1 hour")
    await asyncio.sleep(1.5)
    assert (await replica.ask("GET", "/", headers={"X-Forwarded-For": "198.18.0.1"})).status == 200


async def test_who_may_not_log_in_keeps_the_session(replica: Any, rows: Any) -> None:
    token = await replica.new_user("ann@example.com")
    rows(RESTRICT, "login", "1 hour")
    assert (await replica.ask("GET", "/api/auth/me", token=token)).status == 200
    body = {"email": "ann@example.com", "password": "a long password"}
    refused = await replica.ask("POST", "/api/auth/login", json=body)
    assert (refused.status, refused.json["error"]) == (403, "this account is restricted for now")


async def test_exports_alone_can_be_restricted(replica: Any, rows: Any) -> None:
    token = await replica.new_user("ann@example.com")
    rows(RESTRICT, "export", "1 hour")
    refused = await replica.ask("GET", "/api/account/export", token=token)
    assert (refused.status, refused.json["error"]) == (403, "exports of this account are restricted for now")
    assert (await replica.ask("GET", "/api/portfolios", token=token)).status == 200
    assert rows("SELECT count(*) FROM audit_logs WHERE action = 'data.exported'") == [(0,)]
    rows("UPDATE account_restrictions SET restricted_until = now()")
    assert (await replica.ask("GET", "/api/account/export", token=token)).status == 200


async def make(replica: Any, email: str, count: int) -> tuple[str, list[str]]:
    token = await replica.new_user(email)
    name = email.partition("@")[0]
    return token, [(await replica.new_portfolio(token, f"{name}-{n}"))["id"] for n in range(count)]


DELETED = """
SELECT a.details ->> 'portfolio_id', u.email, o.email FROM audit_logs a
JOIN users u ON u.id = a.user_id JOIN users o ON o.id = (a.details ->> 'owner_id')::uuid
WHERE a.action = 'portfolio.deleted'"""


async def test_many_of_ones_own_are_deleted_and_noted_one_by_one(replica: Any, rows: Any) -> None:
    token, ids = await make(replica, "ann@example.com", 3)
    answer = await replica.ask("DELETE", "/api/portfolios", token=token, json={"ids": [*ids[:2], ids[0]]})
    assert (answer.status, answer.json) == (200, {"deleted": 2})
    assert [row["id"] for row in (await replica.ask("GET", "/api/portfolios", token=token)).json] == [ids[2]]
    assert sorted(rows(DELETED)) == sorted((i, "ann@example.com", "ann@example.com") for i in ids[:2])
    assert rows("SELECT count(*) FROM portfolios WHERE deleted_by = user_id") == [(2,)]


async def test_one_that_is_not_ones_own_stops_all(replica: Any, rows: Any) -> None:
    token, ids = await make(replica, "ann@example.com", 1)
    _, others = await make(replica, "bob@example.com", 1)
    for wanted in ([*ids, *others], [*ids, str(uuid.uuid4())]):
        assert (await replica.ask("DELETE", "/api/portfolios", token=token, json={"ids": wanted})).status == 404
    assert rows("SELECT count(*) FROM portfolios WHERE deleted_at IS NOT NULL") == [(0,)]
    assert rows(DELETED) == []
    assert [row[0] for row in rows(EVENTS)] == ["UNAUTHORIZED_ACCESS"]


@pytest.mark.parametrize("body", [{"ids": []}, {"ids": ["x"]}, {"ids": [str(uuid.uuid4())] * 1001}, {}, {"all": True}])
async def test_a_bad_wish_to_delete_is_refused(replica: Any, body: object) -> None:
    token = await replica.new_user("ann@example.com")
    assert (await replica.ask("DELETE", "/api/portfolios", token=token, json=body)).status == 422


async def test_an_admin_sees_and_deletes_what_is_everybodys(replica: Any, rows: Any) -> None:
    admin, _ = await make(replica, "root@example.com", 0)
    refused = await replica.ask("GET", "/api/admin/portfolios", token=admin)
    assert (refused.status, refused.json["error"]) == (403, "only admins may see this")
    rows("UPDATE users SET role = 'admin'")
    owned = {email: (await make(replica, email, 2))[1] for email in ("ann@example.com", "bob@example.com")}
    listed = (await replica.ask("GET", "/api/admin/portfolios?limit=100", token=admin)).json
    assert {row["id"] for row in listed} == {i for ids in owned.values() for i in ids}
    first = owned["ann@example.com"][0]
    assert (await replica.ask("DELETE", f"/api/portfolios/{first}", token=admin)).status == 204
    rest = [i for ids in owned.values() for i in ids if i != first]
    assert (await replica.ask("DELETE", "/api/portfolios", token=admin, json={"ids": rest})).json == {"deleted": 3}
    expected = [(i, "root@example.com", email) for email, ids in owned.items() for i in ids]
    assert sorted(rows(DELETED)) == sorted(expected)
