"""``hutch`` as a process whose clock is ahead of the machine's by the seconds that the file ``AHEAD`` holds: it jumps
whenever that file changes."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hutch.cli import main
from hutch.store.clock import SystemClock

_FILE = Path(os.environ["AHEAD"])


def _now(_clock: SystemClock) -> datetime:
    try:
        ahead = float(_FILE.read_text() or 0)
    except OSError:
        ahead = 0.0
    return datetime.now(UTC) + timedelta(seconds=ahead)


if __name__ == "__main__":
    SystemClock.now = _now  # type: ignore[method-assign]
    main()
