"""What ``hutch run`` prints: what was seen with its output, what is offered or not and why, and how to go on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from hutch.cli.main import cli

BOOK = """\
# Jobs

## Detection

```bash
# How many wait?
seq 1 30
```

```bash {"name":"odd"}
printf 'a\\033[2Jb\\n'
# Should return nothing of it
```

```sql {"name":"people"}
SELECT email FROM users;
```

## Resolution

### Option 1: Stop it

```bash {"name":"stop","hutch.undo":"touch started"}
touch stopped
touch stopped-too
```

### Option 2: Bring the rows back

```yaml {"hutch.action":"recover.rows"}
table:
```

## Verification

```bash
test -f stopped
```
"""
CONFIG = """\
mode: act
runbooks: [books]
services:
  shop:
    shell: {directory: HOME}
    binds: {seq: as-is, printf: as-is, touch: as-is, test: as-is}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("HUTCH_CONFIG", raising=False)
    (tmp_path / "books").mkdir()
    (tmp_path / "books/jobs.md").write_text(BOOK)
    (tmp_path / "hutch.yaml").write_text(CONFIG.replace("HOME", str(tmp_path)))
    return tmp_path


def hutch(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, list(words))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout


def test_a_dry_run_tells_what_was_seen_what_is_offered_and_what_is_not(home: Path) -> None:
    _, said = hutch("run", "jobs", "--dry-run")
    assert max(map(len, said.splitlines())) <= 80
    assert "│ 12\n" in said and "│ 13\n" not in said and "│ … 18 more lines" in said
    assert "\x1b" not in said and "\\x1b" in said
    flat = " ".join(said.split())
    option = "1. Option 1: Stop it effect change, offered runs touch stopped runs touch stopped-too on this machine"
    assert option in flat
    assert "undo touch started" in flat
    assert (
        "Option 2: Bring the rows back no target of shop offers the action recover.rows: give it a command line under"
        " services.shop.command.verbs, or do it by hand"
    ) in flat
    assert "a person asks for it, by --step people" in flat or "no database is configured" in flat
    assert not (home / "stopped").exists()


def test_how_to_go_on_is_a_command_that_can_be_typed(home: Path) -> None:
    code, said = hutch("run", "jobs")
    assert code == 4
    found = re.search(r"^Approve:  hutch (runs approve \S+ --option 1)$", said, re.MULTILINE)
    assert found, said
    code, said = hutch(*found[1].split())
    assert (home / "stopped-too").exists()
    assert code == 0, said
    assert "verified" in said


def test_a_step_that_was_asked_for_is_shown_whole(home: Path) -> None:
    (home / "books/long.md").write_text('# Long\n\n## Detection\n\n```bash {"name":"all"}\nseq 1 300\n```\n')
    code, said = hutch("run", "long", "--step", "all")
    assert code == 0
    assert "│ 300\n" in said and "more lines" not in said


def test_show_tells_the_same_again(home: Path) -> None:
    _, said = hutch("run", "jobs", "--dry-run")
    run_id = said.split()[0]
    assert hutch("runs", "show", run_id)[1] == said
