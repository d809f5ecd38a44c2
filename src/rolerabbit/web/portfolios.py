"""The API for portfolios: owners see and change their own, everybody lists what is published and public."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import psycopg
from fastapi import APIRouter, HTTPException, Query, Request, Response
from psycopg import Rollback
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

from rolerabbit import portfolios, trail
from rolerabbit.accounts import User
from rolerabbit.portfolios import Portfolio, Visibility
from rolerabbit.web.access import Visit, bearer, changing, parts_of, user_visit, visit

router = APIRouter(prefix="/api", tags=["portfolios"])

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Content = Annotated[str, StringConstraints(max_length=100_000)]
Subdomain = Annotated[str, StringConstraints(max_length=63, pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")]
Limit = Annotated[int, Query(ge=1, le=100)]
Offset = Annotated[int, Query(ge=0, le=100_000)]
MAX_CHOSEN = 1000


class NewPortfolio(BaseModel):
    """A portfolio starts unpublished."""

    model_config = ConfigDict(extra="forbid")

    title: Title
    subdomain: Subdomain
    content: Content = ""
    visibility: Visibility = "public"


class Edit(BaseModel):
    """What is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    title: Title = ""
    subdomain: Subdomain = ""
    content: Content = ""
    visibility: Visibility = "public"


class Chosen(BaseModel):
    """Portfolios by their ids."""

    model_config = ConfigDict(extra="forbid")

    ids: Annotated[list[UUID], Field(min_length=1, max_length=MAX_CHOSEN)]


class PortfolioOut(BaseModel):
    """A portfolio as it is answered."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    user_id: UUID
    title: str
    content: str
    subdomain: str
    published: bool
    visibility: Visibility
    created_at: datetime
    updated_at: datetime


@router.get("/portfolios", response_model=list[PortfolioOut])
async def list_portfolios(request: Request, limit: Limit = 20, offset: Offset = 0) -> Response:
    """The caller's own; for somebody who is not logged in, the published and public ones."""
    parts = parts_of(request)

    async def made() -> bytes:
        async with visit(request) as found:
            await parts.reads.before(found.connection)
            if found.user is not None:
                rows = await portfolios.of_user(found.connection, found.user.id, limit, offset)
            else:
                rows = await portfolios.public(found.connection, limit, offset)
        return _LISTED.dump_json([_out(row) for row in rows])

    public = parts.reads.cached and not offset and bearer(request) is None
    body = await parts.cache.through(f"list:{limit}", made) if public else await made()
    return Response(body, media_type="application/json")


_LISTED = TypeAdapter(list[PortfolioOut])


@router.post("/portfolios", status_code=201)
async def create(request: Request, body: NewPortfolio) -> PortfolioOut:
    """409 where the subdomain is taken."""
    async with user_visit(request) as (found, user), found.connection.transaction():
        row = await portfolios.add(found.connection, user.id, body.title, body.content, body.subdomain, body.visibility)
        if row is None:
            raise HTTPException(409, "this subdomain is taken")
        await _audit(found, user, "portfolio.created", row.id)
    return _out(row)


@router.get("/portfolios/{portfolio_id}")
async def read(request: Request, portfolio_id: UUID) -> PortfolioOut:
    """The owner's view of one portfolio; noted as `data.accessed`."""
    async with user_visit(request) as (found, user):
        await parts_of(request).reads.before(found.connection)
        row = await _own(found, user, portfolio_id)
        await _audit(found, user, "data.accessed", row.id)
    return _out(row)


@router.patch("/portfolios/{portfolio_id}")
async def edit(request: Request, portfolio_id: UUID, body: Edit) -> PortfolioOut:
    """409 where the new subdomain is taken, 422 where nothing would change."""
    values = body.model_dump(include=body.model_fields_set)
    if not values:
        raise HTTPException(422, "nothing to change: give title, content, subdomain or visibility")
    return await _change(request, portfolio_id, values, "portfolio.updated")


@router.post("/portfolios/{portfolio_id}/publish")
async def publish(request: Request, portfolio_id: UUID) -> PortfolioOut:
    """From now on the page is served under its subdomain, unless it is private."""
    return await _change(request, portfolio_id, {"published": True}, "portfolio.published")


@router.post("/portfolios/{portfolio_id}/unpublish")
async def unpublish(request: Request, portfolio_id: UUID) -> PortfolioOut:
    """The page is no longer served."""
    return await _change(request, portfolio_id, {"published": False}, "portfolio.unpublished")


@router.delete("/portfolios/{portfolio_id}", status_code=204)
async def delete(request: Request, portfolio_id: UUID) -> None:
    """Marks it as deleted: the row stays, with who deleted it and when. Admins may delete anybody's."""
    await _delete(request, [portfolio_id])


@router.delete("/portfolios")
async def delete_many(request: Request, body: Chosen) -> dict[str, int]:
    """All of them or, where one is not there (or not the caller's, unless an admin), none: 404."""
    return {"deleted": await _delete(request, body.ids)}


async def _delete(request: Request, ids: list[UUID]) -> int:
    wanted = set(ids)
    async with changing(request), user_visit(request) as (found, user):
        deleted: list[tuple[UUID, UUID]] = []
        async with found.connection.transaction():
            deleted = await portfolios.delete_many(found.connection, list(wanted), user.id, user.is_admin)
            if len(deleted) != len(wanted):
                raise Rollback
            await trail.audit_deleted(found.connection, user.id, found.ip, deleted)
        if len(deleted) != len(wanted):
            for missing in wanted - {portfolio for portfolio, _ in deleted}:
                await _own(found, user, missing)
            raise HTTPException(404, "there is no such portfolio")
    return len(deleted)


async def _change(request: Request, portfolio_id: UUID, values: dict[str, Any], action: str) -> PortfolioOut:
    async with changing(request), user_visit(request) as (found, user):
        await _own(found, user, portfolio_id)
        try:
            async with found.connection.transaction():
                row = await portfolios.change(found.connection, portfolio_id, user.id, values)
                await _audit(found, user, action, portfolio_id)
        except psycopg.errors.UniqueViolation as error:
            raise HTTPException(409, "this subdomain is taken") from error
    if row is None:
        raise HTTPException(404, "there is no such portfolio")
    return _out(row)


async def _own(found: Visit, user: User, portfolio_id: UUID) -> Portfolio:
    row = await portfolios.by_id(found.connection, portfolio_id)
    if row is None or row.user_id != user.id:
        if row is not None:
            await trail.security(
                found.connection, "UNAUTHORIZED_ACCESS", user.id, found.ip, {"portfolio_id": str(portfolio_id)}
            )
        raise HTTPException(404, "there is no such portfolio")
    return row


async def _audit(found: Visit, user: User, action: str, portfolio_id: UUID) -> None:
    await trail.audit(found.connection, user.id, action, found.ip, {"portfolio_id": str(portfolio_id)})


def _out(row: Portfolio) -> PortfolioOut:
    return PortfolioOut.model_validate(row)
