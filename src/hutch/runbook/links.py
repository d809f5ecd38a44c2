"""Sub-runbooks: where a link of a document leads, and whether following them comes to an end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from urllib.parse import unquote

from hutch.model.runbook import Document, Link
from hutch.runbook.errors import RunbookError

_ODD = re.compile(r"[\\\x00-\x1f\x7f]|^[A-Za-z][A-Za-z0-9+.-]*:|^/|^~")


def resolve(link: Link, source: str, line: int = 0) -> str:
    """``folder/other.md#anchor`` for a link of the document at ``source``, a path relative to the runbook folder.

    Raises :class:`RunbookError` for an address that is not a relative path, or that leads out of the folder.
    """
    address = unquote(link.document)
    if _ODD.search(address):
        raise RunbookError(f"the link to {link.document[:80]!r} is no relative path; link within the folder", line)
    parts: list[str] = list(PurePosixPath(source).parent.parts) if address else list(PurePosixPath(source).parts)
    for part in PurePosixPath(address).parts:
        if part != "..":
            parts.append(part)
        elif not parts or parts[-1] in {"/", ".."}:
            raise RunbookError(f"the link to {link.document[:80]!r} leads out of the runbook folder; keep within", line)
        else:
            parts.pop()
    return f"{PurePosixPath(*parts)}#{unquote(link.anchor)}"


def edges(document: Document, source: str) -> Iterator[tuple[str, str]]:
    """Every sub-runbook of a document, as (``source#runbook``, where the link leads). Raises as :func:`resolve`."""
    for runbook in document.runbooks:
        for _, step in runbook.steps():
            if step.link:
                yield f"{source}#{runbook.id}", resolve(step.link, source, step.line)


def cycles(graph: Mapping[str, Iterable[str]]) -> tuple[tuple[str, ...], ...]:
    """The circles among runbooks: each a path that ends where it begins. Empty where every way ends.

    Takes time linear in nodes and edges, and any depth: a hostile document may link a thousand deep.
    """
    done: set[str] = set()
    found: list[tuple[str, ...]] = []
    for start in graph:
        found.extend(_from(start, graph, done))
    return tuple(found)


def _from(start: str, graph: Mapping[str, Iterable[str]], done: set[str]) -> Iterator[tuple[str, ...]]:
    """The circles met on a walk from ``start``; ``done`` holds what earlier walks have left behind."""
    if start in done:
        return
    path: dict[str, Iterator[str]] = {start: iter(graph.get(start, ()))}
    while path:
        node, following = next(reversed(path.items()))
        target = next(following, None)
        if target is None:
            done.add(node)
            del path[node]
        elif target in path:
            names = list(path)
            yield (*names[names.index(target) :], target)
        elif target not in done:
            path[target] = iter(graph.get(target, ()))
