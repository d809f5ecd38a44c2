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
}  # fmt: skip


def table() -> str:
    """The table of the reference, from the code."""
    head = "| fault | alert | cause | object | remedies | must not be harmed | what happens |"
    rows = [head, "| --- | --- | --- | --- | --- | --- | --- |"]
    for found in FAULTS:
        cells = (
            f"`{found.name}`",
            found.alert or "–",
            f"`{found.cause}`" if found.cause else "–" if found.alert else "no fault",
            found.object_kind or "–",
            ", ".join(f"`{remedy}`" for remedy in found.remedies) or "–",
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
    maker = maker_of(found)
    assert list(inspect.signature(maker).parameters) == ["scene"]
    assert maker.__doc__


def test_list_as_json_has_stable_keys() -> None:
    listed = json.loads(CliRunner().invoke(fault, ["list", "--json"]).output)
    assert [set(row) for row in listed] == [
        {"name", "summary", "cause", "object_kind", "remedies", "spares", "alert"}
    ] * len(FAULTS)


def test_the_reference_is_what_the_code_says() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    _, _, rest = text.partition("<!-- begin -->\n")
    found, _, _ = rest.partition("<!-- end -->")
    assert found.strip() == table()
