"""Along the foreign keys: what a deletion took with it, and in which order rows go back. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hutch.providers.backup.recover.facts import CASCADE, Name, Reference


def taken_along(root: Name, references: Iterable[Reference]) -> tuple[Name, ...]:
    """The tables that rows were deleted from with rows of ``root``, itself first: ON DELETE CASCADE, at any depth.

    >>> taken_along(Name("s", "a"), [Reference("f", Name("s", "b"), ("x",), Name("s", "a"), ("id",), "c")])
    (Name(schema='s', table='a'), Name(schema='s', table='b'))
    """
    known = list(references)
    found = [root]
    for parent in found:
        for reference in known:
            if reference.parent == parent and reference.on_delete == CASCADE and reference.child not in found:
                found.append(reference.child)
    return tuple(found)


def between(tables: Sequence[Name], references: Iterable[Reference]) -> tuple[Reference, ...]:
    """The foreign keys of these tables, wherever they lead."""
    return tuple(reference for reference in references if reference.child in tables)


def in_order(tables: Sequence[Name], references: Iterable[Reference]) -> tuple[tuple[Name, ...], ...]:
    """The tables in groups, parents before children. Tables that refer to each other in a circle are one group.

    Tarjan's algorithm, with a stack of its own: chains may be longer than Python's.
    """
    wanted = set(tables)
    parents = {
        table: [r.parent for r in known if r.child == table and r.parent in wanted and r.parent != table]
        for known in [list(references)]
        for table in tables
    }
    return _Components(parents).found


class _Components:
    """Strongly connected components; each is complete once all that it leads to is."""

    def __init__(self, edges: dict[Name, list[Name]]) -> None:
        self._edges = edges
        self._index: dict[Name, int] = {}
        self._low: dict[Name, int] = {}
        self._path: list[Name] = []
        self._groups: list[tuple[Name, ...]] = []
        for start in edges:
            if start not in self._index:
                self._walk(start)

    @property
    def found(self) -> tuple[tuple[Name, ...], ...]:
        """The groups, what others lead to first."""
        return tuple(self._groups)

    def _enter(self, table: Name) -> None:
        self._index[table] = self._low[table] = len(self._index)
        self._path.append(table)

    def _walk(self, start: Name) -> None:
        self._enter(start)
        work = [(start, iter(self._edges[start]))]
        while work:
            table, parents = work[-1]
            onward = next((p for p in parents if self._look(table, p)), None)
            if onward is not None:
                self._enter(onward)
                work.append((onward, iter(self._edges[onward])))
                continue
            work.pop()
            if work:
                above = work[-1][0]
                self._low[above] = min(self._low[above], self._low[table])
            if self._low[table] == self._index[table]:
                self._close(table)

    def _look(self, table: Name, parent: Name) -> bool:
        """Whether ``parent`` has yet to be walked; one on the path makes a circle."""
        if parent not in self._index:
            return True
        if parent in self._path:
            self._low[table] = min(self._low[table], self._index[parent])
        return False

    def _close(self, table: Name) -> None:
        place = self._path.index(table)
        self._groups.append(tuple(self._path[place:]))
        del self._path[place:]
