"""The offline proof finds every kind of tampering, each where it is, and touches nothing."""

from __future__ import annotations

import sqlite3
import tracemalloc
from contextlib import closing
from pathlib import Path

import pytest

from hutch.model.event import Break, Draft
from hutch.ports import Append
from hutch.store.errors import StoreError
from hutch.store.sqlite import SqliteStore
from hutch.store.verify import WHOLE_LOG, verify_store


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A closed store: three streams of four events, written in turns."""
    store = SqliteStore(tmp_path / "hutch.db")
    for n in range(4):
        await store.commit([Append(f"run:{s}", (Draft("noted", {"n": n}),)) for s in "abc"])
    await store.close()
    return tmp_path / "hutch.db"


def tamper(path: Path, *commands: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for command in commands:
            assert connection.execute(command).rowcount == 1


def test_an_intact_log(path: Path) -> None:
    before = path.read_bytes()
    report = verify_store(path)
    assert (report.intact, report.streams, report.events, report.erased) == (True, 3, 12, 0)
    assert list(report) == []
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "seq", "reason"),
    [
        ("""data = '{"n":7}'""", 3, "its data was altered"),
        ("at = '2026-01-01T00:00:00.000000Z'", 3, "its place, time, actor or kind was altered"),
        ("actor = 'bob'", 3, "its place, time, actor or kind was altered"),
        ("kind = 'denied'", 3, "its place, time, actor or kind was altered"),
        ("salt = 'aa'", 3, "its data was altered"),
        ("prev_hash = 'aa'", 3, "does not continue the event before it"),
        ("hash = 'aa'", 3, "its place, time, actor or kind was altered"),
        ("seq = 9", 4, "expected event 3, found 4: an event is missing"),
    ],
)
def test_a_changed_field(path: Path, change: str, seq: int, reason: str) -> None:
    tamper(path, f"UPDATE events SET {change} WHERE stream = 'run:b' AND seq = 3")
    report = verify_store(path)
    assert report.breaks == [Break("run:b", seq, reason)]
    assert report.events == 12


@pytest.mark.parametrize("change", ["data = '[1]'", "data = '{'", "at = 'yesterday'", "at = '2026-01-01T00:00:00'"])
def test_an_unreadable_field(path: Path, change: str) -> None:
    tamper(path, f"UPDATE events SET {change} WHERE stream = 'run:b' AND seq = 3")
    (found,) = verify_store(path).breaks
    assert (found.stream, found.seq) == ("run:b", 3)
    assert "can't be read" in found.reason


@pytest.mark.parametrize("value", ["x'00ff'", "12"])
@pytest.mark.parametrize("column", ["at", "data", "actor", "kind", "salt", "data_hash", "prev_hash", "hash"])
def test_a_field_of_another_type_is_a_break_and_no_crash(path: Path, column: str, value: str) -> None:
    tamper(path, f"UPDATE events SET {column} = {value} WHERE stream = 'run:b' AND seq = 3")
    (found,) = verify_store(path).breaks
    assert (found.stream, found.seq) == ("run:b", 3)


def test_a_removed_event(path: Path) -> None:
    tamper(path, "DELETE FROM events WHERE stream = 'run:a' AND seq = 2")
    assert verify_store(path).breaks == [
        Break(WHOLE_LOG, 12, "12 events were written and 11 are there: 1 are missing"),
        Break("run:a", 3, "expected event 2, found 3: an event is missing"),
    ]


def test_a_removed_end_which_leaves_its_chain_whole(path: Path) -> None:
    tamper(path, "DELETE FROM events WHERE stream = 'run:c' AND seq = 4")
    assert [found.stream for found in verify_store(path)] == [WHOLE_LOG]


def test_two_events_that_changed_places(path: Path) -> None:
    moves = [(2, 99), (3, 2), (99, 3)]
    tamper(path, *(f"UPDATE events SET seq = {to} WHERE stream = 'run:a' AND seq = {at}" for at, to in moves))
    (found,) = verify_store(path).breaks
    assert (found.stream, found.seq) == ("run:a", 2)


def test_each_broken_stream_is_reported(path: Path) -> None:
    tamper(path, *(f"UPDATE events SET actor = 'bob' WHERE stream = 'run:{s}' AND seq = 2" for s in "ac"))
    assert [found.stream for found in verify_store(path)] == ["run:a", "run:c"]


async def test_erased_events_are_counted_and_no_break(path: Path) -> None:
    store = SqliteStore(path)
    await store.erase("run:a", 2)
    report = verify_store(path)  # a store that is in use can be proved too
    await store.close()
    assert (report.intact, report.erased) == (True, 1)


def test_a_damaged_page(path: Path) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(2 * 4096)
        file.write(b"\xff" * (size - 2 * 4096))
    assert any("the file is damaged" in found.reason for found in verify_store(path))


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such file"):
        verify_store(tmp_path / "none.db")
    assert list(tmp_path.iterdir()) == []


def test_no_store(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("not a database, but long enough to be looked at\n" * 50)
    with pytest.raises(StoreError, match="not a database"):
        verify_store(path)


async def test_memory_does_not_grow_with_the_log(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "hutch.db")
    text = "x" * 2000
    await store.commit([Append("run:1", tuple(Draft("noted", {"text": text}) for _ in range(4000)))])
    await store.close()
    tracemalloc.start()
    assert verify_store(tmp_path / "hutch.db").events == 4000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4_000_000  # the log holds 8 MB of text
