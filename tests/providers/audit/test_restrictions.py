from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hutch.model.action import Result, Verified

BOTH = ("account.restrict", "account.unrestrict")


async def test_an_account_is_restricted_once_and_freed_again(service: Any, target: Any) -> None:
    [account] = service.users(1)
    args = {"account": str(account), "kind": "login", "hours": 3, "reason": "attacked"}
    async with target() as one, target() as two:
        restrict, free = one.actions["account.restrict"], one.actions["account.unrestrict"]
        preview, before = await restrict.preview(args), await restrict.verify(args)
        outcomes = await asyncio.gather(*(c.actions["account.restrict"].apply(args) for c in (one, two, one)))
        after, again = await restrict.verify(args), await restrict.preview(args)
        [undo] = [o.undo for o in outcomes if o.hits]
        freed = await free.apply(undo["args"])
        gone = await free.verify(undo["args"])
    assert (preview.hits, preview.refused, before.verdict) == (1, "", Verified.FAILED)
    assert "p•••@example.com" in preview.items[0]
    assert sorted(o.hits for o in outcomes) == [0, 0, 1]
    assert (after.verdict, again.hits) == (Verified.PASSED, 0)
    assert (freed.hits, gone.verdict) == (1, Verified.PASSED)
    assert freed.undo["args"] == {**args, "reason": "restricted again"}
    assert service.count("account_restrictions") == 1


async def test_a_restriction_of_everything_covers_the_others_and_not_the_other_way(service: Any, target: Any) -> None:
    account = str(service.users(1)[0])
    async with target() as connection:
        restrict = connection.actions["account.restrict"]
        hits = [(await restrict.apply({"account": account, "kind": kind})).hits for kind in ("login", "all", "login")]
        freed = await connection.actions["account.unrestrict"].apply({"account": account})
    assert (hits, freed.hits) == ([1, 1, 0], 2)


async def test_protected_and_unknown_accounts_are_refused(service: Any, target: Any) -> None:
    boss, admin = service.users(2)
    service.admin.execute("update users set email = 'Root@Example.com' where id = %s", [admin])
    nobody = "00000000-0000-0000-0000-000000000000"
    async with target(protected_accounts=[str(boss), "root@example.com"]) as connection:
        restrict = connection.actions["account.restrict"]
        for account, said in ((boss, "protected_accounts"), (admin, "protected_accounts"), (nobody, "no account")):
            preview, outcome = (
                await restrict.preview({"account": str(account)}),
                await restrict.apply({"account": str(account)}),
            )
            assert said in preview.refused
            assert (outcome.result, said in outcome.summary) == (Result.FAILED, True)
    assert service.count("account_restrictions") == 0


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({}, "account must be text"),
        ({"account": "x", "kind": "some"}, "kind must be one of all, login, export"),
        ({"account": "x", "hours": 721}, "hours must be a whole number from 1 to 720"),
        ({"account": "' or true --"}, "there is no account ' or true --"),
    ],
)
async def test_bad_arguments_are_refused(service: Any, target: Any, args: dict[str, object], said: str) -> None:
    service.users(1)
    async with target() as connection:
        preview = await connection.actions["account.restrict"].preview(args)
        outcome = await connection.actions["account.restrict"].apply(args)
    assert said in preview.refused
    assert said in outcome.summary
    assert service.count("account_restrictions") == 0


async def test_without_an_operator_nothing_is_changed(service: Any, target: Any) -> None:
    account = str(service.users(1)[0])
    async with target(operator_url=None) as connection:
        preview = await connection.actions["account.restrict"].preview({"account": account})
        outcomes = [
            await connection.actions[f"account.{n}"].apply({"account": account}) for n in ("restrict", "unrestrict")
        ]
    assert "operator_url" in preview.refused
    assert {o.result for o in outcomes} == {Result.FAILED}


async def test_without_a_server_verification_can_not_tell(service: Any, target: Any) -> None:
    async with target(url="postgresql://x:hidden-word@127.0.0.1:1/shop") as connection:
        verified = [
            await connection.actions[f"account.{n}"].verify({"account": "x"}) for n in ("restrict", "unrestrict")
        ]
    assert {v.verdict for v in verified} == {Verified.UNKNOWN}
    assert "hidden-word" not in repr(verified)
