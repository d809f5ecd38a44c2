"""What a person does in a run by hand: ticking off a step, and going back on what was done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from hutch.commands import runs
from hutch.commands.capacity import DESPITE, SCALE
from hutch.commands.context import CommandError, Context
from hutch.engine.options import call_text
from hutch.model.action import Command
from hutch.model.effect import Effect
from hutch.model.event import Draft, Event
from hutch.model.program import Item, Option, Program, command_from
from hutch.model.run import ChangeState, Run
from hutch.ports import Append, Conflict
from hutch.runbook.capture import extract
from hutch.runbook.errors import RunbookError

LONGEST_NOTE = 10_000
"""Characters of a note."""


async def tick(context: Context, run_id: str, wanted: str, note: str, actor: str, *, done: bool = True) -> Run:
    """A person did a manual step, or could not; values that the step captures are taken from the note.

    ``wanted`` is the step's id or title; empty: the one that the run waits for. Raises :class:`CommandError`.
    """
    if len(note) > LONGEST_NOTE:
        raise CommandError(f"the note has {len(note)} characters; {LONGEST_NOTE} are enough", 2)

    def decide(run: Run) -> list[Draft]:
        option, item = _to_tick(run, wanted)
        return [replace(_ticked(context, option, item, note, done), actor=actor)]

    return await runs.change(context, run_id, decide)


def _ticked(context: Context, option: str, item: Item, note: str, done: bool) -> Draft:
    try:
        found = {c.name: extract(c, note) for c in item.captures} if done else {}
    except RunbookError as error:
        raise CommandError(f"the note must give it: {error.message}", 2) from error
    mask = context.secrets.mask
    hidden = [n for n, value in found.items() if mask(value) != value]
    data: dict[str, object] = {"item": item.id, "title": item.title, "option": option, "done": done, "note": mask(note)}
    taken = {n: v for n, v in found.items() if n not in hidden}
    return Draft("step.ticked", data | ({"captured": taken} if taken else {}) | ({"secret": hidden} if hidden else {}))


def _to_tick(run: Run, wanted: str) -> tuple[str, Item]:
    """The manual step, and the option that it is of (empty for one of the reading part)."""
    if run.finished:
        raise CommandError(f"run {run.id} is over: {run.outcome}")
    open_ = list(_unticked(run))
    found = [(o, i) for o, i in open_ if wanted in (i.id, i.step, i.title)] if wanted else open_[:1]
    if found:
        return found[0]
    known = "; ".join(f"{i.id} ({i.title})" for _, i in open_) or "none"
    raise CommandError(f"run {run.id} waits for no step {wanted!r} to be ticked off; open: {known}", 2)


def _unticked(run: Run) -> Iterator[tuple[str, Item]]:
    for chosen in run.in_state(ChangeState.APPROVED):
        if chosen.next and chosen.next.manual:
            yield chosen.option.id, chosen.next
    for item in run.program.reads:
        if item.manual and item.id not in run.read:
            yield "", item


# ------------------------------------------------------------------ the way back


async def undo(context: Context, run_id: str, option: str, actor: str) -> Run:
    """Start a run that offers the way back from what an option did; it asks for approval as every change does.

    The statements are undone in the opposite order. An undo that was started is not started twice.
    Raises :class:`CommandError` where nothing was done, or nothing says how to undo it.
    """
    run = await runs.load(context, run_id)
    events = await context.store.read(run.stream)
    chosen = _undoable(run, events, option)
    items = tuple(reversed([_back(context, run, e) for e in chosen]))
    title = f"Undo of “{_title(run, str(chosen[0].data['option']))}” in {run.id}"
    new = runs.new_id(context)
    begun = Draft("undo.started", {"option": chosen[0].data["option"], "run": new}, actor)
    last = events[-1].seq
    try:
        return await runs.start(
            context,
            service=run.service,
            title=title,
            made_from=runs.MadeFrom(),
            program=Program(options=(Option("undo", title, items),), asked=True),
            incident=run.incident,
            actor=actor,
            beside=(Append(run.stream, (begun,), expect=last),),
            run_id=new,
        )
    except Conflict as error:
        raise CommandError(f"run {run_id} was changed meanwhile; look at it again and repeat") from error


def _undoable(run: Run, events: list[Event], option: str) -> list[Event]:
    """What the option did and can be undone, in order; without ``option`` that of the last one that did anything."""
    if run.in_state(ChangeState.INTENDED):
        raise CommandError(f"run {run.id} is at work; cancel it or wait")
    done = [e for e in events if e.kind == "change.done"]
    wanted = run.option(option).option.id if option and run.option(option) else option  # type: ignore[union-attr]
    if not done or (wanted and wanted not in {e.data["option"] for e in done}):
        raise CommandError(f"run {run.id} has changed nothing{f' by {option!r}' if option else ''}", 2)
    wanted = wanted or str(done[-1].data["option"])
    before = next((e for e in events if e.kind == "undo.started" and e.data["option"] == wanted), None)
    if before:
        raise CommandError(f"it is being undone already: run {before.data['run']}")
    found = [e for e in done if e.data["option"] == wanted and e.data.get("undo")]
    if not found:
        raise CommandError("what was done declares no way back: no action gave one, and no hutch.undo names one")
    return found


def _title(run: Run, option: str) -> str:
    chosen = run.option(option)
    return chosen.option.title if chosen else option


def _back(context: Context, run: Run, event: Event) -> Item:
    undo: Mapping[str, object] = event.data["undo"]  # type: ignore[assignment]
    if "command" in undo:
        command = command_from(undo["command"])  # type: ignore[arg-type]
    else:
        command = _action(context, run, str(undo["action"]), dict(undo["args"]))  # type: ignore[call-overload]
    return Item(f"undo-{event.data['item']}", f"Undo: {command.text}", 0, command)


def _action(context: Context, run: Run, name: str, args: dict[str, object]) -> Command:
    service = context.service(run.service)
    offered = service.offering(name, args)
    if not offered:
        raise CommandError(f"no target of {service.name} offers the action {name}, which would undo it")
    if name == SCALE and offered.platform:
        args = {**args, DESPITE: True}  # what was there before is right to go back to, whatever else is wrong
    effect = offered.actions[name].effect if name in offered.actions else Effect.CHANGE
    return Command(name, call_text(name, args), offered.target, effect, "undoes what was done", args)
