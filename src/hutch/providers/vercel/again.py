"""Building a deployment again, and putting it into production: what a restart and another size come to."""

from __future__ import annotations

from collections.abc import Mapping

from hutch.model.action import Verification, Verified
from hutch.providers.vercel.client import UNDER_WAY, Build, Client, State
from hutch.providers.vercel.doing import judged, waited
from hutch.remote import Args, begun_after


def then(state: State) -> str:
    """What becomes of a new build."""
    return "and it is promoted: the project gives new ones no domain" if state.pinned else "then it gets the domains"


async def put_out(client: Client, asked: str, made: str) -> str:
    """What became of a build that was asked for. Where the project was rolled back it is promoted, once, since it gets
    no domain by itself."""
    promoted = False

    async def judge(later: State) -> Verification:
        nonlocal promoted
        build = await client.build(made)
        if later.pinned and build.ready and not promoted and _elsewhere(later, build):
            promoted = True
            await client.move("promote", later, build.id)
            return judged(Verified.PENDING, f"{build.id} is built, and is promoted", later)
        found = serves(later, build)
        waits = promoted and found.verdict is Verified.FAILED and build.ready
        return judged(Verified.PENDING, f"{build.id} is being promoted", later) if waits else found

    return await waited(client, asked, judge)


async def built_again(client: Client, made: Mapping[str, str], args: Args) -> Verification:
    """Passed when what we ``made`` has the domains: the build that was asked for, else one begun since then."""
    since, state = begun_after(args), await client.state()
    if made.get("id"):
        return serves(state, await client.build(made["id"]))
    if since is None:
        return judged(Verified.UNKNOWN, "it can't be told whether this deployment was asked for by us", state)
    async for build in client.builds(state):
        if build.created_at <= since:
            break
        if build.again:
            return serves(state, build)
    return judged(Verified.FAILED, "nothing was built again since then", state)


def serves(state: State, build: Build) -> Verification:
    """Passed when that deployment has the domains; failed where it could not be built, or got none."""
    if build.state in UNDER_WAY:
        return judged(Verified.PENDING, f"{build.id} is {build.state.lower()}", state)
    if not build.ready:
        return judged(Verified.FAILED, f"{build.id} is {build.state.lower()}: {build.why or 'no reason given'}", state)
    if not _elsewhere(state, build):
        return judged(Verified.PASSED, f"{build.id} has the production domains", state)
    if not state.pinned:
        return judged(Verified.PENDING, f"{build.id} is ready, and gets the domains", state)
    return judged(Verified.FAILED, f"{build.id} is ready and has no domain: `hutch deploy rollback {build.id}`", state)


def _elsewhere(state: State, build: Build) -> bool:
    return state.production is None or state.production.id != build.id
