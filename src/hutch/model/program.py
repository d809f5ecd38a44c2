"""A run's program: what was read from its document when it started, rendered for its service (DESIGN §4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hutch.model.action import Command
from hutch.model.effect import Effect
from hutch.model.runbook import Capture, Filled, OnFailure


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

    ``expects`` are the texts that must be seen in its output, ``step`` the document's step that it belongs to.
    ``needs`` names the captured values that it waits for: its command is not rendered before they are there.
    ``when`` is a condition (:mod:`hutch.runbook.when`); ``manual`` says what a person does by hand and ticks off.
    ``values`` are its placeholders with where each value came from, ``stands`` what its names stand for here.
    """

    id: str
    title: str
    line: int
    command: Command
    expects: tuple[str, ...] = ()
    refused: str = ""
    step: str = ""
    needs: tuple[str, ...] = ()
    captures: tuple[Capture, ...] = ()
    when: str = ""
    retries: int = 0
    on_failure: OnFailure = OnFailure.STOP
    undo: Command | None = None
    manual: str = ""
    values: tuple[Filled, ...] = ()
    stands: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """The journal's form: what every statement has, and of the rest what is said."""
        told: dict[str, object] = {
            "step": self.step,
            "needs": list(self.needs),
            "captures": [{"name": c.name, "pattern": c.pattern, "path": c.path} for c in self.captures],
            "when": self.when,
            "retries": self.retries,
            "on_failure": "" if self.on_failure is OnFailure.STOP else self.on_failure.value,
            "undo": self.undo.as_dict() if self.undo else None,
            "manual": self.manual,
            "values": [{"name": v.name, "text": v.text, "value": v.value, "source": v.source} for v in self.values],
            "stands": list(self.stands),
        }
        return {
            "id": self.id,
            "title": self.title,
            "line": self.line,
            "command": self.command.as_dict(),
            "expects": list(self.expects),
            "refused": self.refused,
            **{key: value for key, value in told.items() if value},
        }


@dataclass(frozen=True, slots=True)
class Option:
    """A remedy that may be chosen: statements in order. ``number`` is the document's ("Option 1"), 0 if it has none.

    ``cause`` is the code that it would cure, empty while no diagnosis has spoken for it. ``left_out`` says which of its
    statements do not run here, and why: alternatives for platforms that this service does not use.
    """

    id: str
    title: str
    items: tuple[Item, ...]
    number: int = 0
    cause: str = ""
    why: str = ""
    left_out: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """The journal's form."""
        return {
            "id": self.id,
            "title": self.title,
            "number": self.number,
            "cause": self.cause,
            "why": self.why,
            "items": [i.as_dict() for i in self.items],
            **({"left_out": list(self.left_out)} if self.left_out else {}),
        }

    @property
    def refused(self) -> str:
        """Why it cannot be carried out as it stands; empty when it can."""
        return next((i.refused for i in self.items if i.refused), "" if self.items else "it has no statement to run")

    @property
    def acts(self) -> bool:
        """Whether there is anything in it to choose: a change, or something that a person does."""
        return self.effect > Effect.READ or any(i.manual for i in self.items)

    @property
    def effect(self) -> Effect:
        """The greatest effect of its statements."""
        return max((i.command.effect for i in self.items), default=Effect.NONE)

    def digest(self) -> str:
        """What an approval of the whole option is bound to: the digests of its commands, in order."""
        return "+".join(i.command.digest() for i in self.items)


@dataclass(frozen=True, slots=True)
class Program:
    """What a run may do: reads by itself, options once approved, then the verification's reads.

    ``asked``: a person asked for exactly this, so nothing is diagnosed, ranked or read besides. ``procedure``: it has
    no part that looks for trouble (scaling, a roll-back), so it is offered also where all is well.
    """

    reads: tuple[Item, ...] = ()
    options: tuple[Option, ...] = ()
    verification: tuple[Item, ...] = ()
    skipped: tuple[Item, ...] = ()  # named, with the reason, and not run
    asked: bool = False
    procedure: bool = False

    def as_dict(self) -> dict[str, object]:
        """The journal's form; :func:`program_from` is its inverse."""
        return {
            "reads": [i.as_dict() for i in self.reads],
            "options": [o.as_dict() for o in self.options],
            "verification": [i.as_dict() for i in self.verification],
            "skipped": [i.as_dict() for i in self.skipped],
            **({"asked": True} if self.asked else {}),
            **({"procedure": True} if self.procedure else {}),
        }

    @property
    def items(self) -> tuple[Item, ...]:
        """Every item that may run."""
        return (*self.reads, *(i for o in self.options for i in o.items), *self.verification)

    def with_item(self, made: Item) -> Program:
        """The program with ``made`` in the place of the item of its id."""
        return replace(
            self,
            reads=_put(self.reads, made),
            options=tuple(replace(o, items=_put(o.items, made)) for o in self.options),
            verification=_put(self.verification, made),
        )


def _put(items: tuple[Item, ...], made: Item) -> tuple[Item, ...]:
    return tuple(made if i.id == made.id else i for i in items)


def item_from(data: Mapping[str, object]) -> Item:
    """The item that :meth:`Item.as_dict` wrote."""
    return Item(
        id=str(data["id"]),
        title=str(data["title"]),
        line=int(str(data["line"])),
        command=command_from(data["command"]),  # type: ignore[arg-type]
        expects=tuple(str(e) for e in data["expects"]),  # type: ignore[attr-defined]
        refused=str(data["refused"]),
        step=str(data.get("step", "")),
        needs=_texts(data.get("needs")),
        captures=tuple(Capture(**c) for c in data.get("captures", ())),  # type: ignore[attr-defined]
        when=str(data.get("when", "")),
        retries=int(str(data.get("retries", 0))),
        on_failure=OnFailure(str(data.get("on_failure") or OnFailure.STOP)),
        undo=command_from(undo) if isinstance(undo := data.get("undo"), Mapping) else None,
        manual=str(data.get("manual", "")),
        values=tuple(Filled(**v) for v in data.get("values", ())),  # type: ignore[attr-defined]
        stands=_texts(data.get("stands")),
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(v) for v in value) if isinstance(value, list | tuple) else ()


def option_from(data: Mapping[str, object]) -> Option:
    """The option that :meth:`Option.as_dict` wrote."""
    return Option(
        id=str(data["id"]),
        title=str(data["title"]),
        number=int(str(data["number"])),
        cause=str(data["cause"]),
        why=str(data["why"]),
        items=_items(data["items"]),
        left_out=_texts(data.get("left_out")),
    )


def program_from(data: Mapping[str, object]) -> Program:
    """The program that :meth:`Program.as_dict` wrote."""
    options = tuple(option_from(o) for o in data["options"])  # type: ignore[attr-defined]
    return Program(
        _items(data["reads"]),
        options,
        _items(data["verification"]),
        _items(data["skipped"]),
        bool(data.get("asked")),
        bool(data.get("procedure")),
    )


def _items(rows: object) -> tuple[Item, ...]:
    return tuple(item_from(r) for r in rows)  # type: ignore[attr-defined]
