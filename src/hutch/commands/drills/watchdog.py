"""``python -m hutch.commands.drills.watchdog HOME SERVICE``: holds one fault in a team's own service, and ends it.

It lives apart from the process that started it, so that the fault ends at its time though that was killed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hutch.commands.drills.own_records import Records, Standing
from hutch.commands.drills.process import FaultFailed, FaultProcess, FaultRefused, running, undo

POLL = 0.2
TRIES = 3
"""Times that a fault's own undo is run before it is given up."""

BETWEEN = 2.0
"""Seconds between two of them."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A fault as its record knows it: enough to make it and to undo it."""

    record: Standing
    cause: str = ""
    object_kind: str = ""
    summary: str = ""
    remedies: Sequence[str] = ()
    spares: Sequence[str] = ()

    @property
    def name(self) -> str:
        """As it was asked for."""
        return self.record.fault

    def argv(self, ready_file: Path) -> Sequence[str]:  # noqa: ARG002 - the record has it whole
        """What makes it."""
        return self.record.argv

    def undo_argv(self, ready_file: Path) -> Sequence[str]:  # noqa: ARG002
        """What undoes it."""
        return self.record.undo


async def watch(records: Records, record: Standing) -> Standing:
    """Make the fault, hold it for its time, undo it; the record at the end."""
    fault, log = Recorded(record), records.folder / f"{record.service.replace('/', '_')}.log"
    stop = _stop_by_signal()
    records.write(record)
    try:
        async with running(fault, Path(), log) as process:
            await process.on()
            record = records.move(record, "on")
            why = await _until(records, record, process, stop)
            record = records.move(record, "undoing", why)
            await process.off()
    except FaultRefused as error:
        return records.move(record, "refused", str(error))
    except FaultFailed as error:
        return await mend(records, record, str(error))
    return records.move(record, "undone", record.said)


async def _until(records: Records, record: Standing, process: FaultProcess, stop: asyncio.Event) -> str:
    """Why it ends now. Raises FaultFailed where its process died."""
    deadline = time.monotonic() + record.seconds
    while time.monotonic() < deadline:
        if records.asked_to_stop(record.service):
            return "stopped by a person"
        if stop.is_set():
            return "the watchdog was told to end"
        if process.ended:
            raise FaultFailed(f"its process died while the fault should stand: {process.said()}")
        await asyncio.sleep(POLL)
    return f"its {record.seconds:g} s were over"


async def mend(records: Records, record: Standing, why: str) -> Standing:
    """Undo by the fault's own undo what its process left; stuck, and said, where that does not help either."""
    said = ""
    for number in range(TRIES):
        await asyncio.sleep(BETWEEN if number else 0.0)
        said = await undo(Recorded(record), Path())
        if said == "undone by its undo":
            return records.move(record, "undone", f"{why}; {said}")
    return records.move(record, "stuck", f"{why}; {said}: undo it by hand, then `hutch drill stop --service …` again")


async def heal(records: Records) -> list[Standing]:
    """Undo what stands though nobody watches it any more, since its watchdog was killed; what came of each."""
    healed = []
    for record in records.all():
        if record.over:
            continue
        with records.held(record.service) as free:
            if free:
                healed.append(await mend(records, record, "its watchdog was killed"))
    return healed


def _stop_by_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def main(home: str, service: str) -> None:
    """Hold the service's recorded fault, as nobody's child; nothing where another watchdog does."""
    if os.fork():
        os._exit(0)
    os.setsid()
    records = Records(Path(home))
    with records.held(service) as free:
        record = records.read(service)
        if free and record and record.state == "making":
            asyncio.run(watch(records, replace(record, pid=os.getpid())))


if __name__ == "__main__":
    main(*sys.argv[1:3])
