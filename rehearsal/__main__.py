"""``python -m rehearsal``: play a document, or Hutch's own library, and write down what became of every statement."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hutch.cli.shell import quiet_logs
from hutch.commands.context import CommandError
from hutch.commands.documents import bundled, load_document
from hutch.commands.drills.process import FaultFailed
from hutch.model.runbook import Document, Runbook
from hutch.runbook.errors import RunbookError
from rehearsal import report
from rehearsal.play import Played, play
from rehearsal.script import Scene, Script, ScriptError, read

HERE = Path(__file__).parent
SEED = HERE.parent.parent / "shared" / "seed" / "rolerabbit-runbooks.md"


@dataclass(frozen=True, slots=True)
class Book:
    """A document to be played. ``key`` is put before its chapters' names in the script; empty for none."""

    name: str
    path: Path
    document: Document
    key: str = ""

    def scenes(self, script: Script, runbook: Runbook) -> Sequence[Scene]:
        """Those of a chapter that has anything to run."""
        has = any(step.statements for _, step in runbook.steps())
        return script.of(f"{self.key}{runbook.id}") if has else ()


def main(words: Sequence[str] | None = None) -> int:
    """0: played, whatever became of the statements; 2: nothing to play; 3: a scene broke off; 130: interrupted."""
    given = _arguments().parse_args(words)
    quiet_logs()
    try:
        script, books = read(given.script or HERE / ("library.toml" if given.library else "seed.toml")), _books(given)
    except (ScriptError, CommandError, RunbookError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    try:
        found = asyncio.run(_all(books, script, given.only, given.jobs))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130
    told: Mapping[str, Any] = _report(given, books, script, found)
    told = _write(given.dir, "library" if given.library else "seed", told)
    print(f"{told['statements']} statements: {', '.join(f'{n} {s}' for s, n in told['became'].items())}")
    return 3 if any(p.trouble for ones in found.values() for p in ones) else 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m rehearsal", description=__doc__)
    parser.add_argument(
        "document", nargs="?", type=Path, default=SEED, help="RoleRabbit's runbooks, unless it is given"
    )
    parser.add_argument("--library", action="store_true", help="Hutch's own library instead of a document")
    parser.add_argument("--script", type=Path, help="which fault and platform each chapter is played under")
    parser.add_argument("--only", action="append", default=[], metavar="CHAPTER", help="only this one; may repeat")
    parser.add_argument("--jobs", type=int, default=1, help="how many scenes at a time")
    parser.add_argument("--dir", type=Path, default=Path(".hutch-rehearsal"), help="where the report is written")
    return parser


def _books(given: argparse.Namespace) -> list[Book]:
    if given.library:
        every = [Book(name, path, load_document(str(path)), f"{name}#") for name, path in bundled().items()]
    elif given.document.is_file():
        every = [Book(given.document.name, given.document, load_document(str(given.document)))]
    else:
        raise CommandError(f"there is no document {given.document}: name one")
    known = [f"{b.key}{r.id}" for b in every for r in b.document.runbooks]
    unknown = [name for name in given.only if name not in known]
    if unknown:
        raise CommandError(f"there is no chapter {unknown[0]}; there are: {', '.join(known)}")
    return every


# ------------------------------------------------------------------ playing


Found = Mapping[str, list[Played]]


async def _all(books: Sequence[Book], script: Script, only: Sequence[str], jobs: int) -> Found:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    room = asyncio.Semaphore(max(jobs, 1))
    wanted = [
        (book, runbook, scene)
        for book in books
        for runbook in book.document.runbooks
        if not only or f"{book.key}{runbook.id}" in only
        for scene in book.scenes(script, runbook)
    ]
    played = await asyncio.gather(*(_one(room, *one) for one in wanted))
    found: dict[str, list[Played]] = {}
    for (book, runbook, _), one in zip(wanted, played, strict=True):
        found.setdefault(f"{book.key}{runbook.id}", []).append(one)
    return found


async def _one(room: asyncio.Semaphore, book: Book, runbook: Runbook, scene: Scene) -> Played:
    async with room:
        with tempfile.TemporaryDirectory(prefix="hutch-rehearsal-", ignore_cleanup_errors=True) as folder:
            played = Played(scene)
            try:
                await play(book.path, runbook, played, Path(folder))
            except (FaultFailed, CommandError) as error:
                played.trouble = f"broken off: {error}".replace(folder, "…")
            print(f"{scene.title}: {played.trouble or played.outcome}", file=sys.stderr)
            return played


# ------------------------------------------------------------------ writing


def _report(given: argparse.Namespace, books: Sequence[Book], script: Script, found: Found) -> dict[str, Any]:
    documents = [
        report.document_json(
            b.name, b.document, script, {r.id: found.get(f"{b.key}{r.id}", []) for r in b.document.runbooks}
        )
        for b in books
    ]
    became = report.counted(row for d in documents for c in d["chapters"] for row in c["statements"])
    return {
        "version": report.VERSION,
        "title": "Hutch's library, rehearsed" if given.library else f"{documents[0]['title']}, rehearsed",
        "command": f"python -m rehearsal{' --library' if given.library else ''}",
        "made_on": f"{datetime.now(UTC):%Y-%m-%d}",
        "statements": sum(d["statements"] for d in documents),
        "became": became,
        "documents": documents,
    }


def _write(folder: Path, name: str, told: Mapping[str, Any]) -> Mapping[str, Any]:
    """Write the report, with the chapters of an earlier one that were not played now; what was written."""
    folder.mkdir(parents=True, exist_ok=True)
    before = folder / f"{name}.json"
    if before.exists():
        told = report.joined(told, json.loads(before.read_text("utf-8")))
    (folder / f"{name}.json").write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / f"{name}.md").write_text(report.markdown(told), encoding="utf-8")
    return told


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        sys.exit(main())
