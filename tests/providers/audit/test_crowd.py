"""Attacks of many addresses: seen as one, blocked as a set, limits stepped up; and what only looks like one."""

from __future__ import annotations

from typing import Any

import pytest

from hutch.model.action import Result, Verified
from hutch.model.finding import Cause, Finding, Status
from hutch.providers.audit import provider

SPRAY = """
insert into security_logs (event_type, user_id, ip_address, details, created_at)
select 'LOGIN_FAILURE', null, a.address::inet,
       jsonb_build_object('account', 'person' || (a.n * 7 + t.n) %% %(accounts)s),
       now() - make_interval(secs => %(ago)s + t.n)
from (select n, case n %% 2 when 0 then '198.19.' || n / 250 || '.' || n %% 250 + 1
                            else '2001:db8:' || to_hex(n) || ':1::' || to_hex(n) end as address
      from generate_series(1, %(addresses)s) n) a,
     generate_series(1, %(tries)s) t (n)"""


def spray(service: Any, addresses: int, tries: int, accounts: int = 40, ago: float = 1.0) -> None:
    asked = {"addresses": addresses, "tries": tries, "accounts": accounts, "ago": ago}
    service.admin.execute(SPRAY, asked)


async def looked(target: Any, **settings: object) -> tuple[Finding, list[Cause]]:
    async with target(**settings) as connection:
        finding = await connection.checks["audit.logins"]()
    assert finding.status is not Status.UNKNOWN, finding.reason
    return finding, list(provider.explain([finding]))


async def test_many_addresses_that_each_try_little_are_one_attack(service: Any, target: Any) -> None:
    spray(service, 200, 4)
    _, [cause] = await looked(target)
    assert (cause.code, cause.object.kind, cause.object.id) == ("security.brute_force", "service", "shop")
    assert cause.object.detail == {"failures": 800, "addresses": 200}
    assert [r.action for r in cause.remedies] == ["block.crowd", "limits.step_up"]
    assert len(cause.remedies[0].args["addresses"]) == 200  # type: ignore[arg-type]


async def test_the_set_is_blocked_at_once_verified_and_released(service: Any, target: Any) -> None:
    spray(service, 200, 4, ago=20)
    honest = service.users(1)[0]
    async with target() as connection:
        [cause] = provider.explain([await connection.checks["audit.logins"]()])
        args = cause.remedies[0].args
        add, remove = connection.actions["block.crowd"], connection.actions["block.crowd_remove"]
        preview = await add.preview(args)
        service.login("198.19.0.5", honest)  # somebody who logs in since the set was approved
        outcome, after = await add.apply(args), await add.verify(args)
        again = await add.apply(args)
        healed = provider.explain([await connection.checks["audit.logins"]()])
        undone = await remove.apply(outcome.undo["args"])
        ended = await remove.verify(outcome.undo["args"])
    assert (preview.hits, preview.refused) == (1, "")
    assert preview.summary.startswith("block 200 addresses for 1440 min")
    assert (outcome.result, outcome.hits, after.verdict, again.hits) == (Result.DONE, 199, Verified.PASSED, 0)
    assert "1 stay open as shared" in after.summary
    assert healed == []
    assert (undone.hits, ended.verdict) == (199, Verified.PASSED)
    assert service.count("ip_blocklist") == 199  # the rows stay as a record


async def test_who_comes_later_joins_the_attack_that_is_blocked_already(service: Any, target: Any) -> None:
    """One address is no crowd by itself; but it is one more of the crowd that was answered."""
    spray(service, 50, 4)
    async with target() as connection:
        [cause] = provider.explain([await connection.checks["audit.logins"]()])
        await connection.actions["block.crowd"].apply(cause.remedies[0].args)
        for account in service.users(3):
            service.failures("198.19.77.1", account, 1)
        for account in service.users(2):
            service.failures("198.18.0.8", account, 1)  # no more than typos
        [late] = provider.explain([await connection.checks["audit.logins"]()])
    assert late.remedies[0].action == "block.crowd"
    assert late.remedies[0].args["addresses"] == ["198.19.77.1"]
    assert "50 of them are kept out by a block already" in late.evidence


async def test_the_victims_of_an_attack_that_is_blocked_are_not_locked_out_either(service: Any, target: Any) -> None:
    victims = service.users(10)
    for number in range(1, 41):
        for victim in victims:
            service.failures(f"198.19.{number}.1", victim, 1)
    async with target() as connection:
        [cause] = provider.explain([await connection.checks["audit.logins"]()])
        await connection.actions["block.crowd"].apply(cause.remedies[0].args)
        finding = await connection.checks["audit.logins"]()
    assert (finding.data["crowd"]["state"], finding.data["accounts"][0]["state"]) == ("handled", "running")
    assert provider.explain([finding]) == []


async def test_a_set_that_is_not_obeyed_fails_the_verification(service: Any, target: Any) -> None:
    args = {"addresses": ["198.19.0.5", "2001:db8:1:1::7"], "reason": "a crowd"}
    async with target() as connection:
        await connection.actions["block.crowd"].apply(args)
        service.admin.execute("update ip_blocklist set created_at = now() - interval '1 minute'")
        service.failures("2001:db8:1:1::9", None, 2)
        verified = await connection.actions["block.crowd"].verify(args)
    assert (verified.verdict, verified.evidence) == (
        Verified.FAILED, ("from 1 of them a password was tried since",),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("addresses", "said"),
    [
        ("198.19.0.5", "addresses must be a list of addresses"),
        (["198.19.0.5", "nowhere"], "neither an address nor a network"),
        ([f"198.19.0.{n}" for n in range(1, 8)], "addresses are 7, more than services.*.audit.max_crowd = 5"),
    ],
)
async def test_a_set_that_is_none_is_refused(service: Any, target: Any, addresses: object, said: str) -> None:
    async with target(max_crowd=5) as connection:
        action = connection.actions["block.crowd"]
        preview, outcome = await action.preview({"addresses": addresses}), await action.apply({"addresses": addresses})
    assert said in preview.refused
    assert (outcome.result, said in outcome.summary) == (Result.FAILED, True)
    assert service.count("ip_blocklist") == 0


async def test_an_empty_set_and_our_own_addresses_are_no_deed(service: Any, target: Any) -> None:
    own = ["127.0.0.1", "::ffff:127.0.0.1", "10.0.0.1", "203.0.113.9", "198.19.0.0/28"]  # two of them are one
    async with target(protected=["203.0.113.0/24"]) as connection:
        action = connection.actions["block.crowd"]
        for addresses in ([], own):
            args = {"addresses": addresses}
            preview, outcome = await action.preview(args), await action.apply(args)
            assert (preview.hits, outcome.result, outcome.hits) == (0, Result.DONE, 0)
    assert len([line for line in preview.items if line.startswith("stays open")]) == 4
    assert service.count("ip_blocklist") == 0


async def test_what_is_blocked_already_or_in_a_wider_block_is_not_blocked_twice(service: Any, target: Any) -> None:
    service.admin.execute(
        "insert into ip_blocklist (ip_address, reason, blocked_until) values"
        " ('198.19.0.0/28', 'wide', '2099-01-01'), ('2001:db8:1:1::/64', 'own', '2099-01-01')"
    )
    args = {"addresses": ["198.19.0.5", "2001:db8:1:1::7", "::ffff:198.19.0.77", "198.19.0.77"]}
    async with target() as connection:
        outcome = await connection.actions["block.crowd"].apply(args)
    assert (outcome.hits, service.count("ip_blocklist")) == (1, 3)


async def test_log_ins_that_are_broken_for_everybody_are_no_attack(service: Any, target: Any) -> None:
    spray(service, 300, 1, accounts=100_000)  # everybody tries their own account, from their own address
    spray(service, 300, 1, accounts=100_000, ago=30)
    _, causes = await looked(target)
    assert causes == []


async def test_people_who_log_in_there_are_no_part_of_a_crowd(service: Any, target: Any) -> None:
    spray(service, 60, 4)
    for number in range(1, 61):
        address = f"198.19.0.{number + 1}" if number % 2 == 0 else f"2001:db8:{number:x}:1::2"
        service.login(address, service.users(1)[0], ago=86400)
    finding, causes = await looked(target)
    assert (finding.data["crowd"], causes) == ({}, [])


async def test_one_attacker_among_people_with_typos_is_told_by_the_address(service: Any, target: Any) -> None:
    for account in service.users(30):
        service.failures("198.18.0.7", account, 30)
    spray(service, 40, 1)
    _, [cause] = await looked(target)
    assert (cause.object.kind, cause.object.id) == ("address", "198.18.0.7")


async def test_attempts_on_one_account_from_many_addresses_restrict_it(service: Any, target: Any) -> None:
    [victim] = service.users(1)
    for number in range(1, 121):
        service.failures(f"198.19.{number}.1", victim, 3)
    _, [cause] = await looked(target)
    assert (cause.object.kind, cause.object.id) == ("account", str(victim))
    assert [(r.action, r.args["kind"]) for r in cause.remedies] == [("account.restrict", "login")]


async def test_no_victim_of_a_crowd_is_locked_out(service: Any, target: Any) -> None:
    victims = service.users(30)
    for number in range(1, 41):
        for victim in victims:
            service.failures(f"198.19.{number}.1", victim, 1)
    _, [cause] = await looked(target)
    assert cause.object.kind == "service"
    assert [r.action for r in cause.remedies] == ["block.crowd", "limits.step_up"]


async def test_limits_are_stepped_up_once_verified_and_stepped_down(service: Any, target: Any) -> None:
    args = {"kind": "login", "divisor": 6, "minutes": 60, "reason": "a crowd"}
    spray(service, 60, 4)
    async with target() as connection:
        up, down = connection.actions["limits.step_up"], connection.actions["limits.step_down"]
        preview, before = await up.preview(args), await up.verify(args)
        outcome, after, again = await up.apply(args), await up.verify(args), await up.apply(args)
        assert (outcome.result, outcome.hits) == (Result.DONE, 1), outcome.summary
        [cause] = provider.explain([await connection.checks["audit.logins"]()])
        undone, ended = await down.apply(outcome.undo["args"]), await down.verify({"kind": "login"})
    assert (preview.hits, before.verdict) == (1, Verified.FAILED)
    assert (outcome.hits, again.hits, after.verdict) == (1, 0, Verified.PASSED)
    assert [r.action for r in cause.remedies] == ["block.crowd"]  # what stands is not proposed again
    assert "log-ins are limited 6 times as strictly already" in cause.evidence
    assert (undone.hits, ended.verdict, undone.undo["args"]) == (
        1, Verified.PASSED, {"kind": "login", "divisor": 6},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"kind": "everything"}, "kind must be one of login"),
        ({"divisor": 1}, "divisor must be a whole number from 2 to 20"),
        ({"divisor": 21}, "divisor must be a whole number from 1 to 20"),
        ({"minutes": 0}, "minutes must be a whole number from 1 to 1440"),
        ({"minutes": 1441}, "minutes must be a whole number from 1 to 1440"),
    ],
)
async def test_a_step_without_bounds_is_refused(service: Any, target: Any, more: dict[str, object], said: str) -> None:
    async with target() as connection:
        outcome = await connection.actions["limits.step_up"].apply({"kind": "login", "reason": "x", **more})
    assert (outcome.result, said in outcome.summary) == (Result.FAILED, True)
    assert service.count("limit_steps") == 0


async def test_a_service_without_such_a_table_is_not_offered_the_step(service: Any, target: Any) -> None:
    spray(service, 60, 4)
    _, [cause] = await looked(target, tables={"limits": "elsewhere.limit_steps"})
    assert [r.action for r in cause.remedies] == ["block.crowd"]


@pytest.mark.slow
async def test_five_thousand_addresses_are_judged_within_the_statement_s_time(service: Any, target: Any) -> None:
    """Beside a hundred thousand blocks that stand and a week of other people's log-ins."""
    service.admin.execute(
        "insert into ip_blocklist (ip_address, reason, blocked_until)"
        " select '203.0.112.0'::inet + n, 'x', '2099-01-01' from generate_series(1, 100000) n"
    )
    service.admin.execute(
        "insert into audit_logs (action, user_id, ip_address, created_at)"
        " select 'user.logged_in', gen_random_uuid(), '198.18.0.0'::inet + n %% 20000, now() - n * interval '10 s'"
        " from generate_series(1, 50000) n", [],
    )  # fmt: skip
    spray(service, 5000, 12, accounts=2000)
    async with target() as connection:
        finding = await connection.checks["audit.logins"]()
        assert finding.reason == ""
        [cause] = provider.explain([finding])
        outcome = await connection.actions["block.crowd"].apply(cause.remedies[0].args)
        verified = await connection.actions["block.crowd"].verify(cause.remedies[0].args)
    assert cause.object.detail == {"failures": 60000, "addresses": 5000}
    assert outcome.result is Result.DONE, outcome.summary
    assert (outcome.hits, verified.verdict) == (5000, Verified.PASSED)


async def test_letters_to_everybody_have_a_time_of_their_own(service: Any, target: Any) -> None:
    people = service.users(200)
    for person in people:
        service.did("data.exported", person, 1)
    service.admin.execute(
        "create or replace function slowly() returns trigger language plpgsql as"
        " $$ begin perform pg_sleep(0.5); return null; end $$;"
        " create or replace trigger slowly after insert on outbox for each statement execute function slowly();"
        " grant select, insert on outbox to operator"
    )
    args = {
        "campaign": "breach INC-1", "subject": "About your data", "body": "What happened.", "recipients": 200,
        "since": "2020-01-01T00:00:00Z", "until": "2099-01-01T00:00:00Z", "addresses": [], "accounts": [],
    }  # fmt: skip
    async with target(statement_timeout=0.2) as connection:
        outcome = await connection.actions["letters.queue"].apply(args)
        verified = await connection.actions["letters.queue"].verify(args)
    service.admin.execute("drop trigger slowly on outbox; truncate outbox")
    assert (outcome.result, outcome.hits, verified.verdict) == (Result.DONE, 200, Verified.PASSED), outcome.summary
