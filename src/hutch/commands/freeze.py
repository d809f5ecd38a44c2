"""``hutch freeze`` stops every change at once, in every process on the store, on whatever machine."""

from __future__ import annotations

from pathlib import Path

from hutch.commands.context import Context
from hutch.model.freeze import STREAM, frozen_draft, reason_of, thawed_draft
from hutch.ports import Append, Store


async def frozen(context: Context) -> str:
    """Why changes are frozen; empty when they are not."""
    return await frozen_in(context.store, context.home)


async def frozen_in(store: Store, home: Path) -> str:
    """The same for who has no whole context: by the log, and by this machine's file."""
    return held_here(home) or reason_of(await store.read(STREAM))


def held_here(home: Path) -> str:
    """Why a file ``frozen`` beside the store stops this machine: it can be put there when nothing else works.

    An unreadable one is a freeze.
    """
    try:
        return (home / "frozen").read_text(encoding="utf-8").strip() or "no reason was given"
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"the freeze file cannot be read ({error.strerror})"


async def freeze(context: Context, reason: str, actor: str) -> None:
    """Stop every change from now on."""
    await context.store.commit([Append(STREAM, (frozen_draft(reason, actor),))])


async def thaw(context: Context, actor: str) -> bool:
    """Allow changes again, and remove this machine's file; False when nothing was frozen."""
    was = await frozen(context)
    (context.home / "frozen").unlink(missing_ok=True)
    if reason_of(await context.store.read(STREAM)):
        await context.store.commit([Append(STREAM, (thawed_draft(actor),))])
    return bool(was)
