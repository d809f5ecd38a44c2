"""``hutch freeze`` stops every change at once: a file beside the store, seen by every process on it."""

from __future__ import annotations

from pathlib import Path

from hutch.commands.context import Context


def frozen(home: Path) -> str:
    """Why changes are frozen; empty when they are not. An unreadable freeze is a freeze."""
    try:
        return (home / "frozen").read_text(encoding="utf-8").strip() or "no reason was given"
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"the freeze file cannot be read ({error.strerror})"


def freeze(context: Context, reason: str, actor: str) -> None:
    """Stop every change from now on."""
    (context.home / "frozen").write_text(f"{reason} ({actor})\n", encoding="utf-8")


def thaw(context: Context) -> bool:
    """Allow changes again; False when nothing was frozen."""
    try:
        (context.home / "frozen").unlink()
    except FileNotFoundError:
        return False
    return True
