"""One real platform for all tests of a module, and the fault command run against it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from rolerabbit.drills.service import Service

COMMAND = (sys.executable, "-m", "rolerabbit")
START_SECONDS = 60.0
FAULT_SECONDS = 60.0


@dataclass
class Running:
    """A fault's process that stands."""

    process: subprocess.Popen[str]
    on: dict[str, Any]
    off: dict[str, Any] = field(default_factory=dict)
    errors: str = ""


@dataclass(frozen=True)
class Stage:
    """The platform and what reaches it."""

    ready_file: Path
    service: Service

    def fault(self, *words: str) -> subprocess.CompletedProcess[str]:
        """One fault command, run to its end with its input closed."""
        command = (*COMMAND, "fault", *words, "--ready-file", str(self.ready_file))
        return subprocess.run(command, input="", capture_output=True, text=True, timeout=FAULT_SECONDS, check=False)

    def number(self, query: str, *values: object) -> int:
        """The first value of a query."""
        return int(self.service.rows(query, *values)[0][0])

    def leftovers(self) -> list[str]:
        """The undo records that lie about."""
        return [path.name for path in (self.service.data_dir / "faults").glob("*.json")]

    def wait_for(self, condition: Callable[[], object], seconds: float = 20.0) -> None:
        """Poll; an assertion when the time is over."""
        wait_for(condition, seconds)

    @contextlib.contextmanager
    def standing(self, name: str, seed: int = 1) -> Iterator[Running]:
        """The fault stands within the block; afterwards its input is closed and its last word read."""
        command = (*COMMAND, "fault", "run", name, "--ready-file", str(self.ready_file), "--seed", str(seed))
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        assert process.stdout is not None
        try:
            first = process.stdout.readline()
            running = Running(process, json.loads(first) if first else {})
            if not first:
                pytest.fail(process.communicate()[1])
            yield running
        finally:
            said, running.errors = process.communicate(timeout=FAULT_SECONDS)
            running.off = json.loads(said) if said.strip() else {}


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    with tempfile.TemporaryDirectory(prefix="rolerabbit-faults-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        ready, log = folder / "ready.json", folder / "platform.log"
        with log.open("w") as out:
            command = (*COMMAND, "platform", "run", "--data", str(folder / "data"), "--ready-file", str(ready))
            process = subprocess.Popen((*command, "--exit-on-eof"), stdin=subprocess.PIPE, stdout=out, stderr=out)
        try:
            wait_for(lambda: ready.exists() or process.poll() is not None, START_SECONDS)
            assert process.poll() is None, log.read_text()
            yield Stage(ready, Service.of_ready_file(ready))
        finally:
            process.terminate()
            process.wait(20)
            assert process.stdin is not None
            process.stdin.close()


def wait_for(condition: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)
