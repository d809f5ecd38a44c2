"""RoleRabbit on its real platform, with an account of ours, and Hutch configured for it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

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


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    folder = Path(tempfile.mkdtemp(prefix="hutch-breach-"))
    folder.chmod(0o755)
    words = [sys.executable, "-m", "rolerabbit", "platform", "run", "--data", str(folder / "data")]
    words += ["--ready-file", str(folder / "ready.json"), "--exit-on-eof"]
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT)
        assert process.stdin
        try:
            deadline = time.monotonic() + 60
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


Configure = Callable[..., Path]


@pytest.fixture
def configure(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Writes ``hutch.yaml`` for the world; keywords are blocks of the service that stand instead."""

    def write(**blocks: object) -> Path:
        secrets = {"READER": "reader_url", "OPERATOR": "operator_url", "PLATFORM": "token"}
        for name, key in secrets.items():
            monkeypatch.setenv(name, world.ready[key])
        monkeypatch.setenv("CANARY_PASSWORD", CANARY["password"])
        monkeypatch.setenv("CANARY_TOKEN", world.api_token())
        monkeypatch.setenv("CANARY_SESSION", world.log_in())
        monkeypatch.setenv("HUTCH_ACTOR", "mara")
        access = {"url": world.ready["app_url"], "email": CANARY["email"]}
        access |= {name: {"env": f"CANARY_{name.upper()}"} for name in ("password", "token", "session")}
        service = {
            "audit": {"url": {"env": "READER"}, "operator_url": {"env": "OPERATOR"}},
            "local": {"url": world.ready["api_url"], "token": {"env": "PLATFORM"}},
            "access": access,
        }
        kept = {name: block for name, block in {**service, **blocks}.items() if block}
        (tmp_path / "hutch.yaml").write_text(yaml.safe_dump({"mode": "act", "services": {"rolerabbit": kept}}))
        monkeypatch.chdir(tmp_path)
        return tmp_path

    return write
