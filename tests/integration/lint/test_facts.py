"""What the pages of the Postgres rules call measured is measured here, on a real server: each test names its rules."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from rolerabbit.embedded.postgres import Postgres

ROWS = 500
TABLE = f"""
CREATE TABLE orders (id serial PRIMARY KEY, note text);
INSERT INTO orders (note) SELECT repeat('x', 50) FROM generate_series(1, {ROWS});
"""
Connection = psycopg.Connection[tuple[object, ...]]


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with Postgres.temporary() as running:
        yield running


@pytest.fixture
def shop(server: Postgres) -> Iterator[str]:
    """The address of a fresh database with a table of orders."""
    with closing(connected(server.url)) as admin:
        admin.execute("DROP DATABASE IF EXISTS shop WITH (FORCE)")
        admin.execute("CREATE DATABASE shop")
    url = server.url_for("shop")
    with closing(connected(url)) as made:
        made.execute(TABLE)
    yield url


def connected(url: str) -> Connection:
    return psycopg.connect(url, autocommit=True, options="-c statement_timeout=20s")


def one(connection: Connection, statement: str) -> object:
    row = connection.execute(statement).fetchone()
    assert row is not None
    return row[0]


def program(server: Postgres, name: str, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """A client program of the server's own, with the password in its environment."""
    with closing(connected(server.url)) as connection:
        info = connection.info
        env = {"PGHOST": info.host, "PGPORT": str(info.port), "PGUSER": info.user, "PGPASSWORD": info.password}
    return subprocess.run(
        [str(server.bin_dir / name), *words],
        env={"PATH": os.environ["PATH"], "LC_ALL": "C", **env},
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_cancelling_an_idle_transaction_frees_nothing(shop: str) -> None:
    """RB101."""
    with closing(connected(shop)) as holder, closing(connected(shop)) as other:
        holder.execute("BEGIN; LOCK TABLE orders")
        pid = holder.info.backend_pid
        assert one(other, f"SELECT pg_cancel_backend({pid})") is True
        other.execute("SET lock_timeout = '300ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            other.execute("SELECT count(*) FROM orders")
        assert one(other, f"SELECT pg_terminate_backend({pid}, 5000)") is True
        assert one(other, "SELECT count(*) FROM orders") == ROWS


def test_a_concurrent_build_runs_alone(server: Postgres, shop: str) -> None:
    """RB102."""
    build = "CREATE INDEX CONCURRENTLY by_note ON orders (note)"
    with closing(connected(shop)) as session, pytest.raises(psycopg.errors.ActiveSqlTransaction):
        session.execute("BEGIN")
        session.execute(build)
    both = program(server, "psql", "-d", "shop", "-c", f"SET lock_timeout = '5s'; {build}")
    assert both.returncode == 1 and "cannot run inside a transaction block" in both.stderr
    apart = program(server, "psql", "-d", "shop", "-c", "SET lock_timeout = '5s'", "-c", build)
    assert apart.returncode == 0, apart.stderr


def test_if_not_exists_keeps_the_invalid_index(shop: str) -> None:
    """RB103, RB106."""
    invalid = "SELECT count(*) FROM pg_index WHERE NOT indisvalid AND indexrelid = to_regclass('by_note')"
    with closing(connected(shop)) as session:
        with pytest.raises(psycopg.errors.UniqueViolation):
            session.execute("CREATE UNIQUE INDEX CONCURRENTLY by_note ON orders (note)")
        assert one(session, invalid) == 1
        session.execute("UPDATE orders SET note = id::text")
        session.execute("CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS by_note ON orders (note)")
        assert one(session, invalid) == 1
        session.execute("DROP INDEX CONCURRENTLY by_note")
        session.execute("CREATE UNIQUE INDEX CONCURRENTLY by_note ON orders (note)")
        assert one(session, invalid) == 0


@pytest.mark.parametrize(
    ("statement", "blocks"),
    [
        ("REINDEX TABLE orders", True),
        ("REINDEX TABLE CONCURRENTLY orders", False),
        ("DROP INDEX by_note", True),
        ("ALTER TABLE orders ADD COLUMN more text", True),
        ("VACUUM FULL orders", True),
        ("VACUUM orders", False),
    ],
)
def test_who_waits_behind_a_reader_holds_up_the_next(shop: str, statement: str, blocks: bool) -> None:
    """RB104, RB105, RB111, RB113."""
    with closing(connected(shop)) as reader, closing(connected(shop)) as waiter, closing(connected(shop)) as late:
        reader.execute("CREATE INDEX by_note ON orders (note)")
        reader.execute("BEGIN")
        assert one(reader, "SELECT count(*) FROM orders") == ROWS
        thread = threading.Thread(target=_until_cancelled, args=(waiter, statement))
        thread.start()
        try:
            _wait_for_lock(late, waiter.info.backend_pid, statement)
            late.execute("SET lock_timeout = '300ms'")
            if blocks:
                with pytest.raises(psycopg.errors.LockNotAvailable):
                    late.execute("SELECT count(*) FROM orders")
            else:
                assert one(late, "SELECT count(*) FROM orders") == ROWS
        finally:
            reader.execute("ROLLBACK")
            thread.join(30)
    assert not thread.is_alive()


def _until_cancelled(session: Connection, statement: str) -> None:
    session.execute(statement)


def _wait_for_lock(watcher: Connection, pid: int, statement: str) -> None:
    """Until the session waits for a lock, or is done (a plain VACUUM never waits)."""
    for _ in range(200):
        state = one(watcher, f"SELECT coalesce(wait_event_type, state) FROM pg_stat_activity WHERE pid = {pid}")
        if state == "Lock" or (statement == "VACUUM orders" and state in {"Client", "idle"}):
            return
        threading.Event().wait(0.02)
    raise AssertionError(f"{statement} neither waits nor ends")


def test_ddl_with_a_bound_gives_up(shop: str) -> None:
    """RB111."""
    with closing(connected(shop)) as reader, closing(connected(shop)) as ddl:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM orders")
        ddl.execute("SET lock_timeout = '200ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            ddl.execute("ALTER TABLE orders ADD COLUMN more text")


def test_a_dump_over_live_tables_restores_nothing_and_says_it_worked(server: Postgres, shop: str) -> None:
    """RB107."""
    dump = program(server, "pg_dump", "-d", "shop").stdout
    with closing(connected(shop)) as session:
        session.execute("DELETE FROM orders WHERE id <= 100")
        done = program(server, "psql", "-q", "-d", "shop", given=dump)
        assert done.returncode == 0
        assert done.stderr.count("ERROR:") >= 3
        assert one(session, "SELECT count(*) FROM orders") == ROWS - 100
        session.execute("CREATE DATABASE scratch")
    into = program(server, "psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", "scratch", given=dump)
    assert into.returncode == 0, into.stderr
    with closing(connected(server.url_for("scratch"))) as scratch:
        assert one(scratch, "SELECT count(*) FROM orders") == ROWS


def test_clean_loses_what_is_newer(server: Postgres, shop: str, tmp_path: Path) -> None:
    """RB108."""
    path = _dumped(server, tmp_path)
    with closing(connected(shop)) as session:
        session.execute("INSERT INTO orders (note) VALUES ('newer than the dump')")
        done = program(server, "pg_restore", "--clean", "-d", "shop", str(path))
        assert done.returncode == 0, done.stderr
        assert one(session, "SELECT count(*) FROM orders WHERE note LIKE 'newer%'") == 0


def test_a_restored_table_has_no_keys(server: Postgres, shop: str, tmp_path: Path) -> None:
    """RB109."""
    path = _dumped(server, tmp_path)
    with closing(connected(shop)) as session:
        again = program(server, "pg_restore", "--data-only", "-t", "orders", "-d", "shop", str(path))
        assert again.returncode == 1 and "duplicate key" in again.stderr
        session.execute("DROP TABLE orders")
        program(server, "pg_restore", "-t", "orders", "-d", "shop", str(path))
        assert one(session, "SELECT count(*) FROM orders") == ROWS
        assert one(session, "SELECT count(*) FROM pg_index WHERE indrelid = 'orders'::regclass") == 0
        assert one(session, "SELECT count(*) FROM pg_attrdef WHERE adrelid = 'orders'::regclass") == 0
        with pytest.raises(psycopg.errors.NotNullViolation):
            session.execute("INSERT INTO orders (note) VALUES ('no number')")


def _dumped(server: Postgres, folder: Path) -> Path:
    path = folder / "shop.dump"
    done = program(server, "pg_dump", "-Fc", "-d", "shop", "-f", str(path))
    assert done.returncode == 0, done.stderr
    return path


def test_a_sequence_set_back_gives_numbers_twice(shop: str) -> None:
    """RB116."""
    with closing(connected(shop)) as session:
        session.execute(f"DELETE FROM orders WHERE id > {ROWS - 50}")
        session.execute("SELECT setval('orders_id_seq', (SELECT max(id) FROM orders))")
        assert one(session, "INSERT INTO orders (note) VALUES ('again') RETURNING id") == ROWS - 49
        upwards = "greatest((SELECT max(id) FROM orders), (SELECT last_value FROM orders_id_seq))"
        before = one(session, "SELECT last_value FROM orders_id_seq")
        session.execute("DELETE FROM orders")
        session.execute(f"SELECT setval('orders_id_seq', {upwards})")
        assert one(session, "SELECT last_value FROM orders_id_seq") == before


def test_read_only_lets_through_what_ends_sessions(shop: str) -> None:
    """RB117."""
    with closing(connected(shop)) as victim, closing(connected(shop)) as session:
        session.execute("BEGIN READ ONLY")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            session.execute("DELETE FROM orders")
        session.execute("ROLLBACK; BEGIN READ ONLY")
        for call in ("pg_reload_conf()", "pg_stat_reset()", "pg_notify('a', 'b')", "pg_advisory_lock(7)"):
            session.execute(f"SELECT {call}")
        assert one(session, f"SELECT pg_terminate_backend({victim.info.backend_pid}, 5000)") is True
        with pytest.raises(psycopg.OperationalError):
            victim.execute("SELECT 1")


def test_damage_shows_to_amcheck_and_not_to_statistics(server: Postgres, shop: str) -> None:
    """RB112, RB115."""
    with closing(connected(shop)) as session:
        session.execute("CREATE EXTENSION amcheck; CHECKPOINT")
        path = server.data_dir / str(one(session, "SELECT pg_relation_filepath('orders')"))
        size = one(session, "SELECT pg_relation_size('orders')")
    server.stop()
    with path.open("r+b") as file:
        file.seek(8192 + 100)
        file.write(b"\xff" * 2000)
    server.start()
    with closing(connected(shop)) as session:
        assert one(session, "SELECT pg_relation_size('orders')") == size
        assert one(session, "SELECT count(*) FROM pg_stat_database WHERE datname = 'shop'") == 1
        checked = program(server, "pg_amcheck", "--heapallindexed", "--database", "shop", "--table", "orders")
        assert checked.returncode == 2 and "invalid page in block 1" in checked.stdout + checked.stderr
        dumped = program(server, "pg_dump", "-d", "shop")
        assert dumped.returncode == 1 and "invalid page in block 1" in dumped.stderr
        rebuilt = program(server, "psql", "-d", "shop", "-c", "REINDEX DATABASE shop")
        assert rebuilt.returncode == 1 and "invalid page in block 1" in rebuilt.stderr
        session.execute("SET zero_damaged_pages = on")
        left = one(session, "SELECT count(*) FROM orders")
        assert isinstance(left, int) and 0 < left < ROWS
