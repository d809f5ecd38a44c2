"""Progress of a run: what runs is told while it runs, on stderr, and no output becomes a terminal's command."""

from __future__ import annotations

import asyncio
import os
import pty
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hutch.cli import progress
from hutch.model.event import GENESIS, Draft, Event, seal

HUTCH = Path(sys.executable).with_name("hutch")


def event(kind: str, **data: object) -> Event:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return seal(Draft(kind, data), stream="run:R1", seq=1, at=at, salt="s", prev_hash=GENESIS)


def test_what_is_told_of_an_event() -> None:
    ended = event("statement.finished", status="failed", text="ls\nmore", summary="exit 2")
    assert [line.replace("\x1b[31m", "").replace("\x1b[0m", "") for line in progress.lines(ended)] == ["  ✗ ls  exit 2"]
    assert progress.lines(event("statement.output", text="a\nb\n")) == ["    │ a", "    │ b"]
    assert progress.lines(event("run.started", title="t")) == []
    diagnosed = event("diagnosis.made", causes=[{"code": "app.crashed", "summary": "it ended"}])
    assert progress.lines(diagnosed) == ["  diagnosed  app.crashed: it ended"]
    offered = event("approval.requested", option={"title": "Option 1: Roll back"}, summary="")
    assert progress.lines(offered) == ["  offers     Option 1: Roll back"]
    begun = event("change.intended", option="o", command={"text": "rollback --to 41"})
    assert progress.lines(begun) == ["  does       rollback --to 41"]
    proved = event("verification.done", verdict="passed", summary="200 OK")
    assert progress.lines(proved) == ["  verified   passed: 200 OK"]


def test_no_line_is_wider_than_the_window() -> None:
    long = "word " * 60
    told = [
        *progress.lines(event("statement.output", text="x" * 500), 80),
        *progress.lines(event("statement.finished", status="failed", text=long, summary=long), 80),
        *progress.lines(event("statement.finished", status="passed", text=long, summary="exit 0"), 80),
        *progress.lines(event("verification.done", verdict="failed", summary=long), 80),
    ]
    assert max(map(len, told)) <= 80
    assert told[0].endswith("…") and any(line.endswith("exit 0") for line in told)


@pytest.mark.parametrize("hostile", ["\x1b[2J", "\x9b2J", "\x07", "\r", "\x1b]0;title\x07"])
def test_no_output_reaches_the_terminal_as_a_command(hostile: str) -> None:
    told = progress.lines(event("statement.output", text=f"x{hostile}y\n"))
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for line in told for c in line)


@pytest.mark.timeout(60)
async def test_a_terminal_sees_a_step_speak_while_it_runs(tmp_path: Path) -> None:
    (tmp_path / "slow.md").write_text("# Slow\n\n## Slow\n\n### Detection\n\n```bash\nseq 3; sleep 2; echo done\n```\n")
    (tmp_path / "hutch.yaml").write_text("runbooks: [.]\nservices: {shop: {binds: {seq: as-is, sleep: as-is}}}\n")
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        str(HUTCH), "run", "slow", cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=theirs,
        stdin=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    os.close(theirs)
    result, _ = await process.communicate()
    seen = os.read(ours, 65536).decode()
    os.close(ours)
    assert "│ 1" in seen and seen.index("│ 3") < seen.index("✓")
    assert "✓ seq 3; sleep 2; echo done" in result.decode()
