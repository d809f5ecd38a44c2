from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hutch.model.action import Result, Verified
from hutch.providers.audit import provider

ATTACKER, NETWORK = "198.18.0.7", "2001:db8:0:1::/64"


def block(address: str = ATTACKER, **more: object) -> dict[str, object]:
    return {"address": address, "minutes": 30, "reason": "brute force", **more}


async def test_what_the_diagnosis_proposes_is_blocked_verified_and_undone(service: Any, target: Any) -> None:
    for account in service.users(30):
        service.failures(ATTACKER, account, 2, ago=10)
    async with target() as connection:
        add, remove = connection.actions["block.add"], connection.actions["block.remove"]
        [cause] = provider.explain([await connection.checks["audit.logins"]()])
        args = cause.remedies[0].args
        preview, before = await add.preview(args), await add.verify(args)
        outcome, after = await add.apply(args), await add.verify(args)
        healed = provider.explain([await connection.checks["audit.logins"]()])
        undone = await remove.apply(outcome.undo["args"])
        gone, end = await remove.verify(args), await add.verify(args)
    assert (preview.hits, preview.refused) == (1, "")
    assert preview.items[0].startswith("60 failed log-ins")
    assert before.verdict is Verified.FAILED
    assert (outcome.result, outcome.hits, after.verdict, healed) == (Result.DONE, 1, Verified.PASSED, [])
    assert outcome.undo["action"] == "block.remove"
    assert (undone.result, undone.hits, gone.verdict) == (Result.DONE, 1, Verified.PASSED)
    assert end.verdict is Verified.FAILED
    assert 1435 <= undone.undo["args"]["minutes"] <= 1440  # type: ignore[index]
    assert service.count("ip_blocklist") == 1  # the row stays as a record


async def test_two_at_once_and_a_second_one_block_once(service: Any, target: Any) -> None:
    async with target() as one, target() as two:
        outcomes = await asyncio.gather(*(c.actions["block.add"].apply(block()) for c in (one, two, one, two)))
        again = await one.actions["block.add"].apply(block())
        preview = await one.actions["block.add"].preview(block())
    assert sorted(o.hits for o in outcomes) == [0, 0, 0, 1]
    assert {o.result for o in (*outcomes, again)} == {Result.DONE}
    assert (again.hits, preview.hits) == (0, 0)
    assert "blocked until" in preview.summary
    assert service.count("ip_blocklist") == 1


async def test_ipv6_is_blocked_by_the_customer_s_network(service: Any, target: Any) -> None:
    async with target() as connection:
        outcome = await connection.actions["block.add"].apply(block("2001:db8:0:1::77"))
        verified = await connection.actions["block.add"].verify(block("2001:db8:0:1::99"))
    [row] = service.admin.execute("select text(ip_address), blocked_until - now() from ip_blocklist")
    assert (outcome.hits, row[0], verified.verdict) == (1, NETWORK, Verified.PASSED)
    assert 1700 < row[1].total_seconds() <= 1800


async def test_an_address_with_other_users_behind_it_is_refused_with_the_counts(service: Any, target: Any) -> None:
    for account in service.users(12):
        service.login(ATTACKER, account, ago=86400)
    service.failures(ATTACKER, service.users(1)[0], 50)
    async with target() as connection:
        preview = await connection.actions["block.add"].preview(block())
        outcome = await connection.actions["block.add"].apply(block())
    assert "12 other users logged in from 198.18.0.7" in preview.refused
    assert (outcome.result, outcome.hits) == (Result.FAILED, 0)
    assert "12 other users" in outcome.summary
    async with target(neighbours=12) as lenient:
        assert (await lenient.actions["block.add"].apply(block())).hits == 1


async def test_users_of_any_address_in_a_network_count(service: Any, target: Any) -> None:
    service.login("198.18.0.200", service.users(1)[0])
    async with target() as connection:
        outcome = await connection.actions["block.add"].apply(block("198.18.0.0/24"))
    assert "1 other users logged in from 198.18.0.0/24" in outcome.summary
    assert service.count("ip_blocklist") == 0


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("127.0.0.1", "this machine itself"),
        ("::1", "this machine itself"),
        ("::ffff:10.1.2.3", "is private"),
        ("::ffff:127.0.0.1", "this machine itself"),
        ("::ffff:203.0.113.77", "listed under services.*.audit.protected"),
        ("::ffff:198.18.0.0/112", "wider than /24"),
        ("::ffff:0:0/96", "wider than /24"),
        ("::ffff:0:0/90", "this machine itself"),
        ("::/0", "wider than /56"),
        ("203.0.113.0/25", "listed under"),  # lies in what is protected
        ("198.51.100.0/24", "198.51.100.7 is listed under"),  # holds what is protected
        ("2a00:1:0:0::/56", "2a00:1::/64 is listed under"),
        ("192.168.1.1", "is private"),
        ("fd00::1", "is private"),
        ("100.64.3.4", "shared by a provider's customers"),
        ("64:ff9b::5db8:d822", "whole IPv4 internet"),
        ("2001:0:4136:e378::1", "Teredo"),
        ("0.0.0.0/0", "wider than /24"),
        ("2001:db8::/32", "wider than /56"),
        ("203.0.113.77", "listed under services.*.audit.protected"),
        ("203.0.112.0/23", "wider than /24"),
        ("2a00:1::5", "listed under"),
        ("'; drop table users; --", "neither an address nor a network"),
        ("", "address must be text"),
    ],
)
async def test_addresses_that_are_never_blocked(service: Any, target: Any, address: str, said: str) -> None:
    async with target(protected=["203.0.113.0/24", "198.51.100.7", "2a00:1::/64"]) as connection:
        preview = await connection.actions["block.add"].preview(block(address))
        outcome = await connection.actions["block.add"].apply(block(address))
    assert said in preview.refused
    assert (outcome.result, said in outcome.summary) == (Result.FAILED, True)
    assert service.count("ip_blocklist") == 0


@pytest.mark.parametrize("minutes", [0, -5, 10081, "1; drop", True, 1.5])
async def test_every_block_ends(service: Any, target: Any, minutes: object) -> None:
    async with target() as connection:
        outcome = await connection.actions["block.add"].apply(block(minutes=minutes))
    assert (outcome.result, "minutes must be a whole number from 1 to 10080" in outcome.summary) == (
        Result.FAILED,
        True,
    )
    assert service.count("ip_blocklist") == 0


async def test_a_service_that_does_not_obey_fails_the_verification(service: Any, target: Any) -> None:
    async with target() as connection:
        await connection.actions["block.add"].apply(block())
        service.admin.execute("update ip_blocklist set created_at = now() - interval '1 minute'")
        service.failures(ATTACKER, service.users(1)[0], 3)
        verified = await connection.actions["block.add"].verify(block())
    assert verified.verdict is Verified.FAILED
    assert "3 passwords were tried" in verified.evidence[0]


async def test_a_wider_block_holds_too_and_is_named_when_the_address_stays_blocked(service: Any, target: Any) -> None:
    async with target() as connection:
        add, remove = connection.actions["block.add"], connection.actions["block.remove"]
        await add.apply(block("198.18.0.0/28"))
        inner = await add.apply(block())
        removed, verified = await remove.apply({"address": ATTACKER}), await remove.verify({"address": ATTACKER})
    assert (inner.hits, removed.hits) == (0, 0)
    assert (verified.verdict, "198.18.0.0/28" in verified.summary) == (Verified.FAILED, True)


async def test_without_an_operator_or_with_its_rights_missing_nothing_is_changed(service: Any, target: Any) -> None:
    async with target(operator_url=None) as none, target(operator_url=service.url("watcher")) as weak:
        preview = await none.actions["block.add"].preview(block())
        outcomes = [await c.actions[n].apply(block()) for c in (none, weak) for n in ("block.add", "block.remove")]
    assert "operator_url" in preview.refused
    assert {o.result for o in outcomes} == {Result.FAILED}
    assert "permission denied" in outcomes[2].summary
    assert service.count("ip_blocklist") == 0


async def test_a_locked_table_fails_within_the_lock_time_out(service: Any, target: Any) -> None:
    async with target(lock_timeout=0.2) as connection:
        with service.admin.transaction():
            service.admin.execute("lock table ip_blocklist in access exclusive mode")
            outcome = await connection.actions["block.add"].apply(block())
    assert (outcome.result, outcome.recoverable, outcome.hits) == (Result.FAILED, True, 0)
    assert "lock timeout" in outcome.summary


async def test_without_a_server_verification_can_not_tell(service: Any, target: Any) -> None:
    async with target(url="postgresql://x:hidden-word@127.0.0.1:1/shop") as connection:
        verified = [await connection.actions[n].verify(block()) for n in ("block.add", "block.remove")]
    assert {v.verdict for v in verified} == {Verified.UNKNOWN}
    assert "hidden-word" not in repr(verified)
