"""Lines of a block that set the shell for the lines after them, and what becomes of those.

A person types a block into one terminal; a run gives each statement a shell of its own. So what ``cd``, ``export`` and
assignments set goes along with every later statement of their block: ``cd /srv`` and ``rm -r old`` become
``cd /srv && rm -r old``, judged, shown and approved as that. Without it the second would run in another folder, or
against another account, than the document says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from hutch.commands.routing import SETTERS, UNJUDGED, route
from hutch.commands.situation import Situation
from hutch.effect import classify
from hutch.effect.sqlwords import LIMIT
from hutch.model.effect import Effect, worst
from hutch.model.runbook import Placeholder, Statement, Step
from hutch.runbook.errors import RunbookError
from hutch.runbook.placeholders import SHELLS, normal
from hutch.runbook.render_shell import mask
from hutch.runbook.shell_words import commands

LOST = frozenset({"source", ".", "pushd", "popd", "alias", "declare", "typeset", "readonly"})
"""What sets the shell too, and is not repeated: nobody knows what else a script does."""

READS = frozenset({"read", "mapfile", "readarray", "local"})
"""What sets a variable in its own shell only; ``read`` also asks at the keyboard, where nobody sits."""

KEYBOARD = "asks at the keyboard, which no step has: give {names} with --set NAME=VALUE, or where hutch asks"

ALONE = "sets only the shell of its own block, where no line follows it: put it into the block that needs it"
ONE_LINE = "sets only its own shell, and each statement has one of its own: put it on the line that needs it, with &&"

TOO_LONG = "is longer than 64 kB, which no shell is started with: put it into a file, and name that"

PART = "sets a variable to a text around a placeholder: write the placeholder where it is used"

_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_COMPOUND = re.compile(r"(?:while|until|if|for|case)\b")
_NAME = re.compile(r"[A-Z_a-z]\w*")
_ASSIGNED = re.compile(r"(?:^|\s)([A-Za-z_]\w*)=")
_WHOLE = re.compile(r"(?P<export>export\s+)?(?P<name>[A-Za-z_]\w*)=(?P<quote>[\"']?)(?P<hole>[^$\"'][^\"']*)(?P=quote)")
_ASKS = re.compile(r'[A-Za-z_]\w*="?\$\((?P<inner>[^()`]*)\)"?')
_MORE = re.compile(r"[;&|\n`<>]|\$\(")


@dataclass(frozen=True, slots=True)
class Carried:
    """A statement with what is set before it; ``refused`` says why it cannot be carried out."""

    statement: Statement
    refused: str = ""


def carried(step: Step, situation: Situation) -> tuple[Carried, ...]:
    """The statements of ``step`` that run. What a provider or a person carries out needs no folder and no variable."""
    if step.lang not in SHELLS:
        return tuple(Carried(s) for s in step.statements)
    return tuple(_carried(step, situation))


def too_long(step: Step, statement: Statement) -> bool:
    """Whether no shell could be started with the statement: nothing is sought in it, since nothing comes of it."""
    return step.lang in SHELLS and len(statement.text) > LIMIT


def _carried(step: Step, situation: Situation) -> Iterator[Carried]:
    before = _Before(step.lang)
    for one in step.statements:
        if too_long(step, one):
            yield Carried(one, TOO_LONG)
        elif _program(one) in LOST:
            yield Carried(one, ONE_LINE)
        elif reason := _reads(one.text):
            yield Carried(one, reason)
        elif not sets(mask(one.text, one.placeholders)):
            yield Carried(before.put(one) if _here(step.lang, one, situation) else one)
        elif one is step.statements[-1] and _program(one) not in {"cd", "set"}:  # those two there are tidiness
            yield Carried(one, ALONE)
        elif not before.take(one):
            yield Carried(one, PART)


def _reads(text: str) -> str:
    """Why a statement that only reads a value into a variable cannot be carried out; empty for any other."""
    found = commands(text)
    if len(found) != 1 or found[0].program not in READS or _COMPOUND.match(text):
        return ""
    names = [w for w in found[0].values()[1:] if _NAME.fullmatch(w)]
    asks = found[0].program == "read" and names and not found[0].files and "<<" not in text
    return KEYBOARD.format(names=", ".join(names)) if asks else ONE_LINE


def _program(one: Statement) -> str:
    found = commands(one.text)
    return found[0].program if found else ""


def sets(text: str) -> bool:
    """Whether a statement does nothing but set its shell, so that it may be repeated.

    >>> sets("cd /srv/app"), sets("cd /srv && ls"), sets("A=1 ls"), sets("POD=$(kubectl get pods -o name)")
    (True, False, False, True)
    """
    if asks := _ASKS.fullmatch(text):
        return classify("bash", asks["inner"]).effect is Effect.READ
    if _MORE.search(text):
        return False
    found = commands(text)
    return found[0].program in SETTERS if found else bool(_ASSIGNMENT.match(text))


def _here(lang: str, one: Statement, situation: Situation) -> bool:
    """Whether a program of this machine carries it out."""
    try:
        routed = route(lang, one, one.verdict or UNJUDGED, situation)
    except RunbookError:
        return True  # a value that it cannot take: it is refused by what comes next
    return routed.command.runner == "sh" and not routed.manual


class _Before:
    """What the lines so far have set, as text and as values: a variable that is a placeholder's value stays one, under
    that placeholder's name, so that what holds for values holds for it wherever it is used."""

    def __init__(self, lang: str) -> None:
        self.lang = lang
        self.settings: list[Statement] = []
        self.known: dict[str, str] = {}  # a variable's name -> its placeholder's; empty where its line gives the value

    def take(self, one: Statement) -> bool:
        """Remember a setting; False where a placeholder is only a part of what a variable is set to."""
        one = replace(one, placeholders=self._open(one.placeholders))
        given = [p for p in one.placeholders if not p.text.startswith("$")]
        whole = _WHOLE.fullmatch(one.text)
        if whole and [p.text for p in given] == [whole["hole"]]:
            self.known[normal(whole["name"])] = given[0].name
        elif given and _ASSIGNED.search(one.text):
            return False
        else:
            self.known |= dict.fromkeys((normal(name) for name in _ASSIGNED.findall(one.text)), "")
        if not (whole and given) or whole["export"]:
            self.settings.append(one)
        return True

    def put(self, one: Statement) -> Statement:
        """``one`` with what was set before it."""
        one = replace(one, placeholders=self._open(one.placeholders))
        if not self.settings:
            return one
        text, holes = "", list[Placeholder]()
        for setting in self.settings:
            holes += _moved(setting.placeholders, len(text))
            text += f"{setting.text} && "
        plain = len(commands(one.text)) == 1 and "\n" not in one.text
        start, end = (text, "") if plain else (f"{text}{{\n", "\n}")
        holes += _moved(one.placeholders, len(start))
        return self._judged(replace(one, text=f"{start}{one.text}{end}", placeholders=tuple(holes)))

    def _judged(self, made: Statement) -> Statement:
        spans = [(p.start, p.end) for p in made.placeholders if not p.text.startswith("$")]
        verdicts = [*([made.verdict] if made.verdict else []), classify(self.lang, made.text, spans)]
        return replace(made, verdict=worst(verdicts))

    def _open(self, holes: Iterable[Placeholder]) -> tuple[Placeholder, ...]:
        """Those that no line before has given a value; what one has given a placeholder's value is called like that."""
        named = ((p, self.known.get(p.name) if p.text.startswith("$") else p.name) for p in holes)
        return tuple(p if name is None else replace(p, name=name) for p, name in named if name != "")


def _moved(holes: Iterable[Placeholder], by: int) -> list[Placeholder]:
    return [replace(p, start=p.start + by, end=p.end + by) for p in holes]
