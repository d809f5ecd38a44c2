"""The demo as it was recorded, and what the recording makes the same."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import recording

from hutch.model.bundle import Bundle, read
from hutch.model.event import GENESIS, Draft, Event, seal

DAY = datetime(2027, 3, 4, 5, 6, 7, 89, tzinfo=UTC)


def stream(name: str, *drafts: Draft) -> list[Event]:
    found: list[Event] = []
    for number, draft in enumerate(drafts, 1):
        before = found[-1].hash if found else GENESIS
        at = DAY + timedelta(seconds=number - 1)
        found.append(seal(draft, stream=name, seq=number, at=at, salt="x", prev_hash=before))
    return found


def test_times_ports_runs_and_folders_become_the_same() -> None:
    own = stream(
        "incident:INC-2027-001",
        Draft("incident.declared", {"detected_at": "2027-03-04T05:06:05.000000Z", "title": "127.0.0.1:4711 is slow"}),
        Draft("run.linked", {"run": "R-20270304-abc123", "why": ["127.0.0.1:99, then 127.0.0.1:4711"], "count": 4711}),
    )
    run = stream(
        "run:R-20270304-abc123", Draft("x", {"R-20270304-abc123": "/tmp/d/log since 2027-03-04T05:06:08+00:00"})
    )
    bundle = Bundle("INC-2027-001", "", {}, {"run:R-20270304-abc123": run, "incident:INC-2027-001": own})
    first, second = recording.normal(bundle, "/tmp/d")
    assert [e.at for e in first] == [recording.START, recording.START + timedelta(seconds=1)]
    assert first[0].stream == "incident:INC-2026-001"
    assert first[0].data == {"detected_at": "2026-01-15T09:59:57.999911Z", "title": "127.0.0.1:8001 is slow"}
    named = {"run": "R-20260115-000001", "why": ["127.0.0.1:8002, then 127.0.0.1:8001"], "count": 4711}
    assert first[1].data == named and second[0].stream == "run:R-20260115-000001"
    assert second[0].data == {"R-20260115-000001": "/demo/log since 2026-01-15T10:00:00+00:00"}


def test_the_recording_proves_itself_and_tells_of_no_machine() -> None:
    text = recording.RECORDING.read_text(encoding="utf-8")
    bundle = read(text.splitlines())
    assert not bundle.breaks() and len(bundle.streams) == 2
    folders = {found[0] for found in re.finditer(r"(?<=\")/\w+/\w+", text)}
    assert folders and all(name.startswith(("/demo/", "/hutch/")) for name in folders), folders
    whole = [e.kind for events in bundle.streams.values() for e in events]
    for kind in ("alert.fired", "diagnosis.made", "approval.granted", "change.done", "incident.resolved"):
        assert kind in whole, kind
