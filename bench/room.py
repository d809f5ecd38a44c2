"""A real Hutch in a folder of its own for the length of a measurement, and the bare things beside it."""

from __future__ import annotations

import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

READ = "date -u"
CHANGE = "touch done"

_DOCUMENT = """# Bench

## Steps

### Diagnosis

```bash
{read}
```

### Resolution

#### Option 1: Touch

```bash
{changes}
```

### Verification

```bash
{read}
```
"""


def write_room(folder: Path, changes: int = 1) -> Path:
    """Configuration and a runbook: one read, one option of ``changes`` statements, one proof. Gives hutch.yaml."""
    document = _DOCUMENT.format(read=READ, changes="\n".join([CHANGE] * changes))
    (folder / "steps.md").write_text(document, encoding="utf-8")
    programs = dict.fromkeys(("touch", "date"), "as-is")
    service = {"binds": programs, "runbook": "steps"}
    config = {"mode": "act", "approval_for": "24h", "runbooks": ["steps.md"], "services": {"bench": service}}
    path = folder / "hutch.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that is deleted afterwards."""
    with tempfile.TemporaryDirectory(prefix="hutch-bench-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


class Bare:
    """The floors: a spawn by the standard library, and a commit by the ``sqlite3`` module into the store's own file."""

    def __init__(self, store: Path, directory: Path) -> None:
        self._directory = directory
        self._connection = sqlite3.connect(store, isolation_level=None, timeout=30)
        self._connection.execute("PRAGMA journal_mode=WAL").close()
        self._connection.execute("PRAGMA synchronous=FULL").close()
        self._connection.execute("CREATE TABLE IF NOT EXISTS bench_floor (id INTEGER PRIMARY KEY, data TEXT)").close()

    def spawn(self, command: str) -> float:
        """Seconds to run the program to its end and take its output."""
        began = time.perf_counter()
        null, pipe = subprocess.DEVNULL, subprocess.PIPE
        words = command.split()
        subprocess.run(words, stdin=null, stdout=pipe, stderr=subprocess.STDOUT, cwd=self._directory, check=True)
        return time.perf_counter() - began

    def commit(self, row: str = "x" * 500) -> float:
        """Seconds of BEGIN IMMEDIATE, one row, COMMIT: durable when it returns, as the store's own commits are."""
        began = time.perf_counter()
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("INSERT INTO bench_floor (data) VALUES (?)", (row,))
        self._connection.execute("COMMIT")
        return time.perf_counter() - began

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
