from __future__ import annotations

import psycopg
import pytest
from psycopg import errors

from hutch.providers.postgres.errors import Kind, failed, masked, refused

AT = 'connection failed: connection to server at "10.0.0.1", port 5432 failed: '


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("FATAL:  sorry, too many clients already", Kind.EXHAUSTED),
        (
            "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute",
            Kind.EXHAUSTED,
        ),
        ('FATAL:  password authentication failed for user "app"', Kind.AUTH),
        ('FATAL:  database "shop" does not exist', Kind.AUTH),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.9"', Kind.AUTH),
        ("fe_sendauth: no password supplied", Kind.AUTH),
        ("FATAL:  the database system is starting up", Kind.UNREACHABLE),
        ("Connection refused", Kind.UNREACHABLE),
    ],
)
def test_refusals_are_told_apart_by_the_server_s_words(said: str, kind: Kind) -> None:
    error = refused(psycopg.OperationalError(AT + said), "10.0.0.1:5432")
    assert (error.kind, error.sent) == (kind, False)
    assert str(error) == f"10.0.0.1:5432: {' '.join(said.split())}"


@pytest.mark.parametrize(
    ("error", "kind", "recoverable"),
    [
        (errors.QueryCanceled("canceling statement due to statement timeout"), Kind.TIMEOUT, True),
        (errors.LockNotAvailable("canceling statement due to lock timeout"), Kind.LOCKED, True),
        (errors.InsufficientPrivilege("permission denied for table users"), Kind.PERMISSION, False),
        (errors.SyntaxError('syntax error at or near "selec"'), Kind.SQL, False),
    ],
)
def test_failures_are_told_apart_by_their_state(error: psycopg.Error, kind: Kind, recoverable: bool) -> None:
    found = failed(error, "db:5432", lost=False)
    assert (found.kind, found.recoverable, found.sent) == (kind, recoverable, False)


@pytest.mark.parametrize("error", [psycopg.OperationalError("server closed"), errors.AdminShutdown("terminating")])
def test_a_lost_connection_leaves_it_open_whether_it_happened(error: psycopg.Error) -> None:
    found = failed(error, "db:5432", lost=error.sqlstate is None)
    assert (found.kind, found.sent, found.lost) == (Kind.UNREACHABLE, True, True)


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://app:hidden@db/shop",
        "failed: host=db password=hidden user=app",
        "password = 'hid den\\' hidden' user=app",
        "postgres://db/shop?user=app&password=hidden&sslmode=require",
    ],
)
def test_passwords_are_masked_wherever_they_stand(text: str) -> None:
    assert "hid" not in masked(text)
    assert "•••" in masked(text)
    assert "app" in masked(text) or "user" in masked(text)
