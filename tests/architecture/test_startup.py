"""The command line starts without the heavy libraries."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {"pydantic", "sqlalchemy", "boto3", "aiohttp", "fastapi", "psycopg", "sqlglot", "alembic", "rich", "jinja2"}


def test_start_up_imports_nothing_heavy() -> None:
    command = [sys.executable, "-X", "importtime", "-c", "import hutch.cli"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    loaded = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "hutch.cli" in loaded
    assert {name.partition(".")[0] for name in loaded} & HEAVY == set()
