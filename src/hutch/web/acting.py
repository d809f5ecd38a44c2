"""Who acts through the API: whoever is signed in or holds the token. Where nobody signs in, who the body says."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body, Depends, Request

from hutch.model.access import Permission
from hutch.model.effect import Effect
from hutch.model.run import Run
from hutch.web.gate import may, person_of
from hutch.web.people import system_user


def _acting(
    request: Request,
    actor: Annotated[
        str | None,
        Body(embed=True, max_length=200, description="Who does it, where nobody signs in."),
    ] = None,
) -> str:
    return person_of(request).name or actor or system_user()


Actor = Annotated[str, Depends(_acting)]
"""The name in the log."""


async def may_approve(request: Request, run: Run, option: str) -> None:
    """Raise ``Refused`` unless whoever asks may approve that option: what loses data asks for more."""
    chosen = run.option(option)
    destroys = chosen is not None and chosen.option.effect is Effect.DESTROY
    may(request, Permission.DESTROY if destroys else Permission.APPROVE, run.service)
