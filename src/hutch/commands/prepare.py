"""From a runbook and a service to a run's program: every statement rendered, bound, and put where it belongs.

Reads of detection and diagnosis run by themselves, options wait for approval, the verification's reads prove them.
What cannot run is in the program too, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from hutch.commands.carry import TOO_LONG, carried
from hutch.commands.context import CommandError
from hutch.commands.situation import Situation
from hutch.commands.statement import by_hand, elsewhere, item, not_looked_into
from hutch.model.effect import Effect
from hutch.model.program import Item, Option, Program
from hutch.model.runbook import READING_ROLES, REMEDY_ROLES, Role, Runbook, Section, Step

LOOKING_ROLES = frozenset({Role.SYMPTOMS, Role.DETECTION, Role.DIAGNOSIS})
"""Sections that look for trouble; a runbook without one is a procedure."""


@dataclass(frozen=True, slots=True)
class Made:
    """A section of the runbook with its items, in order. ``whole`` where they are one remedy: one takes what another
    gives, or the document says how they go on."""

    section: Section
    items: tuple[Item, ...]

    def looks_by(self, one: Item) -> bool:
        """Whether ``one`` is of the reading part: where one looks, and what only reads among single remedies."""
        if self.section.role in READING_ROLES:
            return True
        alone = self.section.role in REMEDY_ROLES and not self.whole
        return alone and one.command.effect is Effect.READ and not one.manual

    @property
    def whole(self) -> bool:
        """Whether the section is one option, and not a list of single ones."""
        chained = any(i.needs or i.when or i.undo for i in self.items) and len(self.items) > 1
        return self.section.role is Role.OPTION or (self.section.role in REMEDY_ROLES and chained)


def prepare(runbook: Runbook, situation: Situation) -> Program:
    """The program of ``runbook`` in ``situation``.

    A value that is captured is known to what stands after it: in the same section, and to every section from those
    where one looks.
    """
    made = list(_made(runbook, situation))
    reads = [_by_itself(m.section, i) for m in made for i in m.items if m.looks_by(i)]
    proofs = [_by_itself(m.section, i) for m in made if m.section.role is Role.VERIFICATION for i in m.items]
    options = [option for m in made for option in _options(m)]
    ready = [i for i in reads if not i.refused]
    placed = {i.id for i in (*ready, *proofs)} | {i.id for o in options for i in o.items}
    refused = {i.id: i for i in reads if i.refused}
    skipped = [refused.get(i.id) or _left_alone(m.section, i) for m in made for i in m.items if i.id not in placed]
    looks = any(m.section.role in LOOKING_ROLES for m in made)
    return Program(tuple(ready), tuple(options), tuple(proofs), tuple(skipped), procedure=not looks)


def only(runbook: Runbook, wanted: str, situation: Situation) -> Program:
    """The program of one step (its id, its name or a statement's id) that a person asks for: sensitive reads too.

    Raises :class:`CommandError` naming the steps there are.
    """
    section, step = _step(runbook, wanted)
    items = tuple(_items(step, situation))
    items = tuple(i for i in items if i.id == wanted) or items
    refused = next((i.refused for i in items if i.refused), "")
    if refused and len(items) == 1:
        raise CommandError(f"line {items[0].line} cannot run: {refused}")
    if all(i.command.effect <= Effect.READ and not i.manual for i in items):
        ready = tuple(i for i in items if not i.refused)
        return Program(ready, skipped=tuple(i for i in items if i.refused), asked=True)
    proofs = [
        _by_itself(s, i)
        for s in runbook.sections
        if s.role is Role.VERIFICATION
        for t in s.steps
        for i in _items(t, situation)
    ]
    return Program(
        options=(Option(step.id, step.name or section.title, items),), verification=tuple(proofs), asked=True
    )


def _step(runbook: Runbook, wanted: str) -> tuple[Section, Step]:
    for section, step in runbook.steps():
        if wanted in (step.id, step.name) or any(s.id == wanted for s in step.statements):
            return section, step
    known = "\n  ".join(f"{step.id}  ({step.name})" for _, step in runbook.steps() if step.runnable)
    raise CommandError(f"{runbook.title} has no step {wanted!r}; there are:\n  {known}", 2)


# ------------------------------------------------------------------ sections


def _made(runbook: Runbook, situation: Situation) -> Iterator[Made]:
    """Each section's items. What looking captures is known from there on; what a remedy captures, within it."""
    seen = situation
    for section in runbook.sections:
        items: list[Item] = []
        within = seen
        for step in section.steps:
            for one in _items(step, within):
                items.append(one)
                within = within.capturing(c.name for c in one.captures)
        if section.role in READING_ROLES:
            seen = within
        yield Made(section, tuple(items))


def _items(step: Step, situation: Situation) -> Iterator[Item]:
    if step.flow.manual:
        yield by_hand(step)
    elif step.runnable:
        found = carried(step, situation)
        for number, one in enumerate(found, 1):
            if one.refused == TOO_LONG:
                yield not_looked_into(step, one.statement, one.refused)
                continue
            made = item(step, one.statement, situation, last=number == len(found))
            yield replace(made, refused=one.refused) if one.refused else made


def _left_alone(section: Section, made: Item) -> Item:
    """What stands where a run does nothing: in prevention, communication, reference."""
    why = f"stands under “{section.title}”, which a run leaves alone; ask for it by --step {_called_by(section, made)}"
    return made if made.refused else replace(made, refused=why)


def _by_itself(section: Section, made: Item) -> Item:
    """Only reads that are not sensitive run without a person."""
    command = made.command
    if made.refused or made.manual:
        return made
    if command.effect is not Effect.READ:
        return replace(
            made, refused=f"{command.effect.word} in “{section.title}” does not run by itself: {command.why}"
        )
    if command.sensitive:
        why = f"returns secrets or personal rows: a person asks for it, by --step {_called_by(section, made)}"
        return replace(made, refused=why)
    return made


def _called_by(section: Section, made: Item) -> str:
    """What ``--step`` calls the statement: its step's own name, where the document gives one."""
    step = next((s for s in section.steps if s.id == made.step), None)
    return (step.annotations.get("name", "") if step else "") or made.id


def _options(made: Made) -> Iterable[Option]:
    section = made.section
    if made.whole:
        yield from _whole(section, made.items)
    elif section.role in REMEDY_ROLES or section.role is Role.ACTIONS:
        for one in made.items:
            if one.command.effect > Effect.READ and not one.manual:
                yield Option(one.id, _called(section, one), (one,))


def _whole(section: Section, items: Sequence[Item]) -> Iterator[Option]:
    """The section as one option. What is for platforms that this service does not use is left out, and said."""
    usable = [i for i in items if not elsewhere(i.refused)]
    kept = usable if any(i.command.effect > Effect.READ or i.manual for i in usable) else items
    left_out = tuple(f"line {i.line}: {i.refused}" for i in items if i not in kept)
    if not kept:
        return
    option = Option(section.id, section.title, tuple(kept), section.option or 0, left_out=left_out)
    if left_out and option.effect is Effect.DESTROY:  # what was left out may have been the way back
        yield replace(option, items=tuple(items), left_out=())
    else:
        yield option


def _called(section: Section, one: Item) -> str:
    """What a statement that is an option by itself is called: the comment above it, else how it begins."""
    said = one.title if one.title != section.title else one.command.text.splitlines()[0]
    return f"{section.title}: {said}"
