"""The command line starts without the heavy libraries, and each command loads only what it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PARSERS = {"sqlglot", "tree_sitter", "tree_sitter_bash", "markdown_it"}
STORE = {"sqlalchemy", "alembic"}
NETWORK = {"aiohttp", "boto3", "fastapi", "psycopg", "psycopg_pool", "redis", "starlette", "uvicorn", "websockets"}
REST = {"apprise", "asyncio", "icalendar", "jinja2", "pydantic", "rich", "rolerabbit", "yaml"}
HEAVY = PARSERS | STORE | NETWORK | REST

START = "import sys; from hutch.cli import main; main(sys.argv[1:])"

LIBRARIES = NETWORK | {"apprise", "icalendar", "jinja2", "pydantic", "rich"}
"""What no command needs to say how it is used, nor to look at a document."""


def loaded(folder: Path, code: str, *words: str) -> set[str]:
    """The top-level packages that a new interpreter imports for it."""
    command = [sys.executable, "-X", "importtime", "-c", code, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    names = {line.rsplit("|", 1)[-1].strip() for line in lines}
    assert "hutch.cli" in names, done.stderr[-2000:]
    return {name.partition(".")[0] for name in names}


def test_start_up_imports_nothing_heavy(tmp_path: Path) -> None:
    assert loaded(tmp_path, "import hutch.cli") & HEAVY == set()


@pytest.mark.parametrize("word", ["--version", "--help", "-h", "no-such-command", "--no-such-option"])
def test_what_needs_no_command_imports_nothing_heavy(tmp_path: Path, word: str) -> None:
    assert loaded(tmp_path, START, word) & HEAVY == set()


def test_start_up_imports_nothing_of_ours_but_the_command_tree(tmp_path: Path) -> None:
    code = "import sys, hutch.cli; print(*sorted(m for m in sys.modules if m.startswith('hutch')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.split() == ["hutch", "hutch.cli", "hutch.cli.main"]


@pytest.mark.parametrize(
    "command",
    [
        "alert",
        "demo",
        "deploy",
        "diagnose",
        "incident",
        "notify",
        "oncall",
        "review",
        "rules",
        "run",
        "runs",
        "serve",
        "store",
        "verify",
        "worker",
    ],
)
def test_help_of_a_command_talks_to_nothing(tmp_path: Path, command: str) -> None:
    assert loaded(tmp_path, START, command, "--help") & LIBRARIES == set()


def test_looking_at_a_document_needs_no_network_and_no_web(tmp_path: Path) -> None:
    (tmp_path / "steps.md").write_text("# Steps\n\n## One\n\n### Diagnosis\n\n```bash\ndate\n```\n", encoding="utf-8")
    found = loaded(tmp_path, START, "runbook", "show", "steps.md")
    assert "markdown_it" in found
    assert found & LIBRARIES == set()
