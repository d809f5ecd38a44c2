"""npm's vercel, the client that people use, run against an address of ours."""

from __future__ import annotations

import os
import subprocess
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

    def __call__(self, *words: str) -> str:
        """What it says, on both outputs; it must end well."""
        env = {"PATH": os.environ["PATH"], "HOME": str(self.home), "VERCEL_TOKEN": self.token, "CI": "1",
               "VERCEL_TELEMETRY_DISABLED": "1", "NO_UPDATE_NOTIFIER": "1"}  # fmt: skip
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


def client(home: Path, address: str, token: str) -> VercelClient:
    """It, or a skipped test where it is not installed."""
    if not INSTALLED.exists():
        pytest.skip(f"npm install --prefix .venv/clients --ignore-scripts vercel@{VERSION}")
    return VercelClient(home, address, token)
