"""How a change at Railway is watched."""

from __future__ import annotations

from collections.abc import Callable

from hutch.model.action import Verification
from hutch.providers.railway.client import Client, State
from hutch.remote import waited as watched


async def waited(client: Client, asked: str, judge: Callable[[State], Verification]) -> str:
    """What became of a change, at the pace of the configuration."""

    async def judged(state: State) -> Verification:
        return judge(state)

    return await watched(asked, client.state, judged, client.config.rollout, client.config.look_every)
