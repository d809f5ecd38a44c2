"""Which remedies a run offers, and in which order: the document's options, ranked by the diagnosis. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from hutch.model.action import Command
from hutch.model.effect import Effect
from hutch.model.program import Item, Option

NOT_INDICATED = "not what the diagnosis points to"


def rank(options: Sequence[Option], causes: Sequence[Mapping[str, object]]) -> tuple[Option, ...]:
    """The options that can be carried out, best first.

    What the diagnosis proposes comes first, in its order: as the document's own option where one calls the same action
    (with the diagnosis' arguments filled in where the document left them open), else as an option of its own. The
    document's other options follow in its order. An option that cannot be carried out is left out.
    """
    indicated: list[Option] = []
    taken: set[str] = set()
    for cause, remedy in _remedies(causes):
        option = _for_remedy(options, cause, remedy)
        if option.id not in taken:
            taken.add(option.id)
            indicated.append(option)
    why = NOT_INDICATED if causes else "as the document offers it"
    others = [replace(o, why=why) for o in options if o.id not in taken]
    others.sort(key=_cost)
    return tuple(o for o in (*indicated, *others) if not o.refused and o.acts)


def _cost(option: Option) -> tuple[int, bool]:
    """What it costs to be wrong: first the effect, then whether there is a way back; else the document's order."""
    return int(option.effect), not all(i.undo or i.command.effect <= Effect.READ for i in option.items)


def refused(options: Sequence[Option]) -> tuple[tuple[str, str], ...]:
    """Title and reason of each option of the document that cannot be carried out as it stands."""
    return tuple((o.title, o.refused) for o in options if o.refused)


def _remedies(causes: Sequence[Mapping[str, object]]) -> Iterable[tuple[Mapping[str, object], Mapping[str, object]]]:
    for cause in causes:
        for remedy in cause["remedies"]:  # type: ignore[attr-defined]
            yield cause, remedy


def _for_remedy(options: Sequence[Option], cause: Mapping[str, object], remedy: Mapping[str, object]) -> Option:
    code, why = str(cause["code"]), str(remedy["summary"])
    for option in options:
        if _is_for(option, str(remedy["action"])):
            items = tuple(_filled(i, remedy) if i.command.runner == remedy["action"] else i for i in option.items)
            return replace(option, items=items, cause=code, why=why)
    return Option(f"remedy-{remedy['action']}", why, (_item(remedy),), cause=code, why="proposed by the diagnosis")


def _is_for(option: Option, action: str) -> bool:
    """Whether it calls the action once, and besides only looks: what there is to go back to, and what came of it."""
    others = [i for i in option.items if i.command.runner != action]
    looks = all(i.command.effect <= Effect.READ and not i.manual and not i.refused for i in others)
    return looks and len(option.items) == len(others) + 1


def _filled(item: Item, remedy: Mapping[str, object]) -> Item:
    """The document's call of an action with the diagnosis' arguments; what the document says itself stands."""
    said = {k: v for k, v in item.command.args.items() if v not in (None, "")}
    args = {**dict(remedy["args"]), **said}  # type: ignore[call-overload]
    command = replace(item.command, args=args, text=call_text(item.command.runner, args), target=str(remedy["target"]))
    return replace(item, command=command, refused="")


def _item(remedy: Mapping[str, object]) -> Item:
    action, args = str(remedy["action"]), dict(remedy["args"])  # type: ignore[call-overload]
    effect = Effect.of(str(remedy["effect"]))
    command = Command(action, call_text(action, args), str(remedy["target"]), effect, str(remedy["summary"]), args)
    return Item(f"remedy-{action}", str(remedy["summary"]), 0, command)


def call_text(action: str, args: Mapping[str, object]) -> str:
    """A typed action as people read it: ``deploy.rollback(to: 42)``. Long lists are counted, not listed."""
    return f"{action}({', '.join(f'{k}: {_short(v)}' for k, v in args.items())})"


def _short(value: object) -> str:
    if isinstance(value, list):
        return f"[{len(value)} items]" if len(value) > 3 else f"[{', '.join(_short(v) for v in value)}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k}: {_short(v)}" for k, v in value.items()) + "}"
    return str(value)
