"""Log files on this machine: JSON lines and plain ones, searched from their ends."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hutch.model.finding import Status
from hutch.model.platform import LogLine, LogQuery, Unanswered
from hutch.ports import Connection, TargetConfig
from hutch.providers.files import provider, scan
from hutch.testing import check_provider

T0 = datetime(2026, 1, 15, 10, tzinfo=UTC)


def opened(folder: Path, **settings: object) -> Connection:
    given = {"paths": [f"{folder}/*.log"], **settings}
    return provider.open(TargetConfig("web", given, lambda: T0))


async def found(folder: Path, query: LogQuery, **settings: object) -> Sequence[LogLine]:
    connection = opened(folder, **settings)
    assert connection.logs
    return await connection.logs(query)


def entry(seconds: float, message: str, **more: object) -> str:
    at = (T0 + timedelta(seconds=seconds)).isoformat()
    return json.dumps({"time": at, "level": "INFO", "message": message, **more})


def write(folder: Path, name: str, *lines: str) -> None:
    (folder / name).write_bytes("\n".join([*lines, ""]).encode())


async def test_json_lines_are_understood(tmp_path: Path) -> None:
    failed = entry(1, "Payment FAILED", level="ERROR", user="user-123", release="43")
    write(tmp_path, "a.log", entry(0, "begin"), failed, entry(2, "payment failed", user_id=7))
    first, second = await found(tmp_path, LogQuery("payment failed"))
    assert (first.at, first.level, first.user, first.release, first.replica) == (
        T0 + timedelta(seconds=1), "error", "user-123", "43", "a.log",
    )  # fmt: skip
    assert (second.level, second.user) == ("info", "7")
    assert [line.user for line in await found(tmp_path, LogQuery(user="user-123"))] == ["user-123"]
    assert [line.user for line in await found(tmp_path, LogQuery(user="7"))] == ["7"]
    assert [line.level for line in await found(tmp_path, LogQuery(level="Error"))] == ["error"]


async def test_files_are_merged_by_time_and_bounded(tmp_path: Path) -> None:
    write(tmp_path, "a.log", *(entry(n, f"a {n}") for n in range(0, 100, 2)))
    write(tmp_path, "b.log", *(entry(n, f"b {n}") for n in range(1, 100, 2)))
    lines = await found(tmp_path, LogQuery(limit=4))
    assert [json.loads(line.text)["message"] for line in lines] == ["a 96", "b 97", "a 98", "b 99"]
    within = LogQuery(since=T0 + timedelta(seconds=10), until=T0 + timedelta(seconds=12), replica="a.log")
    assert [json.loads(line.text)["message"] for line in await found(tmp_path, within)] == ["a 10", "a 12"]


async def test_plain_lines_and_what_belongs_to_them(tmp_path: Path) -> None:
    write(tmp_path, "a.log", "2026-01-15 10:00:01,250 ERROR it broke for user-9", "Traceback:", "  ValueError: x",
          "[2026-01-15T11:00:02+01:00] warning later")  # fmt: skip
    first, head, cause, last = await found(tmp_path, LogQuery(limit=9, pattern="e"))
    assert head.text == "Traceback:"
    assert (first.at, first.level) == (T0 + timedelta(seconds=1.25), "error")
    assert (cause.text, cause.at) == ("  ValueError: x", first.at)
    assert (last.at, last.level) == (T0 + timedelta(seconds=2), "warning")
    assert [line.text for line in await found(tmp_path, LogQuery(user="user-9"))] == [first.text]
    assert await found(tmp_path, LogQuery(user="user")) == []


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"ts": 1768471201.5}, T0 + timedelta(seconds=1.5)),
        ({"timestamp": 1768471201500}, T0 + timedelta(seconds=1.5)),
        ({"@timestamp": "2026-01-15T10:00:01.5Z"}, T0 + timedelta(seconds=1.5)),
        ({"time": 1e300}, None),
        ({"time": "soon"}, None),
        ({"time": {"a": 1}}, None),
        ({}, None),
    ],
)
async def test_times_of_every_form(tmp_path: Path, fields: dict[str, object], at: datetime | None) -> None:
    write(tmp_path, "a.log", json.dumps({"message": "x", **fields}))
    os.utime(tmp_path / "a.log", (T0.timestamp(), T0.timestamp()))
    [line] = await found(tmp_path, LogQuery("x"))
    assert line.at == (at or T0)


async def test_a_search_from_the_end_finds_what_a_loop_over_all_lines_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "BLOCK", 97)  # lines across blocks, and longer than one
    monkeypatch.setattr(scan, "LONGEST", 4000)
    chosen = random.Random(7)
    lines = [entry(n, "x" * chosen.randrange(300) + chosen.choice(["Needle", "needle", "none"])) for n in range(200)]
    (tmp_path / "a.log").write_text("\n".join(lines))  # the last line without its end
    expected = [line for line in lines if "needle" in line.lower()]
    got = await found(tmp_path, LogQuery("NEEDLE", limit=5000))
    assert [line.text for line in got] == expected
    assert [line.text for line in await found(tmp_path, LogQuery("needle", limit=3))] == expected[-3:]
    assert [line.text for line in await found(tmp_path, LogQuery(limit=5000))] == lines


async def test_hostile_content_breaks_nothing(tmp_path: Path) -> None:
    deep = '{"a":' + "[" * 100_000
    (tmp_path / "a.log").write_bytes(
        b"\x00\xff needle \n\n" + deep.encode() + b" needle\n" + b"needle " * 300_000 + b"\n"
    )
    os.mkfifo(tmp_path / "pipe.log")
    (tmp_path / "folder.log").mkdir()
    lines = await found(tmp_path, LogQuery("needle", limit=5000))
    assert len(lines) >= 3 and all(len(line.text) <= 8000 for line in lines)


async def test_no_letters_outside_ascii_are_lost(tmp_path: Path) -> None:
    write(tmp_path, "a.log", entry(0, "x") + " Über Größe", entry(1, "über"))
    assert len(await found(tmp_path, LogQuery("über größe"))) == 1
    assert len(await found(tmp_path, LogQuery("ÜBER"))) == 1  # the JSON line writes it as an escape


async def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unanswered, match="no file is there"):
        await found(tmp_path, LogQuery())
    assert (await opened(tmp_path).checks["files.readable"]()).status is Status.UNKNOWN
    write(tmp_path, "a.log", entry(0, "x"))
    assert (await opened(tmp_path).checks["files.readable"]()).status is Status.OK
    with pytest.raises(Unanswered, match="say a later since"):
        await found(tmp_path, LogQuery("none"), timeout=1e-9)


async def test_old_files_and_too_many_are_left_alone(tmp_path: Path) -> None:
    for number in range(4):
        write(tmp_path, f"{number}.log", entry(number, f"line {number}"))
        os.utime(tmp_path / f"{number}.log", (T0.timestamp() + number, T0.timestamp() + number))
    assert len(await found(tmp_path, LogQuery(), most_files=2)) == 2
    assert [line.replica for line in await found(tmp_path, LogQuery(since=T0 + timedelta(seconds=3)))] == ["3.log"]


async def test_it_keeps_the_contract(tmp_path: Path) -> None:
    await check_provider(provider, {"paths": [str(tmp_path / "none")]})


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"paths": []}, "files: paths must be a list of paths"),
        ({"paths": ["logs/*.log"]}, "files: paths must be absolute"),
        ({"most_files": 0}, "files: most_files must be a whole number above 0"),
        ({"timeout": -1}, "files: timeout must be a number above 0"),
    ],
)
def test_bad_settings_are_named(tmp_path: Path, settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        opened(tmp_path, **settings)
