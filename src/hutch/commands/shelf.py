"""``hutch runbook list``: the documents there are, and what each holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hutch.commands.context import CommandError
from hutch.commands.documents import bundled, load_document, names
from hutch.model.effect import Effect
from hutch.model.runbook import Document

LIBRARY = "library"
"""Where a bundled document is from; any other is from its folder."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A document: name, title and folder, its runbooks' anchors, its statements by effect. ``error``: why not."""

    name: str
    path: Path
    source: str
    title: str = ""
    runbooks: tuple[str, ...] = ()
    reads: int = 0
    changes: int = 0
    destroys: int = 0
    error: str = ""

    def as_json(self) -> dict[str, object]:
        """Stable keys; ``from`` is ``library`` or the folder."""
        return {
            "name": self.name,
            "title": self.title,
            "from": self.source,
            "path": str(self.path),
            "runbooks": list(self.runbooks),
            "reads": self.reads,
            "changes": self.changes,
            "destroys": self.destroys,
            "error": self.error or None,
        }


def listing(folders: Sequence[str] = (), base: Path | None = None) -> list[Entry]:
    """Every document by name; a team's own before the library's. One that cannot be read is listed with the reason."""
    shipped = set(bundled().values())
    found = [_entry(name, path, path in shipped, base) for name, path in names(folders, base).items()]
    return sorted(found, key=lambda entry: (entry.source == LIBRARY, entry.name))


def _entry(name: str, path: Path, shipped: bool, base: Path | None) -> Entry:
    source = LIBRARY if shipped else str(_short(path.parent, base))
    try:
        document = load_document(str(path.absolute()))
    except CommandError as error:
        return Entry(name, path, source, error=str(error))
    count = _counted(document)
    anchors = tuple(runbook.id for runbook in document.runbooks)
    return Entry(
        name, path, source, document.title, anchors, count[Effect.READ], count[Effect.CHANGE], count[Effect.DESTROY]
    )


def _short(folder: Path, base: Path | None) -> Path:
    root = (base or Path.cwd()).absolute()
    return folder.absolute().relative_to(root) if folder.absolute().is_relative_to(root) else folder


def _counted(document: Document) -> Counter[Effect]:
    return Counter(
        statement.verdict.effect
        for runbook in document.runbooks
        for _, step in runbook.steps()
        for statement in step.statements
        if statement.verdict
    )
