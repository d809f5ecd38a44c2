"""What is left to do of a migration that stopped half-way, and whether that can be told for sure. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hutch.providers.migrations.declared import Key
from hutch.providers.migrations.expected import Wanted
from hutch.providers.migrations.files import File
from hutch.providers.migrations.proposal import shown
from hutch.providers.migrations.standing import Standing, is_done


@dataclass(frozen=True, slots=True)
class Todo:
    """Numbers of the steps to run, indexes that are not valid and go first; or why it can't be told."""

    steps: tuple[int, ...]
    drop_first: tuple[str, ...] = ()
    refused: str = ""


def left_of(file: File, standing: Standing, wanted: Sequence[Wanted], states: Mapping[Key, str]) -> Todo:
    """All of a version that was not begun. Of one that was: what is missing, and what stands behind it.

    Statements run in the file's order, so one that the schema does not tell of ran where a later one did, and did not
    where an earlier one did not. One between the two may have: then a person has to say.
    """
    every = range(len(file.steps))
    if standing.state == "pending":
        return Todo(tuple(every))
    left = {w.statement for w in wanted if not is_done(w, states)}
    done = {w.statement for w in wanted if is_done(w, states)}
    broken = tuple(w.key.name for w in wanted if states.get(w.key) == "invalid" and not w.gone)
    if both := sorted(left & done):
        return Todo((), refused=f"only a part of this statement's objects is there: {shown(file.steps[both[0]].text)}")
    if standing.done is not None:
        return Todo(tuple(n for n in every if n >= standing.done and n not in done), broken)
    doubtful = [n for n in every if n not in left | done and _doubtful(n, file, left, done)]
    if doubtful:
        return Todo((), refused=f"it can't be told whether this ran: {shown(file.steps[doubtful[0]].text)}")
    return Todo(tuple(n for n in every if n in left or (n not in done and n > max(done, default=-1))), broken)


def _doubtful(number: int, file: File, left: set[int], done: set[int]) -> bool:
    """A file that runs as a whole is half there by somebody's hand alone, and then in no order."""
    if file.transactional:
        return True
    ran = any(n > number for n in done)
    not_ran = any(n < number for n in left)
    return ran == not_ran
