"""A change of which nobody knows whether it was made: whoever has to decide is told how it ended."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from hutch.cli.main import cli

CONFIG = """mode: act
services:
  shop: {binds: {touch: as-is, bash: as-is}, shell: {processes: 20}}
"""
BOOK = """# Slow

## Slow

### Resolution

```bash {"name":"slow","hutch.timeout":"1s"}
touch x && sleep 60
```

```bash {"name":"many","hutch.timeout":"20s"}
bash -c 'for i in 1 2 3 4 5 6 7 8; do (sleep 60 & sleep 60 & sleep 60 & sleep 60 & sleep 60 & wait) & done; wait'
```
"""


@pytest.mark.parametrize(
    ("step", "how"),
    [("slow", "not finished after 1 s: ended"), ("many", "killed: it became more than 20 processes (shell.processes)")],
)
def test_how_it_ended_is_told(step: str, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("hutch.yaml").write_text(CONFIG, "utf-8")
    Path("slow.md").write_text(BOOK, "utf-8")
    done = CliRunner().invoke(cli, ["--no-input", "run", "slow.md", "--step", step, "--yes"])
    assert f"{how}; nothing verifies this change: say what you see" in " ".join(done.stdout.split())
    assert "hutch runs decide" in done.stdout
    assert done.exit_code == 4
