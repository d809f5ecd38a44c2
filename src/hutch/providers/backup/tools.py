"""pg_dump and pg_restore: found by their version, and run with the password in a file that only we can read."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from hutch.processes import Ended, run_group
from hutch.providers.backup.errors import BackupError, masked

USUAL = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")
"""Where Debian, the packages of postgresql.org for Red Hat, and Homebrew put them."""
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SECRET_WORDS = ("password", "sslpassword", "passfile", "oauth_client_secret")
OUTPUT_LIMIT = 16 * 1024
ASKING = 10.0
GRACE = 5.0


@dataclass(frozen=True, slots=True)
class Tools:
    """A folder with pg_dump and pg_restore of one major version."""

    folder: Path
    major: int


async def find(configured: str, least: int) -> Tools:
    """The tools of the lowest major version that is not below ``least``: older ones cannot read a newer server.

    :class:`BackupError` says what was found and what to do.
    """
    found = [tools for folder in _folders(configured) if (tools := await _asked(folder))]
    fit = sorted((t for t in found if t.major >= least), key=lambda t: t.major)
    if fit:
        return fit[0]
    where = configured or "PATH and the usual folders"
    have = ", ".join(f"version {t.major} in {t.folder}" for t in found) or "none"
    raise BackupError(
        f"pg_dump and pg_restore of version {least} or newer are needed; in {where} there is {have}: install the "
        f"client programs of Postgres {least} (postgresql-client-{least}), or name their folder under tools"
    )


def _folders(configured: str) -> Iterator[Path]:
    if configured:
        yield Path(configured)
        return
    on_path = shutil.which("pg_dump")
    if on_path:
        yield Path(on_path).parent
    for pattern in USUAL:
        yield from sorted(Path("/").glob(pattern.lstrip("/")))


async def _asked(folder: Path) -> Tools | None:
    """The version that both programs of a folder say they have; None where one is missing."""
    versions = set(await asyncio.gather(*(_version(folder / program) for program in ("pg_dump", "pg_restore"))))
    return Tools(folder, versions.pop()) if len(versions) == 1 and 0 not in versions else None


async def _version(program: Path) -> int:
    """The major version that a program says it has; 0 where there is none."""
    try:
        ended = await run_group([str(program), "--version"], _base(), "/", ASKING, OUTPUT_LIMIT, GRACE)
    except OSError:
        return 0
    said = re.search(rb"\(PostgreSQL\) (\d+)", ended.output)
    return int(said[1]) if said and ended.code == 0 else 0


@dataclass(frozen=True, slots=True)
class Login:
    """An address as the programs get it: no password in an argument, but in ``file``."""

    conninfo: str
    file: Path

    def environment(self) -> dict[str, str]:
        """What a program gets beside its arguments."""
        return {**_base(), "PGPASSFILE": str(self.file), "PGAPPNAME": "hutch backup"}


def login(url: str, folder: Path) -> Login:
    """Write the password of ``url`` to a file in ``folder`` that only we may read."""
    parts = {k: v for k, v in conninfo_to_dict(url).items() if v is not None}
    password = str(parts.get("password", ""))
    file = folder / "pgpass"
    escaped = password.replace("\\", "\\\\").replace(":", "\\:")
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(f"*:*:*:*:{escaped}\n" if password else "")
    safe = {k: v for k, v in parts.items() if k not in SECRET_WORDS}
    return Login(make_conninfo("", **safe), file)


async def run(
    tools: Tools, program: str, arguments: Sequence[str], login: Login, timeout: float, harmless: str = ""
) -> Ended:
    """Run one of the programs. :class:`BackupError` for what it says when it fails, or takes too long.

    ``harmless`` is the one error that pg_restore may go on from; any other is a failure.
    """
    argv = [str(tools.folder / program), *arguments]
    try:
        ended = await run_group(argv, login.environment(), str(login.file.parent), timeout, OUTPUT_LIMIT, GRACE)
    except OSError as error:
        raise BackupError(f"{argv[0]} cannot be started: {error.strerror}") from None
    if ended.timed_out:
        raise BackupError(f"{program} took longer than {timeout:g} s (setting timeout)")
    if ended.code != 0 and not (harmless and _harmless(ended.output.decode(errors="replace"), harmless)):
        raise BackupError(f"{program} failed: {_last(ended.output)}", passing=True)
    return ended


def _harmless(output: str, harmless: str) -> bool:
    """Whether all that went wrong is that, by pg_restore's own count."""
    errors = [line for line in output.splitlines() if "error:" in line]
    counted = re.search(r"errors ignored on restore: (\d+)", output)
    return counted is not None and all(harmless in line for line in errors) and int(counted[1]) == len(errors)


def _last(output: bytes) -> str:
    lines = [line for line in masked(output.decode(errors="replace")).splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower() or "fatal" in line.lower()]
    return " / ".join((errors or lines)[:4]) or "it said nothing"


def _base() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("HOME", "TMPDIR") if name in os.environ}
    return {"PATH": os.environ.get("PATH", DEFAULT_PATH), "LC_ALL": "C.UTF-8", **kept}


async def entries(tools: Tools, archive: Path, login: Login) -> list[str]:
    """The table of contents of an archive, a line each, as ``pg_restore --list`` writes it."""
    listing = login.file.parent / "toc.list"
    await run(tools, "pg_restore", ["--list", f"--file={listing}", str(archive)], login, 300.0)
    return await asyncio.to_thread(lambda: listing.read_text(encoding="utf-8").splitlines())
