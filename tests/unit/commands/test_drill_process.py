"""A fault's process on the harness's side: heard, ended, undone; and who may run one."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from hutch.commands.context import CommandError
from hutch.commands.drills import process as processes
from hutch.commands.drills.catalogue import by_name, choose, fault_json
from hutch.commands.drills.lock import only_one
from hutch.commands.drills.process import FaultFailed, FaultRefused, running, undo

GOOD = """
import json, sys
print(json.dumps({"state": "on", "object": {"kind": "table", "id": "t"}}), flush=True)
sys.stdin.read()
open(sys.argv[1], "a").write("undone")
print(json.dumps({"state": "off", "protected_lost": []}), flush=True)
"""
DIES = "import sys; sys.stderr.write('no such table\\n'); sys.exit(1)"
REFUSES = "import sys; sys.stderr.write('only for root\\n'); sys.exit(3)"
DIES_STANDING = "print('{\"state\": \"on\"}', flush=True); raise SystemExit('lost the database')"
GARBAGE = "print('hello', flush=True)"
NOT_UNDONE = """
import sys
print('{"state": "on"}', flush=True)
sys.stdin.read()
print('{"state": "off"}', flush=True)
sys.exit('could not start it again')
"""
DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('{"state": "on"}', flush=True)
time.sleep(600)
"""


@dataclass(frozen=True)
class Made:
    code: str
    name: str = "made"
    summary: str = "made for this test"
    cause: str = "x.y"
    object_kind: str = "table"
    remedies: Sequence[str] = ("a.b",)
    spares: Sequence[str] = ("rows",)

    def argv(self, ready_file: Path) -> Sequence[str]:
        return (sys.executable, "-c", self.code, str(ready_file))


@dataclass(frozen=True)
class Undoable(Made):
    undoing: str = ""

    def undo_argv(self, ready_file: Path) -> Sequence[str]:
        return (sys.executable, "-c", self.undoing, str(ready_file))


async def failure(code: str, tmp_path: Path) -> str:
    """How a fault of that code fails to stand and be undone."""
    with pytest.raises(FaultFailed) as failed:
        async with running(Made(code), tmp_path / "ready", tmp_path / "log") as process:
            await process.on()
            await process.off()
    return str(failed.value)


async def test_on_and_off(tmp_path: Path) -> None:
    async with running(Made(GOOD), tmp_path / "ready", tmp_path / "log") as process:
        assert (await process.on())["object"] == {"kind": "table", "id": "t"}
        assert not process.ended
        assert (await process.off())["protected_lost"] == []
    assert process.process.returncode == 0


async def test_leaving_in_the_middle_undoes_it(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        async with running(Made(GOOD), tmp_path / "ready", tmp_path / "log") as process:
            await process.on()
            raise ZeroDivisionError
    assert (tmp_path / "ready").read_text() == "undone"
    assert process.ended


async def test_a_fault_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    assert await failure(DIES, tmp_path) == "made did not stand: its process ended with exit code 1: no such table"


async def test_a_fault_that_touched_nothing_is_refused_not_failed(tmp_path: Path) -> None:
    with pytest.raises(FaultRefused, match=r"^made: only for root$"):
        async with running(Made(REFUSES), tmp_path / "ready", tmp_path / "log") as process:
            await process.on()


async def test_what_is_no_json_is_refused(tmp_path: Path) -> None:
    assert "said b'hello\\n' where a JSON object with state 'on' was expected" in await failure(GARBAGE, tmp_path)


async def test_a_fault_that_dies_while_it_stands(tmp_path: Path) -> None:
    expected = "made was not undone: its process ended with exit code 1: lost the database"
    assert await failure(DIES_STANDING, tmp_path) == expected


async def test_a_fault_that_could_not_undo(tmp_path: Path) -> None:
    assert "could not start it again" in await failure(NOT_UNDONE, tmp_path)


async def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    class Nowhere(Made):
        def argv(self, ready_file: Path) -> Sequence[str]:
            return ("/no/such/program",)

    with pytest.raises(FaultFailed, match="made could not be started"):
        async with running(Nowhere(""), tmp_path / "ready", tmp_path / "log"):
            pass


async def test_one_that_listens_to_nothing_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "OFF_WITHIN", 0.3)
    monkeypatch.setattr(processes, "TERM_WITHIN", 0.3)
    async with running(Made(DEAF), tmp_path / "ready", tmp_path / "log") as process:
        await process.on()
        with pytest.raises(FaultFailed, match="was not undone within"):
            await process.off()
    with pytest.raises(ProcessLookupError):
        os.kill(process.process.pid, 0)


async def test_one_that_never_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "ON_WITHIN", 0.3)
    assert "did not stand within 0.3 s" in await failure("import sys; sys.stdin.read()", tmp_path)


async def test_the_undo_of_one_that_died(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    assert "offers no undo_argv" in await undo(Made(""), ready)
    done = Undoable("", undoing="import sys; open(sys.argv[1], 'w').write('x')")
    assert await undo(done, ready) == "undone by its undo"
    assert ready.read_text() == "x"
    assert await undo(Undoable("", undoing="raise SystemExit('no way')"), ready) == "its undo failed: no way"


# ------------------------------------------------------------------ which, and who

FAULTS = {name: Made("", name) for name in ("lock-holder", "ddl-queue", "redis-stopped")}


def test_by_name_in_order_each_once() -> None:
    assert [f.name for f in choose(FAULTS, ["redis-stopped", "ddl-queue", "redis-stopped"], False)] == [
        "redis-stopped",
        "ddl-queue",
    ]
    assert [f.name for f in choose(FAULTS, [], True)] == list(FAULTS)


@pytest.mark.parametrize(
    ("names", "every", "said"),
    [
        (["lock-holdre"], False, "unknown drill 'lock-holdre'; nearest: lock-holder"),
        (["zzz"], False, "unknown drill 'zzz'; there are: lock-holder, ddl-queue, redis-stopped"),
        ([], False, "name the drills to run, or say --all"),
        (["ddl-queue"], True, "name the drills to run, or say --all"),
    ],
)
def test_bad_names(names: list[str], every: bool, said: str) -> None:
    with pytest.raises(CommandError) as refused:
        choose(FAULTS, names, every)
    assert said in str(refused.value)
    assert refused.value.code == 2


def test_a_name_that_two_packages_have() -> None:
    with pytest.raises(CommandError, match="one and two both have a fault 'x'"):
        by_name([("one", [Made("", "x")]), ("two", [Made("", "x")])])


def test_what_is_listed() -> None:
    listed = fault_json(Made("", "x"))
    assert list(listed) == ["name", "summary", "cause", "object_kind", "remedies", "spares", "alert", "parts"]


def test_only_one_at_a_time_and_the_second_is_told_who(tmp_path: Path) -> None:
    lock = tmp_path / "home" / "lock"
    with only_one(lock, "drills a, b"):
        with pytest.raises(CommandError) as refused, only_one(lock, "drills c"):
            pass
        assert f"process {os.getpid()}, drills a, b, since" in str(refused.value)
    with only_one(lock, "drills c"):
        assert "drills c" in lock.read_text()
