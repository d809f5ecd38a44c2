"""Users and their sessions in the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection, sql
from psycopg.rows import class_row, dict_row

from rolerabbit.passwords import token_hash

SESSION_DAYS: Final = 14
TOKEN_DAYS: Final = 365


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with an account."""

    id: UUID
    email: str
    name: str
    created_at: datetime
    role: str
    restrictions: list[str]
    """Kinds of the restrictions in force: `all`, `login`, `export`."""

    @property
    def is_admin(self) -> bool:
        """Whether everybody's portfolios are theirs to see and delete."""
        return self.role == "admin"

    def may(self, kind: str) -> bool:
        """Whether no restriction of this kind, or of all, is in force."""
        return not {"all", kind} & set(self.restrictions)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a login is checked against."""

    user_id: UUID
    password_hash: str
    reset_required: bool
    restrictions: list[str]


_RESTRICTIONS: Final = sql.SQL(
    "ARRAY(SELECT DISTINCT r.restriction::text FROM account_restrictions r"
    " WHERE r.user_id = u.id AND r.restricted_until > now()) AS restrictions"
)
_USER: Final = sql.SQL("u.id, u.email, u.name, u.created_at, u.role, {}").format(_RESTRICTIONS)
_ADD: Final = sql.SQL(
    "INSERT INTO users AS u (email, name, password_hash, language) VALUES (%s, %s, %s, %s)"
    " ON CONFLICT (lower(email)) DO NOTHING RETURNING {}"
).format(_USER)
_CREDENTIALS: Final = sql.SQL(
    "SELECT u.id AS user_id, u.password_hash, u.password_reset_required AS reset_required, {}"
    " FROM users u WHERE lower(u.email) = lower(%(email)s)"
).format(_RESTRICTIONS)
_OF_TOKEN: Final = sql.SQL(
    "SELECT {user} FROM user_sessions s JOIN users u ON u.id = s.user_id"
    " WHERE s.token_hash = %(hash)s AND s.revoked_at IS NULL AND s.expires_at > now()"
).format(user=_USER)


async def add_user(
    connection: AsyncConnection[Any], email: str, name: str, password_hash: str, language: str = ""
) -> User | None:
    """The new user, or None where the address is taken."""
    async with connection.cursor(row_factory=class_row(User)) as cursor:
        await cursor.execute(_ADD, [email, name, password_hash, language])
        return await cursor.fetchone()


async def credentials(connection: AsyncConnection[Any], email: str) -> Credentials | None:
    """What the account of this address logs in with; None where there is no such account."""
    async with connection.cursor(row_factory=class_row(Credentials)) as cursor:
        await cursor.execute(_CREDENTIALS, {"email": email})
        return await cursor.fetchone()


async def open_session(
    connection: AsyncConnection[Any],
    user_id: UUID,
    token: str,
    ip: str | None,
    days: int = SESSION_DAYS,
    label: str = "",
) -> datetime:
    """Keep a session for this token and return when it ends; one with a label is an API token."""
    cursor = await connection.execute(
        "INSERT INTO user_sessions (token_hash, user_id, ip_address, expires_at, label, kind)"
        " VALUES (%(hash)s, %(user)s, %(ip)s, now() + make_interval(days => %(days)s), %(label)s::text,"
        " CASE WHEN %(label)s::text = '' THEN 'session' ELSE 'api' END) RETURNING expires_at",
        {"hash": token_hash(token), "user": user_id, "ip": ip, "days": days, "label": label},
    )
    row = await cursor.fetchone()
    if row is None:
        raise LookupError("INSERT INTO user_sessions returned no row")
    expires: datetime = row[0]
    return expires


async def revoke_session(connection: AsyncConnection[Any], token: str) -> None:
    """End the session of this token; its row stays."""
    await connection.execute(
        "UPDATE user_sessions SET revoked_at = now() WHERE token_hash = %s AND revoked_at IS NULL", [token_hash(token)]
    )


async def sessions_of(connection: AsyncConnection[Any], user_id: UUID, token: str) -> list[dict[str, Any]]:
    """The user's sessions and API tokens that stand, the latest first; `current` is the one of this token."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            "SELECT id, kind, label, host(ip_address) AS ip_address, created_at, expires_at, token_hash = %s AS current"
            " FROM user_sessions WHERE user_id = %s AND revoked_at IS NULL AND expires_at > now()"
            " ORDER BY created_at DESC, id LIMIT 200",
            [token_hash(token), user_id],
        )
        return await cursor.fetchall()


async def end_session(connection: AsyncConnection[Any], user_id: UUID, session_id: UUID) -> bool:
    """End one of the user's own; whether there was one to end. Its row stays."""
    cursor = await connection.execute(
        "UPDATE user_sessions SET revoked_at = now() WHERE id = %s AND user_id = %s AND revoked_at IS NULL",
        [session_id, user_id],
    )
    return cursor.rowcount == 1


async def is_new_address(connection: AsyncConnection[Any], user_id: UUID, ip: str | None) -> bool:
    """Whether the user has logged in before, and never from this address. Ask before the session is opened."""
    cursor = await connection.execute(
        "SELECT count(*) > 0 AND count(*) FILTER (WHERE ip_address = %s::inet) = 0"
        " FROM user_sessions WHERE user_id = %s",
        [ip, user_id],
    )
    row = await cursor.fetchone()
    return ip is not None and row is not None and bool(row[0])


async def user_of(connection: AsyncConnection[Any], token: str) -> User | None:
    """Whose live session this token is; None where it is unknown, over or revoked."""
    async with connection.cursor(row_factory=class_row(User)) as cursor:
        await cursor.execute(_OF_TOKEN, {"hash": token_hash(token)})
        return await cursor.fetchone()


async def is_blocked(connection: AsyncConnection[Any], ip: str | None) -> bool:
    """Whether the address, or a network that holds it, is on the blocklist now."""
    cursor = await connection.execute(
        "SELECT EXISTS (SELECT FROM ip_blocklist WHERE ip_address >>= %s::inet AND blocked_until > now())", [ip]
    )
    row = await cursor.fetchone()
    return row is not None and bool(row[0])
