"""The attacks of the load generator on a replica: what they leave in the trails, and that a block is felt."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Any

from rolerabbit.loadattack import Attack, Sources, run
from rolerabbit.platform.run import TRUSTED_PROXIES

PROXIES = (ipaddress.ip_network(TRUSTED_PROXIES),)
FAILED = """
SELECT count(*), count(DISTINCT network(set_masklen(ip_address, CASE family(ip_address) WHEN 6 THEN 64 ELSE 32 END))),
       count(DISTINCT details ->> 'account') FROM security_logs WHERE event_type = 'LOGIN_FAILURE'"""
RATE = 10
"""Attempts a second: each costs a password's hash, on a busy machine too."""
BLOCK = "INSERT INTO ip_blocklist (ip_address, reason, blocked_until) VALUES (%s, 'test', now() + interval '1 hour')"


async def test_passwords_tokens_and_exports_are_tried_and_a_block_is_felt(
    database_url: str, start_replica: Any, rows: Any
) -> None:
    async with start_replica(database_url, trusted_proxies=PROXIES) as replica:

        async def attacked(kind: Any, addresses: int, attempts: int, seed: int = 1) -> dict[str, Any]:
            return await run(Attack(replica.url, kind, addresses, RATE, attempts / RATE, seed), asyncio.Event())

        spray = await attacked("spraying", 4, 12)
        assert (spray["attempts"], spray["tried"], spray["blocked"]) == (12, 4, 0)
        assert spray["by_status"] == {"401": 12}
        assert rows(FAILED)[0][:2] == (12, 4)
        replayed = await attacked("replay", 4, 8)
        assert replayed["by_status"] == {"401": 8}
        exported = await attacked("exports", 1, 3)
        assert exported["by_status"] == {"200": 3}
        assert rows("SELECT count(*) FROM audit_logs WHERE action = 'data.exported'") == [(3,)]
        for network in Sources(3, seed=3).networks:
            rows(BLOCK, str(network))
        async with asyncio.timeout(15):
            while (brute := await attacked("brute-force", 3, 3, seed=3))["blocked"] < 3:
                await asyncio.sleep(0.1)
        assert brute["by_status"] == {"403": 3}
