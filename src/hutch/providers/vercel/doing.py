"""How a change at Vercel is watched, and what is said of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from hutch.model.action import Verification, Verified
from hutch.providers.vercel.client import Client, State
from hutch.remote import waited as watched


async def waited(client: Client, asked: str, judge: Callable[[State], Awaitable[Verification]]) -> str:
    """What became of a change, at the pace of the configuration."""
    return await watched(asked, client.state, judge, client.config.rollout, client.config.look_every)


def judged(verdict: Verified, summary: str, state: State) -> Verification:
    """A verification, with what Vercel said."""
    return Verification(verdict, summary, (str(state),))
