"""A real Postgres as a child process: set up, started, stopped and restarted by us, on the loopback address alone."""

from __future__ import annotations

import contextlib
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import sql

from rolerabbit.embedded.errors import EmbeddedError, PortTaken
from rolerabbit.embedded.server import ENVIRONMENT, HOST, Child, check_port, free_port
from rolerabbit.embedded.watch import GUARD
from rolerabbit.embedded.wheel import Account, postgres_install, reachable, temporary_root

SUPERUSER = "postgres"
START_SECONDS = 30.0
LOCK_SECONDS = 8.0
"""How long a start waits for an earlier server on the same folder that is still on its way out."""
DEFAULTS: Mapping[str, object] = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "shared_preload_libraries": "pg_stat_statements",
    "shared_buffers": "32MB",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
FAST_AND_LOOSE: Mapping[str, object] = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""For data that nobody will miss after a crash of the machine."""
QUIT = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
_CONFIG_NAME = "rolerabbit.conf"
_PASSWORD_NAME = "rolerabbit.password"  # noqa: S105
_BUSY = ('lock file "postmaster.pid"', "pre-existing shared memory block")
_TAKEN = "Address already in use"


class Postgres:
    """A Postgres server over ``data_dir``, which is initialised at the first start.

    ``settings`` are server settings by name; they stand in a file of their own, so ``ALTER SYSTEM`` overrides them.
    ``port`` 0 takes a free one at the first start and keeps it. As root the server runs as ``nobody``; if that
    account can't reach ``data_dir``, the data lies under the temporary directory and ``data_dir`` names the true place.
    ``install`` is the folder of another version, as a distribution installs it, with ``bin`` in it.
    Raises EmbeddedError (and PortTaken) from ``start``.
    """

    def __init__(
        self,
        data_dir: Path | str,
        port: int = 0,
        settings: Mapping[str, object] | None = None,
        install: Path | None = None,
    ) -> None:
        self._account = Account.current()
        self._install = install or postgres_install(self._account)
        self.data_dir = reachable(Path(data_dir).absolute(), self._account, "pgdata")
        self._settings = {**DEFAULTS, **(settings or {})}
        self._wanted_port = port
        self.port = port
        self._child: Child | None = None

    @classmethod
    @contextlib.contextmanager
    def temporary(cls, durable: bool = False, install: Path | None = None, **settings: object) -> Iterator[Postgres]:
        """A running server in a scratch folder that is deleted afterwards, even if we are killed."""
        account = Account.current()
        scratch = Path(tempfile.mkdtemp(prefix="rolerabbit-pg-", dir=temporary_root(account)))
        GUARD.remove(scratch)
        account.own(scratch)
        server = cls(scratch / "data", settings={**({} if durable else FAST_AND_LOOSE), **settings}, install=install)
        try:
            server.start()
            yield server
        finally:
            server.stop("immediate")
            shutil.rmtree(scratch)
            GUARD.keep(scratch)

    @property
    def bin_dir(self) -> Path:
        """Where ``psql``, ``pg_dump``, ``pg_amcheck`` and the other programs of this server lie."""
        return self._install / "bin"

    @property
    def log_path(self) -> Path:
        """The server's log."""
        return self.data_dir / "server.log"

    @property
    def url(self) -> str:
        """Superuser's address of the database ``postgres``, with its password."""
        return self.url_for("postgres")

    @property
    def pid(self) -> int:
        """Process id of the postmaster. EmbeddedError when the server doesn't run."""
        return self._running().pid

    @property
    def running(self) -> bool:
        """Whether the postmaster is alive."""
        return self._child is not None and self._child.running

    def url_for(self, database: str, user: str = SUPERUSER, password: str | None = None) -> str:
        """Address of a database for a role; without a password for the superuser's own."""
        secret = self._password() if password is None else password
        return f"postgresql://{quote(user)}:{quote(secret, safe='')}@{HOST}:{self.port}/{quote(database, safe='')}"

    def start(self) -> Postgres:
        """Initialise if need be, start, and return once connections are accepted."""
        if self.running:
            return self
        if not (self.data_dir / "PG_VERSION").exists():
            self._initialise()
        deadline = time.monotonic() + LOCK_SECONDS
        while not self._try_start(final=time.monotonic() > deadline):
            time.sleep(0.2)
        return self

    def stop(self, mode: str = "fast") -> None:
        """Stop: ``smart`` waits for sessions, ``fast`` ends them, ``immediate`` leaves recovery to the next start."""
        if self._child is not None:
            self._child.end((QUIT[mode], signal.SIGQUIT), seconds=10.0)
            self._child = None

    def kill(self) -> None:
        """SIGKILL to the postmaster, as a crash would be; reaped, so that a start afterwards recovers."""
        self._running().end(())
        self._child = None

    def restart(self, mode: str = "fast") -> None:
        """Stop and start on the same port."""
        self.stop(mode)
        self.start()

    def createdb(self, name: str) -> str:
        """Create a database unless it exists; its address."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
            if known is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url_for(name)

    def _running(self) -> Child:
        if self._child is None or not self._child.running:
            raise EmbeddedError(f"the Postgres server of {self.data_dir} is not running: call start()")
        return self._child

    def _password(self) -> str:
        return (self.data_dir / _PASSWORD_NAME).read_text(encoding="ascii")

    def _initialise(self) -> None:
        """initdb with a random password, which stays in the data folder (0600) for later starts."""
        self._account.make_parents(self.data_dir)
        self.data_dir.mkdir(mode=0o700, exist_ok=True)
        self.data_dir.chmod(0o700)
        self._account.own(self.data_dir)
        with tempfile.NamedTemporaryFile("w", encoding="ascii", dir=temporary_root(self._account)) as secret:
            secret.write(secrets.token_hex(16))
            secret.flush()
            self._account.own(Path(secret.name))
            command = [str(self.bin_dir / "initdb"), f"--pgdata={self.data_dir}", f"--username={SUPERUSER}"]
            command += [f"--pwfile={secret.name}", "--auth=scram-sha-256", "--encoding=UTF8", "--no-instructions"]
            command += ["--locale=C.UTF-8", *(["--locale-provider=builtin"] if self._has_builtin_locale() else [])]
            command += ["--no-sync"] if self._settings.get("fsync") == "off" else []
            _run(command, self._account)
            shutil.copy(secret.name, self.data_dir / _PASSWORD_NAME)
        (self.data_dir / _PASSWORD_NAME).chmod(0o600)
        self._account.own(self.data_dir / _PASSWORD_NAME)
        with (self.data_dir / "postgresql.conf").open("a", encoding="utf-8") as config:
            config.write(f"\ninclude = '{_CONFIG_NAME}'\n")

    def _has_builtin_locale(self) -> bool:
        """Version 17 brought it; before that the system's locale of the same name has to do."""
        said = subprocess.run([str(self.bin_dir / "initdb"), "--version"], capture_output=True, text=True, check=True)
        found = re.search(r"\b(\d+)", said.stdout)
        return found is not None and int(found[1]) >= 17

    def _try_start(self, final: bool) -> bool:
        """One attempt. False when it is worth another: the folder or the freely chosen port was still in use."""
        if self._wanted_port:
            check_port(self._wanted_port)
        self.port = self._wanted_port or free_port()
        config = self.data_dir / _CONFIG_NAME
        config.write_text(render_settings({**self._settings, "port": self.port}), encoding="utf-8")
        self._account.own(config)
        before = self.log_path.stat().st_size if self.log_path.exists() else 0
        command = [str(self.bin_dir / "postgres"), "-D", str(self.data_dir)]
        child = Child(command, self.log_path, self._account, signal.SIGINT)
        if child.wait_until(lambda: self._ready(child.pid), START_SECONDS):
            self._child, self._wanted_port = child, self.port
            return True
        child.end((signal.SIGINT,))
        said = self.log_path.read_bytes()[before:].decode(errors="replace")
        if _TAKEN in said and self._wanted_port:
            raise PortTaken(self.port)
        if final or not any(reason in said for reason in (*_BUSY, _TAKEN)):
            raise child.failed("Postgres")
        return False

    def _ready(self, pid: int) -> bool:
        """As pg_ctl does it: the lock file names our process and its eighth line says ready."""
        try:
            lines = (self.data_dir / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"


def render_settings(settings: Mapping[str, object]) -> str:
    """Settings in the form of postgresql.conf; booleans become on and off.

    >>> render_settings({"fsync": False, "application_name": "o'hare"})
    "fsync = 'off'\\napplication_name = 'o''hare'\\n"
    """
    return "".join(f"{name} = '{_value(value)}'\n" for name, value in settings.items())


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value).replace("\\", "\\\\").replace("'", "''")


def _run(command: list[str], account: Account) -> None:
    options: dict[str, Any] = account.popen_options()
    done = subprocess.run(
        command, env=ENVIRONMENT, capture_output=True, text=True, errors="replace", check=False, **options
    )
    if done.returncode != 0:
        raise EmbeddedError(f"{Path(command[0]).name} failed with exit code {done.returncode}:\n{done.stderr.strip()}")
