from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

from hutch.providers.postgres import provider


def test_the_manifest_is_found_by_its_entry_point() -> None:
    [entry] = [e for e in entry_points(group="hutch.providers") if e.name == "postgres"]
    assert entry.load() is provider


def test_importing_the_manifest_loads_no_driver() -> None:
    code = "import sys, hutch.providers.postgres; print('psycopg' in sys.modules, 'asyncio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_every_setting_and_code_says_what_it_is() -> None:
    assert all(setting.doc for setting in provider.settings)
    assert all(code.startswith("postgres.") and line.endswith(".") for code, line in provider.codes.items())
