"""Commands of ``hutch`` in processes that kill themselves by SIGKILL at a point that is told. Run as a program: it
reads an order a line and forks a process for it (see ``nursery``), so that a kill meets the work itself, no start-up.

An order: ``folder``, ``words``; ``incident`` and ``gate``, while which is its next gate; and either ``kind`` with
``when``, before or after the first commit that writes such an event, or ``keys``, the platform's file, once a rotation
shows in it that is under way.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from hutch.bootstrap import wire
from hutch.cli import breach, breach_after, runs, shell
from hutch.cli.main import main
from hutch.engine import plan
from hutch.model.breach import fold
from hutch.model.event import Event
from hutch.ports import Append
from hutch.store.sqlite import SqliteStore
from nursery import serve

SOON = timedelta(seconds=12)
"""How long a change may take to be proved here, where it is often not made at all, and a person says so."""

LOADED = (wire, breach, breach_after, runs, shell)
"""What every command needs, imported once."""


def child(order: dict[str, Any], notes: int) -> None:
    """Do it, or die of it. What it says goes to the notes."""
    os.dup2(notes, 1)
    os.dup2(notes, 2)
    os.chdir(order["folder"])
    os.environ.update(order.get("environment", {}))
    plan.VERIFY_WITHIN = SOON
    if order.get("kind"):
        beside_a_commit(order)
    if order.get("keys"):
        threading.Thread(target=while_rotating, args=(Path(order["keys"]),), daemon=True).start()
    try:
        main(order["words"])
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def beside_a_commit(order: dict[str, Any]) -> None:
    """From now on that commit is the end of this process."""
    kind: Any = SqliteStore
    real = kind.commit

    async def commit(store: SqliteStore, appends: Sequence[Append], *more: Any, **named: Any) -> list[Event]:
        mine = any(draft.kind == order["kind"] for append in appends for draft in append.drafts)
        if mine:
            found = fold(await store.read(f"incident:{order['incident']}"))
            upcoming = found.next_gate() if found else None
            mine = upcoming is not None and upcoming.id == order["gate"]
        if mine and order["when"] == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        written: list[Event] = await real(store, appends, *more, **named)
        if mine:
            os.kill(os.getpid(), signal.SIGKILL)
        return written

    kind.commit = commit


def while_rotating(keys: Path) -> None:
    """The end of this process once a key waits, or not every replica has what the file says."""
    while True:
        found = json.loads(keys.read_text(encoding="utf-8"))
        waits = any(key["state"] == "new" for ring in found["rings"].values() for key in ring)
        if waits or not found["in_force"]:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.01)


if __name__ == "__main__":
    serve(child, lambda told, status: {"code": os.waitstatus_to_exitcode(status), "said": "\n".join(told)})
