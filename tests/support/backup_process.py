"""A process of its own that makes or proves a backup, to be killed: ``python backup_process.py ACTION < settings``."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime

from hutch.ports import TargetConfig, hearing
from hutch.providers.backup import provider


def main() -> None:
    given = {s.name: s.default for s in provider.settings} | json.load(sys.stdin)
    connection = provider.open(TargetConfig("shop", given, lambda: datetime.now(UTC)))
    hearing.set(lambda text: print(text, end="", flush=True))
    outcome = asyncio.run(connection.actions[sys.argv[1]].apply({}))  # type: ignore[arg-type]
    print(outcome.result.value, outcome.summary, flush=True)


if __name__ == "__main__":
    main()
