"""Everything that the service keeps about one user."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from rolerabbit import profiles
from rolerabbit.keys import Vault

LIMIT: Final = 10_000
"""Rows of each kind, the latest first."""
PARTS: Final = {
    "account": "SELECT id, email, name, role, created_at, updated_at FROM users WHERE id = %s LIMIT %s",
    "portfolios": "SELECT id, title, content, subdomain, published, visibility, created_at, updated_at, deleted_at"
    " FROM portfolios WHERE user_id = %s ORDER BY updated_at DESC, id LIMIT %s",
    "sessions": "SELECT kind, label, host(ip_address) AS ip_address, created_at, expires_at, revoked_at"
    " FROM user_sessions WHERE user_id = %s ORDER BY created_at DESC LIMIT %s",
    "activity": "SELECT action, details, host(ip_address) AS ip_address, created_at"
    " FROM audit_logs WHERE user_id = %s ORDER BY id DESC LIMIT %s",
}


@dataclass(frozen=True, slots=True)
class Export:
    """The whole as JSON text, and how many rows of each kind are in it."""

    body: bytes
    counts: dict[str, int]

    @property
    def details(self) -> dict[str, int]:
        """For the audit log: all rows, bytes, and the portfolios."""
        records = sum(self.counts.values())
        return {"records": records, "bytes": len(self.body), "portfolios": self.counts["portfolios"]}


async def collect(connection: AsyncConnection[Any], vault: Vault, user_id: UUID) -> Export:
    """Call it in a transaction that sees one moment."""
    found: dict[str, list[dict[str, Any]]] = {}
    async with connection.cursor(row_factory=dict_row) as cursor:
        for name, query in PARTS.items():
            await cursor.execute(query.encode(), [user_id, LIMIT])
            found[name] = await cursor.fetchall()
    kept = await profiles.read(connection, vault, user_id)
    profile = {"phone": kept.phone, "address": kept.address}
    whole = {**found, "account": found["account"][0], "profile": profile}
    body = json.dumps(whole, default=_as_text, ensure_ascii=False).encode("utf-8", "replace")
    return Export(body, {name: len(rows) for name, rows in found.items()})


def _as_text(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
