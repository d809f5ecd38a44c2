"""Proves a store's chains offline."""

from __future__ import annotations

from pathlib import Path

from hutch.commands.context import CommandError
from hutch.model.event import Break
from hutch.store.verify import verify_store


def verify_home(home: Path) -> list[Break]:
    """Every break in the store of that folder. Raises :class:`CommandError` where there is none."""
    path = home / "hutch.db"
    if not path.exists():
        raise CommandError(f"no store at {path}: nothing was recorded there yet", 2)
    return list(verify_store(path).breaks)
