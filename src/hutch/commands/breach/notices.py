"""What the authority was told, in phases as Art. 33(4) GDPR allows: each notice kept by its hash."""

from __future__ import annotations

from hutch.commands import evidence, incidents
from hutch.commands.breach.course import load, passed, stage_gate
from hutch.commands.context import CommandError, Context
from hutch.model.breach import NOTICED
from hutch.model.event import Draft
from hutch.review.breach_documents import Words, authority_form, sent_form


async def file_notice(context: Context, incident_id: str, words: Words, how: str, actor: str) -> int:
    """Keep the form as it was sent and say how; the first passes the gate. Gives the number of the phase.

    Raises :class:`CommandError` without whom to ask, without what happened, or out of turn.
    """
    state, found = await load(context, incident_id)
    gate = None if "authority" in found.passed else stage_gate(found, "authority")
    if not how.strip():
        raise CommandError("say how it was sent, with --sent: the way, the time, the reference you were given", 2)
    if not words.contact or not words.summary:
        raise CommandError("a notice says at least what happened and whom to ask: --summary and --contact", 2)
    phase = found.phase
    text = sent_form(authority_form(state, found, words, context.clock.now()))
    name = f"authority-{phase}.md"
    kept, _ = await evidence.keep(context, incident_id, name, text.encode(), "as it was sent", actor)
    digest = str(kept.data["sha256"])
    said = context.secrets.mask(how.strip()[:2000])
    draft = Draft(NOTICED, {"phase": phase, "how": said, "file": name, "sha256": digest}, actor)
    if gate:
        proof = f"{said}. Kept by hash: {name} {digest[:12]}"
        await passed(context, incident_id, gate, proof, actor, before=[kept, draft])
    else:
        await incidents.change(context, incident_id, lambda _: [kept, draft])
    return phase
