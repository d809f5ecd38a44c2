"""What a run left alone, in words: statements with the same reason together, and what would let them run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hutch.cli.lines import one_line, wrapped
from hutch.cli.paint import painted
from hutch.model.program import Item
from hutch.model.run import Run

BIND = "--bind NAME=VALUE for one run; `hutch doctor` prints the lines that bind for good"
SET = "--set NAME=VALUE; on a terminal `hutch run` asks"
NAMED = 5
"""Names that are told one by one."""

A_PERSON = "a person does this"

_UNBOUND = re.compile(r"(program|host|cluster|service|bucket|database|file) (.+?) is not bound(?:: .*)?")
_LACKING = re.compile(r"\[([^\]]+)\] has no value(?:: .*)?")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a statement did not run, in its parts: names that nothing stands for, open values, anything else."""

    unbound: tuple[tuple[str, str], ...] = ()
    lacking: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """The one thing by which statements are put together: a program comes before all that it is called with."""
        programs = [name for kind, name in self.unbound if kind == "program"]
        if programs:
            return f"program {programs[0]} is not bound"
        if self.unbound:
            return f"{self.unbound[0][0]} {self.unbound[0][1]} is not bound"
        return "; ".join(self.others) or f"no value for {', '.join(f'[{n}]' for n in self.lacking)}"


def reason_of(refused: str) -> Reason:
    """The parts of a refusal.

    >>> reason_of("[x] has no value: give --set x=VALUE; host a.co is not bound: add it").shown
    'host a.co is not bound'
    """
    unbound, lacking, others = [], [], []
    for part in refused.split("; "):
        if name := _UNBOUND.fullmatch(part):
            unbound.append((name[1], name[2]))
        elif value := _LACKING.fullmatch(part):
            lacking.append(value[1])
        else:
            others.append(part)
    return Reason(tuple(unbound), tuple(lacking), ("; ".join(others),) if others else ())


def short(refused: str) -> str:
    """A refusal without how to lift it: that is said once, at the end."""
    found = reason_of(refused)
    names = [f"{kind} {name}" for kind, name in found.unbound]
    parts = [f"not bound: {', '.join(names)}"] if names else []
    parts += [f"no value: {', '.join(f'[{n}]' for n in found.lacking)}"] if found.lacking else []
    return "; ".join((*parts, *found.others))


def left_alone(run: Run, room: int) -> Iterator[str]:
    """Every statement that did not run, below the reason that it shares with others."""
    groups: dict[str, list[Item]] = {}
    by_hand = [i for i in run.program.reads if i.manual and i.id not in run.read]
    for item in (*run.program.skipped, *by_hand):
        why = A_PERSON if item.manual and not item.refused else reason_of(item.refused).shown
        groups.setdefault(why, []).append(item)
    for why, items in sorted(groups.items(), key=lambda g: (not g[0].endswith("is not bound"), g[1][0].line)):
        yield from wrapped("  ", why, room)
        for item in sorted(items, key=lambda i: i.line):
            text = one_line(item.manual or item.command.text, room - 9)
            yield painted(f"  {item.line:>5}  {text}", "dim")


def how_to_go_on(run: Run, room: int) -> Iterator[str]:
    """What a person can say so that more of it runs."""
    refusals = [*(i.refused for i in run.program.skipped), *(why for _, why in run.left_out)]
    reasons = [reason_of(text) for text in refusals]
    yield from _told("not bound", (name for r in reasons for _, name in r.unbound), BIND, room)
    yield from _told("no value", (name for r in reasons for name in r.lacking), SET, room)


def _told(word: str, names: Iterable[str], how: str, room: int) -> Iterator[str]:
    """The first names, how many there are more, and how to give what they lack."""
    found = list(dict.fromkeys(names))
    if not found:
        return
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    yield from wrapped(f"  {word:<11} ", ", ".join(found[:NAMED]) + more, room)
    yield from wrapped(" " * 14, how, room, "dim")
