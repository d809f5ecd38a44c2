"""Schemathesis against the API's own OpenAPI document: whatever is sent, no answer says that the server failed."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from guarded import guarded
from hutch.bootstrap.wire import open_context
from hutch.model.access import ALLOWED, AccessRole, Permission
from hutch.web.doors import DOORS, find
from hutch.web.server import listen, serving

SCHEMATHESIS = str(Path(sys.executable).with_name("schemathesis"))
EXAMPLES = 4
"""Of each operation and phase; `make slow` tries many more."""


def words_for(address: str, examples: int, seconds: int, *more: str) -> list[str]:
    return [
        SCHEMATHESIS, "run", f"{address}/api/v1/openapi.json", "--checks", "not_a_server_error", "--seed", "7",
        "--max-examples", str(examples), "--max-time", str(seconds), "--request-timeout", "20", "--warnings", "off",
        "--suppress-health-check", "all", "--no-shrink", "--phases", "examples,coverage,fuzzing", *more,
    ]  # fmt: skip


async def tried(folder: Path, words: list[str], seconds: int) -> tuple[int, str]:
    env = {"PATH": "/usr/bin:/bin", "NO_COLOR": "1", "HOME": str(folder)}
    done = await asyncio.to_thread(
        subprocess.run, words, capture_output=True, text=True, timeout=seconds + 120, cwd=folder, env=env
    )
    return done.returncode, done.stdout + done.stderr


async def attack(folder: Path, examples: int, seconds: int) -> tuple[int, str, dict[str, object]]:
    (folder / "hutch.yaml").write_text("mode: observe\ndiagnose_every: 0s\nservices: {shop: {}}\n")
    context = open_context(folder / "hutch.yaml")
    listener = listen(0)
    async with serving(context, listener), aiohttp.ClientSession() as client:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with client.get(f"{address}/api/v1/openapi.json") as answer:
            schema = json.loads(await answer.text())
        code, said = await tried(folder, words_for(address, examples, seconds), seconds)
        async with client.get(f"{address}/api/v1/services") as answer:
            assert answer.status == 200  # it is still up
    await context.close()
    return code, said, schema


def judge(code: int, said: str, schema: dict[str, object]) -> None:
    assert "Server error" not in said, said[-6000:]
    assert code == 0, said[-6000:]
    tested = re.search(r"(\d+) selected", said) or re.search(r"Operations:\s+(\d+)", said)
    assert tested and int(tested[1]) >= len(schema["paths"]), said[-3000:]  # type: ignore[arg-type]


@pytest.mark.timeout(240)
async def test_no_answer_says_that_the_server_failed(tmp_path: Path) -> None:
    judge(*await attack(tmp_path, EXAMPLES, 30))


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_no_answer_says_so_however_long_it_is_tried(tmp_path: Path) -> None:
    judge(*await attack(tmp_path, 200, 400))


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("role", list(AccessRole))
async def test_no_role_gets_more_than_its_own_whatever_is_sent(tmp_path: Path, role: AccessRole) -> None:
    async with guarded(tmp_path, "access: {api_rate: 1000000/minute}\n") as hutch:
        await hutch.account("ada", AccessRole.ADMIN)
        await hutch.account("eve", role)
        client = await hutch.token("eve")
        bearer = f"Authorization: {client.headers['Authorization']}"
        kept = ("-H", bearer, "--report", "har", "--report-har-path", str(tmp_path / "all.har"))
        code, said = await tried(tmp_path, words_for(hutch.address, EXAMPLES, 60, *kept), 60)
        assert code == 0 and "Server error" not in said, said[-6000:]
        events = [e for _, e in await hutch.context.store.tail(0) if e.actor == "eve"]
    entries = json.loads((tmp_path / "all.har").read_text())["log"]["entries"]
    met: dict[str, set[int]] = {}
    for entry in entries:
        if found := find(entry["request"]["method"], urlsplit(entry["request"]["url"]).path):
            met.setdefault(found.route, set()).add(entry["response"]["status"])
    done = {route for route, statuses in met.items() if any(200 <= one < 300 for one in statuses)}
    beyond = {route for route in done if DOORS[route].permission not in {*ALLOWED[role], Permission.OPEN}}
    assert not beyond and "GET /api/v1/services" in done, sorted(beyond)
    if role is AccessRole.VIEWER:
        assert {e.kind for e in events} <= {"access.refused", "token.made"}
        assert met["POST /api/v1/incidents"] <= {401, 403, 415}
    else:
        assert met["POST /api/v1/incidents"] - {401, 403, 415}, "their door is open to them"
