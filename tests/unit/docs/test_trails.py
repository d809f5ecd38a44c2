"""The guide says of each event of RoleRabbit's trails which code writes it."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path
from typing import get_args

from rolerabbit.trail import SecurityEvent

ROOT = Path(__file__).resolve().parents[3]
CODE = ROOT / "src" / "rolerabbit"
NAME = re.compile(r"(?:user|data|portfolio|session|token|profile)\.[a-z_]+")
IN_SQL = re.compile(rf"'({NAME.pattern})'")
ELSEWHERE = {"drills", "platform", "trail.py"}
"""What plays at trails, or writes for others."""


def written() -> dict[str, set[str]]:
    """By event, the files that hold its name as a text."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in CODE.rglob("*.py"):
        where = path.relative_to(CODE)
        if ELSEWHERE & set(where.parts):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                told = [node.value] if NAME.fullmatch(node.value) else IN_SQL.findall(node.value)
                told += [node.value] if node.value in get_args(SecurityEvent) else []
                for event in told:
                    found[event].add(where.as_posix())
            if isinstance(node, ast.Attribute) and node.attr == "audit_deleted":
                found["portfolio.deleted"].add(where.as_posix())
    return found


def documented() -> dict[str, set[str]]:
    """The same as the two tables of the guide say it; a name that begins with a dot goes on from the one before."""
    _, _, rest = (ROOT / "docs/guide/rolerabbit.md").read_text(encoding="utf-8").partition("## Who writes which trail")
    section, _, _ = rest.partition("\n## ")
    found: dict[str, set[str]] = {}
    for line in section.splitlines():
        cells = line.strip("| ").split(" | ")
        if not line.startswith("| `") or len(cells) != 2 or cells[0].endswith("_logs`"):
            continue
        before = ""
        for name in re.findall(r"`([^`]+)`", cells[0]):
            event = before + name if name.startswith(".") else name
            before = event.partition(".")[0]
            files = re.findall(r"`([\w/]+\.py)`", cells[1])
            found[event] = {*files, *(["resets.py"] if "accounts force-reset" in cells[1] else [])}
    return found


def test_every_event_stands_in_the_guide_and_none_that_nobody_writes() -> None:
    assert sorted(documented()) == sorted(written())


def test_the_guide_names_every_file_that_writes_an_event() -> None:
    told = documented()
    assert {event: files - told[event] for event, files in written().items() if files - told[event]} == {}


def test_what_the_guide_names_is_there() -> None:
    for event, files in documented().items():
        assert files, event
        assert all((CODE / file).is_file() for file in files), event
