"""``advisories.show``: reports on files, read by the provider, asked by a document."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hutch.commands.advisories import VERB, telling
from hutch.model.action import Command, Result
from hutch.model.effect import Effect
from hutch.model.finding import Change
from hutch.ports import Connection, TargetConfig
from hutch.providers.command import provider

NOW = datetime(2026, 1, 15, 10, tzinfo=UTC)
HOLE = {"id": "PYSEC-1", "aliases": ["CVE-1"]}


async def changes() -> Sequence[Change]:
    return [
        Change("deployment", "web:41", NOW - timedelta(hours=9), "", "", ("v41",)),
        Change("deployment", "web:42", NOW - timedelta(hours=1), "", "web:41", ("v42",)),
        Change("migration", "9", NOW, ""),
    ]


def report(folder: Path, release: str, *holes: object, version: str = "1", days: float = 0) -> None:
    place = folder / f"{release}.json"
    place.write_text(json.dumps({"dependencies": [{"name": "jinja2", "version": version, "vulns": holes}]}))
    at = (NOW - timedelta(days=days)).timestamp()
    os.utime(place, (at, at))


@pytest.mark.parametrize(
    ("before", "result", "said"),
    [
        (("2", ()), Result.DONE, "roll back: new in web:42: PYSEC-1 (CVE-1), unrated, in jinja2 1, web:41 has 2"),
        (("1", ()), Result.DONE, "no reason to roll back: none of high rating or worse is new"),
        (("2", (HOLE,)), Result.DONE, "no reason to roll back"),
        (("2", (), 9.0), Result.FAILED, "untold: the report on release web:41 is 9.0 days old"),
        (None, Result.FAILED, "untold: no report on the release: "),
    ],
)
async def test_a_document_asks_what_the_release_brought(
    tmp_path: Path, before: tuple[str, tuple[object, ...], float] | None, result: Result, said: str
) -> None:
    report(tmp_path, "v42", HOLE)
    if before:
        report(tmp_path, "v41", *before[1], version=before[0], days=dict(enumerate(before)).get(2, 0.0))  # type: ignore[arg-type]
    defaults = {setting.name: setting.default for setting in provider.settings}
    settings = {**defaults, "advisories": {"files": [f"{tmp_path}/{{release}}.json"]}}
    opened = provider.open(TargetConfig("web", settings, lambda: NOW))
    connections = telling({"command": opened, "ecs": Connection("ecs", changes=changes)}, lambda: NOW)
    found = await connections["command"].runs[VERB](Command(VERB, VERB, "", Effect.READ))
    assert (found.result, found.summary.startswith(said)) == (result, True), found.summary
    assert VERB not in connections["ecs"].runs
