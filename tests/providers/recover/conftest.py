"""The shop, for each test anew, on one server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rolerabbit.embedded.postgres import Postgres
from shop_world import OWNER, SCHEMA, VANDAL, Shop, database

FIFTEEN = Path("/usr/lib/postgresql/15")


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    with Postgres.temporary() as postgres:
        yield postgres


@pytest.fixture
def empty(server: Postgres, tmp_path: Path) -> Iterator[Shop]:
    with database(server, "shop"):
        yield Shop(server, "shop", tmp_path / "backups")


@pytest.fixture
def shop(empty: Shop) -> Shop:
    return filled(empty)


@pytest.fixture
def old_shop(tmp_path: Path) -> Iterator[Shop]:
    """The same on Postgres 15, as Debian installs it."""
    with Postgres.temporary(install=FIFTEEN, shared_preload_libraries="") as server, database(server, "shop"):
        yield filled(Shop(server, "shop", tmp_path / "backups"))


def filled(empty: Shop) -> Shop:
    """900 portfolios, 150 pages of the first 150 of them."""
    empty.run(SCHEMA)
    empty.run("insert into users (id, email) values (%s, 'owner'), (%s, 'vandal')", OWNER, VANDAL)
    empty.run(
        "insert into portfolios (user_id, title, subdomain)"
        " select %s, 'p' || n, 's' || n from generate_series(1, 900) n",
        OWNER,
    )
    empty.run("insert into pages select n, 1, 'body ' || n from generate_series(1, 150) n")
    return empty
