"""Starting a run, and what a person decides in it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from hutch.commands import incidents
from hutch.commands.context import CommandError, Context
from hutch.commands.freeze import frozen
from hutch.commands.seen import whole
from hutch.commands.situation import Situation
from hutch.commands.unchanged import changed_since
from hutch.engine.drive import drive_job, follow_job
from hutch.model.approval import ASSISTANT, POLICY
from hutch.model.effect import Effect
from hutch.model.event import Draft
from hutch.model.incident import Incident, Phase, meet, move, stream_of
from hutch.model.journal import fold
from hutch.model.program import Program
from hutch.model.run import ChangeState, Chosen, Run
from hutch.ports import Append, Conflict, Job


async def load(context: Context, run_id: str) -> Run:
    """The run as it stands. Raises :class:`CommandError` for an unknown one."""
    run = fold(await context.store.read(f"run:{run_id}"))
    if run is None:
        raise CommandError(f"no run {run_id}; `hutch runs list` shows them", 2)
    return run


async def listing(context: Context) -> list[Run]:
    """Every run, oldest first."""
    found = [fold(await context.store.read(s)) for s in await context.store.streams("run:")]
    return [run for run in found if run]


@dataclass(frozen=True, slots=True)
class MadeFrom:
    """What a run's program was made from: the reference as given, the document's path and hash, those of its
    sub-runbooks, and the situation. Without a reference: from no document."""

    reference: str = ""
    path: str = ""
    hash: str = ""
    documents: Mapping[str, str] = field(default_factory=dict)
    situation: Situation | None = None


async def start(
    context: Context,
    *,
    service: str,
    title: str,
    made_from: MadeFrom,
    program: Program,
    incident: str = "",
    mode: str = "",
    actor: str = "hutch",
    beside: Sequence[Append] = (),
    run_id: str = "",
    done: int | None = None,
    schedule: str = "",
) -> Run:
    """Write the run's first event, link it to its incident, and queue its first drive, in one transaction.

    ``beside`` is appended, and the job ``done`` finished, in the same transaction. ``schedule`` is the policy by which
    the configuration asked for it at a time.
    """
    run_id = run_id or new_id(context)
    data = {
        "service": service,
        "title": title,
        "document": made_from.reference,
        "hash": made_from.hash,
        "path": made_from.path,
        "documents": {p: h for p, h in made_from.documents.items() if p != made_from.path},
        "service_hash": context.service(service).config.fingerprint(),
        "incident": incident,
        "mode": mode or context.config.mode,
        **_known(context, made_from.situation),
        **({"schedule": schedule} if schedule else {}),
        "program": program.as_dict(),
    }
    appends = [Append(f"run:{run_id}", (Draft("run.started", data, actor),), expect=0), *beside]
    if incident:
        link = Draft("run.linked", {"run": run_id, "title": title}, actor)
        appends.append(Append(stream_of(incident), (link,)))
        known = await context.recalled.of(whole(context.store), incident)
        if known:
            incidents.check_here(known.state)
    await context.store.commit(appends, [drive_job(run_id)], done=done)
    return await load(context, run_id)


def new_id(context: Context) -> str:
    """An id that no run has."""
    return f"R-{context.clock.now():%Y%m%d}-{secrets.token_hex(3)}"


def _known(context: Context, situation: Situation | None) -> dict[str, object]:
    """The values that the run was started with, so that what is rendered later is rendered from the same; masked."""
    if situation is None:
        return {}
    mask = context.secrets.mask
    layers = {"values": situation.values, "given": situation.given, "binds": situation.binds}
    layers["told"] = situation.incident
    return {key: {n: mask(v) for n, v in layer.items()} for key, layer in layers.items() if layer}


# ------------------------------------------------------------------ what a person decides


UNDER_WAY = frozenset(
    {ChangeState.APPROVED, ChangeState.INTENDED, ChangeState.DONE, ChangeState.VERIFIED, ChangeState.UNDECIDED}
)
"""Somebody approved it, and it goes on or is done."""


async def approve(
    context: Context, run_id: str, option: str, actor: str, *, digest: str = "", yes: bool = False, proved: bool = False
) -> Run:
    """Approve one offered option, as it was shown; without ``option`` the first one that the diagnosis points to.

    ``digest`` is that of what the person saw: anything else is refused. ``yes`` (approval in advance) never covers
    what loses data. ``proved``: the actor signed in; some policies count nobody else. Two people at once: one approval
    counts, the other is told by whom.
    """

    stale, stopped = changed_since(context, await load(context, run_id)), await frozen(context)

    def decide(run: Run) -> list[Draft]:
        chosen = _offered(run, option)
        if chosen.state in UNDER_WAY:
            raise CommandError(f"“{chosen.option.title}” was already approved by {chosen.approved_by}")
        _may_approve(context, run, chosen, digest, yes)
        if stale:
            raise CommandError(f"“{chosen.option.title}” cannot be approved: {stale}")
        if stopped:
            raise CommandError(
                f"“{chosen.option.title}” cannot be approved: changes are frozen: {stopped}; `hutch thaw`"
            )
        _may_this_person(chosen, actor, proved)
        data: dict[str, object] = {"option": chosen.option.id, "title": chosen.option.title, "digest": chosen.digest}
        data |= {"signed_in": True} if proved else {}
        return [Draft("approval.granted", data, actor)]

    return await change(context, run_id, decide)


def _may_this_person(chosen: Chosen, actor: str, proved: bool) -> None:
    """Whom the policy accepts, each once. A name in the log is no proof of who it is; see docs/guide/safety.md."""
    if actor.startswith((ASSISTANT, POLICY)):
        raise CommandError(f"{actor!r}: no person may be called so", 2)
    if chosen.signed_in and not proved:
        raise CommandError(
            f"“{chosen.option.title}” counts only approvals of people who signed in: approve it on its page, or with a "
            "token; docs/guide/access.md"
        )
    if chosen.by is not None and actor not in chosen.by:
        known = ", ".join(chosen.by) or "nobody: the rules that match it accept no person in common"
        raise CommandError(f"“{chosen.option.title}” may be approved by {known}")
    if actor in chosen.approvals:
        left = chosen.needed - len(chosen.approvals)
        raise CommandError(f"{actor} approved “{chosen.option.title}” already; it needs {left} more, somebody else")


async def deny(context: Context, run_id: str, option: str, reason: str, actor: str) -> Run:
    """Decline an offered option, with the reason."""

    def decide(run: Run) -> list[Draft]:
        chosen = _offered(run, option)
        if chosen.state is not ChangeState.OFFERED:
            raise CommandError(f"“{chosen.option.title}” is {chosen.state}, not waiting for approval")
        data = {"option": chosen.option.id, "reason": context.secrets.mask(reason)}
        return [Draft("approval.denied", data, actor)]

    return await change(context, run_id, decide)


async def settle(context: Context, run_id: str, option: str, choice: str, note: str, actor: str) -> Run:
    """Say whether a change worked that verification could not judge: ``worked`` or ``failed``."""

    def decide(run: Run) -> list[Draft]:
        undecided = run.in_state(ChangeState.UNDECIDED)
        chosen = run.option(option) if option else (undecided[0] if undecided else None)
        if chosen is None or chosen.state is not ChangeState.UNDECIDED:
            raise CommandError(f"run {run_id} waits for no decision")
        data = {"option": chosen.option.id, "choice": choice, "note": context.secrets.mask(note)}
        return [Draft("decision.made", data, actor)]

    return await change(context, run_id, decide)


async def cancel(context: Context, run_id: str, reason: str, actor: str) -> Run:
    """Start nothing further; what was done stays, with its undo in the journal."""

    def decide(run: Run) -> list[Draft]:
        if run.finished:
            raise CommandError(f"run {run_id} is already over: {run.outcome}")
        return [Draft("run.cancelled", {"reason": context.secrets.mask(reason)}, actor)]

    return await change(context, run_id, decide)


async def change(context: Context, run_id: str, decide: Callable[[Run], Sequence[Draft]]) -> Run:
    """Append a decision to the journal and wake the run; decide anew when somebody else wrote first."""
    for _ in range(incidents.TRIES):
        run = await load(context, run_id)
        drafts = tuple(decide(run))
        jobs: list[Job] = [drive_job(run_id), *([follow_job(run)] if run.incident else [])]
        try:
            await context.store.commit([Append(run.stream, drafts, expect=run.seq)], jobs)
        except Conflict:
            continue
        return await load(context, run_id)
    raise CommandError(f"run {run_id} is being changed by too many at once; try again")


def _offered(run: Run, option: str) -> Chosen:
    if run.finished:
        raise CommandError(f"run {run.id} is over: {run.outcome}")
    chosen = run.option(option) if option else next(iter(run.in_state(ChangeState.OFFERED)), None)
    if chosen is None:
        known = ", ".join(c.option.id for c in run.chosen) or "none yet"
        raise CommandError(f"run {run.id} offers no option {option!r}; offered: {known}", 2)
    return chosen


def _may_approve(context: Context, run: Run, chosen: Chosen, digest: str, yes: bool) -> None:
    title = chosen.option.title
    if run.mode != "act":
        raise CommandError(f"this run is in {run.mode} mode and applies nothing; set `mode: act` in hutch.yaml")
    if chosen.state is not ChangeState.OFFERED:
        raise CommandError(f"“{title}” is {chosen.state}: {chosen.reason}")
    if chosen.expires_at and chosen.expires_at <= context.clock.now():
        raise CommandError(f"the approval of “{title}” was not given in time; start the runbook again")
    if digest and digest != chosen.digest:
        raise CommandError(f"“{title}” is no longer what you were shown; look again with `hutch runs show {run.id}`")
    if yes and chosen.option.effect is Effect.DESTROY:
        raise CommandError(f"--yes never covers what loses data: approve “{title}” by name")


# ------------------------------------------------------------------ what the incident hears of it


def news(context: Context, state: Incident, run: Run) -> list[Draft]:
    """What a run's state means for its incident, as far as the incident has not heard it.

    An approval is an acknowledgement too: somebody is there.
    """
    if not state.open:
        return []
    drafts: list[Draft] = []
    approver = next((c.approved_by for c in run.chosen if c.approved_by and POLICY not in c.approved_by), "")
    if run.causes and state.cause != run.causes[0]:
        drafts += [Draft("cause.named", run.causes[0]), *move(state, Phase.ASSESSMENT, "a cause was named")]
    if approver and not state.acknowledged_by:
        drafts += [Draft("incident.acknowledged", {}, approver), *meet(state, "response", context.clock.now())]
    if approver:
        drafts += move(state, Phase.RESPONSE, "a remedy was approved", approver)
    return drafts


async def follow(context: Context, incident_id: str, run_id: str) -> Incident:
    """Tell an incident what its run found and did; repeated freely, says everything once."""
    run = await load(context, run_id)
    state = await incidents.change(context, incident_id, lambda s: news(context, s, run))
    if run.outcome != "resolved" or run_id != next(reversed(state.runs), ""):
        return state
    approver = next((c.approved_by for c in run.chosen if c.approved_by), "hutch")
    return await incidents.resolve(context, incident_id, run.summary, approver)
