from __future__ import annotations

from typing import Any
from uuid import UUID

from hutch.detection.standing import CONFIDENT
from hutch.model.action import Verified
from hutch.model.finding import Cause, Finding, Status
from hutch.providers.audit import provider

DAY, HOUR = 86400.0, 3600.0


async def looked(target: Any, check: str, **settings: object) -> tuple[Finding, list[Cause]]:
    async with target(**settings) as connection:
        finding = await connection.checks[check]()
    assert finding.status is not Status.UNKNOWN, finding.reason
    return finding, list(provider.explain([finding]))


async def test_an_export_storm_is_named_with_both_restrictions(service: Any, target: Any) -> None:
    thief, *others = service.users(10)
    for account in others:
        service.did("data.exported", account, 2, ago=HOUR)
    service.did("data.exported", thief, 60, ago=2, address="198.18.3.3")
    finding, [cause] = await looked(target, "audit.exports")
    assert finding.status is Status.BAD
    assert (cause.code, cause.object.kind, cause.object.id) == ("security.mass_export", "account", str(thief))
    assert cause.object.detail["count"] == 60
    assert [(r.action, r.args["kind"]) for r in cause.remedies] == [
        ("account.restrict", "export"),
        ("account.restrict", "all"),
    ]
    assert any("no habit" in line for line in cause.evidence)
    assert any("never did so before" in line for line in cause.evidence)


async def test_a_nightly_export_is_a_habit_and_a_storm_by_the_same_account_is_not(service: Any, target: Any) -> None:
    [nightly] = service.users(1)
    for night in range(6):
        service.did("data.exported", nightly, 40, ago=night * DAY + 60)
    finding, causes = await looked(target, "audit.exports")
    assert (finding.status, causes) == (Status.OK, [])
    service.did("data.exported", nightly, 200, ago=5, gap=0.1)
    _, [cause] = await looked(target, "audit.exports")
    assert cause.object.detail["count"] == 240
    assert any("40 for this account" in line for line in cause.evidence)


async def test_yesterday_s_storm_is_no_habit(service: Any, target: Any) -> None:
    [thief] = service.users(1)
    service.did("data.exported", thief, 80, ago=DAY + HOUR)
    service.did("data.exported", thief, 80, ago=60)
    _, causes = await looked(target, "audit.exports")
    assert [cause.object.id for cause in causes] == [str(thief)]


async def test_where_everybody_exports_much_it_is_usual(service: Any, target: Any) -> None:
    for account in service.users(30):
        service.did("data.exported", account, 10, ago=3 * DAY)
    [late] = service.users(1)
    service.did("data.exported", late, 25, ago=60)
    assert (await looked(target, "audit.exports"))[1] == []


async def test_deletions_are_named_with_what_recovery_starts_from(service: Any, target: Any) -> None:
    [vandal] = service.users(1)
    service.did("portfolio.deleted", vandal, 120, ago=3, gap=0.5)
    _, [cause] = await looked(target, "audit.deletions")
    assert (cause.code, cause.object.kind, cause.object.id) == ("data.mass_deletion", "account", str(vandal))
    assert cause.object.detail["count"] == 120
    assert str(cause.object.detail["first"]) < str(cause.object.detail["last"])
    assert [(r.action, r.args["kind"]) for r in cause.remedies] == [("account.restrict", "all")]
    assert "120 × portfolio.deleted" in cause.evidence[0]


async def test_three_of_one_s_own_and_what_was_just_made_are_no_mass_deletion(service: Any, target: Any) -> None:
    tidy, busy = service.users(2)
    service.did("portfolio.deleted", tidy, 3)
    made_and_deleted(service, busy, 60)
    finding, causes = await looked(target, "audit.deletions")
    assert (finding.status, causes) == (Status.OK, [])
    assert finding.data["total"] == 63
    service.did("portfolio.deleted", busy, 30)
    assert [c.object.detail["count"] for c in (await looked(target, "audit.deletions"))[1]] == [30]


def made_and_deleted(service: Any, account: UUID, count: int) -> None:
    service.did("portfolio.created", account, count, ago=300)
    service.admin.execute(
        "insert into audit_logs (action, user_id, ip_address, details, created_at) select 'portfolio.deleted',"
        " user_id, ip_address, details, now() from audit_logs where action = 'portfolio.created'"
    )


async def test_a_nightly_purge_is_a_habit(service: Any, target: Any) -> None:
    [keeper] = service.users(1)
    for night in range(5):
        service.did("portfolio.deleted", keeper, 200, ago=night * DAY + 60, gap=0.1)
    assert (await looked(target, "audit.deletions"))[1] == []


async def test_what_was_long_ago_is_told_and_no_cause(service: Any, target: Any) -> None:
    service.did("data.exported", service.users(1)[0], 60, ago=2 * HOUR)
    finding, causes = await looked(target, "audit.exports")
    assert (finding.status, causes) == (Status.WARN, [])


async def test_the_proposed_restriction_ends_the_cause_while_it_is_obeyed(service: Any, target: Any) -> None:
    [thief] = service.users(1)
    service.did("data.exported", thief, 60, ago=10)
    async with target() as connection:
        [cause] = provider.explain([await connection.checks["audit.exports"]()])
        remedy = cause.remedies[1]
        outcome = await connection.actions[remedy.action].apply(remedy.args)
        verified = await connection.actions[remedy.action].verify(remedy.args)
        healed = provider.explain([await connection.checks["audit.exports"]()])
        service.admin.execute("update account_restrictions set created_at = now() - interval '1 minute'")
        service.did("data.exported", thief, 1)
        again = provider.explain([await connection.checks["audit.exports"]()])
    assert (outcome.hits, verified.verdict, healed) == (1, Verified.PASSED, [])
    assert [c.code for c in again] == ["security.mass_export"]


async def test_refused_requests_name_the_account_or_the_address(service: Any, target: Any) -> None:
    [prober] = service.users(1)
    refusals(service, prober, "198.18.1.1", 15)
    refusals(service, None, "198.18.2.2", 20)
    refusals(service, service.users(1)[0], "198.18.1.3", 8)
    _, causes = await looked(target, "audit.refused")
    assert {c.code for c in causes} == {"security.unauthorized_access"}
    assert [(c.object.kind, c.object.id) for c in causes] == [("address", "198.18.2.2"), ("account", str(prober))]
    assert [(r.action, r.args.get("address") or r.args["account"]) for c in causes for r in c.remedies] == [
        ("block.add", "198.18.2.2"),
        ("account.restrict", str(prober)),
    ]


def refusals(service: Any, account: UUID | None, address: str, count: int) -> None:
    service.admin.execute(
        "insert into security_logs (event_type, user_id, ip_address) select 'UNAUTHORIZED_ACCESS', %s, %s"
        " from generate_series(1, %s)",
        [account, address, count],
    )


async def test_who_is_restricted_already_is_refused_rightly(service: Any, target: Any) -> None:
    [prober] = service.users(1)
    refusals(service, prober, "198.18.1.1", 15)
    async with target() as connection:
        await connection.actions["account.restrict"].apply({"account": str(prober)})
    assert (await looked(target, "audit.refused"))[1] == []


async def test_samples_are_per_minute_and_none_without_a_server(service: Any, target: Any) -> None:
    [account] = service.users(1)
    service.failures("198.18.0.1", account, 4)
    service.did("data.exported", account, 2, ago=1)
    service.did("portfolio.deleted", account, 90)  # one a second: a minute's worth
    async with target() as connection, target(url="postgresql://x@127.0.0.1:1/shop") as nowhere:
        assert connection.scrape and nowhere.scrape
        values = {sample.name: sample.value for sample in await connection.scrape()}
        assert await nowhere.scrape() == []
    assert (values["failed_logins_per_minute"], values["exports_per_minute"]) == (4, 2)
    assert 55 <= values["deletions_per_minute"] <= 61


async def test_forty_old_tokens_from_one_address_open_an_incident_by_themselves(service: Any, target: Any) -> None:
    service.admin.execute(
        "insert into security_logs (event_type, ip_address) select 'UNAUTHORIZED_ACCESS', '198.19.0.7'"
        " from generate_series(1, 40)"
    )
    async with target() as connection:
        [cause] = provider.explain([await connection.checks["audit.refused"]()])
    assert (cause.object.kind, cause.object.id) == ("address", "198.19.0.7")
    assert cause.confidence >= CONFIDENT
