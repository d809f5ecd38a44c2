"""The pre-commit hook: its entry runs as pre-commit runs it, on the documents that its pattern chooses."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[4]
DATA = ROOT / "tests" / "data" / "lint"
[HOOK] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())


def run(*paths: str) -> subprocess.CompletedProcess[str]:
    """The hook's entry with the files after it, in the environment that the package is installed in."""
    program, *words = HOOK["entry"].split()
    entry = [str(Path(sys.executable).with_name(program)), *words, *paths]
    return subprocess.run(entry, cwd=DATA, capture_output=True, text=True, timeout=60, check=False)


def test_the_entry_fails_on_a_bad_file_and_passes_a_good_one() -> None:
    bad = run("RB202-flush-all.md", "good/RB203-keys-star.md")
    assert bad.returncode == 3
    assert "RB202-flush-all.md:8: error RB202: FLUSHALL removes every key" in bad.stdout
    good = run("good/RB203-keys-star.md", "good/RB302-gone-sql.md")
    assert (good.returncode, good.stdout) == (0, "0 errors, 0 warnings in 2 files\n")


def test_the_hook_is_one_that_pre_commit_takes() -> None:
    assert HOOK.keys() == {"id", "name", "description", "entry", "language", "types", "files"}
    assert (HOOK["id"], HOOK["language"], HOOK["types"]) == ("hutch-lint", "python", ["markdown"])


def test_the_pattern_chooses_runbooks() -> None:
    chosen = re.compile(HOOK["files"])
    for path in ("runbooks/cache.md", "docs/Runbook.md", "ops/on-call/db/lock.md", "incident-playbook.md", "SOPs/x.md"):
        assert chosen.search(path), path
    for path in ("README.md", "docs/guide/install.md", "src/soap.md"):
        assert not chosen.search(path), path
