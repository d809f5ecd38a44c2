"""kill -9 of a whole Hutch at every commit of a run in turn, on the real store and a real command.

Whatever the moment: no change is made twice, none is lost from sight, the log's chain holds, and the run ends right.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hutch.store.postgres.verify import verify_database
from hutch.store.verify import verify_store
from nursery import Nursery as Process
from nursery import started

RUNBOOK = """# Trouble

## Trouble

### Detection

```bash
cat state
cat before
```

### Diagnosis

```bash
ls state
```

### Resolution

**Option 1: Roll back**

```bash
./rollback
```

### Verification

```bash
cat state
# Should return 42
```
"""

SCRIPT = """#!/bin/sh
echo begun >> applied
sleep 0.3
echo 42 > state
"""


KINDS = (
    "incident.declared", "run.started", "statement.started", "statement.finished", "diagnosis.made",
    "approval.requested", "approval.granted", "change.intended", "change.done", "verification.done", "run.finished",
    "incident.resolved",
)  # fmt: skip
"""The kinds of event beside which a kill is tried, whatever their number."""

HARDEST = ("run.started", "approval.granted", "change.intended", "change.done")
"""The commits that a quick run looks at; the whole matrix is slow."""


@dataclass(frozen=True)
class Place:
    """The folder of a configuration, and the address of its store where that is a database."""

    folder: Path
    url: str = ""


class Nursery(Process):
    """Starts Hutches and kills them."""

    def raise_one(self, place: Place, commit: int | str = 0, when: str = "before") -> dict[str, Any]:
        """One Hutch on that folder, killed at that commit (0: never)."""
        self.send({"folder": str(place.folder), "url": place.url, "commit": commit, "when": when})
        return self.answer()


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with started("crash_nursery") as process:
        yield Nursery(process)


def world(folder: Path, url: str = "") -> Place:
    """A service with one thing that can be changed, and its runbook."""
    folder.mkdir()
    (folder / "state").write_text("43\n")
    (folder / "before").write_text("43\n")
    (folder / "rollback").write_text(SCRIPT)
    (folder / "rollback").chmod(0o755)
    (folder / "trouble.md").write_text(RUNBOOK)
    binds = "{rollback: as-is, cat: as-is, ls: as-is}"
    service = f"{{shell: {{directory: {json.dumps(str(folder))}}}, binds: {binds}, runbook: trouble}}"
    (folder / "hutch.yaml").write_text(f"mode: act\nrunbooks: [.]\nservices:\n  shop: {service}\n")
    return Place(folder, url)


def events(place: Place) -> list[tuple[str, str, dict[str, Any]]]:
    """Stream, kind and data of every event, in order; none before there is a store."""
    if place.url:
        with psycopg.connect(place.url) as server:
            server.execute("SELECT FROM hutch.log_end FOR UPDATE")  # what a killed one had under way is over
            rows = server.execute("SELECT stream, kind, data FROM hutch.events ORDER BY position").fetchall()
        return [(stream, kind, json.loads(data)) for stream, kind, data in rows]
    path = place.folder / ".hutch" / "hutch.db"
    if not path.exists():
        return []
    with contextlib.closing(sqlite3.connect(path)) as store, contextlib.suppress(sqlite3.OperationalError):
        rows = store.execute("select stream, kind, data from events order by rowid").fetchall()
        return [(stream, kind, json.loads(data)) for stream, kind, data in rows]
    return []


def times(folder: Path) -> int:
    """How often the change was begun."""
    log = folder / "applied"
    return len(log.read_text().splitlines()) if log.exists() else 0


def judge(at: Place, place: object) -> None:
    """What must hold whatever happened."""
    log, folder = events(at), at.folder
    kinds = [kind for _, kind, _ in log]
    assert times(folder) <= 1, (place, "the change was made twice")
    assert kinds.count("change.intended") == 1, place
    assert kinds.count("approval.granted") == 1, place
    assert kinds.count("incident.declared") == 1, place
    assert kinds.count("run.started") == 1, place
    assert kinds.count("run.finished") == 1, place
    told = [kind for kind in kinds if kind in ("change.done", "change.failed", "change.unknown")]
    assert len(told) == 1, (place, told)
    outcome = next(data["outcome"] for _, kind, data in log if kind == "run.finished")
    made = (folder / "state").read_text().strip() == "42"
    assert outcome == ("resolved" if made else "unresolved"), (place, outcome)
    assert made or "decision.made" in kinds, (place, "given up without asking")
    assert ("incident.resolved" in kinds) == made, place
    report = verify_database(at.url) if at.url else verify_store(folder / ".hutch" / "hutch.db")
    assert not report.breaks, place


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_every_commit(nursery: Nursery, tmp_path: Path, when: str) -> None:
    whole = nursery.raise_one(world(tmp_path / "whole"))
    assert not whole["killed"] and whole["code"] == 0, whole
    judge(Place(tmp_path / "whole"), "undisturbed")
    assert times(tmp_path / "whole") == 1
    for commit in range(1, 60):
        folder = world(tmp_path / f"{when}-{commit}")
        first = nursery.raise_one(folder, commit, when)
        again(nursery, folder, (when, commit, first["commits"][-1:]))
        if not first["killed"]:
            assert first["code"] == 0, first
            break  # the run has no more commits
    assert commit > 12


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", [k if k in HARDEST else pytest.param(k, marks=pytest.mark.slow) for k in KINDS])
def test_killed_beside_every_kind_of_event(nursery: Nursery, tmp_path: Path, kind: str, when: str) -> None:
    folder = world(tmp_path / "kind")
    assert nursery.raise_one(folder, kind, when)["killed"]
    again(nursery, folder, (when, kind))


@pytest.mark.parametrize("milliseconds", [1, 30, 100, 200])
def test_killed_while_the_command_runs(nursery: Nursery, tmp_path: Path, milliseconds: int) -> None:
    """The command ends with Hutch: whoever comes next sees what it had done, and starts it no second time."""
    folder = world(tmp_path / "during")
    assert nursery.raise_one(folder, milliseconds, "during")["killed"]
    again(nursery, folder, milliseconds)
    assert "change.unknown" in [kind for _, kind, _ in events(folder)]


def again(nursery: Nursery, at: Place, place: object) -> None:
    """Another Hutch takes over, and everything is as it must be."""
    before = events(at)
    second = nursery.raise_one(at)
    assert not second["killed"] and second["code"] == 0, (place, second)
    assert events(at)[: len(before)] == before, (place, "what was acknowledged is lost")
    judge(at, place)


# ------------------------------------------------------------------ the same on Postgres


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", [k if k in HARDEST else pytest.param(k, marks=pytest.mark.slow) for k in KINDS])
def test_killed_beside_events_on_postgres(
    nursery: Nursery, tmp_path: Path, database_url: str, kind: str, when: str
) -> None:
    at = world(tmp_path / "kind", database_url)
    assert nursery.raise_one(at, kind, when)["killed"]
    again(nursery, at, (when, kind))


@pytest.mark.parametrize("milliseconds", [pytest.param(1, marks=pytest.mark.slow), 100])
def test_killed_while_the_command_runs_on_postgres(
    nursery: Nursery, tmp_path: Path, database_url: str, milliseconds: int
) -> None:
    at = world(tmp_path / "during", database_url)
    assert nursery.raise_one(at, milliseconds, "during")["killed"]
    again(nursery, at, milliseconds)
    assert "change.unknown" in [kind for _, kind, _ in events(at)]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_every_commit_on_postgres(
    nursery: Nursery, tmp_path: Path, postgres_databases: Callable[[], Any], when: str
) -> None:
    for commit in range(1, 60):
        with postgres_databases().fresh() as url:
            at = world(tmp_path / f"{when}-{commit}", url)
            first = nursery.raise_one(at, commit, when)
            again(nursery, at, (when, commit, first["commits"][-1:]))
            if not first["killed"]:
                break
    assert commit > 12
