"""Finds and reads runbooks: files, the configured folders, the bundled library; classified statement by statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from importlib import resources
from pathlib import Path

from hutch.commands.context import CommandError, Context
from hutch.effect import classify, classify_action
from hutch.model.effect import Effect
from hutch.model.runbook import Document, Runbook, Section, Statement, Step
from hutch.runbook.errors import RunbookError
from hutch.runbook.parse import parse

MAX_BYTES = 32 * 1024 * 1024
"""A larger file is no runbook."""


def load_document(reference: str, folders: Sequence[str] = (), base: Path | None = None) -> Document:
    """The document that ``reference`` names: a file, a file in one of ``folders``, or a library runbook's name.

    Raises :class:`CommandError` saying where it was looked for, or the line of what is wrong in it.
    """
    path = find(reference, folders, base).absolute()
    content = content_of(path)
    try:
        return classified(parse(content, str(path)))
    except RunbookError as error:
        raise CommandError(str(error.at(source=str(path))), 2) from error


def content_of(path: Path) -> bytes:
    """What the file holds. Raises :class:`CommandError` for one that is too large for a runbook or cannot be read."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise CommandError(f"{path}: larger than {MAX_BYTES // 1024 // 1024} MB; a runbook is not", 2)
        return path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path}: cannot be read: {error.strerror}", 2) from error


def hash_of(reference: str, folders: Sequence[str] = (), base: Path | None = None) -> str:
    """The hash of the document that ``reference`` names as it stands now, without reading what it says."""
    return sha256(content_of(find(reference, folders, base))).hexdigest()


def find(reference: str, folders: Sequence[str] = (), base: Path | None = None) -> Path:
    """Where the document of that name is: one that :func:`names` lists before any file that is called so."""
    root = base or Path.cwd()
    if not reference.startswith("/") and reference in (listed := names(folders, base)):
        return listed[reference]
    places = [root / reference, Path(reference)]
    for folder in (root / f for f in folders):
        places += [folder] if folder.name == reference or folder.stem == reference else []
        places += [folder / reference, folder / f"{reference}.md"]
    places += [path for name, path in bundled().items() if reference in (name, path.name)]
    for place in places:
        if place.is_file():
            return place
    known = ", ".join(sorted(names(folders, base))) or "none"
    raise CommandError(f"no runbook {reference!r}: neither a file nor one of: {known}", 2)


def names(folders: Sequence[str] = (), base: Path | None = None) -> dict[str, Path]:
    """Every document of the configured folders and the library, by name: its file's, or where several are called the
    same, for all but the first (the least deep) the path below the folder."""
    found: dict[str, Path] = {}
    for place in ((base or Path.cwd()) / f for f in folders):
        files = [place] if place.is_file() else sorted(place.glob("**/*.md"), key=lambda p: (len(p.parts), p))
        for file in files:
            below = file.stem if file == place else file.relative_to(place).with_suffix("").as_posix()
            found.setdefault(below if found.get(file.stem, file) != file else file.stem, file)
    return bundled() | found


def bundled() -> dict[str, Path]:
    """The documents of the library, by name."""
    return {p.stem: p for p in sorted(Path(str(resources.files("hutch.library"))).glob("*.md"))}


def open_runbook(context: Context, reference: str) -> tuple[Document, Runbook]:
    """The document and the one runbook that ``DOC#anchor`` names; without an anchor the only one there is."""
    name, _, anchor = reference.partition("#")
    document = load_document(name, context.config.runbooks, base_of(context))
    return document, pick(document, anchor, name)


def base_of(context: Context) -> Path | None:
    """The folder that relative paths of the configuration start from."""
    return Path(context.config.path).parent if context.config.path else None


def pick(document: Document, anchor: str, name: str) -> Runbook:
    """The runbook at ``anchor``. Raises :class:`CommandError` listing the anchors there are."""
    if not anchor and len(document.runbooks) == 1:
        return document.runbooks[0]
    found = document.find(anchor) if anchor else None
    if found:
        return found
    known = ", ".join(f"#{r.id}" for r in document.runbooks)
    what = f"no runbook #{anchor} in it" if anchor else "it holds several runbooks, name one"
    raise CommandError(f"{name}: {what}; there are: {known}", 2)


# ------------------------------------------------------------------ effects


def classified(document: Document) -> Document:
    """The document with every statement's verdict."""
    return replace(
        document,
        runbooks=tuple(replace(r, sections=_sections(r.sections)) for r in document.runbooks),
        front=_sections(document.front),
    )


def _sections(sections: tuple[Section, ...]) -> tuple[Section, ...]:
    return tuple(s.holding(tuple(map(_step, s.steps))) if s.steps else s for s in sections)


def _step(step: Step) -> Step:
    if not step.statements:
        return step
    declared = step.annotations.get("hutch.effect", "")
    return step.holding(tuple(_statement(s, step.lang, declared) for s in step.statements))


def _statement(statement: Statement, lang: str, declared: str) -> Statement:
    if statement.action:
        verdict = classify_action(statement.action.name)
    else:
        holes = [(p.start, p.end) for p in statement.placeholders if not p.text.startswith("$")]
        verdict = classify(lang, statement.text, holes)
    if declared:
        verdict = verdict.at_least(Effect.of(declared), "the document says so (hutch.effect)")
    return statement.judged(verdict)
