"""Lengths of time as they are written on the command line."""

from __future__ import annotations

from datetime import timedelta

from hutch.commands.context import CommandError
from hutch.runbook.errors import RunbookError
from hutch.runbook.rules import duration


def length(text: str) -> timedelta:
    """``30m``, ``2h``, ``1d``. Raises :class:`CommandError` for anything else."""
    try:
        return duration(text)
    except RunbookError as error:
        raise CommandError(error.message, 2) from error
