"""A fault in which a password was changed and those who need it were not told."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from rolerabbit.drills.loop import Loop
from rolerabbit.drills.scene import Scene, Stand
from rolerabbit.drills.service import CONNECT_SECONDS, Service, wait_for

READER: Final = "hutch_reader"
FORMER: Final = "drill_former_colleague"
"""A role whose notebook still tries a password that it has no more: refused as well, and nobody's trouble."""
TRY_SECONDS: Final = 0.5
STAND_SECONDS: Final = 15.0

_SECRET: Final = "SELECT rolpassword FROM pg_authid WHERE rolname = %s"  # noqa: S105 - a question
_END: Final = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s"
_LEFT: Final = "SELECT count(*) FROM pg_stat_activity WHERE usename = %s"


@contextmanager
def changed_password(scene: Scene) -> Iterator[Stand]:
    """The password of the login that looks at the database was rotated, and its sessions were ended."""
    service = scene.service
    scene.will_undo("password", role=READER, verifier=service.rows(_SECRET, READER)[0][0])
    scene.will_undo("role", role=FORMER)
    with service.connect("superuser", "rolerabbit-fault") as admin:
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(FORMER), _fresh()))
        _set(admin, READER, _fresh())
    former = Loop(lambda: _tried(_as(service.url("owner_url"), FORMER)), lambda: TRY_SECONDS)
    try:
        wait_for(lambda: _ended(service), STAND_SECONDS, f"no session of {READER} is left")
        wait_for(lambda: not _tried(service.url("reader_url")), STAND_SECONDS, f"{READER} is refused")
        yield Stand(
            {"kind": "database", "id": urlsplit(service.url("database_url")).path.lstrip("/")},
            known={"role": READER, "former": FORMER, "accept": [{"kind": "role", "id": READER}]},
        )
    finally:
        former.close()


def undo_password(service: Service, step: Mapping[str, Any]) -> None:
    """The password as it was, by what the server had stored of it."""
    with service.connect("superuser", "rolerabbit-fault") as admin:
        _set(admin, step["role"], sql.Literal(step["verifier"]))


def undo_role(service: Service, step: Mapping[str, Any]) -> None:
    """Without the role."""
    with service.connect("superuser", "rolerabbit-fault") as admin:
        admin.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(step["role"])))


def _set(admin: psycopg.Connection[Any], role: str, secret: sql.Composable) -> None:
    admin.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), secret))


def _fresh() -> sql.Literal:
    return sql.Literal(secrets.token_hex(16))


def _as(url: str, role: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{role}:forgotten@{parts.hostname}:{parts.port}").geturl()


def _tried(url: str) -> bool:
    """Whether that address is let in."""
    with suppress(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=CONNECT_SECONDS).close()
        return True
    return False


def _ended(service: Service) -> bool:
    service.rows(_END, READER)
    return int(service.rows(_LEFT, READER)[0][0]) == 0
