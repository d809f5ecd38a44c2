"""Made-up rows."""

from __future__ import annotations

from random import Random
from uuid import UUID

from rolerabbit.passwords import matches
from rolerabbit.seed import SEED_HASH, SEED_PASSWORD, portfolio_rows, user_rows


async def test_the_shared_hash_is_of_the_shared_password() -> None:
    assert await matches(SEED_HASH, SEED_PASSWORD)
    assert not await matches(SEED_HASH, SEED_PASSWORD + "!")


def test_the_same_seed_gives_the_same_rows() -> None:
    first, again, other = (list(user_rows(Random(seed), 20)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_subdomains_are_unique_and_owners_exist() -> None:
    owners = [UUID(int=n) for n in range(5)]
    rows = list(portfolio_rows(Random(1), owners, 300))
    assert len({row[4] for row in rows}) == 300
    assert {row[1] for row in rows} == set(owners)
    assert 0.6 < sum(row[5] for row in rows) / 300 < 0.9


def test_without_users_there_are_no_portfolios() -> None:
    assert list(portfolio_rows(Random(1), [], 10)) == []
