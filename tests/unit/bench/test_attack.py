"""From when on an address was over the threshold: by what it did itself, never by when others began."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bench.attack import over_since

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
Row = tuple[str, str, datetime]


def at(second: float) -> datetime:
    return NOON + timedelta(seconds=second)


def tries(network: str, accounts: str, begin: float) -> list[Row]:
    return [(network, account, at(begin + number)) for number, account in enumerate(accounts)]


CROWD = [row for n in range(30) for row in tries(f"198.19.0.{n}/32", "abcde", n / 100)]


def test_one_address_is_over_with_its_eleventh_failure() -> None:
    assert over_since(tries("198.19.9.9/32", "a" * 12, 0)) == {"198.19.9.9/32": at(10)}
    assert over_since(tries("198.19.9.9/32", "abcdefghij", 0)) == {}


def test_of_a_crowd_each_is_over_when_it_is_one_and_it_did_itself_what_people_hardly_do() -> None:
    found = over_since(sorted(CROWD, key=lambda row: row[2]))
    assert (len(found), set(found.values())) == (30, {at(4)})  # the fifth account: before that it is one on four


def test_who_joins_a_crowd_later_is_dated_by_its_own_attempts() -> None:
    late = [*tries("198.19.9.9/32", "abc", 300), *tries("198.19.9.8/32", "aa", 300)]
    found = over_since([*sorted(CROWD, key=lambda row: row[2]), *late])
    assert (found["198.19.9.9/32"], "198.19.9.8/32" in found) == (at(302), False)
