"""The aws command line of AWS, the client that people use, run against an address of ours."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

VERSION = "1.46.3"
INSTALLED = Path(__file__).parents[2] / ".venv/aws/bin/aws"


@dataclass(frozen=True)
class AwsClient:
    """The client with one key."""

    endpoint: str
    region: str
    key: str
    secret: str

    def __call__(self, *words: str) -> Any:
        """What it answers, read; it must end well within a minute."""
        env = {"PATH": os.environ["PATH"], "HOME": os.devnull, "AWS_CONFIG_FILE": os.devnull,
               "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true",
               "AWS_ACCESS_KEY_ID": self.key, "AWS_SECRET_ACCESS_KEY": self.secret}  # fmt: skip
        line = [str(INSTALLED), "--endpoint-url", self.endpoint, "--region", self.region, "--output", "json", *words]
        done = subprocess.run(line, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (words, done.stderr)
        return json.loads(done.stdout or "null")


def installed() -> None:
    """Skips where it is not there."""
    if not INSTALLED.exists():
        pytest.skip(f"python3 -m venv .venv/aws && .venv/aws/bin/pip install awscli=={VERSION}")
