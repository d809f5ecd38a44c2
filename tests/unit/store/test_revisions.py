"""Old and new beside each other: a newer schema that serves us is worked on, one that does not is refused, and nobody
is shut out while at work."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hutch.store import revisions
from hutch.store.errors import StoreError
from hutch.store.owner import this_process
from hutch.store.revisions import Found, History
from hutch.store.schema import check_served
from hutch.store.sqlite import SqliteStore
from hutch.store.verify import verify_store

NEW = History(("0001", "0002", "0003"), {"0002": ("0001",), "0003": ("0002",)})
OLD = History(("0001",))


@pytest.mark.parametrize(
    ("history", "found", "taken_for"),
    [
        (OLD, Found("0001", "1.0", None), "0001"),
        (NEW, Found("0001", "1.0", None), "0001"),
        (OLD, Found("0002", "2.0", "0001"), "0001"),
        (OLD, Found("0009", "9.0", "0003 0002 0001"), "0001"),
    ],
)
def test_what_serves_this_version_is_worked_on(history: History, found: Found, taken_for: str) -> None:
    assert history.worked_on(found, "here") == taken_for


@pytest.mark.parametrize("serves", [None, "", "0002", "00010"])
def test_what_does_not_is_refused_with_what_to_do(serves: str | None) -> None:
    with pytest.raises(StoreError, match=r"here: made by a newer version \(Hutch 3.0, schema 0003\); this is .*"
                                         r"for schema 0001; install Hutch 3.0 or newer"):  # fmt: skip
        OLD.worked_on(Found("0003", "3.0", serves), "here")


def test_nobody_at_work_is_shut_out() -> None:
    NEW.check_upgrade({}, "here")
    NEW.check_upgrade({"0002": "10.0.0.7", "0003": "10.0.0.8"}, "here")
    with pytest.raises(StoreError, match=r"schema 0003 shuts out the Hutch of schema 0001 .* \(10.0.0.7\); stop that"):
        NEW.check_upgrade({"0001": "10.0.0.7", "0002": "10.0.0.8"}, "here")


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    await SqliteStore(tmp_path / "hutch.db").close()
    return tmp_path / "hutch.db"


def told(path: Path, revision: str, serves: str) -> None:
    with closing(sqlite3.connect(path)) as file:
        file.execute("UPDATE alembic_version SET version_num = ?", [revision])
        file.execute("INSERT OR REPLACE INTO meta VALUES ('serves', ?)", [serves])
        file.commit()


async def test_a_file_of_a_newer_schema_is_used_while_it_serves_this_one(path: Path) -> None:
    told(path, "0002", "0001")
    await SqliteStore(path).close()
    assert verify_store(path).intact
    check_served(path)
    told(path, "0003", "0002")
    for look in (check_served, verify_store, SqliteStore):
        with pytest.raises(StoreError, match="made by a newer version"):
            look(path)


@pytest.fixture
def newer() -> Iterator[None]:
    """This version, as if it were one with a schema that shuts out the old one."""
    before = revisions.FILE
    revisions.FILE = History(("0001", "0002"))
    yield
    revisions.FILE = before


@pytest.mark.usefixtures("newer")
async def test_a_file_on_which_another_works_is_not_changed_under_it(path: Path) -> None:
    (path.parent / "worker-1").write_text("elsewhere")
    (path.parent / "serving").write_text(this_process())
    with pytest.raises(StoreError, match=r"schema 0002 shuts out the Hutch of schema 0001 .*\(worker-1\)"):
        SqliteStore(path)
