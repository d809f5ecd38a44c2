"""`hutch serve` says what it offers once it offers it, and nothing before it refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HUTCH = str(Path(sys.executable).with_name("hutch"))


def test_what_is_refused_is_not_announced(tmp_path: Path) -> None:
    (tmp_path / "hutch.yaml").write_text("services: {shop: {}}\ningest: [{source: grafana}]\n")
    words = [HUTCH, "serve", "--port", "0", "--ingest", "127.0.0.1:0"]
    found = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert (found.returncode, found.stdout) == (2, "")
    why = "grafana has neither token nor secret; beyond loopback each needs one: see ingest in hutch.yaml"
    assert found.stderr == f"hutch: ingest: {why}\n"
