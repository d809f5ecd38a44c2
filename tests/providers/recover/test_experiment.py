"""The recovery experiment: everything that was deleted comes back, nothing newer is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from hutch.model.action import Result, Verified
from shop_world import OWNER, Shop

FIFTEEN = Path("/usr/lib/postgresql/15")
STATE = "select md5(string_agg(p::text, ',' order by id)) from portfolios p where {}"


async def test_five_hundred_parents_with_their_children_come_back_and_nothing_newer_is_touched(shop: Shop) -> None:
    await experiment(shop)


@pytest.mark.skipif(not (FIFTEEN / "bin/postgres").exists(), reason="no postgresql-15 is installed")
async def test_the_same_on_postgres_15(old_shop: Shop) -> None:
    await experiment(old_shop)


async def experiment(shop: Shop) -> None:
    """500 parents and 150 children deleted; 300 made and 99 edited since the backup; one deleted on purpose."""
    await shop.backup()
    whole = shop.one("select md5(string_agg(p::text, ',' order by id)) from portfolios p where id <= 500")
    pages = shop.one("select md5(string_agg(p::text, ',' order by portfolio_id)) from pages p")
    shop.run(
        "insert into portfolios (user_id, title, subdomain) select %s, 'new', 'n' || n from generate_series(1, 300) n",
        OWNER,
    )
    shop.run("update portfolios set title = 'edited', updated_at = now() where id between 501 and 599")
    assert shop.deleted("id = 700", by=OWNER) == 1  # meant
    newer = shop.one(STATE.format("id > 500"))
    assert shop.deleted("id <= 500") == 500

    async with shop.opened() as connection:
        action = connection.actions["recover.rows"]
        args = {"table": "portfolios", "triggers": ""}
        preview = await action.preview(args)
        print(preview.summary, *preview.items, sep="\n")
        assert not preview.refused, preview.refused
        assert shop.one("select count(*) from portfolios where id <= 500") == 0
        outcome = await action.apply(args)
        assert outcome.result is Result.DONE, outcome
        print(outcome)
        verification = await action.verify(args)
        print(verification)
        assert verification.verdict is Verified.PASSED
    assert shop.one(STATE.format("id <= 500")) == whole
    assert shop.one("select md5(string_agg(p::text, ',' order by portfolio_id)) from pages p") == pages
    assert shop.one(STATE.format("id > 500")) == newer
    assert shop.one("select count(*) from portfolios where id = 700") == 0
    orphans = "select count(*) from pages where portfolio_id not in (select id from portfolios)"
    assert shop.one(orphans) == 0
    assert shop.scratches() == []
