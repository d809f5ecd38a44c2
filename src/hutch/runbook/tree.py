"""A document as a tree for people: each heading, option and statement with its line, effect and why."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hutch.model.effect import Effect
from hutch.model.runbook import ActionCall, Document, Flow, OnFailure, Runbook, Section, Statement, Step
from hutch.runbook.settings import Setting, settings
from hutch.runbook.show import short_time
from hutch.runbook.visible import visible

NARROWEST, WIDEST = 60, 140
"""Characters of a line: less shows nothing of a statement, more can't be read."""

LINES, EFFECT = 6, 9
"""Characters of the columns before a statement: the document's line, the effect."""

BETWEEN = " · "
"""Between two remarks."""

_BLANKS = re.compile(r"[ \t\r\n]+")
"""What every language passes over; other blanks (U+001F, U+00A0) are words to a shell, and are shown."""

Paint = Callable[[str, str], str]
"""A text and what it is (an effect's word, ``title``, ``dim``) -> the text as it is shown."""


def _plain(text: str, _look: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is drawn on: so many characters wide, and how things look."""

    width: int = 100
    paint: Paint = _plain

    def row(self, line: int | str, indent: int, effect: str, text: str, look: str = "") -> str:
        """One line: number, effect, text; the text is cut where the line ends."""
        lead = f"{line:>{LINES - 1}} {'':{indent}}"
        mark = self.paint(f"{effect:<{EFFECT - 1}}", effect) + " " if effect else ""
        shown = _cut(visible(text), self.width - len(lead) - (EFFECT if effect else 0))
        return (lead + mark + (self.paint(shown, look) if look else shown)).rstrip()

    def remarks(self, indent: int, *said: str) -> Iterator[str]:
        """What is said of a statement, below it, on as many lines as it takes."""
        lead = " " * (LINES + indent + EFFECT)
        room = max(20, self.width - len(lead))
        for line in _packed([visible(one) for one in said], room):
            yield lead + self.paint(line, "dim")


def _packed(said: Sequence[str], room: int) -> Iterator[str]:
    """As many remarks on a line as have room; one that is longer than a line is broken between words."""
    line = ""
    for one in said:
        if line and len(line) + len(BETWEEN) + len(one) > room:
            yield line
            line = ""
        line = f"{line}{BETWEEN}{one}" if line else one
        if len(line) > room:
            *full, line = textwrap.wrap(line, room, break_on_hyphens=False)
            yield from full
    if line:
        yield line


def as_text(document: Document, only: Runbook | None = None, sheet: Sheet | None = None) -> str:
    """The document, or ``only`` one runbook of it, as lines."""
    return "\n".join(_lines(document, only, sheet or Sheet()))


def _lines(document: Document, only: Runbook | None, sheet: Sheet) -> Iterator[str]:
    yield sheet.paint(_cut(visible(document.title), sheet.width), "title")
    for runbook in (only,) if only else document.runbooks:
        yield ""
        chapter = f"  ({runbook.chapter})" if runbook.chapter not in {runbook.title, document.title} else ""
        yield sheet.row(runbook.line, 0, "", f"#{runbook.id}  {runbook.title}{chapter}", "title")
        if counted := _counted(runbook):
            yield sheet.row("", 0, "", counted, "dim")
        for section in runbook.sections:
            yield from _section(section, sheet)
    if document.rules and not only:
        yield from _rules(document, sheet)


def _rules(document: Document, sheet: Sheet) -> Iterator[str]:
    yield ""
    yield sheet.row("", 0, "", "alerts", "title")
    for rule in document.rules:
        opens = f" → {rule.runbook}" if rule.runbook else ""
        said = f"{rule.name}: {rule.condition} for {short_time(rule.duration)}, {rule.severity.label}{opens}"
        yield sheet.row(rule.line, 2, "", said)


def _counted(runbook: Runbook) -> str:
    """``9 read, 5 change``; nothing where nothing runs."""
    found = Counter(_effect(s) for _, step in runbook.steps() for s in step.statements)
    return ", ".join(f"{found[e.word]} {e.word}" for e in Effect if found[e.word] and e is not Effect.NONE)


def _section(section: Section, sheet: Sheet) -> Iterator[str]:
    indent = 2 * max(1, len(section.path) - 1)
    if len(section.path) > 1:
        yield sheet.row(section.line, indent, "", f"{section.title}  [{section.role.value}]", "title")
    for step in section.steps:
        yield from _step(step, indent + 2, sheet)


def _step(step: Step, indent: int, sheet: Sheet) -> Iterator[str]:
    if step.link:
        yield sheet.row(step.line, indent, "", f"goes through {step.link.document}#{step.link.anchor} ({step.name})")
    elif step.flow.manual:
        yield sheet.row(step.line, indent, "by hand", _one_line(step.text) or step.name)
    elif not step.statements:
        yield sheet.row(step.line, indent, Effect.NONE.word, f"{step.lang or 'text'} block, read only")
    told = [*_carried_out(step)]
    for statement, known in () if step.flow.manual else settings(step):
        yield sheet.row(statement.line, indent, _effect(statement), _said(statement))
        remarks = [*_remarks(statement, known), *(told if statement is step.statements[-1] else ())]
        if remarks:
            yield from sheet.remarks(indent, *remarks)
    if told and (step.flow.manual or not step.statements):
        yield from sheet.remarks(indent, *told)


def _carried_out(step: Step) -> Iterator[str]:
    """What the step's annotations say of how it is carried out."""
    if name := step.annotations.get("name"):
        yield f"step {name}"
    flow = step.flow
    if flow == Flow():
        return
    if flow.when:
        yield f"only when {flow.when}"
    if flow.captures:
        yield f"captures {', '.join(capture.name for capture in flow.captures)}"
    if flow.timeout:
        yield f"for at most {short_time(flow.timeout)}"
    if flow.retries:
        yield f"tried again up to {flow.retries} times"
    if flow.on_failure is not OnFailure.STOP:
        yield f"if it fails: {flow.on_failure.value}"
    if flow.undo:
        yield f"undone by {_one_line(flow.undo)}"


def _remarks(statement: Statement, known: Mapping[str, Setting]) -> Iterator[str]:
    if statement.verdict and statement.verdict.why and not _is_said(statement):
        sensitive = "; sensitive: runs only when a person asks" if statement.verdict.sensitive else ""
        yield statement.verdict.why + sensitive
    if needs := ", ".join(dict.fromkeys(_needs(statement, known))):
        yield f"needs {needs}"
    if statement.action and (left := [k for k, v in statement.action.args.items() if v in (None, "")]):
        yield f"open: {', '.join(left)}"
    for expectation in statement.expects:
        yield f"expects {expectation.text}"


def _needs(statement: Statement, known: Mapping[str, Setting]) -> Iterator[str]:
    """The placeholders for which nothing in the block gives a value. What is set for one statement is gone after it."""
    for hole in statement.placeholders:
        setting = known.get(hole.text.strip("${}")) if hole.text.startswith("$") else None
        if setting is None:
            yield hole.text
        elif not setting.lasts:
            yield f"{hole.text} (line {setting.line} sets it for itself alone)"


def _is_said(statement: Statement) -> bool:
    """Whether the line itself says it: that an action is called."""
    return bool(statement.action and statement.verdict and statement.verdict.why.startswith("calls the action"))


def _said(statement: Statement) -> str:
    return _call(statement.action) if statement.action else _one_line(statement.text)


def _call(action: ActionCall) -> str:
    """``service.scale(replicas: …, pool_size: 4)``."""
    args = (f"{key}: {'…' if value in (None, '') else _one_line(str(value))}" for key, value in action.args.items())
    return f"{action.name}({', '.join(args)})"


def _effect(statement: Statement) -> str:
    return statement.verdict.effect.word if statement.verdict else Effect.NONE.word


def _one_line(text: str) -> str:
    """The words of ``text`` on one line, as far as any line goes."""
    return " ".join(filter(None, _BLANKS.split(text[: WIDEST * 20].replace("\\\n", " "))))


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: max(1, room - 1)]}…"
