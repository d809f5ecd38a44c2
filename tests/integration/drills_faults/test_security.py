"""Faults that people make: they leave traces while they stand, are met by a block or a restriction, and leave none."""

from __future__ import annotations

import ipaddress
import signal
from datetime import UTC, datetime
from typing import Any

import pytest

from hutch.model.finding import Status
from hutch.ports import TargetConfig
from hutch.providers.audit import provider

_BLOCK = """
INSERT INTO ip_blocklist (ip_address, reason, blocked_until) VALUES (%s::inet, 'test', now() + interval '1 hour')"""
_RESTRICT = """
INSERT INTO account_restrictions (user_id, reason, restricted_until)
VALUES (%s::uuid, 'test', now() + interval '1 hour')"""
_ACTIVE = """
SELECT (SELECT count(*) FROM ip_blocklist WHERE blocked_until > now())
     + (SELECT count(*) FROM account_restrictions WHERE restricted_until > now())"""
_ATTACKERS = "ip_address <<= '198.19.0.0/16' OR ip_address <<= '2001:db8::/32'"
_OF = {"security_logs": "event_type", "audit_logs": "action", "user_sessions": "user_id"}
_FAILED = """
SELECT count(*), count(DISTINCT user_id), count(DISTINCT ip_address) FROM security_logs
WHERE event_type = 'LOGIN_FAILURE' AND ip_address <<= %s::inet"""
_DONE = "SELECT count(*) FROM audit_logs WHERE action = %s AND user_id = %s::uuid"
_PORTFOLIOS = "SELECT md5(string_agg(p::text, '' ORDER BY id)) FROM portfolios p WHERE deleted_at IS NULL"
_DELETED = "SELECT count(*) FROM portfolios WHERE deleted_by = %s::uuid"
_ROLE = "SELECT role FROM users WHERE id = %s::uuid"


def no_trace(stage: Any) -> bool:
    found = [stage.service.rows(f"SELECT created_at, {_OF[table]} FROM {table} WHERE {_ATTACKERS}") for table in _OF]
    assert found == [[], [], []]
    return stage.number(_ACTIVE) == 0 and stage.leftovers() == []


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "version"), [(1, 6), (2, 4)])
def test_passwords_are_tried_from_one_network(stage: Any, seed: int, version: int) -> None:
    with stage.standing("brute-force", seed) as fault:
        network = ipaddress.ip_network(fault.on["object"]["id"])
        assert (network.version, network.prefixlen) == (version, {4: 32, 6: 64}[version])
        failed, accounts, addresses = stage.service.rows(_FAILED, str(network))[0]
        assert failed >= 30
        assert accounts > 5
        assert (addresses > 1) is (version == 6)
        stage.service.rows(_BLOCK, str(network))
    assert (fault.off["remedied"], fault.off["protected_lost"]) == (True, [])
    assert no_trace(stage)


@pytest.mark.slow
def test_a_block_of_the_office_is_harm(stage: Any) -> None:
    with stage.standing("brute-force", seed=2) as fault:
        office = next(thing for thing in fault.on["protected"] if thing["kind"] == "address")
        stage.service.rows(_BLOCK, office["id"])
    assert (fault.off["remedied"], fault.off["protected_lost"]) == (False, [office])
    assert no_trace(stage)


@pytest.mark.slow
def test_exports_of_one_account(stage: Any) -> None:
    with stage.standing("export-storm") as fault:
        account = fault.on["object"]["id"]
        assert stage.number(_DONE, "data.exported", account) >= 15
        stage.service.rows(_RESTRICT, account)
        made = stage.number(_DONE, "data.exported", account)
        stage.wait_for(lambda: stage.number(_DONE, "data.exported", account) - made < 2)
    assert (fault.off["remedied"], fault.off["protected_lost"]) == (True, [])
    assert no_trace(stage)


def test_an_admin_deletes_and_all_is_brought_back(stage: Any) -> None:
    before = stage.service.rows(_PORTFOLIOS)
    with stage.standing("mass-deletion") as fault:
        actor = fault.on["object"]["id"]
        assert stage.number(_DELETED, actor) >= 25
        assert stage.service.rows(_ROLE, actor) == [("admin",)]
    assert fault.off["remedied"] is False
    assert (stage.service.rows(_PORTFOLIOS), stage.service.rows(_ROLE, actor)) == (before, [("member",)])
    assert no_trace(stage)


@pytest.mark.slow
def test_killed_the_deletions_are_undone_by_undo(stage: Any) -> None:
    before = stage.service.rows(_PORTFOLIOS)
    with stage.standing("mass-deletion", seed=5) as fault:
        fault.process.send_signal(signal.SIGKILL)
        fault.process.wait(10)
    assert stage.number(_DELETED, fault.on["object"]["id"]) >= 25
    assert stage.fault("undo").returncode == 0
    assert stage.service.rows(_PORTFOLIOS) == before
    assert no_trace(stage)


@pytest.mark.slow
def test_forty_users_behind_one_address(stage: Any) -> None:
    with stage.standing("nat-logins") as quiet:
        address = quiet.on["known"]["address"]
        stage.service.rows(_BLOCK, address)
    assert quiet.off["counts"]["answered_200"] >= 10
    assert quiet.off["protected_lost"] == [{"kind": "address", "id": address}]
    assert no_trace(stage)


async def causes(stage: Any) -> list[tuple[str, str, str, list[str]]]:
    """What Hutch's checks of the service's logs say while the fault stands."""
    settings = {"url": stage.service.url("reader_url"), "operator_url": stage.service.url("operator_url")}
    connection = provider.open(TargetConfig("shop", settings, lambda: datetime.now(UTC)))
    try:
        findings = [await check() for check in connection.checks.values()]
    finally:
        await connection.close()
    assert all(finding.status is not Status.UNKNOWN for finding in findings), findings
    found = provider.explain(findings)
    return [(c.code, c.object.kind, c.object.id, [r.action for r in c.remedies]) for c in found]


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
async def test_a_token_that_was_ended_is_used_from_elsewhere(stage: Any, seed: int) -> None:
    with stage.standing("replayed-token", seed) as fault:
        thief = fault.on["object"]["id"]
        assert await causes(stage) == [("security.unauthorized_access", "address", thief, ["block.add"])]
        stage.service.rows(_BLOCK, thief)
    assert (fault.off["remedied"], fault.off["protected_lost"]) == (True, [])
    assert no_trace(stage)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["untold-checker", "nightly-export", "planned-deletion", "old-password-kept"])
async def test_what_people_do_by_custom_is_no_attack(stage: Any, name: str) -> None:
    before = stage.service.rows(_PORTFOLIOS)
    with stage.standing(name) as quiet:
        assert await causes(stage) == []
        assert quiet.on["protected"]
    assert (quiet.off["remedied"], quiet.off["protected_lost"]) == (None, [])
    assert stage.service.rows(_PORTFOLIOS) == before
    assert no_trace(stage)


@pytest.mark.slow
async def test_exports_and_deletions_in_numbers_without_the_custom_are_found(stage: Any) -> None:
    """As many as the look-alikes do, by accounts that never did."""
    with stage.standing("export-storm", seed=3) as fault:
        code, kind, who, _ = (await causes(stage))[0]
        assert (code, kind, who) == ("security.mass_export", "account", fault.on["object"]["id"])
    assert no_trace(stage)
