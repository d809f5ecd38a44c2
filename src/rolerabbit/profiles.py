"""What users tell of themselves, sealed in the database; and sealing it anew once another key seals."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import AsyncConnection, Connection
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from rolerabbit.keys import Unreadable, Vault

BATCH: Final = 200
PAUSE_S: Final = 0.05
"""Between two batches: users come first."""
LOOK_S: Final = 5.0
"""Between two looks for what an older key has sealed."""
_STORE: Final = """
INSERT INTO user_profiles (user_id, key_id, sealed) VALUES (%s, %s, %s)
ON CONFLICT (user_id) DO UPDATE SET key_id = excluded.key_id, sealed = excluded.sealed, updated_at = now()"""
_OLDER: Final = """
SELECT user_id, key_id, sealed FROM user_profiles
WHERE key_id <> %(first)s AND key_id = ANY (%(known)s) LIMIT %(batch)s FOR UPDATE SKIP LOCKED"""
_log = logging.getLogger("rolerabbit.profiles")


@dataclass(frozen=True, slots=True)
class Profile:
    """How somebody can be reached besides their mail address."""

    phone: str = ""
    address: str = ""


async def store(connection: AsyncConnection[Any], vault: Vault, user_id: UUID, profile: Profile) -> None:
    """Seal and keep it."""
    text = json.dumps({"phone": profile.phone, "address": profile.address}, ensure_ascii=False)
    await connection.execute(_STORE, [user_id, *vault.seal(text, str(user_id))])


async def read(connection: AsyncConnection[Any], vault: Vault, user_id: UUID) -> Profile:
    """The profile, an empty one where nothing is kept. Raises `Unreadable`."""
    found = await connection.execute("SELECT key_id, sealed FROM user_profiles WHERE user_id = %s", [user_id])
    row = await found.fetchone()
    return Profile(**json.loads(vault.open(row[0], row[1], str(user_id)))) if row else Profile()


async def reseal(connection: AsyncConnection[Any], vault: Vault) -> int:
    """Seal one batch anew with the first key, in one transaction; how many were to be done. Several may work at it."""
    values = {"first": vault.ring.first, "known": list(vault.ring.keys), "batch": BATCH}
    async with connection.transaction():
        rows = await (await connection.execute(_OLDER, values)).fetchall()
        for user_id, key_id, sealed in rows:
            try:
                again = vault.seal(vault.open(key_id, sealed, str(user_id)), str(user_id))
            except Unreadable as error:
                _log.error("the profile of %s can't be sealed anew: %s", user_id, error)
                raise
            await connection.execute(
                "UPDATE user_profiles SET key_id = %s, sealed = %s WHERE user_id = %s", [*again, user_id]
            )
    return len(rows)


async def keep_sealed(pool: AsyncConnectionPool[Any], vault: Vault) -> None:
    """Until cancelled: whatever an older key of the ring has sealed is sealed anew, a batch at a time."""
    while True:
        done = 0
        try:
            async with pool.connection() as connection:
                done = await reseal(connection, vault)
        except (psycopg.Error, PoolTimeout, TooManyRequests, Unreadable) as error:
            _log.debug("nothing was sealed anew: %s", error)
        await asyncio.sleep(PAUSE_S if done else LOOK_S)


def by_key(connection: Connection[Any]) -> dict[str, int]:
    """How many profiles each key has sealed."""
    return dict(connection.execute("SELECT key_id, count(*) FROM user_profiles GROUP BY key_id ORDER BY key_id"))
