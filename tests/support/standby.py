"""A second embedded server that follows a first one by streaming replication."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rolerabbit.embedded.postgres import FAST_AND_LOOSE, Postgres
from rolerabbit.embedded.wheel import Account


@contextmanager
def standby_of(primary: Postgres, name: str = "standby", **settings: object) -> Iterator[Postgres]:
    """Copied by pg_basebackup beside the primary's data, started, and stopped at the end."""
    account = Account.current()
    folder = primary.data_dir.parent / name
    command = [
        str(primary.bin_dir / "pg_basebackup"),
        "-d",
        primary.url,
        "-D",
        str(folder),
        "-X",
        "stream",
        "--no-sync",
    ]
    command += ["--checkpoint=fast"]
    options = account.popen_options()
    subprocess.run(command, check=True, capture_output=True, timeout=60, **options)
    (folder / "standby.signal").touch()
    account.own(folder / "standby.signal")
    following = {"primary_conninfo": f"{primary.url}?application_name={name}", **FAST_AND_LOOSE, **settings}
    server = Postgres(Path(folder), settings=following, install=primary.bin_dir.parent)
    server.start()
    try:
        yield server
    finally:
        server.stop("immediate")
