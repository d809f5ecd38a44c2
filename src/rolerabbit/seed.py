"""Fills an empty database with users and portfolios; the same numbers and seed give the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

from psycopg import Connection, sql

SEED_PASSWORD: Final = "correct-horse-rabbit"  # noqa: S105 - the same for every made-up account, and documented
SEED_HASH: Final = "$argon2id$v=19$m=7168,t=5,p=1$cm9sZXJhYmJpdC1zZWVkIQ$j+rLrMe7wY26GhvUM9kUofXYTyVaDYBFvqWSLwbY8Zc"
"""argon2id of `SEED_PASSWORD`, made once: hashing it for each user would take most of the time."""
START: Final = datetime(2025, 1, 1, tzinfo=UTC)

# fmt: off
_WORDS: Final = [
    "amber", "anchor", "birch", "cobalt", "delta", "ember", "fable", "garnet",
    "harbor", "indigo", "juniper", "kestrel", "lantern", "meadow", "nectar", "orchid",
    "pebble", "quartz", "river", "saffron", "timber", "umber", "velvet", "willow",
]
# fmt: on
_USER_COLUMNS: Final = ("id", "email", "name", "password_hash", "created_at", "updated_at")
_PORTFOLIO_COLUMNS: Final = (
    "id",
    "user_id",
    "title",
    "content",
    "subdomain",
    "published",
    "visibility",
    "created_at",
    "updated_at",
)


@dataclass(frozen=True, slots=True)
class Seeded:
    """How many rows were new; rows that were there already are left as they are."""

    users: int
    portfolios: int


def fill(connection: Connection[Any], users: int, portfolios: int, seed: int) -> Seeded:
    """Insert `users` users and `portfolios` portfolios in one transaction; running it twice adds nothing."""
    rng = Random(seed)  # noqa: S311 - reproducible rows, no secrets
    people = list(user_rows(rng, users))
    owned = list(portfolio_rows(rng, [row[0] for row in people], portfolios))
    with connection.transaction():
        return Seeded(
            _copy(connection, "users", _USER_COLUMNS, people),
            _copy(connection, "portfolios", _PORTFOLIO_COLUMNS, owned),
        )


def user_rows(rng: Random, count: int) -> Iterator[tuple[Any, ...]]:
    """One row a user: `user-0001@example.com` and so on."""
    for number in range(1, count + 1):
        at = _moment(rng)
        name = f"{rng.choice(_WORDS).title()} {rng.choice(_WORDS).title()}"
        yield (_uuid(rng), f"user-{number:04d}@example.com", name, SEED_HASH, at, at)


def portfolio_rows(rng: Random, owners: list[UUID], count: int) -> Iterator[tuple[Any, ...]]:
    """One row a portfolio, three of four published; subdomains are `WORD-NUMBER`."""
    for number in range(1, count + 1 if owners else 0):
        at = _moment(rng)
        word = rng.choice(_WORDS)
        content = "\n\n".join(_sentence(rng) for _ in range(rng.randint(1, 4)))
        visibility = rng.choices(("public", "unlisted", "private"), (8, 1, 1))[0]
        published = rng.random() < 0.75
        yield (
            _uuid(rng),
            rng.choice(owners),
            f"The {word} collection",
            content,
            f"{word}-{number}",
            published,
            visibility,
            at,
            at,
        )


def _copy(connection: Connection[Any], table: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> int:
    staging, target = sql.Identifier(f"seed_{table}"), sql.Identifier(table)
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    connection.execute(
        sql.SQL("CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT {} FROM {} LIMIT 0").format(staging, names, target)
    )
    with connection.cursor() as cursor:
        with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(staging, names)) as copy:
            for row in rows:
                copy.write_row(row)
        cursor.execute(
            sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} ON CONFLICT DO NOTHING").format(
                target, names, names, staging
            )
        )
        return cursor.rowcount


def _uuid(rng: Random) -> UUID:
    return UUID(int=rng.getrandbits(128), version=4)


def _moment(rng: Random) -> datetime:
    return START + timedelta(minutes=rng.randrange(365 * 24 * 60))


def _sentence(rng: Random) -> str:
    return " ".join(rng.choices(_WORDS, k=rng.randint(6, 14))).capitalize() + "."
