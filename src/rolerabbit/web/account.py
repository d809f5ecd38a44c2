"""What belongs to an account as a whole: its export, its sessions and API tokens, its profile."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, HTTPException, Request, Response
from pydantic import BaseModel, ConfigDict, StringConstraints

from rolerabbit import exports, mail, profiles, trail
from rolerabbit.accounts import TOKEN_DAYS, end_session, open_session, sessions_of
from rolerabbit.web.access import bearer, parts_of, refuse, user_visit
from rolerabbit.web.auth import Session
from rolerabbit.web.limits import allow

router = APIRouter(prefix="/api/account", tags=["account"])


class SessionOut(BaseModel):
    """A session that stands, as its owner sees it; `kind` is session or api."""

    id: UUID
    kind: str
    label: str
    ip_address: str | None
    created_at: datetime
    expires_at: datetime
    current: bool


class NewToken(BaseModel):
    """What an API token is for."""

    model_config = ConfigDict(extra="forbid")

    label: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class ProfileBody(BaseModel):
    """How somebody can be reached; it is kept sealed."""

    model_config = ConfigDict(extra="forbid")

    phone: Annotated[str, StringConstraints(strip_whitespace=True, max_length=50)] = ""
    address: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] = ""


@router.get("/export")
async def export(request: Request) -> Response:
    """Everything that is kept about the caller, as JSON; noted as `data.exported` with its size."""
    async with user_visit(request) as (found, user):
        await allow(request, "export", str(user.id))
        if not user.may("export"):
            await refuse(request, found, user, "export restricted", "exports of this account are restricted for now")
        async with found.connection.transaction():
            await found.connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            whole = await exports.collect(found.connection, parts_of(request).vault, user.id)
            await trail.audit(found.connection, user.id, "data.exported", found.ip, whole.details)
    return Response(whole.body, media_type="application/json")


@router.get("/sessions")
async def sessions(request: Request) -> list[SessionOut]:
    """The caller's sessions and API tokens that stand, latest first."""
    async with user_visit(request) as (found, user):
        rows = await sessions_of(found.connection, user.id, bearer(request) or "")
    return [SessionOut(**row) for row in rows]


@router.delete("/sessions/{session_id}", status_code=204)
async def end(request: Request, session_id: UUID) -> None:
    """The session or API token is refused from now on; 404 where the caller has none of that id."""
    async with user_visit(request) as (found, user), found.connection.transaction():
        if not await end_session(found.connection, user.id, session_id):
            raise HTTPException(404, "you have no such session")
        await trail.audit(found.connection, user.id, "session.revoked", found.ip, {"session_id": str(session_id)})


@router.post("/tokens", status_code=201)
async def make_token(request: Request, body: NewToken) -> Session:
    """A token for programs, good for a year; it is shown once. Its owner is told by mail."""
    async with user_visit(request) as (found, user), found.connection.transaction():
        token = parts_of(request).tokens.sign(str(user.id))
        expires = await open_session(found.connection, user.id, token, found.ip, TOKEN_DAYS, body.label)
        await trail.audit(found.connection, user.id, "token.created", found.ip, {"label": body.label})
        await mail.notify(found.connection, user.id, "token made", found.ip)
    return Session(token=token, expires_at=expires)


@router.get("/profile")
async def profile(request: Request) -> ProfileBody:
    """The caller's own; empty where nothing is kept."""
    async with user_visit(request) as (found, user):
        kept = await profiles.read(found.connection, parts_of(request).vault, user.id)
    return ProfileBody(phone=kept.phone, address=kept.address)


@router.put("/profile", status_code=204)
async def keep_profile(request: Request, body: ProfileBody) -> None:
    """Replaces the caller's profile."""
    async with user_visit(request) as (found, user), found.connection.transaction():
        kept = profiles.Profile(body.phone, body.address)
        await profiles.store(found.connection, parts_of(request).vault, user.id, kept)
        await trail.audit(found.connection, user.id, "profile.updated", found.ip)
