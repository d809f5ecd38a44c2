"""``hutch runs output``: what is kept on the disk of a real run, and what the journal has where nothing is kept."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hutch.cli.main import cli

HUTCH = Path(__file__).resolve().parents[3] / ".venv" / "bin" / "hutch"
MEASURED = (
    "import resource, subprocess, sys;"
    "subprocess.run(sys.argv[1:]);"
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)"
)
"""Runs a command, lets its output through and says on stderr how much memory it took at most (kB)."""


def hutch(*words: str) -> Result:
    return CliRunner().invoke(cli, list(words))


def run(home: Path, block: str, more: str = "", **settings: Any) -> str:
    """Run one detection block at a service; the run's id."""
    (home / "one.md").write_text(f"# One\n\n## One\n\n### Detection\n\n```bash\n{block}\n```\n")
    shell = "".join(f"    {k}: {json.dumps(v)}\n" for k, v in settings.items())
    config = f"runbooks: [one.md]\nservices:\n  shop:\n    binds: {{yes: as-is, seq: as-is}}\n{shell}{more}\n"
    (home / "hutch.yaml").write_text(config)
    done = hutch("run", "one", "--json")
    return str(json.loads(done.stdout)["id"])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_all_of_it_is_there_while_the_journal_has_its_end(home: Path) -> None:
    found = run(home, "seq 40000; printf 'password=%s-%s\\n' correct horse")
    whole = hutch("runs", "output", found, "8").stdout
    assert whole.splitlines() == [*(str(i) for i in range(1, 40001)), "password=•••"]
    told = json.loads(hutch("runs", "output", found, "8", "--json").stdout)
    assert told["over"] and told["output"] == whole
    assert Path(told["path"]).stat().st_mode & 0o777 == 0o600
    assert "correct-horse" not in Path(told["path"]).read_text()
    journal = (home / ".hutch/hutch.db").read_bytes()
    assert b"40000" in journal and b"correct-horse" not in journal


def test_silence_and_what_is_not_there(home: Path) -> None:
    found = run(home, "seq 0")
    assert hutch("runs", "output", found, "8").stdout == ""
    missing = CliRunner().invoke(cli, ["runs", "output", found, "99"])
    assert "no statement '99'; there are:" in str(missing.exception)
    assert "line 8: seq 0" in str(missing.exception)


@pytest.mark.timeout(60)
def test_output_without_end_is_bounded_on_the_disk_and_in_memory(home: Path) -> None:
    (home / "one.md").write_text(
        '# One\n\n## One\n\n### Detection\n\n```bash {"hutch.timeout":"3s"}\nyes "a line of it"\n```\n'
    )
    (home / "hutch.yaml").write_text(
        "runbooks: [one.md]\noutput_kept: 2000000\nservices: {shop: {binds: {yes: as-is}}}\n"
    )
    # Of a child that this process forked, the system counts this process's own memory too (it is the child's
    # until the exec): a small process in between starts Hutch and says what it took.
    measured = subprocess.run(
        [sys.executable, "-c", MEASURED, str(HUTCH), "run", "one", "--json"],
        check=True,
        capture_output=True,
        text=True,
    )
    found, peak = json.loads(measured.stdout), int(measured.stderr.split()[-1])
    kept = hutch("runs", "output", found["id"], "8").stdout
    assert 1_500_000 < len(kept.encode()) < 2_100_000
    assert "characters left out …]" in kept and kept.endswith("a line of it\n")
    assert (home / ".hutch/hutch.db").stat().st_size < 2_000_000
    assert peak < 200 * 1024, f"{peak // 1024} MB"


@pytest.mark.timeout(120)
def test_following_goes_on_until_it_has_ended(home: Path) -> None:
    (home / "one.md").write_text(
        "# One\n\n## One\n\n### Detection\n\n```bash\nfor i in 1 2 3 4; do seq 20000; sleep 0.5; done\n```\n"
    )
    (home / "hutch.yaml").write_text(
        "runbooks: [one.md]\nservices: {shop: {binds: {seq: as-is, sleep: as-is, i: as-is}}}\n"
    )
    with subprocess.Popen([str(HUTCH), "run", "one", "--json"], stdout=subprocess.DEVNULL) as running:
        deadline = time.monotonic() + 50
        while not (listed := list((home / ".hutch").glob("output/*/*.txt"))):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        begun = time.monotonic()
        done = hutch("runs", "output", listed[0].parent.name, "8", "--follow")
        assert time.monotonic() - begun > 0.3
        assert running.wait(50) in (0, 1)
    assert done.stdout.splitlines() == [str(i) for i in range(1, 20001)] * 4
