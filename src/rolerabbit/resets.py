"""New passwords: asked for by mail, or forced by an operator. Ended sessions are marked, never deleted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection, Connection

from rolerabbit.passwords import token_hash

VALID_HOURS: Final = 1
SUBJECT: Final = "Choose a new password"
LETTER: Final = """Somebody, hopefully you, asked for a new password for this account.

Your code, good for {hours} hour and for one use:

{token}

Send it with your new password to POST /api/auth/password-reset/confirm. If it was not you, do nothing.
"""
FORCED_LETTER: Final = """For the safety of your account you have been logged out, and have to choose a new password.

Ask for a code with POST /api/auth/password-reset, and follow the mail that you get then.
"""
_ASK: Final = """
WITH asked AS (
    INSERT INTO password_resets (token_hash, user_id, ip_address, expires_at)
    SELECT %(hash)s, id, %(ip)s, now() + make_interval(hours => %(hours)s) FROM users
    WHERE lower(email) = lower(%(email)s)
    RETURNING user_id
)
INSERT INTO outbox (user_id, recipient, subject, body)
SELECT u.id, u.email, %(subject)s, %(body)s FROM users u JOIN asked ON asked.user_id = u.id
RETURNING user_id"""
_USE: Final = """
UPDATE password_resets SET used_at = now()
WHERE token_hash = %s AND used_at IS NULL AND expires_at > now() RETURNING user_id"""
_FORCE: Final = """
WITH chosen AS (
    SELECT id, email, password_reset_required FROM users
    WHERE %(email)s::text IS NULL OR lower(email) = lower(%(email)s) FOR UPDATE
), marked AS (
    UPDATE users u SET password_reset_required = true, updated_at = now()
    FROM chosen c WHERE u.id = c.id AND NOT c.password_reset_required RETURNING u.id, u.email
), ended AS (
    UPDATE user_sessions s SET revoked_at = now()
    FROM chosen c WHERE s.user_id = c.id AND s.revoked_at IS NULL RETURNING s.user_id
), noted AS (
    INSERT INTO audit_logs (user_id, action, details)
    SELECT id, 'user.reset_forced', '{"by": "operator"}' FROM marked
), mailed AS (
    INSERT INTO outbox (user_id, recipient, subject, body) SELECT id, email, %(subject)s, %(body)s FROM marked
)
SELECT (SELECT count(*) FROM chosen), (SELECT count(*) FROM marked), (SELECT count(*) FROM ended)"""


@dataclass(frozen=True, slots=True)
class Forced:
    """How many accounts were meant, how many of them were newly marked, how many sessions ended."""

    accounts: int
    marked: int
    sessions: int


async def ask(connection: AsyncConnection[Any], email: str, token: str, ip: str | None) -> UUID | None:
    """Put a mail with the token into the outbox and keep its hash; None where there is no such account."""
    cursor = await connection.execute(
        _ASK,
        {
            "hash": token_hash(token),
            "email": email,
            "ip": ip,
            "hours": VALID_HOURS,
            "subject": SUBJECT,
            "body": LETTER.format(hours=VALID_HOURS, token=token),
        },
    )
    row = await cursor.fetchone()
    return row[0] if row is not None else None


async def use(connection: AsyncConnection[Any], token: str, password_hash: str) -> UUID | None:
    """Set the password, end every session and every other code of the account; None where the token is not good.

    Call it in a transaction.
    """
    row = await (await connection.execute(_USE, [token_hash(token)])).fetchone()
    if row is None:
        return None
    user_id: UUID = row[0]
    await connection.execute(
        "UPDATE users SET password_hash = %s, password_reset_required = false, updated_at = now() WHERE id = %s",
        [password_hash, user_id],
    )
    for table, column in (("user_sessions", "revoked_at"), ("password_resets", "used_at")):
        await connection.execute(
            f"UPDATE {table} SET {column} = now() WHERE user_id = %s AND {column} IS NULL".encode(),  # noqa: S608
            [user_id],
        )
    return user_id


def force(connection: Connection[Any], email: str | None) -> Forced:
    """Mark one account, or all of them, to need a new password, end their sessions and write to their owners."""
    values = {"email": email, "subject": SUBJECT, "body": FORCED_LETTER}
    row = connection.execute(_FORCE, values).fetchone()
    return Forced(*row) if row is not None else Forced(0, 0, 0)
