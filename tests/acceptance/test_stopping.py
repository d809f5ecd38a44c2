"""`hutch serve` told to end: what is under way ends first; told twice, it is broken off, and a person is asked."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

CONFIG = """
mode: act
services:
  shop:
    shell: {}
    binds: {sh: as-is}
runbooks: [books]
"""

BOOK = """
# Slow
## Mitigation
### Option 1: Slowly
```bash
sh -c 'echo begun >> HOME/log; sleep SECONDS; echo ended >> HOME/log'
sh -c 'echo second >> HOME/log'
```
"""


def hutch(home: Path, *words: str) -> subprocess.Popen[str]:
    command = [str(Path(sys.executable).with_name("hutch")), "--no-input", *words]
    return subprocess.Popen(command, cwd=home, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def said(home: Path, *words: str) -> str:
    return hutch(home, *words).communicate(timeout=60)[0]


def until(look: Callable[[], bool]) -> None:
    for _ in range(600):
        if look():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen")


def option(home: Path, run: str) -> dict[str, Any]:
    return dict(json.loads(said(home, "runs", "show", run, "--json"))["options"][0])


@pytest.fixture
def serving(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server in the middle of a change of two seconds, or of as many as is said, and the run."""
    seconds = str(getattr(request, "param", 2))
    (tmp_path / "books").mkdir()
    (tmp_path / "books/slow.md").write_text(BOOK.replace("HOME", str(tmp_path)).replace("SECONDS", seconds))
    (tmp_path / "hutch.yaml").write_text(CONFIG)
    run = said(tmp_path, "run", "slow").split()[0]
    server = hutch(tmp_path, "serve", "--port", "0")
    try:
        until((tmp_path / ".hutch/serving").exists)
        approving = hutch(tmp_path, "runs", "approve", run, "--option", "1")
        until((tmp_path / "log").exists)
        approving.kill()  # or it would go on with the run when the server is gone
        approving.communicate()
        yield server, run
    finally:
        server.kill()
        server.communicate()


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_told_once_it_lets_the_change_end_and_begins_nothing_more(
    tmp_path: Path, serving: tuple[subprocess.Popen[str], str], sent: signal.Signals
) -> None:
    server, run = serving
    server.send_signal(sent)
    output = server.communicate(timeout=40)[0]
    assert server.returncode == 0, output
    assert "has 20 seconds to end" in output
    assert (tmp_path / "log").read_text().split() == ["begun", "ended"]
    left = option(tmp_path, run)
    assert left["state"] == "approved"  # its second statement is for whoever comes next


@pytest.mark.parametrize("serving", [60], indirect=True)
def test_told_twice_it_breaks_the_change_off(tmp_path: Path, serving: tuple[subprocess.Popen[str], str]) -> None:
    server, run = serving
    server.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    began = time.monotonic()
    server.send_signal(signal.SIGTERM)
    server.communicate(timeout=30)
    assert time.monotonic() - began < 15  # neither the change's minute nor the grace
    until(lambda: not running(f"{tmp_path}/log"))
    assert (tmp_path / "log").read_text().split() == ["begun"]  # it ended with the server
    assert option(tmp_path, run)["state"] != "approved"


def running(word: str) -> bool:
    """Whether any process has ``word`` in its command line."""
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if word.encode() in place.read_bytes():
                return True
    return False
