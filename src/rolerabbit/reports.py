"""What visitors report about pages."""

from __future__ import annotations

from typing import Any, Final

from psycopg import AsyncConnection, Connection
from psycopg.rows import dict_row

REASONS: Final = {
    "abuse": "It harms somebody",
    "broken": "It does not work",
    "security": "It is a danger to security",
    "other": "Something else",
}
_LATEST: Final = """
SELECT id, created_at, reason, page, message, email, host(ip_address) AS ip_address FROM user_reports
WHERE handled_at IS NULL ORDER BY id DESC LIMIT %s"""


async def add(
    connection: AsyncConnection[Any], page: str, reason: str, message: str, email: str, ip: str | None
) -> int:
    """Keep a report; its number."""
    cursor = await connection.execute(
        "INSERT INTO user_reports (page, reason, message, email, ip_address) VALUES (%s, %s, %s, %s, %s) RETURNING id",
        [page, reason, message, email, ip],
    )
    row = await cursor.fetchone()
    return int(row[0]) if row is not None else 0


def latest(connection: Connection[Any], limit: int) -> list[dict[str, Any]]:
    """Those that nobody has handled, the latest first."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_LATEST, [limit]).fetchall()
