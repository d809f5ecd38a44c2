"""What the ring no longer holds is read from the files, and nothing twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rolerabbit.platform import logbook
from rolerabbit.platform.logbook import Logbook
from rolerabbit.platform.logs import Line, Query, Ring, read_line

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def line(text: str, seconds: int, release: str = "42") -> Line:
    return read_line(text, NOW + timedelta(seconds=seconds), release, f"{release}-1", "stdout")


def texts(found: list[Line]) -> list[str]:
    return [each.text for each in found]


async def test_lines_that_the_ring_has_dropped(tmp_path: Path) -> None:
    book = Logbook(tmp_path)
    book.ring = Ring(kept=3)
    for number in range(10):
        book.add(line(f"ERROR {number}", number, release=str(number % 2)))
    assert texts(await book.find(Query())) == [f"ERROR {n}" for n in range(10)]
    assert texts(await book.find(Query(limit=4))) == [f"ERROR {n}" for n in (6, 7, 8, 9)]
    assert texts(await book.find(Query(until=NOW + timedelta(seconds=2)))) == ["ERROR 0", "ERROR 1", "ERROR 2"]
    assert texts(await book.find(Query(since=NOW + timedelta(seconds=5), replica="1-1"))) == [
        "ERROR 5", "ERROR 7", "ERROR 9",
    ]  # fmt: skip
    assert texts(await book.find(Query(grep="error 1"))) == ["ERROR 1"]


async def test_lines_from_before_the_platform_was_started(tmp_path: Path) -> None:
    Logbook(tmp_path).add(line('{"level": "ERROR", "user_id": "u1", "message": "x"}', 0))
    after = Logbook(tmp_path)
    [found] = await after.find(Query(level="error", user="u1"))
    assert found == line('{"level": "ERROR", "user_id": "u1", "message": "x"}', 0)
    after.add(line("INFO next", 1))
    assert len(await after.find(Query())) == 2


async def test_the_file_before_is_read_and_a_broken_line_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logbook, "ROTATE_BYTES", 100)
    book = Logbook(tmp_path)
    for number in range(3):
        book.add(line(f"ERROR {number} {'x' * 90}", number))
    assert {path.name for path in tmp_path.iterdir()} == {"release-42.log", "release-42.log.1"}
    with (tmp_path / "release-42.log").open("ab") as file:
        file.write(b"cut sho\nERROR \xff\n")
    assert len(await Logbook(tmp_path).find(Query(grep="ERROR"))) == 2  # of three files, the newest two are kept


async def test_at_most_so_many_files_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logbook, "MOST_FILES", 2)
    for number in range(5):
        Logbook(tmp_path).add(line(f"ERROR {number}", number, release=str(number)))
    assert len(await Logbook(tmp_path).find(Query())) == 2
