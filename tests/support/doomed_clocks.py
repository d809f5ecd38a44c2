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
from hutch.commands.seen import whole
from hutch.commands.worker import Worker
from hutch.model.event import Event
from hutch.ports import Append, Job, Store


async def main(config: Path, number: int, when: str) -> None:
    """Work until the end."""
    context = open_context(config)
    kind: Any = type(whole(context.store))
    real, seen = kind.commit, [0]

    async def commit(store: Store, appends: Sequence[Append], jobs: Sequence[Job] = (), **more: Any) -> list[Event]:
        says = any(d.kind == "clock.overdue" for a in appends for d in a.drafts)
        seen[0] += says
        mine = says and seen[0] == number
        if mine and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        found: list[Event] = await real(store, appends, jobs, **more)
        if mine:
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    kind.commit = commit
    await Worker(context).run()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
