"""Which schemas this version of Hutch can work on, and beside whom. Pure.

A schema changes in two steps, and no server stops: one that *expands* it adds what the new version needs and leaves all
that the old one uses, so both work side by side; a later one *contracts* it, once no old one is left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hutch import __version__
from hutch.store.errors import StoreError


@dataclass(frozen=True, slots=True)
class Found:
    """What a database says of itself: its revision, the version that made it so, and the older revisions whose Hutch
    may go on working on it."""

    revision: str
    maker: str
    serves: str | None

    @property
    def served(self) -> Sequence[str]:
        """Those older revisions."""
        return (self.serves or "").split()


@dataclass(frozen=True, slots=True)
class History:
    """Every revision that this version can read or upgrade from, oldest first; the last one is its own.

    ``serves``: for a revision that expands, the older ones that it leaves whole.
    """

    known: tuple[str, ...]
    serves: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def own(self) -> str:
        """What this version makes of a database."""
        return self.known[-1]

    def worked_on(self, found: Found, place: Path | str) -> str:
        """The revision that this version takes it for: its own, too, where a newer one serves it still.

        Raises :class:`StoreError` for one that is too new.
        """
        if found.revision in self.known:
            return found.revision
        if self.own in found.served:
            return self.own
        what = f"made by a newer version (Hutch {found.maker}, schema {found.revision}); this is Hutch {__version__}"
        raise StoreError(f"{what}, for schema {self.own}", place, f"install Hutch {found.maker} or newer")

    def check_upgrade(self, at_work: Mapping[str, str], place: Path | str) -> None:
        """Raises :class:`StoreError` where somebody who works on it could not after the upgrade; ``at_work`` says of
        each revision that is worked for who that is."""
        served = (self.own, *self.serves.get(self.own, ()))
        for revision in sorted(set(at_work) - set(served)):
            what = f"schema {self.own} shuts out the Hutch of schema {revision} that still works on it"
            remedy = "stop that first, or bring it to the version in between"
            raise StoreError(f"{what} ({at_work[revision]})", place, remedy)


FILE = History(("0001",))
"""The schemas of a SQLite file."""

SERVER = History(("0001", "0002"), {"0002": ("0001",)})
"""Those of a Postgres database."""
