"""The two trails: what users did (`audit_logs`) and what looked wrong (`security_logs`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

SecurityEvent = Literal["LOGIN_FAILURE", "BRUTE_FORCE", "UNAUTHORIZED_ACCESS", "SUSPICIOUS_IP"]


async def audit(
    connection: AsyncConnection[Any], user_id: UUID, action: str, ip: str | None, details: dict[str, Any] | None = None
) -> None:
    """Note an action such as `portfolio.created`, in the caller's transaction if there is one."""
    await connection.execute(
        "INSERT INTO audit_logs (user_id, action, details, ip_address) VALUES (%s, %s, %s, %s)",
        [user_id, action, Jsonb(details or {}), ip],
    )


async def audit_deleted(
    connection: AsyncConnection[Any], actor: UUID, ip: str | None, portfolios: Sequence[tuple[UUID, UUID]]
) -> None:
    """Note one `portfolio.deleted` for each (portfolio, owner), in the caller's transaction."""
    await connection.execute(
        "INSERT INTO audit_logs (user_id, action, details, ip_address)"
        " SELECT %s, 'portfolio.deleted', jsonb_build_object('portfolio_id', d.id, 'owner_id', d.owner), %s"
        " FROM unnest(%s::uuid[], %s::uuid[]) AS d (id, owner)",
        [actor, ip, [portfolio for portfolio, _ in portfolios], [owner for _, owner in portfolios]],
    )


async def security(
    connection: AsyncConnection[Any],
    event: SecurityEvent,
    user_id: UUID | None,
    ip: str | None,
    details: dict[str, Any] | None = None,
) -> None:
    """Note a suspicious event."""
    await connection.execute(
        "INSERT INTO security_logs (event_type, user_id, ip_address, details) VALUES (%s, %s, %s, %s)",
        [event, user_id, ip, Jsonb(details or {})],
    )
