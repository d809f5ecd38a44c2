"""Tokens that are no good any more: told apart are a client that was not told so, and somebody who took one."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from rolerabbit.addresses import network_of
from rolerabbit.passwords import token_hash

MOST_NETWORKS: Final = 50
"""Networks that are kept of one session: somebody who travels has some dozen in two weeks."""
_USED: Final = """
UPDATE user_sessions SET networks = networks || %(network)s::cidr
WHERE token_hash = %(hash)s AND NOT %(network)s::cidr = ANY (networks) AND cardinality(networks) < %(most)s"""
_OWNER: Final = """
SELECT s.user_id, EXISTS (
    SELECT FROM user_sessions o WHERE o.user_id = s.user_id
    AND (o.ip_address <<= %(network)s::cidr OR %(network)s::cidr = ANY (o.networks)))
FROM user_sessions s WHERE s.token_hash = %(hash)s"""


async def used(connection: AsyncConnection[Any], token: str, ip: str) -> None:
    """Remember from which network a good token came."""
    asked = {"network": network_of(ip), "hash": token_hash(token), "most": MOST_NETWORKS}
    await connection.execute(_USED, asked)


async def suspect(connection: AsyncConnection[Any], token: str, ip: str) -> dict[str, str] | None:
    """What is to be noted of a token that is refused; nothing where its owner is at home."""
    row = await (await connection.execute(_OWNER, {"network": network_of(ip), "hash": token_hash(token)})).fetchone()
    if row is None:
        return {"reason": "unknown token"}
    owner: UUID
    owner, at_home = row
    return None if at_home else {"reason": "old token", "of": str(owner)}


_KNOWN: Final = """
SELECT EXISTS (
    SELECT FROM users u JOIN user_sessions s ON s.user_id = u.id
    WHERE lower(u.email) = lower(%(email)s)
      AND (s.ip_address <<= %(network)s::cidr OR %(network)s::cidr = ANY (s.networks)))"""


async def at_home(connection: AsyncConnection[Any], email: str, ip: str) -> bool:
    """Whether a session of this account was opened or used from there."""
    row = await (await connection.execute(_KNOWN, {"email": email, "network": network_of(ip)})).fetchone()
    return row is not None and bool(row[0])
