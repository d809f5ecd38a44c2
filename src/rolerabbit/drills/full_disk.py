"""A fault in which a disk of the database server is full. It needs the right to mount a small file system."""

from __future__ import annotations

import errno
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from rolerabbit.drills.errors import Refused
from rolerabbit.drills.scene import Scene, Stand
from rolerabbit.drills.service import Service, wait_for
from rolerabbit.embedded.wheel import Account, temporary_root

SCRATCH: Final = "drill_scratch"
ARCHIVE: Final = "drill_archive"
"""A disk that is nearly full, of what is kept there and no longer grows: nobody is in want."""
MEGABYTES: Final = 24
KEPT: Final = 0.92
"""How full the archive is."""
FORGOTTEN: Final = "export-of-last-year.csv"
MOUNT_SECONDS: Final = 10.0
STAND_SECONDS: Final = 15.0

_SPILL: Final = """
WITH kept AS MATERIALIZED (SELECT repeat('x', 1000) || n AS text FROM generate_series(1, 2000) n)
SELECT sum(length(text)) FROM kept"""


@contextmanager
def full_disk(scene: Scene) -> Iterator[Stand]:
    """A forgotten export has filled the disk to which the server writes what does not fit into memory."""
    service = scene.service
    _may_mount()
    scratch, archive = (_disk(scene, name) for name in (SCRATCH, ARCHIVE))
    scene.will_undo("temp_tablespaces")
    service.rows(f"GRANT CREATE ON TABLESPACE {SCRATCH} TO PUBLIC")
    service.rows(f"ALTER SYSTEM SET temp_tablespaces = {SCRATCH}")
    service.rows("SELECT pg_reload_conf()")
    _fill(archive, int(KEPT * MEGABYTES * 2**20))
    _fill(scratch, MEGABYTES * 2**21)
    wait_for(lambda: not can_spill(service), STAND_SECONDS, "a large sort fails for want of room")
    yield Stand(
        {"kind": "database", "id": urlsplit(service.url("database_url")).path.lstrip("/")},
        known={"tablespace": SCRATCH, "nearly_full": ARCHIVE},
    )


def can_spill(service: Service) -> bool:
    """Whether the service's role can write to the disk what does not fit into memory."""
    try:
        with service.connect("app", "rolerabbit-fault") as session:
            session.execute("SET work_mem = '64kB'")
            session.execute(_SPILL)
    except psycopg.errors.DiskFull:
        return False
    return True


def undo_temp_tablespaces(service: Service, _step: Mapping[str, Any]) -> None:
    """Temporary files go where they went before."""
    service.rows("ALTER SYSTEM RESET temp_tablespaces")
    service.rows("SELECT pg_reload_conf()")


def undo_disk(service: Service, step: Mapping[str, Any]) -> None:
    """Without the tablespace, the file system and its folder."""
    with service.connect("superuser", "rolerabbit-fault") as admin:
        admin.execute(sql.SQL("DROP TABLESPACE IF EXISTS {}").format(sql.Identifier(step["name"])))
    folder = Path(step["folder"])
    if folder.is_mount():
        subprocess.run(["umount", str(folder)], check=True, capture_output=True, timeout=MOUNT_SECONDS)
    if folder.exists():
        folder.rmdir()


def _may_mount() -> None:
    """Refused, with nothing touched, where no file system can be mounted."""
    if os.geteuid() != 0:
        raise Refused("a disk can be filled only by root, who may mount a small one: nothing was touched")
    with tempfile.TemporaryDirectory() as name:
        done = _mount(Path(name), 1)
        if done.returncode:
            raise Refused(f"no small disk can be mounted here ({done.stderr.strip()}): nothing was touched")
        subprocess.run(["umount", name], check=True, capture_output=True, timeout=MOUNT_SECONDS)


def _disk(scene: Scene, name: str) -> Path:
    """A small file system, and the tablespace of that name on it; its folder."""
    account = Account.current()
    folder = Path(tempfile.mkdtemp(prefix=f"rolerabbit-{name}-", dir=temporary_root(account)))
    scene.will_undo("disk", name=name, folder=str(folder))
    done = _mount(folder, MEGABYTES)
    if done.returncode:
        raise OSError(f"{folder} can't be mounted: {done.stderr.strip()}")
    folder.chmod(0o700)
    account.own(folder)
    with scene.service.connect("superuser", "rolerabbit-fault") as admin:
        make = sql.SQL("CREATE TABLESPACE {} LOCATION {}")
        admin.execute(make.format(sql.Identifier(name), sql.Literal(str(folder))))
    return folder


def _mount(folder: Path, megabytes: int) -> subprocess.CompletedProcess[str]:
    words = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    return subprocess.run(words, capture_output=True, text=True, timeout=MOUNT_SECONDS, check=False)


def _fill(folder: Path, most: int) -> None:
    """Write one file of that many bytes, or until nothing fits any more."""
    with (folder / FORGOTTEN).open("wb", buffering=0) as file:
        try:
            for _ in range(most // 4096):
                file.write(b"x" * 4096)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
