"""A worker that looks at clocks which are due, and is killed by SIGKILL beside a commit. Run as a program:
``doomed_clocks.py HUTCH_YAML COMMIT before|after``. Of the commits that say a promise is overdue it is that one, and on
that side of it; the others of its turn are under way then.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hutch.bootstrap.wire import open_context
from hutch.commands.worker import Worker
from hutch.model.event import Event
from hutch.ports import Append, Job
from hutch.store.sqlite import SqliteStore


async def main(config: Path, number: int, when: str) -> None:
    """Work until the end."""
    real, seen = SqliteStore.commit, [0]

    async def commit(
        store: SqliteStore, appends: Sequence[Append], jobs: Sequence[Job] = (), **more: Any
    ) -> list[Event]:
        says = any(d.kind == "clock.overdue" for a in appends for d in a.drafts)
        seen[0] += says
        mine = says and seen[0] == number
        if mine and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        found = await real(store, appends, jobs, **more)
        if mine:
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    SqliteStore.commit = commit  # type: ignore[method-assign]
    await Worker(open_context(config)).run()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
