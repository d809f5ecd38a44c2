"""What remains to be done after a breach, as far as Hutch does it: every password is reset, and its item closed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hutch.commands import todo
from hutch.commands.breach.course import load
from hutch.commands.breach.lettering import resetting
from hutch.commands.breach.stepping import Drive, advance
from hutch.commands.context import CommandError, Context
from hutch.model.breach import RESET, Gate
from hutch.model.event import instant
from hutch.model.run import Run
from hutch.review.breach_documents import REMEDIES

ITEM: Final = REMEDIES[1]


async def reset(context: Context, incident_id: str, actor: str, drive: Drive) -> Run | None:
    """Have every account from before it was contained choose a new password, once; the run while it waits. Then the
    action item of it is done, by the run's word. Raises :class:`CommandError` before containment was proved."""
    state, found = await load(context, incident_id)
    if "prove" not in found.passed:
        raise CommandError(f"{incident_id} is not contained: passwords chosen now would be lost as well", 2)
    if RESET not in found.passed:
        args: Mapping[str, object] = {
            "scope": "all", "since": instant(found.passed["prove"].at), "reason": state.id,
            **resetting(context, state.service),
        }  # fmt: skip
        gate = Gate(RESET, "document", ITEM, "accounts.force_reset", args)
        run = await advance(context, incident_id, gate, actor, drive)
        if run is not None:
            return run
    await close(context, incident_id, actor)
    return None


async def close(context: Context, incident_id: str, actor: str) -> None:
    """Close the action item, where there is one and the reset was proved."""
    state, found = await load(context, incident_id)
    proof = found.passed.get(RESET)
    item = next((i for i in state.items if i.text == ITEM and i.open), None)
    if proof and item:
        await todo.done(context, f"{state.id}/{item.number}", f"{proof.proof} ({proof.run or 'nothing to do'})", actor)
