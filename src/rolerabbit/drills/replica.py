"""A fault in which a replica receives everything and replays nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psycopg

from rolerabbit.drills.errors import FaultError
from rolerabbit.drills.scene import Scene, Stand
from rolerabbit.drills.service import Service, wait_for
from rolerabbit.drills.sessions import Session
from rolerabbit.embedded import Postgres
from rolerabbit.embedded.server import ENVIRONMENT
from rolerabbit.embedded.watch import GUARD
from rolerabbit.embedded.wheel import Account, temporary_root

REPLICA: Final = "drill_replica"
RECEIVER: Final = "drill_wal_copy"
"""It only copies what is written and never replays anything, as it should: it must not be named, nor ended."""
MEGABYTE: Final = 2**20
MESSAGES: Final = 32
SMALL: Final = {"shared_buffers": "16MB", "max_connections": 60, "max_wal_size": "128MB"}
COPY_SECONDS: Final = 45.0
STAND_SECONDS: Final = 30.0

_FOLLOWS: Final = "SELECT 1 FROM pg_stat_replication WHERE application_name = %s AND state = 'streaming'"
_BEHIND: Final = """
SELECT coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)), 0)
FROM pg_stat_replication WHERE application_name = %s"""
_SESSION: Final = "SELECT pid, backend_start::text, application_name FROM pg_stat_activity WHERE application_name = %s"
_WRITE: Final = "SELECT pg_logical_emit_message(false, 'drill', repeat('x', %s))"


@contextmanager
def paused_replica(scene: Scene) -> Iterator[Stand]:
    """Somebody paused the replay on the replica for a comparison, and forgot it."""
    service = scene.service
    with ExitStack() as stack:
        folder = stack.enter_context(_folder())
        copy = _copied(service, folder)
        stack.enter_context(_receiving(service, copy, folder))
        copy.start()
        stack.callback(copy.stop, "immediate")
        wait_for(lambda: _follows(service, REPLICA), STAND_SECONDS, "the replica follows")
        _on_replica(service, copy, "SELECT pg_wal_replay_pause()")
        for _ in range(MESSAGES):
            service.rows(_WRITE, MEGABYTE)
        wait_for(lambda: _behind(service) > MESSAGES * MEGABYTE // 2, STAND_SECONDS, "the replica is behind")
        yield Stand(
            {"kind": "host", "id": REPLICA},
            protected=[Session(*row) for row in service.rows(_SESSION, RECEIVER)],
            known={"copies_only": RECEIVER},
            counts=lambda: {"bytes_behind": _behind(service)},
        )


@contextmanager
def _folder() -> Iterator[Path]:
    """A scratch folder for the replica, deleted afterwards, even if we are killed."""
    account = Account.current()
    folder = Path(tempfile.mkdtemp(prefix="rolerabbit-replica-", dir=temporary_root(account)))
    GUARD.remove(folder)
    account.own(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        GUARD.keep(folder)


def _copied(service: Service, folder: Path) -> Postgres:
    """A server over a copy of the service's database, which follows it once started."""
    copy = Postgres(folder / "data", settings={**SMALL, "hot_standby": "on"})
    _run(service, copy, "pg_basebackup", "--pgdata", str(copy.data_dir), "--checkpoint=fast", "--no-sync")
    primary = urlsplit(service.url("database_url"))
    follow = f"host={primary.hostname} port={primary.port} user={primary.username} application_name={REPLICA}"
    account = Account.current()
    for name, text in (
        ("standby.signal", ""),
        ("postgresql.auto.conf", f"primary_conninfo = '{follow} passfile={_pass_file(service, folder)}'\n"),
    ):
        (copy.data_dir / name).write_text(text, encoding="utf-8")
        account.own(copy.data_dir / name)
    return copy


def _pass_file(service: Service, folder: Path) -> Path:
    """The password where no argument list and no setting shows it."""
    path, url = folder / "pgpass", urlsplit(service.url("database_url"))
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(f"*:*:*:*:{url.password}\n")
        Account.current().own(path)
    return path


def _words(service: Service, copy: Postgres, program: str) -> list[str]:
    url = urlsplit(service.url("database_url"))
    return [
        str(copy.bin_dir / program), "--host", str(url.hostname), "--port", str(url.port),
        "--username", str(url.username), "--no-password",
    ]  # fmt: skip


def _run(service: Service, copy: Postgres, program: str, *more: str) -> None:
    environment = {**ENVIRONMENT, "PGPASSFILE": str(_pass_file(service, copy.data_dir.parent))}
    words = [*_words(service, copy, program), *more]
    try:
        done = subprocess.run(
            words, env=environment, capture_output=True, text=True, timeout=COPY_SECONDS, check=False,
            **Account.current().popen_options(),
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise FaultError(f"{program} was not done within {COPY_SECONDS:g} s") from error
    if done.returncode != 0:
        raise FaultError(f"{program} ended with exit code {done.returncode}: {done.stderr.strip()}")


@contextmanager
def _receiving(service: Service, copy: Postgres, folder: Path) -> Iterator[None]:
    """What is written is copied into a folder while the block lasts."""
    target = folder / "wal"
    target.mkdir()
    Account.current().own(target)
    environment = {
        **ENVIRONMENT, "PGPASSFILE": str(_pass_file(service, folder)), "PGAPPNAME": RECEIVER,
    }  # fmt: skip
    words = [*_words(service, copy, "pg_receivewal"), "--directory", str(target), "--no-sync"]
    process = subprocess.Popen(
        words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        **Account.current().popen_options(),
    )  # fmt: skip
    GUARD.watch(process.pid)
    try:
        wait_for(lambda: _follows(service, RECEIVER), STAND_SECONDS, "what is written is copied")
        yield
    finally:
        process.terminate()
        process.wait()
        GUARD.release(process.pid)


def _follows(service: Service, name: str) -> bool:
    return bool(service.rows(_FOLLOWS, name))


def _behind(service: Service) -> int:
    return int(service.rows(_BEHIND, REPLICA)[0][0])


def _on_replica(service: Service, copy: Postgres, statement: str) -> None:
    url = urlsplit(service.url("database_url"))
    there = url._replace(netloc=f"{url.username}:{url.password}@{url.hostname}:{copy.port}").geturl()
    with psycopg.connect(there, autocommit=True) as session:
        session.execute(statement.encode())
