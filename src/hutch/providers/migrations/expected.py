"""How the schema must be once a migration ran: by its own operations, and what later ones made of its objects. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from hutch.providers.migrations.declared import Key, Op

PARTS = frozenset({"column", "constraint", "trigger", "policy", "not null"})
"""What goes and is renamed with its table."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One object that must be there, or be ``gone``, once the statement of number ``statement`` ran.

    ``sure``: that it is so proves that the statement ran; what was there before, or may have been, proves nothing.
    """

    key: Key
    gone: bool
    sure: bool
    statement: int
    op: Op

    def __str__(self) -> str:
        """As evidence names it."""
        return f"{self.key} dropped" if self.gone else str(self.key)


Numbered = tuple[int, Op]


def wanted(own: Iterable[Numbered], later: Iterable[Op] = (), before: frozenset[Key] = frozenset()) -> list[Wanted]:
    """What the operations of one migration leave behind, by the names that ``later`` ones, applied, gave it.

    ``before`` is what earlier migrations had made: where that is made again or anew, its being there proves nothing.
    """
    found: dict[Key, Wanted] = {}
    for number, op in own:
        _apply(found, number, op, before)
    for op in later:
        _later(found, op)
    return list(found.values())


def made_by(operations: Iterable[Op], before: Iterable[Key] = ()) -> frozenset[Key]:
    """What these operations, one after another, have made and not dropped, beside what was there ``before``."""
    found = set(before)
    for op in operations:
        if op.verb == "make":
            found.add(op.key)
        elif op.verb == "drop":
            found = {k for k in found if not _within(k, op.key)}
        else:
            found = {_renamed(k, op) for k in found}
    return frozenset(found)


def _apply(found: dict[Key, Wanted], number: int, op: Op, before: frozenset[Key]) -> None:
    if op.verb == "make":
        again = op.key in before or (op.key in found and found[op.key].gone)
        found[op.key] = Wanted(op.key, False, not (op.unsure or again), number, op)
    elif op.verb == "drop":
        own = op.key in found and not found[op.key].gone
        for key in _gone_with(found, op.key):
            del found[key]
        if not own:
            found[op.key] = Wanted(op.key, True, op.key in before, number, op)
    else:
        _rename(found, number, op, before)


def _rename(found: dict[Key, Wanted], number: int, op: Op, before: frozenset[Key]) -> None:
    own = op.key in found
    _rekey(found, op)
    new = _renamed(op.key, op)
    if not own and new != op.key:
        found[op.key] = Wanted(op.key, True, op.key in before, number, op)
        found[new] = Wanted(new, False, new not in before and not op.unsure, number, op)


def _later(found: dict[Key, Wanted], op: Op) -> None:
    """What a later migration did to it: what it dropped, or made again, can't be asked for any more."""
    if op.verb == "rename":
        _rekey(found, op)
    for key in _gone_with(found, op.key) if op.verb == "drop" else [op.key]:
        if key in found and (op.verb == "drop" or found[key].gone):
            del found[key]


def _rekey(found: dict[Key, Wanted], op: Op) -> None:
    for key in [k for k in found if not found[k].gone]:
        new = _renamed(key, op)
        if new != key:
            found[new] = replace(found.pop(key), key=new)


def _renamed(key: Key, op: Op) -> Key:
    """``key`` after the renaming ``op``; itself where that is about something else."""
    old = op.key
    if key == old and old.part:
        return replace(key, part=op.to)
    if key == old or (key.kind in PARTS and old.kind == "table" and key.name == old.name and not old.part):
        return replace(key, name=_moved(old.name, op.to))
    if key.kind == "not null" and old.kind == "column" and (key.name, key.part) == (old.name, old.part):
        return replace(key, part=op.to)
    if key.kind == "value" and old.kind == "type" and key.name == old.name:
        return replace(key, name=_moved(old.name, op.to))
    return key


def _moved(path: str, to: str) -> str:
    """A renamed object stays in its schema, unless the new path says another."""
    schema = path.rpartition(".")[0]
    return f"{schema}.{to}" if schema and "." not in to else to


def _gone_with(found: dict[Key, Wanted], dropped: Key) -> list[Key]:
    """What goes when ``dropped`` does; an index goes with its table."""
    on = dropped.name if dropped.kind == "table" else None
    return [k for k, w in found.items() if _within(k, dropped) or (k.kind == "index" and w.op.on == on)]


def _within(key: Key, dropped: Key) -> bool:
    """Whether ``key`` goes when ``dropped`` does."""
    if key == dropped:
        return True
    if dropped.kind == "table" and key.kind in PARTS:
        return key.name == dropped.name
    if dropped.kind == "column" and key.kind == "not null":
        return (key.name, key.part) == (dropped.name, dropped.part)
    return dropped.kind == "type" and key.kind == "value" and key.name == dropped.name
