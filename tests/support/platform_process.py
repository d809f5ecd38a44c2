"""RoleRabbit's platform as a process of its own, in a scratch folder; it ends with the standard input that we hold."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

Ready = Mapping[str, Any]


@contextmanager
def platform(*options: str) -> Iterator[Ready]:
    """The ready file of a running platform."""
    folder = Path(tempfile.mkdtemp(prefix="hutch-local-"))
    folder.chmod(0o755)
    words = [sys.executable, "-m", "rolerabbit", "platform", "run", "--data", str(folder / "data"), *options]
    words += ["--ready-file", str(folder / "ready.json"), "--exit-on-eof"]
    output = (folder / "output").open("wb")
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield _wait(folder, process)
    finally:
        assert process.stdin
        process.stdin.close()
        process.wait(30)
        output.close()
        shutil.rmtree(folder)


def _wait(folder: Path, process: subprocess.Popen[bytes]) -> Ready:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if (folder / "ready.json").exists():
            found: Ready = json.loads((folder / "ready.json").read_text())
            return found
        time.sleep(0.1)
    pytest.fail(f"the platform did not start: {(folder / 'output').read_text()}")


def post(ready: Ready, path: str, body: Mapping[str, object]) -> None:
    """Asks the platform for a change, as an operator does."""
    headers = {"Authorization": f"Bearer {ready['token']}", "Content-Type": "application/json"}
    request = urllib.request.Request(ready["api_url"] + path, json.dumps(body).encode(), headers)
    urllib.request.urlopen(request, timeout=60).close()


def pids(ready: Ready) -> list[int]:
    with urllib.request.urlopen(f"{ready['api_url']}/status") as answer:
        return [row["pid"] for row in json.load(answer)["replicas"]]


def limits(pid: int) -> tuple[str, int]:
    """The most memory that a process may take for itself, and how many CPUs it may use."""
    line = next(x for x in Path(f"/proc/{pid}/limits").read_text().splitlines() if x.startswith("Max data size"))
    return line.split()[3], len(os.sched_getaffinity(pid))
