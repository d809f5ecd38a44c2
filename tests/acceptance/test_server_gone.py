"""A command that waits for a run goes on with it when the server that drives it goes in the middle of a change."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

CONFIG = """
mode: act
services:
  shop:
    shell: {{}}
    binds: {{sh: as-is}}
runbooks: [books]
"""

BOOK = """
# Slow
## Mitigation
### Option 1: Slowly
```bash
sh -c 'echo begun >> {home}/log; sleep 60'
```
"""


def hutch(home: Path, *words: str) -> subprocess.Popen[str]:
    command = [str(Path(sys.executable).with_name("hutch")), "--no-input", *words]
    return subprocess.Popen(command, cwd=home, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@pytest.mark.parametrize(
    "signals", [pytest.param([signal.SIGTERM, signal.SIGTERM], marks=pytest.mark.slow), [signal.SIGKILL]]
)
def test_a_run_goes_on_where_it_is_waited_for(tmp_path: Path, signals: list[signal.Signals]) -> None:
    (tmp_path / "books").mkdir()
    (tmp_path / "books/slow.md").write_text(BOOK.format(home=tmp_path))
    (tmp_path / "hutch.yaml").write_text(CONFIG.format())
    started = hutch(tmp_path, "run", "slow")
    run = started.communicate(timeout=60)[0].split()[0]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = hutch(tmp_path, "serve", "--port", str(port))
    try:
        deadline = time.monotonic() + 60
        while not (tmp_path / ".hutch/serving").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        approving = hutch(tmp_path, "runs", "approve", run, "--option", "1")
        while not (tmp_path / "log").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        for sent in signals:
            os.kill(server.pid, sent)
            time.sleep(0.3)
        state = ""
        while state != "undecided" and time.monotonic() < deadline:
            time.sleep(0.5)
            shown = hutch(tmp_path, "runs", "show", run, "--json").communicate(timeout=30)[0]
            state = json.loads(shown)["options"][0]["state"]
        approving.send_signal(signal.SIGINT)
        approving.communicate(timeout=30)
    finally:
        server.kill()
        server.communicate()
    assert state == "undecided"  # nothing verifies it: the person is asked at once
    assert (tmp_path / "log").read_text() == "begun\n"  # never a second time
