"""The demo at a terminal: whoever approves on its page ends the prompt, and the story goes on."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

HUTCH = str(Path(sys.executable).with_name("hutch"))


class Terminal:
    """What a process shows on a terminal of its own."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor, self.shown = descriptor, ""
        os.set_blocking(descriptor, False)

    def until(self, pattern: str, seconds: float = 100) -> re.Match[str]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._read()
            found = re.search(pattern, self.shown)
            if found:
                return found
            time.sleep(0.05)
        raise AssertionError(self.shown)

    def _read(self) -> None:
        try:
            self.shown += os.read(self.descriptor, 65536).decode(errors="replace")
        except OSError:
            return  # nothing there yet, or its end

    def type(self, text: str) -> None:
        os.write(self.descriptor, text.encode())


@contextmanager
def demo(folder: Path) -> Iterator[tuple[Terminal, subprocess.Popen[bytes]]]:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [HUTCH, "demo", "--dir", str(folder)], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    try:
        yield Terminal(ours), process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(30)
        os.close(ours)


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_the_page_ends_the_prompt(tmp_path: Path, reader: Any) -> None:
    with demo(tmp_path) as (terminal, process):
        page = terminal.until(r"Watch it live: (http://127\.0\.0\.1:\d+/incidents/[\w-]+)")[1]
        terminal.until(r"Approve which remedy \[1\]: ")
        terminal.type("no such thing\n")
        terminal.until(r"There are remedies 1 to 4\.")
        with urllib.request.urlopen(page) as answer:
            form = reader(answer.read().decode()).form("/approval")
        data = urllib.parse.urlencode({**form.fields, "actor": "olivia"}).encode()
        with urllib.request.urlopen(page.partition("/incidents")[0] + form.action, data) as answer:
            assert "You approved “Option 1: Roll back the deployment” as olivia." in answer.read().decode()
        terminal.until("APPROVED: Option 1: Roll back the deployment")
        terminal.until("is resolved; the regression watch runs")
        assert process.wait(60) == 0
