"""What SQLite adds to the contract: the file, its transactions, its limits and its errors."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from hutch.model.event import ERASED, Draft, find_break
from hutch.ports import Append, Conflict, Job, StoreFull
from hutch.queue.local import LocalQueue
from hutch.store.errors import StoreError
from hutch.store.prepared import plain
from hutch.store.sqlite import SqliteStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "hutch.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path)
    yield store
    await store.close()


def append(stream: str, text: str = "", expect: int | None = None) -> Append:
    return Append(stream, (Draft("noted", {"text": text}),), expect)


@contextmanager
def on_connect(statement: str) -> Iterator[None]:
    """Runs ``statement`` on each new SQLite connection."""

    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(statement).close()

    event.listen(Engine, "connect", prepare)
    try:
        yield
    finally:
        event.remove(Engine, "connect", prepare)


@contextmanager
def statements(store: SqliteStore) -> Iterator[list[str]]:
    """Collects what the writer sends to SQLite."""
    seen: list[str] = []
    driver = plain(store._database._connection)
    driver.set_trace_callback(seen.append)
    try:
        yield seen
    finally:
        driver.set_trace_callback(None)


def sql(path: Path, *commands: str) -> list[tuple[object, ...]]:
    """Run commands as another program would; the rows of the last one."""
    rows: list[tuple[object, ...]] = []
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for command in commands:
            rows = connection.execute(command).fetchall()
    return rows


# ------------------------------------------------------------------ the file


async def test_the_file_is_for_its_owner_only(store: SqliteStore, path: Path) -> None:
    await store.commit([append("run:1")])
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}
    assert path.with_name("hutch.db-wal") in path.parent.iterdir()


async def test_the_modes_of_what_was_there_stay(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    await SqliteStore(tmp_path / "hutch.db").close()
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o750


async def test_closing_leaves_one_file_with_everything(store: SqliteStore, path: Path) -> None:
    await store.commit([append("run:1")])
    await store.close()
    assert list(path.parent.iterdir()) == [path]
    again = SqliteStore(path)
    assert len(await again.read("run:1")) == 1
    await again.close()


async def test_close_writes_what_is_pending_and_may_be_repeated(store: SqliteStore, path: Path) -> None:
    pending = [asyncio.create_task(store.commit([append("run:1")])) for _ in range(50)]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*pending)
    await store.close()
    assert sql(path, "SELECT count(*) FROM events") == [(50,)]


async def test_a_closed_store_says_so(store: SqliteStore) -> None:
    await store.close()
    with pytest.raises(StoreError, match="already closed"):
        await store.commit([append("run:1")])
    with pytest.raises(StoreError, match="already closed"):
        await store.read("run:1")


async def test_the_disk_is_synced_for_each_transaction(store: SqliteStore, path: Path) -> None:
    connection = store._database._connection
    with connection.begin():
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2}


# ------------------------------------------------------------------ transactions


async def test_every_write_begins_immediate(store: SqliteStore) -> None:
    with statements(store) as seen:
        await store.commit([append("run:1")])
    assert [statement for statement in seen if statement.startswith("BEGIN")] == ["BEGIN IMMEDIATE"]
    assert seen.index("BEGIN IMMEDIATE") == 0


async def test_commits_that_wait_share_a_transaction(store: SqliteStore) -> None:
    with statements(store) as seen:
        await asyncio.gather(*(store.commit([append("run:1")]) for _ in range(100)))
    begun = seen.count("BEGIN IMMEDIATE")
    assert 1 <= begun < 50
    assert len(await store.read("run:1")) == 100


async def test_a_cancelled_commit_is_written_all_the_same(store: SqliteStore) -> None:
    writing = asyncio.create_task(store.commit([append("run:1")]))
    await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    await store.commit([append("run:2")])
    assert len(await store.read("run:1")) == 1


async def test_reads_go_on_while_another_program_writes(store: SqliteStore, path: Path) -> None:
    await store.commit([append("run:1")])
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM events")
        assert len(await asyncio.wait_for(store.read("run:1"), 5)) == 1
        other.execute("ROLLBACK")


async def test_a_writer_that_waits_goes_on_when_the_other_program_is_done(store: SqliteStore, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(store.commit([append("run:1")]))
        await asyncio.sleep(0.2)
        assert not writing.done()
        other.execute("ROLLBACK")
        assert [written.seq for written in await writing] == [1]


async def test_a_writer_that_waits_too_long_says_so(path: Path) -> None:
    with on_connect("PRAGMA busy_timeout=50"):
        store = SqliteStore(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another process has held the store"):
            await store.commit([append("run:1")])
        other.execute("ROLLBACK")
    assert len(await store.commit([append("run:1")])) == 1
    await store.close()


# ------------------------------------------------------------------ a full disk


@pytest.fixture
async def small(path: Path) -> AsyncIterator[SqliteStore]:
    """A store on a disk with little room: SQLite itself says that it is full."""
    with on_connect("PRAGMA max_page_count=40"):
        store = SqliteStore(path)
        yield store
        await store.close()


async def test_a_full_disk_refuses_and_keeps_what_was_acknowledged(small: SqliteStore) -> None:
    acknowledged = 0
    with pytest.raises(StoreFull, match="disk is full"):
        while True:
            acknowledged += len(await small.commit([append("run:1", "x" * 2000)]))
    assert acknowledged > 5
    chain = await small.read("run:1")
    assert len(chain) == acknowledged
    assert find_break(chain) is None


async def test_a_full_disk_writes_neither_event_nor_job(small: SqliteStore) -> None:
    with pytest.raises(StoreFull):
        await small.commit([append("run:1", "x" * 500_000)], [Job("drive", "run:1")])
    assert await small.streams() == []
    assert await LocalQueue(small).take(["drive"]) is None


async def test_one_that_finds_no_room_does_not_hurt_those_that_do(small: SqliteStore) -> None:
    texts = ["a", "x" * 500_000, "b", "y" * 500_000, "c"]
    commits = [small.commit([append(f"run:{n}", text, expect=0)]) for n, text in enumerate(texts)]
    results = await asyncio.gather(*commits, small.commit([append("run:0", expect=9)]), return_exceptions=True)
    kinds = [type(result) for result in results]
    assert kinds == [list, StoreFull, list, StoreFull, list, Conflict]
    assert sorted(await small.streams()) == ["run:0", "run:2", "run:4"]


# ------------------------------------------------------------------ erasure


async def test_erased_data_is_gone_from_the_disk_and_the_chain_holds(store: SqliteStore, path: Path) -> None:
    secret = "jane.roe@example.org " * 300
    await store.commit([append("run:1"), append("run:1", secret), append("run:1")])
    assert await store.erase("run:1", 2)
    chain = await store.read("run:1")
    assert (chain[1].data, chain[1].salt) == (ERASED, "")
    assert find_break(chain) is None
    await store.commit([append("run:1")])
    assert not any(b"jane.roe" in file.read_bytes() for file in path.parent.iterdir())


async def test_erasing_what_is_not_there(store: SqliteStore) -> None:
    await store.commit([append("run:1")])
    assert not await store.erase("run:1", 2)
    assert not await store.erase("run:2", 1)


# ------------------------------------------------------------------ what can't be opened


def test_not_a_database(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("this is a text, and a long one at that\n" * 100)
    with pytest.raises(StoreError, match=r"hutch.db: not a database; name another file"):
        SqliteStore(path)
    assert path.read_text().startswith("this is a text")


def test_the_database_of_some_other_program(path: Path) -> None:
    path.parent.mkdir()
    sql(path, "CREATE TABLE cookies (name TEXT)")
    with pytest.raises(StoreError, match="a database of some other program; name another file"):
        SqliteStore(path)
    assert sql(path, "SELECT name FROM sqlite_master") == [("cookies",)]


async def test_made_by_a_newer_version(store: SqliteStore, path: Path) -> None:
    await store.close()
    sql(path, "UPDATE alembic_version SET version_num = '9999'", "UPDATE meta SET value = '7.0' WHERE key = 'made_by'")
    with pytest.raises(StoreError, match=r"made by a newer version \(Hutch 7\.0, schema 9999\).*install Hutch 7\.0"):
        SqliteStore(path)


def test_a_folder_in_the_place_of_the_file(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(StoreError, match="the file can't be opened"):
        SqliteStore(path)


def test_a_file_in_the_place_of_the_folder(path: Path) -> None:
    path.parent.write_text("")
    with pytest.raises(StoreError, match=r"can't be used: .*; name a file in a folder that this user may write"):
        SqliteStore(path)


async def test_a_damaged_file_is_named(store: SqliteStore, path: Path) -> None:
    await store.commit([append("run:1", "x" * 100) for _ in range(200)])
    await store.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    with pytest.raises(StoreError, match="the file is damaged; run `hutch verify`"):
        SqliteStore(path)
