"""npm's vercel, the client that people use, run against an address of ours."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

VERSION = "60.0.0"
INSTALLED = Path(__file__).parents[2] / ".venv/clients/node_modules/.bin/vercel"


@dataclass(frozen=True)
class VercelClient:
    """The client with a home of its own, in ``home``."""

    home: Path
    address: str
    token: str

    @property
    def environment(self) -> dict[str, str]:
        """What it is started with."""
        return {"PATH": os.environ["PATH"], "HOME": str(self.home), "VERCEL_TOKEN": self.token,
                "VERCEL_TELEMETRY_DISABLED": "1", "NO_UPDATE_NOTIFIER": "1"}  # fmt: skip

    def typed(self, *words: str, answers: str) -> str:
        """What it says at a terminal, where somebody answers its question; it must end well within a minute."""
        ours, its = pty.openpty()
        line = [str(INSTALLED), *words, "--api", self.address]
        env = {**self.environment, "TERM": "dumb"}
        process = subprocess.Popen(line, env=env, cwd=self.home, stdin=its, stdout=its, stderr=its)
        os.close(its)
        said, left, until = b"", answers.encode(), time.monotonic() + 60
        try:
            while time.monotonic() < until and (more := _read(ours)) is not None:
                said += more
                if left and b"(y/N)" in said:
                    os.write(ours, left)
                    left = b""
            assert process.wait(5) == 0, (words, said)
        finally:
            process.kill()
            os.close(ours)
        return said.decode(errors="replace")

    def __call__(self, *words: str) -> str:
        """What it says, on both outputs; it must end well."""
        env = {**self.environment, "CI": "1"}
        done = subprocess.run(
            [str(INSTALLED), *words, "--api", self.address],
            env=env,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout + done.stderr


def _read(terminal: int) -> bytes | None:
    """What is new at a terminal, perhaps nothing; None once nobody is at its other end any more."""
    if not select.select([terminal], [], [], 0.2)[0]:
        return b""
    try:
        return os.read(terminal, 4096) or None
    except OSError:
        return None


def client(home: Path, address: str, token: str) -> VercelClient:
    """It, or a skipped test where it is not installed."""
    if not INSTALLED.exists():
        pytest.skip(f"npm install --prefix .venv/clients --ignore-scripts vercel@{VERSION}")
    return VercelClient(home, address, token)
