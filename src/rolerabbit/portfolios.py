"""Portfolios in the database. Deleting one only marks it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, get_args
from uuid import UUID

from psycopg import AsyncConnection, sql
from psycopg.rows import class_row

Visibility = Literal["public", "unlisted", "private"]
VISIBILITIES: Final[tuple[str, ...]] = get_args(Visibility)


@dataclass(frozen=True, slots=True)
class Portfolio:
    """One portfolio that is not deleted."""

    id: UUID
    user_id: UUID
    title: str
    content: str
    subdomain: str
    published: bool
    visibility: Visibility
    created_at: datetime
    updated_at: datetime


_COLUMNS: Final = sql.SQL("id, user_id, title, content, subdomain, published, visibility, created_at, updated_at")
_EDITABLE: Final = ("title", "content", "subdomain", "visibility", "published")

_OF_USER: Final = sql.SQL(
    "SELECT {} FROM portfolios WHERE user_id = %s AND deleted_at IS NULL"
    " ORDER BY updated_at DESC, id LIMIT %s OFFSET %s"
).format(_COLUMNS)
_EVERYBODYS: Final = sql.SQL(
    "SELECT {} FROM portfolios WHERE deleted_at IS NULL ORDER BY updated_at DESC, id LIMIT %s OFFSET %s"
).format(_COLUMNS)
_DELETE_MANY: Final = """
WITH wanted AS (
    SELECT id FROM portfolios WHERE id = ANY (%(ids)s) AND deleted_at IS NULL ORDER BY id FOR UPDATE
)
UPDATE portfolios p SET deleted_at = now(), deleted_by = %(actor)s, updated_at = now()
FROM wanted w WHERE p.id = w.id AND (%(anybodys)s OR p.user_id = %(actor)s)
RETURNING p.id, p.user_id"""
_PUBLIC: Final = sql.SQL(
    "SELECT {} FROM portfolios WHERE published = true AND visibility = 'public' AND deleted_at IS NULL"
    " ORDER BY updated_at DESC, id LIMIT %s OFFSET %s"
).format(_COLUMNS)
_BY_ID: Final = sql.SQL("SELECT {} FROM portfolios WHERE id = %s AND deleted_at IS NULL").format(_COLUMNS)
_PAGE: Final = sql.SQL(
    "SELECT {} FROM portfolios WHERE subdomain = %s AND published = true"
    " AND visibility <> 'private' AND deleted_at IS NULL"
).format(_COLUMNS)
_ADD: Final = sql.SQL(
    "INSERT INTO portfolios (user_id, title, content, subdomain, visibility) VALUES (%s, %s, %s, %s, %s)"
    " ON CONFLICT (subdomain) DO NOTHING RETURNING {}"
).format(_COLUMNS)
_CHANGE: Final = sql.SQL(
    "UPDATE portfolios SET {values}, updated_at = now()"
    " WHERE id = %(_id)s AND user_id = %(_owner)s AND deleted_at IS NULL RETURNING {columns}"
)


async def of_user(connection: AsyncConnection[Any], user_id: UUID, limit: int, offset: int) -> list[Portfolio]:
    """The user's own, published or not, latest first."""
    return await _all(connection, _OF_USER, [user_id, limit, offset])


async def public(connection: AsyncConnection[Any], limit: int, offset: int) -> list[Portfolio]:
    """What anybody may list: published and public, latest first."""
    return await _all(connection, _PUBLIC, [limit, offset])


async def by_id(connection: AsyncConnection[Any], portfolio_id: UUID) -> Portfolio | None:
    """Whoever owns it; the caller decides who may see it."""
    return await _one(connection, _BY_ID, [portfolio_id])


async def page(connection: AsyncConnection[Any], subdomain: str) -> Portfolio | None:
    """The published page of a subdomain; unlisted ones are found by who knows the name, private ones never."""
    return await _one(connection, _PAGE, [subdomain])


async def add(
    connection: AsyncConnection[Any], user_id: UUID, title: str, content: str, subdomain: str, visibility: Visibility
) -> Portfolio | None:
    """The new, unpublished portfolio, or None where the subdomain is taken."""
    return await _one(connection, _ADD, [user_id, title, content, subdomain, visibility])


async def change(
    connection: AsyncConnection[Any], portfolio_id: UUID, user_id: UUID, values: dict[str, Any]
) -> Portfolio | None:
    """Set some of title, content, subdomain, visibility, published; None where the user owns no such portfolio."""
    named = [name for name in _EDITABLE if name in values]
    settings = sql.SQL(", ").join(sql.SQL("{} = {}").format(sql.Identifier(n), sql.Placeholder(n)) for n in named)
    query = _CHANGE.format(values=settings, columns=_COLUMNS)
    return await _one(connection, query, {**values, "_id": portfolio_id, "_owner": user_id})


async def delete_many(
    connection: AsyncConnection[Any], ids: Sequence[UUID], actor: UUID, anybodys: bool
) -> list[tuple[UUID, UUID]]:
    """Mark those of the portfolios as deleted that are the actor's, or anybody's; each with its owner."""
    cursor = await connection.execute(_DELETE_MANY, {"ids": list(ids), "actor": actor, "anybodys": anybodys})
    return [(row[0], row[1]) for row in await cursor.fetchall()]


async def everybodys(connection: AsyncConnection[Any], limit: int, offset: int) -> list[Portfolio]:
    """All that are not deleted, latest first: for admins."""
    return await _all(connection, _EVERYBODYS, [limit, offset])


async def _all(connection: AsyncConnection[Any], query: sql.Composed, values: list[Any]) -> list[Portfolio]:
    async with connection.cursor(row_factory=class_row(Portfolio)) as cursor:
        await cursor.execute(query, values)
        return await cursor.fetchall()


async def _one(
    connection: AsyncConnection[Any], query: sql.Composed, values: list[Any] | dict[str, Any]
) -> Portfolio | None:
    async with connection.cursor(row_factory=class_row(Portfolio)) as cursor:
        await cursor.execute(query, values)
        return await cursor.fetchone()
