"""The platform's database: an embedded Postgres with the service's schema and one login for each purpose."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import psycopg
from psycopg import sql

from rolerabbit.embedded import EmbeddedError, Postgres
from rolerabbit.platform.settings import RESERVED, SUPERUSER_RESERVED, Settings

DATABASE = "rolerabbit"
LOGINS = {
    "owner": "rolerabbit_owner",
    "app": "rolerabbit_app",
    "reader": "hutch_reader",
    "rest": "rolerabbit_rest",
    "operator": "hutch_operator",
}
MIGRATE_SECONDS = 60.0
ARCHIVE = {"archive_mode": "on", "archive_command": "true"}
"""The archive takes each file and keeps none: there is something that can fail, and no disk that fills."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """The database's URL for each login. They hold passwords, new ones at every start."""

    superuser: str = field(repr=False)
    owner: str = field(repr=False)
    app: str = field(repr=False)
    reader: str = field(repr=False)
    operator: str = field(repr=False)
    rest: str = field(repr=False)


def server(settings: Settings) -> Postgres:
    """The server, not yet started."""
    return Postgres(
        settings.data / "postgres",
        settings={
            "max_connections": settings.max_connections,
            "superuser_reserved_connections": SUPERUSER_RESERVED,
            "reserved_connections": RESERVED,
            **ARCHIVE,
        },
    )


def provide(postgres: Postgres) -> Addresses:
    """Start the server, make database and logins, migrate and seed. EmbeddedError when a part of it fails."""
    postgres.start()
    superuser = postgres.createdb(DATABASE)
    passwords = {purpose: secrets.token_hex(16) for purpose in LOGINS}
    with psycopg.connect(superuser) as connection:
        _provision(connection, passwords)
    urls = {purpose: postgres.url_for(DATABASE, name, passwords[purpose]) for purpose, name in LOGINS.items()}
    _rolerabbit_db("up", urls["owner"])
    with psycopg.connect(superuser) as connection:
        _withhold(connection)
    _rolerabbit_db("seed", urls["owner"])
    return Addresses(superuser=superuser, **urls)


def _provision(connection: psycopg.Connection[Any], passwords: dict[str, str]) -> None:
    names = {purpose: sql.Identifier(name) for purpose, name in LOGINS.items()}
    verifiers = {
        f"{purpose}_password": sql.Literal(_verifier(connection, LOGINS[purpose], password))
        for purpose, password in passwords.items()
    }
    for name in _missing(connection, LOGINS.values()):
        connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))
    script = (files("rolerabbit.platform") / "roles.sql").read_text(encoding="utf-8")
    statements = "\n".join(line for line in script.splitlines() if not line.startswith("--"))
    filled = sql.SQL(statements).format(database=sql.Identifier(DATABASE), **names, **verifiers)
    connection.execute(filled)


def _withhold(connection: psycopg.Connection[Any]) -> None:
    """What holds codes that open accounts is none of the reader's business; the service can't rewrite its trails."""
    reader, app = sql.Identifier(LOGINS["reader"]), sql.Identifier(LOGINS["app"])
    connection.execute(sql.SQL("REVOKE ALL ON outbox, password_resets, user_profiles FROM {}").format(reader))
    connection.execute(sql.SQL("GRANT SELECT ON portfolios TO {}").format(sql.Identifier(LOGINS["rest"])))
    connection.execute(sql.SQL("REVOKE UPDATE, DELETE ON audit_logs, security_logs FROM {}").format(app))


def _verifier(connection: psycopg.Connection[Any], user: str, password: str) -> str:
    """What the server stores instead of the password: no password in its log, should a statement fail."""
    found = connection.pgconn.encrypt_password(password.encode(), user.encode(), b"scram-sha-256")
    return found.decode("ascii")


def _missing(connection: psycopg.Connection[Any], names: Iterable[str]) -> list[str]:
    known = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
    return [name for name in names if name not in known]


def _rolerabbit_db(command: str, url: str) -> None:
    environment = {**os.environ, "DATABASE_URL": url, "RR_ENV": "development"}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "rolerabbit", "db", command],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=MIGRATE_SECONDS,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired as error:
        raise EmbeddedError(f"rolerabbit db {command} was not done within {MIGRATE_SECONDS:.0f} s") from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise EmbeddedError(f"rolerabbit db {command} failed with exit code {done.returncode}: {said}")
