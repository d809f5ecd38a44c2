"""A run's program: what was read from its document when it started, rendered for its service (DESIGN §4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hutch.model.action import Command
from hutch.model.effect import Effect


def command_from(data: Mapping[str, object]) -> Command:
    """The command that :meth:`Command.as_dict` wrote."""
    fields = dict(data)
    fields["effect"] = Effect.of(str(fields["effect"]))
    fields["params"] = tuple(fields.get("params", ()))  # type: ignore[arg-type]
    fields["secrets"] = tuple(fields.get("secrets", ()))  # type: ignore[arg-type]
    return Command(**fields)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Item:
    """A statement made ready, or refused with the reason (an open placeholder, an unbound host …).

    ``expects`` are the texts that must be seen in its output.
    """

    id: str
    title: str
    line: int
    command: Command
    expects: tuple[str, ...] = ()
    refused: str = ""

    def as_dict(self) -> dict[str, object]:
        """The journal's form."""
        return {
            "id": self.id,
            "title": self.title,
            "line": self.line,
            "command": self.command.as_dict(),
            "expects": list(self.expects),
            "refused": self.refused,
        }


@dataclass(frozen=True, slots=True)
class Option:
    """A remedy that may be chosen: statements in order. ``number`` is the document's ("Option 1"), 0 if it has none.

    ``cause`` is the code that it would cure, empty while no diagnosis has spoken for it.
    """

    id: str
    title: str
    items: tuple[Item, ...]
    number: int = 0
    cause: str = ""
    why: str = ""

    def as_dict(self) -> dict[str, object]:
        """The journal's form."""
        return {
            "id": self.id,
            "title": self.title,
            "number": self.number,
            "cause": self.cause,
            "why": self.why,
            "items": [i.as_dict() for i in self.items],
        }

    @property
    def refused(self) -> str:
        """Why it cannot be carried out as it stands; empty when it can."""
        return next((i.refused for i in self.items if i.refused), "" if self.items else "it has no statement to run")

    @property
    def effect(self) -> Effect:
        """The greatest effect of its statements."""
        return max((i.command.effect for i in self.items), default=Effect.NONE)

    def digest(self) -> str:
        """What an approval of the whole option is bound to: the digests of its commands, in order."""
        return "+".join(i.command.digest() for i in self.items)


@dataclass(frozen=True, slots=True)
class Program:
    """What a run may do: reads by itself, options once approved, then the verification's reads."""

    reads: tuple[Item, ...] = ()
    options: tuple[Option, ...] = ()
    verification: tuple[Item, ...] = ()
    skipped: tuple[Item, ...] = ()  # named, with the reason, and not run

    def as_dict(self) -> dict[str, object]:
        """The journal's form; :func:`program_from` is its inverse."""
        return {
            "reads": [i.as_dict() for i in self.reads],
            "options": [o.as_dict() for o in self.options],
            "verification": [i.as_dict() for i in self.verification],
            "skipped": [i.as_dict() for i in self.skipped],
        }


def item_from(data: Mapping[str, object]) -> Item:
    """The item that :meth:`Item.as_dict` wrote."""
    return Item(
        id=str(data["id"]),
        title=str(data["title"]),
        line=int(str(data["line"])),
        command=command_from(data["command"]),  # type: ignore[arg-type]
        expects=tuple(str(e) for e in data["expects"]),  # type: ignore[attr-defined]
        refused=str(data["refused"]),
    )


def option_from(data: Mapping[str, object]) -> Option:
    """The option that :meth:`Option.as_dict` wrote."""
    return Option(
        id=str(data["id"]),
        title=str(data["title"]),
        number=int(str(data["number"])),
        cause=str(data["cause"]),
        why=str(data["why"]),
        items=_items(data["items"]),
    )


def program_from(data: Mapping[str, object]) -> Program:
    """The program that :meth:`Program.as_dict` wrote."""
    options = tuple(option_from(o) for o in data["options"])  # type: ignore[attr-defined]
    return Program(_items(data["reads"]), options, _items(data["verification"]), _items(data["skipped"]))


def _items(rows: object) -> tuple[Item, ...]:
    return tuple(item_from(r) for r in rows)  # type: ignore[attr-defined]
