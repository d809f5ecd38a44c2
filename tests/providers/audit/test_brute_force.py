from __future__ import annotations

from typing import Any

import pytest

from hutch.model.finding import Cause, Finding, Status
from hutch.providers.audit import provider
from hutch.testing import check_provider

ATTACKER, OFFICE = "198.18.0.7", "198.18.4.4"


async def looked(target: Any, **settings: object) -> tuple[Finding, list[Cause]]:
    async with target(**settings) as connection:
        finding = await connection.checks["audit.logins"]()
    return finding, list(provider.explain([finding]))


def remedies(cause: Cause) -> list[tuple[str, object]]:
    return [(r.action, r.args.get("address") or r.args.get("account")) for r in cause.remedies]


async def test_a_quiet_service_is_healthy(service: Any, target: Any) -> None:
    finding, causes = await looked(target)
    assert (finding.status, causes) == (Status.OK, [])


async def test_one_address_on_many_accounts_is_named_with_its_block(service: Any, target: Any) -> None:
    for account in service.users(40):
        service.failures(ATTACKER, account, 3)
    finding, [cause] = await looked(target)
    assert finding.status is Status.BAD
    assert (cause.code, cause.object.kind, cause.object.id) == ("security.brute_force", "address", ATTACKER)
    assert cause.object.detail == {"failures": 120, "accounts": 40}
    assert remedies(cause) == [("block.add", ATTACKER)]
    assert cause.remedies[0].args["minutes"] == 1440
    assert cause.since is not None


async def test_unknown_accounts_count_without_being_told(service: Any, target: Any) -> None:
    service.admin.execute(
        "insert into security_logs (event_type, ip_address, details) select 'LOGIN_FAILURE', %s,"
        " jsonb_build_object('account', 'person' || n || '@secret.example') from generate_series(1, 30) n",
        [ATTACKER],
    )
    finding, [cause] = await looked(target)
    assert cause.object.detail == {"failures": 30, "accounts": 30}
    assert "secret.example" not in repr((finding, cause))


async def test_ipv6_counts_by_the_customer_s_network(service: Any, target: Any) -> None:
    for number in range(20):
        service.failures(f"2001:db8:0:1::{number:x}", service.users(1)[0], 1)
    service.failures("2001:db8:0:2::1", service.users(1)[0], 4)
    _, [cause] = await looked(target)
    assert (cause.object.kind, cause.object.id) == ("address", "2001:db8:0:1::/64")
    assert cause.object.detail["failures"] == 20


async def test_many_addresses_on_one_account_are_an_attack_on_the_account(service: Any, target: Any) -> None:
    [account] = service.users(1)
    for number in range(1, 13):
        service.failures(f"198.18.{number}.1", account, 4)
    service.failures("198.18.77.1", account, 30)
    _, [cause] = await looked(target)
    assert (cause.object.kind, cause.object.id) == ("account", str(account))
    assert cause.object.detail == {"failures": 78, "addresses": 13}
    assert remedies(cause) == [("account.restrict", str(account)), ("block.add", "198.18.77.1")]
    assert cause.remedies[0].args["kind"] == "login"


async def test_who_mistypes_each_time_and_gets_in_is_no_attacker_however_often(service: Any, target: Any) -> None:
    """Twenty log-ins in ten minutes, each after two typos: forty failures of one account from one address."""
    [account] = service.users(1)
    for number in range(20):
        service.failures("198.18.5.5", account, 2, ago=25 * number + 2)
        service.login("198.18.5.5", account, ago=25 * number)
    finding, causes = await looked(target)
    assert (finding.status, causes) == (Status.OK, [])


async def test_a_success_forgives_nothing_that_comes_after_it(service: Any, target: Any) -> None:
    [account] = service.users(1)
    service.failures(ATTACKER, account, 2, ago=400)
    service.login(ATTACKER, account, ago=398)
    service.failures(ATTACKER, account, 20, ago=1)
    _, [cause] = await looked(target)
    assert (cause.object.kind, cause.object.id, cause.object.detail["failures"]) == ("address", ATTACKER, 20)
    assert "opened" not in " ".join(cause.evidence), "nothing was guessed since"
    service.login(ATTACKER, account)
    _, causes = await looked(target)
    assert [word for cause in causes for word in cause.evidence if "opened" in word]


async def test_forty_users_behind_one_address_are_healthy(service: Any, target: Any) -> None:
    for number, account in enumerate(service.users(40)):
        service.failures(OFFICE, account, number % 3)
        service.login(OFFICE, account)
    for account in service.users(6):  # who gave up
        service.failures(OFFICE, account, 2)
    finding, causes = await looked(target)
    assert (finding.status, causes) == (Status.OK, [])


async def test_a_forgotten_password_is_healthy(service: Any, target: Any) -> None:
    [account] = service.users(1)
    service.failures("198.18.5.5", account, 5)
    service.login("198.18.5.5", account)
    finding, causes = await looked(target, failures_per_address=2, failures_per_account=2)
    assert (finding.status, causes) == (Status.OK, [])


async def test_an_attacker_among_users_of_one_address_is_named_and_not_blocked(service: Any, target: Any) -> None:
    for account in service.users(12):
        service.login(OFFICE, account, ago=60)
    [victim] = service.users(1)
    service.failures(OFFICE, victim, 60)
    _, [cause] = await looked(target)
    assert cause.object.id == OFFICE
    assert any("12 other users logged in from there" in line for line in cause.evidence)
    assert remedies(cause) == [("account.restrict", str(victim))]


async def test_a_guessed_password_makes_the_account_a_patient(service: Any, target: Any) -> None:
    victim, *others = service.users(20)
    for account in others:
        service.failures(ATTACKER, account, 2)
    service.failures(ATTACKER, victim, 25)
    service.login(ATTACKER, victim)
    _, [cause] = await looked(target)
    assert any(f"account {victim} was opened" in line for line in cause.evidence)
    assert remedies(cause) == [("block.add", ATTACKER), ("account.restrict", str(victim))]
    assert cause.remedies[1].args["kind"] == "all"


async def test_an_attack_that_ended_is_told_but_is_no_cause(service: Any, target: Any) -> None:
    service.failures(ATTACKER, service.users(1)[0], 50, ago=400)
    finding, causes = await looked(target)
    assert (finding.status, causes) == (Status.WARN, [])
    assert "over" in finding.evidence[0]


async def test_a_block_that_is_obeyed_ends_the_cause_and_one_that_is_not_does_not(service: Any, target: Any) -> None:
    [account] = service.users(1)
    service.failures(ATTACKER, account, 50, ago=20)
    service.admin.execute(
        "insert into ip_blocklist (ip_address, reason, blocked_until, created_at)"
        " values (%s, 'x', now() + interval '1 hour', now() - interval '10 seconds')",
        [ATTACKER],
    )
    assert (await looked(target))[1] == []
    service.failures(ATTACKER, account, 3, ago=0)
    assert [cause.object.id for cause in (await looked(target))[1]] == [ATTACKER]


async def test_our_own_address_is_named_and_not_offered_for_a_block(service: Any, target: Any) -> None:
    service.failures("203.0.113.9", service.users(1)[0], 50)
    service.failures("10.0.0.1", service.users(1)[0], 50)
    _, causes = await looked(target, protected=["203.0.113.0/24"])
    assert {cause.object.id for cause in causes} == {"203.0.113.9", "10.0.0.1"}
    assert [r.action for cause in causes for r in cause.remedies] == ["account.restrict", "account.restrict"]


async def test_other_names_are_quoted_and_taken_as_they_are(service: Any, target: Any) -> None:
    service.admin.execute(
        'create schema if not exists "odd name"; drop table if exists "odd name"."log""ins";'
        ' create table "odd name"."log""ins" ("kind;--" text, user_id uuid, ip_address inet, details jsonb,'
        " created_at timestamptz default now());"
        ' insert into "odd name"."log""ins" ("kind;--", ip_address) select what, address::inet'
        " from generate_series(1, 20), (values ('bad%login', '198.18.0.9'), ('bad-login', '198.18.0.8')) as v (what, address)"  # noqa: E501
    )
    tables, columns = {"security": 'odd name.log"ins'}, {"event": "kind;--"}
    _, [cause] = await looked(target, tables=tables, columns=columns, events={"failure": "bad%login"})
    assert cause.object.id == "198.18.0.9"


async def test_a_table_that_is_not_there_leaves_it_undecided(target: Any) -> None:
    finding, causes = await looked(target, tables={"security": "elsewhere.security_logs"})
    assert (finding.status, causes) == (Status.UNKNOWN, [])
    assert 'relation "elsewhere.security_logs" does not exist' in finding.reason


@pytest.mark.parametrize("url", ["url", "nowhere"])
async def test_the_contract_of_a_provider(service: Any, url: str) -> None:
    chosen = service.url("watcher") if url == "url" else "postgresql://x:hidden-word@127.0.0.1:1/shop"
    findings = await check_provider(provider, {"url": chosen, "operator_url": service.url("operator")})
    assert {f.status for f in findings} == {Status.OK if url == "url" else Status.UNKNOWN}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"url": ""}, "url must be a database address"),
        ({"url": "host=x ;;"}, "the database address can't be read"),
        ({"tables": {"securty": "x"}}, "tables has no key 'securty'; nearest known: security"),
        ({"columns": {"event": ""}}, "columns must map"),
        ({"protected": ["10.0.0.0/33"]}, "protected must list networks"),
        ({"window": 0}, "window must be a number above 0"),
        ({"protected_accounts": "all"}, "protected_accounts must be a list"),
    ],
)
async def test_bad_settings_are_named(service: Any, target: Any, settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=r"^audit: ") as error:
        async with target(**settings):
            pass
    assert said in str(error.value)
