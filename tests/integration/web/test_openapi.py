"""Schemathesis against the API's own OpenAPI document: whatever is sent, no answer says that the server failed."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from hutch.bootstrap.wire import open_context
from hutch.web.server import listen, serving

SCHEMATHESIS = str(Path(sys.executable).with_name("schemathesis"))
EXAMPLES = 4
"""Of each operation and phase; `make slow` tries many more."""


async def attack(folder: Path, examples: int, seconds: int) -> tuple[int, str, dict[str, object]]:
    (folder / "hutch.yaml").write_text("mode: observe\ndiagnose_every: 0s\nservices: {shop: {}}\n")
    context = open_context(folder / "hutch.yaml")
    listener = listen(0)
    async with serving(context, listener), aiohttp.ClientSession() as client:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with client.get(f"{address}/api/v1/openapi.json") as answer:
            schema = json.loads(await answer.text())
        words = [
            SCHEMATHESIS, "run", f"{address}/api/v1/openapi.json", "--checks", "not_a_server_error", "--seed", "7",
            "--max-examples", str(examples), "--max-time", str(seconds), "--request-timeout", "20", "--warnings", "off",
            "--suppress-health-check", "all", "--no-shrink", "--phases", "examples,coverage,fuzzing",
        ]  # fmt: skip
        done = await asyncio.to_thread(
            subprocess.run, words, capture_output=True, text=True, timeout=seconds + 120, cwd=folder,
            env={"PATH": "/usr/bin:/bin", "NO_COLOR": "1", "HOME": str(folder)},
        )  # fmt: skip
        async with client.get(f"{address}/api/v1/services") as answer:
            assert answer.status == 200  # it is still up
    await context.close()
    return done.returncode, done.stdout + done.stderr, schema


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
