"""Which store a configuration means, opened: a file beside it, or the Postgres that ``HUTCH_DATABASE_URL`` names."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hutch.bootstrap.secrets import EnvironmentSecrets
from hutch.commands.context import CommandError
from hutch.model.accounts import Accounts
from hutch.model.config import Config
from hutch.model.duty import Duties, Watches
from hutch.model.event import Break
from hutch.model.register import Register
from hutch.ports import Queue, Samples, Sightings, Store, Wallclock
from hutch.queue.local import LocalQueue
from hutch.store.accounts import PRAGMAS, AccountTables
from hutch.store.aside import in_database, in_file, is_in_database
from hutch.store.carrying import ACCESS, Make, Part
from hutch.store.duties import TableDuties
from hutch.store.owner import is_elsewhere
from hutch.store.proof import Report
from hutch.store.register import RegisterTable
from hutch.store.samples import SampleTable
from hutch.store.schema import check_served
from hutch.store.sightings import SightingTable
from hutch.store.sqlite import SqliteStore
from hutch.store.verify import verify_store
from hutch.store.watches import WatchTable

VARIABLE = "HUTCH_DATABASE_URL"
"""Names the Postgres database of the store; it goes before ``store`` of the configuration."""

FOLDER = ".hutch"
"""Where what is no event lies (the freeze, drafts of reviews) when ``store`` names a database."""

_SQLITE = b"SQLite format 3\0"
"""How each such file begins: https://www.sqlite.org/fileformat.html"""

_SCHEMES = ("postgresql://", "postgres://")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the store is. ``url`` is empty for the SQLite file in ``home``."""

    home: Path
    url: str = ""

    @property
    def file(self) -> Path:
        """The SQLite file, whether or not it is used."""
        return self.home / "hutch.db"

    @property
    def moved(self) -> Path:
        """Says where the store in the file was moved to, if it was."""
        return self.home / "moved"

    @property
    def name(self) -> str:
        """What a person calls it; without user and password."""
        parts = urlsplit(self.url)
        return f"Postgres at {parts.hostname}:{parts.port or 5432}{parts.path}" if self.url else str(self.file)


def place_of(config: Config, base: Path) -> Place:
    """Where ``config`` and the environment say it is, relative to ``base``. Raises :class:`CommandError`."""
    named = config.store if is_database(config.store) else ""
    if urlsplit(named).password:
        raise CommandError(f"store: a password does not belong in {config.path}: set {VARIABLE} instead", 2)
    url = os.environ.get(VARIABLE, "") or named
    if url and not is_database(url):
        raise CommandError(f"{VARIABLE}: expected postgresql://USER@HOST:PORT/DATABASE", 2)
    return Place(base / (FOLDER if named else config.store), url)


def check_shared(place: Place) -> None:
    """For a further worker: raises :class:`CommandError` unless this process can share the store with the server."""
    todo = f"on another machine than the server's set {VARIABLE}: a SQLite file serves one machine"
    if place.url:
        return
    if not place.file.exists():
        raise CommandError(f"no store at {place.file} to work on: start `hutch serve` here first; {todo}", 2)
    server = place.home / "serving"
    if server.exists() and is_elsewhere(server.read_text(encoding="utf-8")):
        raise CommandError(f"the server that uses {place.file} runs on another machine; {todo}", 2)


def is_database(text: str) -> bool:
    """Whether ``text`` is the address of a Postgres database, not a folder."""
    return text.startswith(_SCHEMES)


def open_store(place: Place, clock: Wallclock, secrets: EnvironmentSecrets) -> tuple[Store, Queue]:
    """The store and its queue. A database is connected to when it is first used; its password is masked from now on.

    Raises :class:`CommandError` for a file whose store was moved away: two histories would go on from it.
    """
    if not place.url:
        if place.moved.exists():
            where = place.moved.read_text(encoding="utf-8").strip()
            todo = f"set {VARIABLE}, or remove {place.moved} to go back to the file as it was then"
            raise CommandError(f"the store in {place.file} was moved to {where}: {todo}", 2)
        store = SqliteStore(place.file, clock)
        return store, LocalQueue(store)
    secrets.remember(place.url)
    place.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return open_database(place.url, clock)


def open_database(url: str, clock: Wallclock) -> tuple[Store, Queue]:
    """The store and queue on Postgres; its libraries are imported only now."""
    queue: Any = importlib.import_module("hutch.queue.postgres").ProcrastinateQueue(clock)
    store: Any = importlib.import_module("hutch.store.postgres.store").PostgresStore(url, queue, clock)
    return store, queue


def open_samples(place: Place, time_scale: float) -> Samples:
    """What signals were: beside the log, and nothing is opened before its first use."""
    found = in_database(place.url) if place.url else in_file(place.home / "samples.db")
    return SampleTable(found, time_scale)


def open_sightings(place: Place) -> Sightings:
    """What probes saw last, beside the samples; nothing is opened before its first use."""
    return SightingTable(in_database(place.url) if place.url else in_file(place.home / "samples.db"))


def open_duties(place: Place) -> Duties:
    """Which process does what only one may do."""
    path = place.home / "samples.db"
    if place.url:
        return TableDuties(in_database(place.url), is_in_database(place.url, "hearts"))
    return TableDuties(in_file(path), path.exists)


def open_watches(place: Place) -> Watches:
    """Where the rules stand, as the process that watches sees it."""
    return WatchTable(in_database(place.url) if place.url else in_file(place.home / "samples.db"))


def open_register(place: Place) -> Register:
    """What lists of incidents are narrowed by; nothing is opened before its first use."""
    return RegisterTable(in_database(place.url) if place.url else in_file(place.home / "register.db"))


def open_accounts(place: Place) -> Accounts:
    """Who may come in."""
    path = place.home / "access.db"
    return AccountTables(in_database(place.url)) if place.url else AccountTables(in_file(path, PRAGMAS), path.exists)


def place_of_part(place: Place, part: Part) -> tuple[Make, bool]:
    """Where what lies beside the log is, and whether that is there."""
    if place.url:
        return in_database(place.url), True
    path = place.home / ("access.db" if part == ACCESS else "samples.db")
    return (in_file(path, PRAGMAS) if part == ACCESS else in_file(path)), path.exists()


def prove(place: Place) -> list[Break]:
    """Every break in the store, proved offline. Raises :class:`CommandError` where nothing was recorded yet."""
    return list(proof(place).breaks)


def proof(place: Place) -> Report:
    """The same, with what was erased on purpose."""
    if place.url:
        found: Report = importlib.import_module("hutch.store.postgres.verify").verify_database(place.url)
        return found
    if not place.file.exists():
        raise CommandError(f"no store at {place.file}: nothing was recorded there yet", 2)
    return verify_store(place.file)


def check_schema(place: Place) -> None:
    """Raises ``StoreError`` once the store was brought to a schema that this version cannot work on; ``StoreAway``."""
    if place.url:
        importlib.import_module("hutch.store.postgres.schema").check_served(place.url)
    elif place.file.exists():
        check_served(place.file)


def proof_of_copy(path: Path) -> Report:
    """The proof of a store that no configuration names: a file, or a folder such as a backup is."""
    return verify_store(path / "hutch.db" if path.is_dir() else path)


def is_store(path: Path) -> bool:
    """Whether this is a folder or a SQLite file, and so no exported bundle, which is text."""
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except IsADirectoryError:
        return True
    except OSError:
        return False


def standing(place: Place) -> Any:
    """How the store on a server stands: a :class:`hutch.store.postgres.look.Standing`."""
    queue: Any = importlib.import_module("hutch.queue.schema")
    return importlib.import_module("hutch.store.postgres.look").look(place.url, queue.current)
