"""A drill against a team's own service: who may, what is refused, and how it is begun and ended."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hutch.commands.context import CommandError, Context, Service
from hutch.commands.diagnose import diagnose_json
from hutch.commands.documents import base_of
from hutch.commands.drills.kept import HOME
from hutch.commands.drills.own_records import OVER, Records, Standing
from hutch.commands.drills.process import OFF_WITHIN, ON_WITHIN, TERM_WITHIN
from hutch.commands.drills.watchdog import TRIES, heal, mend
from hutch.commands.freeze import frozen
from hutch.model.event import instant
from hutch.ports import Fault

MARGIN = 10.0
"""Seconds beyond the bounds of a fault's parts."""

UNDONE_WITHIN = OFF_WITHIN + TERM_WITHIN + TRIES * (OFF_WITHIN + 2.0) + MARGIN


def _no(text: str) -> CommandError:
    return CommandError(text, 3)


def records_of(context: Context) -> Records:
    """Those of this installation: beside the configuration, as the report is."""
    return Records((base_of(context) or Path.cwd()) / HOME)


def refusal(fault: Fault, service: Service, length: timedelta) -> str:
    """Why this fault may not be put into this service; empty where it may. Pure."""
    allowed = service.config.drills
    name = service.config.name
    if not allowed.faults:
        return f"services.{name} allows no drills: say in `services.{name}.drills.faults` which faults may be made"
    if fault.name not in allowed.faults:
        return f"services.{name}.drills.faults does not name {fault.name}; it names {', '.join(allowed.faults)}"
    if getattr(fault, "own_service", False) is not True:
        return f"{fault.name} does not declare itself safe for a service of your own (`own_service = True`)"
    if getattr(fault, "undo_argv", None) is None:
        return f"{fault.name} offers no undo (`undo_argv`): what a killed one left could not be undone"
    if length > allowed.longest:
        longest = int(allowed.longest.total_seconds())
        return f"it would stand longer than services.{name}.drills.longest allows ({longest} s)"
    return ""


async def start(
    context: Context, records: Records, fault: Fault, service: Service, length: timedelta, by: str
) -> Standing:
    """Begin it; it stands then. Raises :class:`CommandError` (exit code 3) where it may not be, or cannot be made."""
    if why := refusal(fault, service, length):
        raise _no(why)
    if why := await frozen(context):
        raise _no(f"changes are frozen ({why}): no fault is made meanwhile")
    name = service.config.name
    await healed(records)
    old = records.read(name)
    if records.watched(name) or (old and not old.over):
        raise _no(f"{_words(old)}: `hutch drill stop --service {name}` ends it")
    if why := await _ill(context, service):
        raise _no(f"{name} is ill already ({why}): a fault would prove nothing, and may do harm. Make it well first")
    return _begun(records, _record(fault, service, base_of(context) or Path.cwd(), length, by))


def _record(fault: Fault, service: Service, base: Path, length: timedelta, by: str) -> Standing:
    place = base / service.config.drills.ready_file
    undo = fault.undo_argv(place)  # type: ignore[attr-defined]
    began = instant(datetime.now(UTC))
    return Standing(
        service.config.name, fault.name, tuple(fault.argv(place)), tuple(undo), began, length.total_seconds(), by
    )


def _begun(records: Records, record: Standing) -> Standing:
    records.forget_wish(record.service)
    records.write(record)
    command = [sys.executable, "-m", "hutch.commands.drills.watchdog", str(records.folder.parent), record.service]
    with (records.folder / "watchdog.log").open("ab") as log:
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=ON_WITHIN, check=True)
    found = records.wait(record.service, ("on", "undone", "refused", "stuck"), ON_WITHIN + MARGIN)
    if found is None or found.state != "on":
        raise _no(f"{record.fault} does not stand: {_words(found)}")
    return found


async def stop(records: Records, service: str) -> Standing:
    """End what stands in that service, and wait until it is undone. Raises :class:`CommandError` where nothing does."""
    record = records.read(service)
    if record is None or record.over:
        raise CommandError(f"no drill stands in {service}")
    if records.watched(service):
        records.ask_to_stop(service)
        record = records.wait(service, (*OVER, "stuck"), UNDONE_WITHIN) or record
    elif not record.over:
        record = await mend(records, record, "its watchdog was killed")
    if not record.over:
        raise _no(_words(record))
    return record


async def healed(records: Records) -> list[Standing]:
    """Undo what a killed watchdog left; what came of each."""
    return await heal(records)


async def _ill(context: Context, service: Service) -> str:
    found: Mapping[str, object] = await diagnose_json(context, service)
    causes: list[dict[str, object]] = found["causes"]  # type: ignore[assignment]
    if causes:
        return "; ".join(f"{cause['code']}: {cause['summary']}" for cause in causes)
    return "" if found["healthy"] else "the diagnosis could not tell whether it is well"


def words(record: Standing | None) -> str:
    """How it stands, in words."""
    return _words(record)


def _words(record: Standing | None) -> str:
    if record is None:
        return "there is no record of it"
    return f"{record.fault} in {record.service}: {record.state}" + (f" ({record.said})" if record.said else "")
