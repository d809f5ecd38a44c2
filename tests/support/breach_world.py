"""RoleRabbit on its real platform, with accounts of ours, for the tests of a breach."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

CANARY = {"email": "canary@example.com", "password": "a long password"}


@dataclass(frozen=True)
class World:
    """A running platform, and what a user of its service can do."""

    ready: dict[str, Any]

    def ask(self, method: str, path: str, body: object = None, token: str = "") -> tuple[int, Any]:
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.ready["app_url"] + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def log_in(self, email: str = CANARY["email"]) -> str:
        token: str = self.ask("POST", "/api/auth/login", {**CANARY, "email": email})[1]["token"]
        return token

    def api_token(self) -> str:
        token: str = self.ask("POST", "/api/account/tokens", {"label": "canary"}, self.log_in())[1]["token"]
        return token

    def status(self, token: str) -> int:
        return self.ask("GET", "/api/auth/me", token=token)[0]

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.ready["database_url"], autocommit=True) as connection:
            cursor = connection.execute(query.encode(), values)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def running(*more: str) -> Iterator[World]:
    """A platform with accounts of ours; ``more`` are further options of it."""
    folder = Path(tempfile.mkdtemp(prefix="hutch-breach-"))
    folder.chmod(0o755)
    words = [sys.executable, "-m", "rolerabbit", "platform", "run", "--data", str(folder / "data")]
    words += ["--ready-file", str(folder / "ready.json"), "--exit-on-eof", "--ready-within", "90", *more]
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT)
        assert process.stdin
        try:
            deadline = time.monotonic() + 180
            while not (folder / "ready.json").exists():
                assert process.poll() is None and time.monotonic() < deadline, (folder / "output").read_text()
                time.sleep(0.1)
            found = World(json.loads((folder / "ready.json").read_text()))
            for email in (CANARY["email"], "ann@example.com", "bob@example.com"):
                assert found.ask("POST", "/api/auth/register", {**CANARY, "email": email})[0] == 201
            yield found
        finally:
            process.stdin.close()
            process.wait(30)
            shutil.rmtree(folder)
