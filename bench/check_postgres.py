"""Debian's check_postgres, as a monitor runs it: one process for each check. Only the bench knows of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

from rolerabbit.embedded.postgres import Postgres

HOME = Path.home() / ".cache" / "hutch-bench" / "check-postgres"
"""The bench's own copy of the package's files, fetched once, outside the repository and the system."""

LARGE = ("--warning=900GB",)
ACTIONS: dict[str, tuple[str, ...]] = {
    "connection": (),
    "backends": (),
    "txn_idle": ("--warning=60 seconds", "--critical=90 seconds"),
    "query_time": ("--warning=300 seconds", "--critical=900 seconds"),
    "locks": (),
    "prepared_txns": (),
    "bloat": (),
    "txn_wraparound": (),
    "sequence": (),
    "disabled_triggers": ("--warning=1",),
    "replication_slots": LARGE,
    "archive_ready": ("--warning=100",),
    "database_size": LARGE,
    "last_autovacuum": (),
    "last_autoanalyze": (),
    "hitratio": ("--warning=50%",),
}
"""Its actions that ask what checks of Hutch ask, and the options without which some do not run."""

SHARED = (
    "reachable", "connections", "idle_in_transaction", "long_queries", "locks", "bloat", "wraparound", "sequences",
    "constraints", "slots", "archiver", "disk", "autovacuum", "cache",
)  # fmt: skip
"""Hutch's checks for the same. ``locks`` answers for prepared transactions, ``autovacuum`` for both of its ages."""


def program() -> Path:
    """Its script, fetched on first use with apt-get download. Raises ``RuntimeError`` where it can't be."""
    found = HOME / "usr" / "bin" / "check_postgres"
    if found.exists():
        return found
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb") and shutil.which("perl")):
        raise RuntimeError("check_postgres is fetched by apt-get and dpkg-deb and run by perl: one of them is missing")
    HOME.mkdir(parents=True, exist_ok=True)
    _run("apt-get", "download", "check-postgres")
    _run("dpkg-deb", "-x", *map(str, HOME.glob("check-postgres_*.deb")), str(HOME))
    return found


def _run(*words: str) -> None:
    done = subprocess.run(words, cwd=HOME, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{words[0]} failed: {done.stderr.strip()[-300:]}")


def all_actions(script: Path, server: Postgres) -> float:
    """Seconds for all of them, one after the other. Raises ``RuntimeError`` where one does not do its work."""
    began = time.perf_counter()
    for name, options in ACTIONS.items():
        _action(script, server, name, options)
    return time.perf_counter() - began


def _action(script: Path, server: Postgres, name: str, options: tuple[str, ...]) -> None:
    """It finds psql by the path; the password comes by the environment."""
    address = urlsplit(server.url)
    environment = {**os.environ, "PGPASSWORD": address.password or "", "LC_ALL": "C"}
    environment["PATH"] = f"{server.bin_dir}:{environment['PATH']}"
    words = [str(script), f"--action={name}", "--host=127.0.0.1", f"--port={address.port}", "--dbuser=postgres"]
    done = subprocess.run(
        [*words, "--db=postgres", *options], env=environment, capture_output=True, text=True, check=False
    )
    if not done.stdout.startswith(f"POSTGRES_{name.upper()} "):
        raise RuntimeError(f"check_postgres {name}: {(done.stdout + done.stderr).strip()[:300]}")
