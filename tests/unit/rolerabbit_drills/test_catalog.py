"""The catalogue of faults: complete, usable by name, shaped as the protocol says, and documented."""

from __future__ import annotations

import inspect
import json
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from click.testing import CliRunner

from hutch.ports import Fault as FaultProtocol
from rolerabbit.drills import FAULTS
from rolerabbit.drills.cli import fault, maker_of
from rolerabbit.drills.fault import Fault

DOCUMENT = Path(__file__).parents[3] / "docs/reference/faults.md"
WANTED = {
    "lock-holder", "ddl-queue", "advisory-lock", "postgres-stopped", "too-many-clients", "redis-stopped", "redis-full",
    "missing-index", "crash-loop", "too-few-replicas", "half-applied-migration", "brute-force", "export-storm",
    "mass-deletion", "leak", "bad-release", "traffic-peak", "long-backup", "planned-deployment", "big-report",
    "running-migration",
    "nat-logins", "certificate-ending", "certificate-ended", "name-gone", "metrics-silent", "alert-storm",
    "slow-answers", "seldom-slow",
    "used-up-sequence", "abandoned-slot",
    "stale-statistics", "dead-rows",
    "deadlocks", "temp-spill", "cache-misses", "heavy-statement", "endless-statement", "forgotten-transaction",
    "invalid-index", "pending-migration",
    "bloated-table", "bloated-index", "old-numbers", "paused-replica", "full-disk", "flipped-page", "changed-password",
    "cache-too-small", "slow-cache-command", "too-many-cache-clients", "cache-at-work",
    "failing-archive", "recovered-archive",
    "door-shut", "door-failing", "door-parked",
    "busy-row", "one-deadlock", "one-big-sort", "fresh-import", "resting-slot", "roomy-pool", "forgotten-password",
    "own-copies", "tidying-up", "robot", "planned-restart", "scaled-up", "short-locks", "half-used-sequence",
    "many-cache-clients",
    "lock-holder-and-redis-full", "bad-release-and-abandoned-slot", "brute-force-and-stale-statistics",
    "export-storm-and-forgotten-transaction", "missing-index-and-used-up-sequence",
    "replayed-token", "untold-checker", "nightly-export", "planned-deletion", "old-password-kept",
}  # fmt: skip


def parts(found: Fault) -> tuple[Fault, ...]:
    """What must be found for it, each by itself."""
    return found.parts or ((found,) if found.cause else ())


def table() -> str:
    """The table of the reference, from the code."""
    head = "| fault | alert | cause | object | remedies | must not be harmed | what happens |"
    rows = [head, "| --- | --- | --- | --- | --- | --- | --- |"]
    for found in FAULTS:
        cells = (
            f"`{found.name}`",
            found.alert or "–",
            " + ".join(f"`{part.cause}`" for part in parts(found)) or ("–" if found.alert else "no fault"),
            " + ".join(part.object_kind for part in parts(found)) or "–",
            " + ".join(", ".join(f"`{remedy}`" for remedy in part.remedies) or "–" for part in parts(found)) or "–",
            "; ".join(found.spares) or "–",
            found.summary,
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def test_every_fault_is_there_once() -> None:
    names = [found.name for found in FAULTS]
    assert sorted(names) == sorted(WANTED)


def test_the_entry_point_gives_them() -> None:
    (point,) = entry_points(group="hutch.faults", name="rolerabbit")
    assert point.load() is FAULTS


@pytest.mark.parametrize("found", FAULTS, ids=lambda found: found.name)
def test_a_fault_is_whole(found: Fault, tmp_path: Path) -> None:
    as_protocol: FaultProtocol = found
    words = as_protocol.argv(tmp_path / "ready.json")
    assert list(words[1:]) == ["-m", "rolerabbit", "fault", "run", found.name, "--ready-file", f"{tmp_path}/ready.json"]
    assert bool(found.cause) == bool(found.object_kind)
    assert found.cause or not found.remedies
    for one in found.parts or (found,):
        maker = maker_of(one)
        assert list(inspect.signature(maker).parameters) == ["scene"]
        assert maker.__doc__


def test_three_of_ten_drills_break_nothing() -> None:
    assert sum(not (found.cause or found.alert) for found in FAULTS) >= 0.3 * len(FAULTS)


def test_what_is_broken_at_once_has_remedies_of_its_own() -> None:
    pairs = [found.parts for found in FAULTS if found.parts]
    assert len(pairs) >= 4
    for one, other in pairs:
        assert one.cause != other.cause
        assert one.remedies and other.remedies and set(one.remedies).isdisjoint(other.remedies)


def test_list_as_json_has_stable_keys() -> None:
    listed = json.loads(CliRunner().invoke(fault, ["list", "--json"]).output)
    assert [set(row) for row in listed] == [
        {"name", "summary", "cause", "object_kind", "remedies", "spares", "alert", "parts"}
    ] * len(FAULTS)


def test_the_reference_is_what_the_code_says() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    _, _, rest = text.partition("<!-- begin -->\n")
    found, _, _ = rest.partition("<!-- end -->")
    assert found.strip() == table()
