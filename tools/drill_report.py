"""Puts a drill report where it is committed: ``python tools/drill_report.py [--from FOLDER] [--to docs/reports]``.

The report of ``hutch drill run`` with what the machine was, as `drills.md` and `drills.json`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.machine import describe

from hutch.commands.drills.catalogue import find_faults
from hutch.commands.drills.report import NotAReport, markdown

HEAD = """# Drill report

Put here by `make drills`: drills one after the other on one service under load, each with the cause, the object and the
remedy that must be found, and the same service looked at as others look at it. What each column means, and how a share
and its interval are read, is in [the guide](../guide/drills.md). Rules are 60 times quicker here. How busy the machine
was with other things is in its table at the end: a busy one makes every time longer.
"""


def published(data: dict[str, Any], machine: dict[str, Any]) -> tuple[str, str]:
    """The page and the JSON of a report, with the machine."""
    now = {name.replace("at the start", "when this was written"): value for name, value in machine.items()}
    lines = [f"| {name} | {value} |" for name, value in now.items()]
    held = f"**{len(data['drills'])} of the {len(find_faults())} drills that there are have a result here.**\n"
    table = "\n".join(["## The machine", "", "| what | value |", "| --- | --- |", *lines])
    page = markdown(data).replace("# Drills\n", f"{HEAD}\n{held}", 1) + f"\n{table}\n"
    return page, json.dumps({**data, "machine": now}, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """As the module says; exit code 1 where there is no report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="source", type=Path, default=Path(".hutch-drills"))
    parser.add_argument("--to", dest="target", type=Path, default=Path("docs/reports"))
    given = parser.parse_args()
    try:
        page, text = published(json.loads((given.source / "report.json").read_text(encoding="utf-8")), describe())
    except (OSError, ValueError, KeyError, NotAReport) as error:
        raise SystemExit(f"{given.source / 'report.json'} is no drill report: {error!r}") from error
    given.target.mkdir(parents=True, exist_ok=True)
    (given.target / "drills.md").write_text(page, encoding="utf-8")
    (given.target / "drills.json").write_text(text, encoding="utf-8")
    print(f"written: {given.target / 'drills.md'} and drills.json")


if __name__ == "__main__":
    main()
