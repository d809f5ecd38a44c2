"""Register, log in, log out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, StringConstraints

from rolerabbit import mail, trail
from rolerabbit.accounts import (
    Credentials,
    User,
    add_user,
    credentials,
    is_blocked,
    is_new_address,
    open_session,
    revoke_session,
)
from rolerabbit.passwords import hash_aside, matches
from rolerabbit.web.access import RESTRICTED, Connection, bearer, ip_of, parts_of, user_visit
from rolerabbit.web.limits import allow, attempt

router = APIRouter(prefix="/api/auth", tags=["auth"])
RESET_REQUIRED = (
    "this account has to choose a new password first: ask for a link with POST /api/auth/password-reset, "
    "then follow the mail"
)

Email = Annotated[str, StringConstraints(strip_whitespace=True, max_length=254, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
Password = Annotated[str, StringConstraints(min_length=10, max_length=200)]
Language = Annotated[str, StringConstraints(max_length=35, pattern=r"^([A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*)?$")]
Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]


class Registration(BaseModel):
    """A new account."""

    email: Email
    password: Password
    name: Name = ""
    language: Language = ""
    """What letters are to be written in, as a tag such as de or pt-BR."""


class Login(BaseModel):
    """Proof of an account."""

    email: Email
    password: Annotated[str, StringConstraints(max_length=200)]


class Account(BaseModel):
    """An account as its owner sees it."""

    id: UUID
    email: str
    name: str
    created_at: datetime


class Session(BaseModel):
    """A bearer token; it is shown once and kept only as a hash."""

    token: str
    expires_at: datetime


@router.post("/register", status_code=201)
async def register(request: Request, body: Registration) -> Account:
    """409 where the address has an account already."""
    await allow(request, "signup")
    hashed, ip = await hash_aside(body.password), ip_of(request)
    async with parts_of(request).pool.connection() as connection:
        await _refuse_blocked(request, connection, ip)
        async with connection.transaction():
            user = await add_user(connection, body.email, body.name, hashed, body.language)
            if user is None:
                raise HTTPException(409, "this address already has an account")
            await trail.audit(connection, user.id, "user.registered", ip)
    return _account(user)


@router.post("/login")
async def log_in(request: Request, body: Login) -> Session:
    """401 for a wrong password and for an unknown address alike; 403 for a blocked address or a restricted account;
    429 after too many that were wrong."""
    async with attempt(request, "login", body.email):
        return await _log_in(request, body)


async def _log_in(request: Request, body: Login) -> Session:
    ip, pool = ip_of(request), parts_of(request).pool
    async with pool.connection() as connection:
        await _refuse_blocked(request, connection, ip)
        known = await credentials(connection, body.email)
    # No connection is held while the password is checked: that takes longer than the queries.
    fits = await matches(known.password_hash if known else None, body.password)
    async with pool.connection() as connection:
        if known is None or not fits:
            account = {"account": body.email.lower()}
            await trail.security(connection, "LOGIN_FAILURE", known.user_id if known else None, ip, account)
            raise HTTPException(401, "wrong address or password")
        await _refuse_closed(connection, known, ip)
        token = parts_of(request).tokens.sign(str(known.user_id))
        async with connection.transaction():
            if await is_new_address(connection, known.user_id, ip):
                await mail.notify(connection, known.user_id, "new address", ip)
            expires = await open_session(connection, known.user_id, token, ip)
            await trail.audit(connection, known.user_id, "user.logged_in", ip)
    parts_of(request).metrics.saw(known.user_id)
    return Session(token=token, expires_at=expires)


@router.post("/logout", status_code=204)
async def log_out(request: Request) -> None:
    """The token of this request is refused from now on."""
    async with user_visit(request) as (visit, user), visit.connection.transaction():
        await revoke_session(visit.connection, bearer(request) or "")
        await trail.audit(visit.connection, user.id, "user.logged_out", visit.ip)


@router.get("/me")
async def me(request: Request) -> Account:
    """Who the token of this request belongs to."""
    async with user_visit(request) as (_, user):
        return _account(user)


async def _refuse_closed(connection: Connection, known: Credentials, ip: str | None) -> None:
    if {"all", "login"} & set(known.restrictions):
        await trail.security(connection, "UNAUTHORIZED_ACCESS", known.user_id, ip, {"reason": "restricted"})
        raise HTTPException(403, RESTRICTED)
    if known.reset_required:
        await trail.audit(connection, known.user_id, "user.login_refused", ip, {"reason": "reset required"})
        raise HTTPException(403, RESET_REQUIRED)


async def _refuse_blocked(request: Request, connection: Connection, ip: str | None) -> None:
    if await is_blocked(connection, ip) and not parts_of(request).clients.trusts(ip):
        await trail.security(connection, "SUSPICIOUS_IP", None, ip, {"reason": "blocked address"})
        raise HTTPException(403, "requests from this address are blocked for now")


def _account(user: User) -> Account:
    return Account(id=user.id, email=user.email, name=user.name, created_at=user.created_at)
