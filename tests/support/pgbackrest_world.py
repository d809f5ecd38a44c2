"""A Postgres 15 whose WAL the real pgBackRest archives: its folder, its configuration, and its command lines."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from rolerabbit.embedded.postgres import Postgres
from rolerabbit.embedded.watch import GUARD
from rolerabbit.embedded.wheel import Account, temporary_root

FIFTEEN = Path("/usr/lib/postgresql/15")
TOOL = shutil.which("pgbackrest")
MISSING = "" if TOOL and (FIFTEEN / "bin/postgres").exists() else "no pgbackrest and postgresql-15 are installed"
FOLDERS = ("repo", "log", "lock", "spool", "socket", "restored")
SETTINGS = """[global]
repo1-path={at}/repo
repo1-retention-full=2
log-path={at}/log
lock-path={at}/lock
spool-path={at}/spool
start-fast=y
archive-timeout=60
[shop]
pg1-path={data}
pg1-port={port}
pg1-socket-path={at}/socket
pg1-user=postgres
"""


@dataclass(frozen=True)
class Archived:
    """The server, the folder of everything else, and who may touch both."""

    server: Postgres
    at: Path
    account: Account

    @property
    def restored(self) -> Path:
        """Where a restore goes: beside the running server, as on a standby machine."""
        return self.at / "restored"

    @property
    def environment(self) -> dict[str, str]:
        return {"PGPASSFILE": str(self.at / "pgpass")}

    def line(self, *words: str) -> list[str]:
        """A command line of the tool, under the account that owns the data."""
        config = f"--config={self.at}/pgbackrest.conf"
        return [*as_account(self.account), str(TOOL), config, "--stanza=shop", *words]

    def run(self, *words: str) -> None:
        done = subprocess.run(
            self.line(*words),
            env={**os.environ, **self.environment},
            cwd="/",
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def archive(self) -> None:
        """The WAL so far is in the repository."""
        with psycopg.connect(self.server.url, autocommit=True) as admin:
            row = admin.execute("select pg_walfile_name(pg_switch_wal())").fetchone()
            assert row
            until(lambda: admin.execute(ARCHIVED, [row[0]]).fetchone() == (True,))


ARCHIVED = "select coalesce(last_archived_wal >= %s, false) from pg_stat_archiver"


@contextmanager
def archived() -> Iterator[Archived]:
    """The server with its archive, gone afterwards."""
    account = Account.current()
    at = Path(tempfile.mkdtemp(prefix="rolerabbit-pitr-", dir=temporary_root(account)))
    GUARD.remove(at)
    at.chmod(0o755)
    for name in FOLDERS:
        (at / name).mkdir(mode=0o700)
        account.own(at / name)
    archiver = f"{TOOL} --config={at}/pgbackrest.conf --stanza=shop archive-push %p"
    try:
        with Postgres.temporary(
            install=FIFTEEN, durable=True, shared_preload_libraries="", wal_level="replica", archive_mode="on",
            archive_command=archiver, unix_socket_directories=str(at / "socket"),
        ) as server:  # fmt: skip
            world = Archived(server, at, account)
            _write(world, "pgbackrest.conf", SETTINGS.format(at=at, data=server.data_dir, port=server.port))
            _write(world, "pgpass", f"*:*:*:postgres:{psycopg.conninfo.conninfo_to_dict(server.url)['password']}\n")
            world.run("stanza-create")
            yield world
    finally:
        shutil.rmtree(at)
        GUARD.keep(at)


def as_account(account: Account) -> list[str]:
    return (
        [] if account.uid is None else ["setpriv", f"--reuid={account.uid}", f"--regid={account.uid}", "--clear-groups"]
    )


def until(seen: Callable[[], bool]) -> None:
    for _ in range(600):
        if seen():
            return
        time.sleep(0.1)
    raise AssertionError("not within 60 s")


def _write(world: Archived, name: str, text: str) -> None:
    path = world.at / name
    path.write_text(text)
    path.chmod(0o600)
    world.account.own(path)
