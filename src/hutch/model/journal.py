"""The journal of a run, folded to what the run is now. The journal is the truth; there is no second one (DESIGN §4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from hutch.model.archive import is_stub
from hutch.model.erasure import retold
from hutch.model.event import Event, parse_instant
from hutch.model.program import Item, item_from, option_from, program_from
from hutch.model.run import ChangeState, Chosen, Run


def fold(journal: Iterable[Event]) -> Run | None:
    """The run that a journal tells of; None for an empty one, and for one that lies in an archive."""
    state: Run | None = None
    events = list(journal)
    if is_stub(events):
        return None
    for event in retold(events):
        if state is None:
            state = _started(event)
        else:
            handler = _FOLDS.get(event.kind)
            state = replace(handler(state, event) if handler else state, seq=event.seq)
    return state


def _started(event: Event) -> Run:
    data = event.data
    return Run(
        id=event.stream.removeprefix("run:"),
        seq=event.seq,
        service=str(data["service"]),
        title=str(data["title"]),
        document=str(data["document"]),
        document_hash=str(data["hash"]),
        incident=str(data["incident"]),
        mode=str(data["mode"]),
        started_at=event.at,
        program=program_from(data["program"]),  # type: ignore[arg-type]
        service_hash=str(data.get("service_hash", "")),
        document_path=str(data.get("path", "")),
        values=_texts(data.get("values")),
        documents=_texts(data.get("documents")),
        told=_texts(data.get("told")),
        given=_texts(data.get("given")),
        binds=_texts(data.get("binds")),
        schedule=str(data.get("schedule", "")),
    )


def _texts(value: object) -> dict[str, str]:
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, Mapping) else {}


def _diagnosed(state: Run, event: Event) -> Run:
    causes: Sequence[Mapping[str, object]] = event.data["causes"]  # type: ignore[assignment]
    healthy = event.data["healthy"]
    return replace(state, diagnosed=True, causes=tuple(causes), healthy=None if healthy is None else bool(healthy))


def _read(state: Run, event: Event) -> Run:
    return _captured(replace(state, read={**state.read, str(event.data["item"]): str(event.data["status"])}), event)


def _captured(state: Run, event: Event) -> Run:
    taken, hidden = _texts(event.data.get("captured")), event.data.get("secret", ())
    if not taken and not hidden:
        return state
    secret = state.secret | {str(n) for n in hidden}  # type: ignore[attr-defined]
    return replace(state, captured={**state.captured, **taken}, secret=secret)


def _ticked(state: Run, event: Event) -> Run:
    """What a person did, or could not do. New values may make more options possible: they are ranked anew."""
    done = bool(event.data["done"])
    if event.data.get("option"):
        return _captured(_on(_done if done else _could_not)(state, event), event)
    status = "passed" if done else "failed"
    after = replace(state, read={**state.read, str(event.data["item"]): status})
    return _captured(after if not event.data.get("captured") else replace(after, ranked=False), event)


def _could_not(chosen: Chosen, event: Event) -> Chosen:
    return replace(chosen, state=ChangeState.FAILED, reason=f"{event.actor} could not do it: {event.data['note']}")


def _readied(state: Run, event: Event) -> Run:
    """A statement that waited for captured values is rendered now, wherever it stands."""
    made = item_from(event.data["item"])  # type: ignore[arg-type]
    chosen = tuple(_with(c, made) for c in state.chosen)
    return replace(state, program=state.program.with_item(made), chosen=chosen)


def _with(chosen: Chosen, made: Item) -> Chosen:
    if not any(i.id == made.id for i in chosen.option.items):
        return chosen
    items = tuple(made if i.id == made.id else i for i in chosen.option.items)
    live = chosen.state in (ChangeState.OFFERED, ChangeState.APPROVED)
    return replace(chosen, option=replace(chosen.option, items=items), unseen=live)


def _offered(state: Run, event: Event) -> Run:
    data = event.data
    expires = data.get("expires_at")
    option = option_from(data["option"])  # type: ignore[arg-type]
    before = state.option(option.id)
    begun = before if before and data.get("goes_on") else Chosen(option)
    offer = replace(
        begun,
        option=option,
        state=ChangeState.OFFERED,
        digest=str(data["digest"]),
        target=str(data["target"]),
        preview=dict(data["preview"]),  # type: ignore[call-overload]
        expires_at=parse_instant(str(expires)) if expires else None,
        needed=int(str(data.get("approvers", 1))),
        by=None if data.get("by") is None else tuple(str(p) for p in data["by"]),  # type: ignore[attr-defined]
        signed_in=data.get("signed_in") is True,
        approvals=(),
        approved_by="",
        unseen=False,
    )
    kept = tuple(c for c in state.chosen if c.option.id != offer.option.id)
    return replace(state, chosen=(*kept, offer))


def _left_out(event: Event) -> tuple[tuple[str, str], ...]:
    rows = event.data.get("left_out", ())
    return tuple((str(r["title"]), str(r["reason"])) for r in rows)  # type: ignore[attr-defined]


def _on(change: Callable[[Chosen, Event], Chosen]) -> Callable[[Run, Event], Run]:
    """A fold step that changes the one option which the event names."""

    def step(state: Run, event: Event) -> Run:
        chosen = tuple(change(c, event) if c.option.id == event.data["option"] else c for c in state.chosen)
        return replace(state, chosen=chosen)

    return step


def _granted(chosen: Chosen, event: Event) -> Chosen:
    given = tuple(dict.fromkeys((*chosen.approvals, event.actor)))
    if len(given) < chosen.needed:
        return replace(chosen, approvals=given)
    return replace(chosen, approvals=given, state=ChangeState.APPROVED, approved_by=", ".join(given))


def _done(chosen: Chosen, event: Event) -> Chosen:
    items = chosen.done_items + 1
    whole = items >= len(chosen.option.items)
    return replace(
        chosen,
        done_items=items,
        intent_open=False,
        state=ChangeState.DONE if whole else ChangeState.APPROVED,
        verify_from=event.at,
        tries=0,
        try_again=None,
    )


def _passed_over(chosen: Chosen, event: Event) -> Chosen:
    return replace(_done(chosen, event), passed_over=chosen.passed_over | {str(event.data["item"])})


def _failed(state: Run, event: Event) -> Run:
    """``then`` says what the failure means: it ends the option, is tried again, gone past, or the next is sought."""
    then = event.data.get("then", "")
    step = {"retry": _to_retry, "continue": _passed_over}.get(str(then), _ended)
    after = _on(step)(state, event)
    return _sought_anew(after) if then == "next" else after


def _to_retry(chosen: Chosen, event: Event) -> Chosen:
    again = parse_instant(str(event.data["again_at"]))
    return replace(chosen, state=ChangeState.APPROVED, intent_open=False, tries=chosen.tries + 1, try_again=again)


def _ended(chosen: Chosen, event: Event) -> Chosen:
    return replace(chosen, state=ChangeState.FAILED, intent_open=False, reason=str(event.data["summary"]))


def _sought_anew(state: Run) -> Run:
    """What is left on offer is diagnosed and ranked again: the world has moved on."""
    left = state.in_state(ChangeState.OFFERED)
    return replace(state, diagnosed=False, ranked=False) if left and not state.program.asked else state


def _judged(state: Run, event: Event) -> Run:
    after = _on(_verified)(state, event)
    return _sought_anew(after) if event.data["verdict"] == "failed" else after


def _verified(chosen: Chosen, event: Event) -> Chosen:
    verdict = str(event.data["verdict"])
    if verdict == "pending":
        again = parse_instant(str(event.data["again_at"]))
        return replace(chosen, verify_again=again, besides=_codes(event, "besides"))
    states = {"passed": ChangeState.VERIFIED, "failed": ChangeState.UNVERIFIED, "unknown": ChangeState.UNDECIDED}
    return replace(
        chosen,
        verify_again=None,
        intent_open=False,
        state=states[verdict],
        reason=str(event.data["summary"]),
        besides=_codes(event, "besides"),
        firing=_codes(event, "firing"),
    )


def _codes(event: Event, name: str) -> frozenset[str]:
    listed = event.data.get(name, ())
    return frozenset(str(code) for code in listed) if isinstance(listed, list | tuple) else frozenset()


def _decided(chosen: Chosen, event: Event) -> Chosen:
    """Where whether one statement was done was unknown and others follow, "worked" goes on with the next."""
    if event.data["choice"] == "worked" and chosen.done_items + 1 < len(chosen.option.items):
        return _done(chosen, event)
    states = {"worked": ChangeState.VERIFIED, "failed": ChangeState.UNVERIFIED}
    return replace(
        chosen, state=states[str(event.data["choice"])], reason=f"decided by {event.actor}", intent_open=False
    )


_FOLDS: Mapping[str, Callable[[Run, Event], Run]] = {
    "statement.finished": _read,
    "statement.skipped": _read,
    "statement.readied": _readied,
    "step.ticked": _ticked,
    "diagnosis.made": _diagnosed,
    "options.ranked": lambda s, e: replace(s, ranked=True, left_out=_left_out(e)),
    "approval.requested": _offered,
    "approval.granted": _on(_granted),
    "approval.denied": _on(lambda c, e: replace(c, state=ChangeState.DENIED, reason=str(e.data["reason"]))),
    "approval.expired": _on(lambda c, _: replace(c, state=ChangeState.EXPIRED, reason="nobody approved it in time")),
    "approval.withdrawn": _on(lambda c, e: replace(c, state=ChangeState.DENIED, reason=str(e.data["reason"]))),
    "change.intended": _on(
        lambda c, e: replace(
            c, state=ChangeState.INTENDED, intent_open=True, started_at=c.started_at or e.at, intended_by=e.actor
        )
    ),
    "change.done": lambda s, e: _captured(_on(_done)(s, e), e),
    "change.skipped": _on(_passed_over),
    "change.failed": _failed,
    "change.unknown": _on(
        lambda c, e: replace(
            c, state=ChangeState.UNKNOWN, intent_open=False, verify_from=e.at, reason=str(e.data["summary"])
        )
    ),
    "verification.done": _judged,
    "decision.made": _on(_decided),
    "run.cancelled": lambda s, e: replace(s, cancelled_by=e.actor),
    "run.finished": lambda s, e: replace(s, outcome=str(e.data["outcome"]), summary=str(e.data["summary"])),
}

KINDS = frozenset(
    {
        "run.started",
        "statement.started",
        "statement.output",
        "check.finished",
        "document.changed",
        "undo.started",
        *_FOLDS,
    }
)
"""Every kind of event that a run's journal may hold."""
