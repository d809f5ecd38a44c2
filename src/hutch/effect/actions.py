"""What a typed action can do, told by its name alone: ``backup.list`` looks, ``backup.delete`` loses what it names.

This is what a document can be judged by before any target is known. Where an action is carried out, its target has the
last word (:mod:`hutch.commands.calls`).
"""

from __future__ import annotations

from hutch.model.effect import Effect, Verdict

LOOKS = frozenset({"list", "search", "show", "status"})
"""Verbs that every provider means alike: they only look."""

LOSES = frozenset({"delete", "destroy", "drop", "flush", "purge", "reset", "truncate", "wipe"})
"""Verbs that lose what they name. ``drop_index`` is none: an index is built anew."""


def classify_action(name: str) -> Verdict:
    """The verdict on a call of the action ``name``; what its name does not tell is a change.

    >>> classify_action("backup.list").effect, classify_action("deploy.rollback").effect
    (<Effect.READ: 1>, <Effect.CHANGE: 2>)
    """
    verb = name.rpartition(".")[2]
    if verb in LOOKS:
        return Verdict(Effect.READ, f"{name} looks, by its name; its target has the last word")
    if verb in LOSES:
        return Verdict(Effect.DESTROY, f"{name} loses what it names, by its name")
    return Verdict(Effect.CHANGE, f"calls the action {name}")
