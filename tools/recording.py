"""Renews the recording of the demo and the review that is drafted from it, which the tests hold word for word.

Usage: ``python tools/recording.py``. Plays the demo once (a minute) and writes ``tests/data/demo-of-a-leak.jsonl``, a
bundle that ``hutch verify`` proves, and ``tests/data/review-of-a-leak.md``. With ``--words`` only the review is drafted
anew, from the recording that is there: after a change of the review's words. Look at the difference, then commit both.

What differs from machine to machine and from day to day is made the same: the first event is at 10:00 on a fixed day,
all other times lie as far from it as they did, ports and the run's id are small numbers, the demo's folder is
``/demo`` and that of this clone ``/hutch``.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hutch.model.bundle import Bundle, read, written
from hutch.model.event import GENESIS, Draft, Event, parse_instant, seal
from hutch.review.postincident import draft_review

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "tests" / "data"
RECORDING, REVIEW = DATA / "demo-of-a-leak.jsonl", DATA / "review-of-a-leak.md"
HUTCH = Path(sys.executable).with_name("hutch")

START = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)
"""When the demo's first event is said to have been."""

WITHIN = 240
"""Seconds that the demo may take."""

INCIDENT = "INC-2026-001"

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)")
_PORT = re.compile(r"(?<=127\.0\.0\.1:)\d+")
_RUN = re.compile(r"R-\d{8}-[0-9a-f]+")
_INCIDENT = re.compile(r"INC-\d{4}-001")


def recorded(folder: Path) -> Bundle:
    """The log of one demo, played in that folder with olivia at the keys."""
    environment = {**os.environ, "HUTCH_ACTOR": "olivia"}
    demo = [HUTCH, "demo", "--yes", "--no-input", "--dir", folder]
    subprocess.run(demo, env=environment, check=True, timeout=WITHIN, stdout=subprocess.DEVNULL)
    config = ["--config", folder / "hutch.yaml"]
    found = subprocess.run(
        [HUTCH, *config, "incident", "list", "--all", "--json"], check=True, timeout=60, capture_output=True, text=True
    )
    incident = _INCIDENT.search(found.stdout)
    if incident is None:
        raise SystemExit("the demo left no incident")
    words = [HUTCH, *config, "incident", "export", incident[0], "--format", "bundle"]
    told = subprocess.run(words, check=True, timeout=60, capture_output=True, text=True)
    return read(told.stdout.splitlines())


def normal(bundle: Bundle, folder: str) -> list[list[Event]]:
    """Its streams, the incident's first, with what differs from run to run made the same, and chained anew."""
    streams = sorted(bundle.streams.values(), key=lambda events: not events[0].stream.startswith("incident:"))
    shift = START - streams[0][0].at
    same = _same(shift, folder)
    return [_chained(events, shift, same) for events in streams]


def _same(shift: timedelta, folder: str) -> Callable[[str], str]:
    """What to do to each text."""
    ports: dict[str, str] = {}
    runs: dict[str, str] = {}

    def later(found: re.Match[str]) -> str:
        end = "Z" if found[0].endswith("Z") else "+00:00"
        at = parse_instant(found[0]) + shift
        return at.replace(tzinfo=None).isoformat(timespec="microseconds" if "." in found[0] else "seconds") + end

    def same(text: str) -> str:
        text = _TIME.sub(later, text.replace(folder, "/demo").replace(str(ROOT), "/hutch"))
        text = _PORT.sub(lambda m: ports.setdefault(m[0], str(8001 + len(ports))), text)
        text = _RUN.sub(lambda m: runs.setdefault(m[0], f"R-{START:%Y%m%d}-{len(runs) + 1:06d}"), text)
        return _INCIDENT.sub(INCIDENT, text)

    return same


def _chained(events: Sequence[Event], shift: timedelta, same: Callable[[str], str]) -> list[Event]:
    found: list[Event] = []
    for event in events:
        data = _through(event.data, same)
        assert isinstance(data, dict)
        before = found[-1].hash if found else GENESIS
        place = {"stream": same(event.stream), "seq": event.seq, "at": event.at + shift}
        found.append(seal(Draft(event.kind, data, event.actor), **place, salt="recording", prev_hash=before))
    return found


def _through(value: object, same: Callable[[str], str]) -> object:
    """The same value with each text in it, keys too, made the same."""
    if isinstance(value, str):
        return same(value)
    if isinstance(value, Mapping):
        return {same(str(key)): _through(item, same) for key, item in value.items()}
    return [_through(item, same) for item in value] if isinstance(value, list | tuple) else value


def review() -> str:
    """The review that is drafted from the recording."""
    own, *journals = read(RECORDING.read_text(encoding="utf-8").splitlines()).streams.values()
    return draft_review(own, journals)


def main() -> None:
    """Record, and draft."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--words", action="store_true", help="draft the review anew from the recording that is there")
    if not parser.parse_args().words:
        with tempfile.TemporaryDirectory(prefix="hutch-recording-") as folder:
            streams = normal(recorded(Path(folder)), folder)
        lines = "\n".join(written(INCIDENT, START, streams)) + "\n"
        RECORDING.write_text(lines, encoding="utf-8")
    REVIEW.write_text(review(), encoding="utf-8")
    print(*(path.relative_to(ROOT) for path in (RECORDING, REVIEW)), sep="\n")


if __name__ == "__main__":
    main()
