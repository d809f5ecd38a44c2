"""What a run is made from: its document, and the runbooks that links of it lead to, as one runbook (DESIGN §3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from hutch.commands.context import CommandError, Context
from hutch.commands.documents import base_of, load_document, open_runbook, pick
from hutch.model.runbook import READING_ROLES, REMEDY_ROLES, Document, Role, Runbook, Section, Step
from hutch.runbook.errors import RunbookError
from hutch.runbook.links import resolve

MOST_LINKS = 100
"""Sub-runbooks that one run may go through, counted each time: a document that needs more links in circles of sense."""


@dataclass(frozen=True, slots=True)
class Source:
    """The runbook with its sub-runbooks in their places; ``documents``: path -> hash of every file read for it."""

    document: Document
    runbook: Runbook
    documents: dict[str, str] = field(default_factory=dict)


def open_source(context: Context, reference: str) -> Source:
    """What ``DOC#anchor`` names, whole. Raises :class:`CommandError` for links that are dead, go round or lead out."""
    document, runbook = open_runbook(context, reference)
    root = _root(context, Path(document.source))
    walk = _Walk(root, {document.source: document})
    place = Path(document.source).relative_to(root).as_posix()
    whole = walk.through(runbook, place, (f"{place}#{runbook.id}",))
    return Source(document, whole, {path: found.hash for path, found in walk.seen.items()})


def _root(context: Context, path: Path) -> Path:
    """The configured folder that holds the document, else the folder that it is in: links lead nowhere else."""
    base = base_of(context) or Path.cwd()
    folders = [(base / f).absolute() for f in context.config.runbooks]
    return next((f for f in folders if f.is_dir() and path.is_relative_to(f)), path.parent)


class _Walk:
    """Puts linked runbooks in the places of their links, with every document read once."""

    def __init__(self, root: Path, seen: dict[str, Document]) -> None:
        self.root, self.seen = root, seen
        self.links = 0

    def through(self, runbook: Runbook, place: str, trail: tuple[str, ...]) -> Runbook:
        """``runbook`` of the document at ``place`` (relative to the root), reached along ``trail``."""
        sections = tuple(s for section in runbook.sections for s in self._section(section, place, trail))
        return replace(runbook, sections=sections)

    def _section(self, section: Section, place: str, trail: tuple[str, ...]) -> Iterator[Section]:
        kept: list[Step] = []
        after: list[Section] = []
        for step in section.steps:
            if step.link is None:
                kept.append(step)
                continue
            linked = self._linked(step, place, trail)
            for one in _fitting(section.role, linked):
                inlined = section.role is Role.OPTION and one.role in REMEDY_ROLES - {Role.OPTION}
                if inlined or section.role in READING_ROLES:
                    kept += one.steps
                else:
                    after.append(replace(one, title=f"{section.title}: {one.title}", option=None))
        yield replace(section, steps=tuple(kept))
        yield from after

    def _linked(self, step: Step, place: str, trail: tuple[str, ...]) -> Runbook:
        where = f"{place}:{step.line}"
        self.links += 1
        if self.links > MOST_LINKS:
            raise CommandError(f"{where}: more than {MOST_LINKS} sub-runbooks in one run; link to fewer", 2)
        assert step.link is not None
        try:
            reference = resolve(step.link, place, step.line)
        except RunbookError as error:
            raise CommandError(str(error.at(step.line, place)), 2) from error
        path, _, anchor = reference.partition("#")
        document = self._document(path, where)
        runbook = pick(document, anchor, path)
        node = f"{path}#{runbook.id}"
        if node in trail:
            circle = " → ".join((*trail[trail.index(node) :], node))
            raise CommandError(f"{where}: the sub-runbooks go round in a circle: {circle}; break one of the links", 2)
        return _renamed(self.through(runbook, path, (*trail, node)), step.id)

    def _document(self, path: str, where: str) -> Document:
        file = self.root / path
        if not file.resolve().is_relative_to(self.root.resolve()):
            raise CommandError(f"{where}: {path} leads out of the runbook folder; keep within", 2)
        if not file.is_file():
            raise CommandError(f"{where}: there is no {path}; correct the link", 2)
        key = str(file.absolute())
        if key not in self.seen:
            self.seen[key] = load_document(key)
        return self.seen[key]


def _fitting(role: Role, linked: Runbook) -> Iterator[Section]:
    """What of a sub-runbook belongs where its link stands: to look, to prove, or all of it."""
    for section in linked.sections:
        looks = section.role in READING_ROLES
        if looks if role in READING_ROLES else (section.role is Role.VERIFICATION or role is not Role.VERIFICATION):
            yield section


def _renamed(runbook: Runbook, prefix: str) -> Runbook:
    """Its sections, steps and statements with ids that no other place where it is linked has."""
    return replace(runbook, sections=tuple(_renamed_section(s, f"{prefix}>") for s in runbook.sections))


def _renamed_section(section: Section, prefix: str) -> Section:
    steps = tuple(
        replace(t, id=prefix + t.id, statements=tuple(replace(x, id=prefix + x.id) for x in t.statements))
        for t in section.steps
    )
    return replace(section, id=prefix + section.id, steps=steps)
