"""Ask for a new password, and set it with the code of the mail."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, StringConstraints

from rolerabbit import mail, resets, trail
from rolerabbit.passwords import hash_aside, new_token
from rolerabbit.web.access import ip_of, parts_of
from rolerabbit.web.auth import Email, Password
from rolerabbit.web.limits import allow

router = APIRouter(prefix="/api/auth/password-reset", tags=["auth"])


class Wish(BaseModel):
    """Whose password is to be chosen anew."""

    email: Email


class NewPassword(BaseModel):
    """The code of the mail and what it is for."""

    token: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    password: Password


@router.post("", status_code=202)
async def ask(request: Request, body: Wish) -> dict[str, str]:
    """The same answer whether there is such an account or not."""
    await allow(request, "reset", body.email)
    ip = ip_of(request)
    async with parts_of(request).pool.connection() as connection, connection.transaction():
        user_id = await resets.ask(connection, body.email, new_token(), ip)
        if user_id is not None:
            await trail.audit(connection, user_id, "user.reset_asked", ip)
    return {"status": "if there is such an account, a mail is on its way"}


@router.post("/confirm", status_code=204)
async def confirm(request: Request, body: NewPassword) -> None:
    """400 for a code that is unknown, used or too old. Every session of the account ends."""
    await allow(request, "reset")
    hashed, ip = await hash_aside(body.password), ip_of(request)
    async with parts_of(request).pool.connection() as connection, connection.transaction():
        user_id = await resets.use(connection, body.token, hashed)
        if user_id is None:
            raise HTTPException(400, "this code is not valid (any more): ask for a new one")
        await trail.audit(connection, user_id, "user.password_reset", ip)
        await mail.notify(connection, user_id, "password changed", ip)
