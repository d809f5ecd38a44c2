"""Every remedy on Postgres 15, as Debian installs it: found missing, done, verified, and not done twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hutch.model.action import Result, Verified
from hutch.ports import TargetConfig
from hutch.providers.postgres import provider
from remedy_world import CASES, Shop, shop

FIFTEEN = Path("/usr/lib/postgresql/15")
pytestmark = pytest.mark.skipif(not (FIFTEEN / "bin/postgres").exists(), reason="no postgresql-15 is installed")


@pytest.fixture(scope="module")
def old() -> Iterator[Shop]:
    with shop(install=FIFTEEN, shared_preload_libraries="") as world:
        yield world


@pytest.mark.parametrize("name", [case.name for case in CASES])
async def test_it_works_there(old: Shop, name: str) -> None:
    old.renew()
    case = old.completed(next(c for c in CASES if c.name == name))
    connection = provider.open(TargetConfig("shop", old.settings, lambda: datetime.now(UTC)))
    try:
        action = connection.actions[f"postgres.{name}"]
        preview, before, outcome = await action.preview(case.args), await action.verify(case.args), None
        outcome = await action.apply(case.args)
        after, again = await action.verify(case.args), await action.apply(case.args)
    finally:
        await connection.close()
    assert (preview.refused, preview.hits) == ("", 1)
    assert (before.verdict, outcome.result, after.verdict) == (Verified.FAILED, Result.DONE, Verified.PASSED), outcome
    assert old.value(case.made)
    assert again.result is Result.DONE
    assert (again.hits == 0) != case.repeats


async def test_who_lacks_a_right_hears_which(old: Shop) -> None:
    """Before 16 there is no ADMIN OPTION to give, and before 17 no MAINTAIN."""
    old.renew()
    connection = provider.open(
        TargetConfig(
            "shop", {**old.settings, "owner_url": None, "operator_url": old.url("app")}, lambda: datetime.now(UTC)
        )
    )
    try:
        refused = {c.name: (await connection.actions[f"postgres.{c.name}"].preview(c.args)).refused for c in CASES[1:]}
    finally:
        await connection.close()
    assert "member of its owner shop_owner" in refused["vacuum"]
    assert "ALTER ROLE app REPLICATION" in refused["drop_slot"]
    assert refused["set_role_timeout"] == "", "a role may set its own time-outs"
    assert all(said for name, said in refused.items() if name != "set_role_timeout"), refused
