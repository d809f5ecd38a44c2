"""A skipped test fails the session where all are required, and only there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"
ONE_SKIPPED = "import pytest\n\ndef test_runs(): pass\n\ndef test_waits(): pytest.skip('no database here')\n"
MODULE_SKIPPED = "import pytest\npytest.skip('no document here', allow_module_level=True)\n"
EXPECTED_FAILURE = "import pytest\n\n@pytest.mark.xfail\ndef test_known(): assert False\n"


def session(folder: Path, text: str, require_all: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(CONFTEST, folder / "conftest.py")
    (folder / "test_it.py").write_text(f"{text}\n\ndef test_passes(): pass\n")
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)]
    environment = {**os.environ, "HUTCH_REQUIRE_ALL": require_all}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("text", [ONE_SKIPPED, MODULE_SKIPPED])
def test_skips_fail_where_all_are_required(tmp_path: Path, text: str) -> None:
    required = session(tmp_path, text, "1")
    assert required.returncode == 1
    assert "no database here" in required.stdout or "no document here" in required.stdout
    assert "requires all" in required.stdout
    if text == ONE_SKIPPED:
        assert session(tmp_path, text, "").returncode == 0


def test_an_expected_failure_is_no_skip(tmp_path: Path) -> None:
    assert session(tmp_path, EXPECTED_FAILURE, "1").returncode == 0
