"""Two servers of one store, as real processes: what guards an account is counted once, whichever is asked."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import aiohttp
import pytest

from guarded import PASSWORD, Client
from stores import DURABLE

HUTCH = [sys.executable, "-c", "import sys; from hutch.cli import main; main(sys.argv[1:])"]
WRONG = "wrong wrong wrong"


@contextmanager
def served(folder: Path, env: dict[str, str]) -> Iterator[Iterator[str]]:
    """The server's address, once it is asked for: several start at the same moment."""
    process = subprocess.Popen([*HUTCH, "serve", "--port", "0"], cwd=folder, env=env, stderr=subprocess.PIPE, text=True)
    late = threading.Timer(90, process.kill)
    late.start()

    def said() -> Iterator[str]:
        assert process.stderr
        while line := process.stderr.readline():
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                yield found[0]

    try:
        yield said()
    finally:
        late.cancel()
        process.terminate()
        process.communicate(timeout=40)


@pytest.fixture(params=DURABLE)
def two(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The addresses of two servers of one new store, started at once, with the account ``ada``."""
    (tmp_path / "hutch.yaml").write_text(
        "diagnose_every: 0s\naccess: {required: true, sign_in_rate: 14/minute}\nservices: {shop: {}}\n"
    )
    env = {**os.environ, "HUTCH_ACTOR": "tester"}
    if request.param == "postgres":
        env["HUTCH_DATABASE_URL"] = request.getfixturevalue("database_url")
    with ExitStack() as stack:
        one, other = (stack.enter_context(served(tmp_path, env)) for _ in range(2))
        addresses = next(one), next(other)
        words = [*HUTCH, "user", "add", "ada", "--role", "admin", "--password-stdin"]
        subprocess.run(words, cwd=tmp_path, env=env, input=PASSWORD, text=True, check=True, timeout=60)
        yield addresses


@pytest.mark.timeout(240)
async def test_tries_at_one_server_count_at_the_other(two: tuple[str, str]) -> None:
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http,
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as apart,
    ):
        one, other = Client(two[0], http), Client(two[1], apart)

        async def tried(client: Client, name: str, password: str) -> tuple[int, str]:
            answer = await client.form("/sign-in", "/sign-in", name=name, password=password)
            found = re.search(r'role="alert">([^<]+)<', answer.text)
            return answer.status, found[1] if found else ""

        assert (await tried(one, "ada", PASSWORD))[0] == 303
        cookie = next(c.value for c in http.cookie_jar if c.key == "hutch-session")
        other.cookie(cookie)
        assert (await other.get("/account")).status == 200  # one session, both servers
        assert (await one.form("/account", "/sign-out")).status == 303
        assert (await other.get("/account")).place.startswith("/sign-in")  # and its end

        for client in (one, other, one, other, one):
            assert (await tried(client, "ada", WRONG))[0] == 401
        for client in (one, other):
            status, said = await tried(client, "ada", PASSWORD)
            assert status == 401 and "Too many wrong passwords: try again in" in said

        found = [(await tried((one, other)[n % 2], f"u{n}", WRONG))[0] for n in range(8)]
        assert found == [401] * 6 + [429] * 2, "fourteen in all, wherever they are tried"

        codes = []
        for number in range(22):
            given = {"Authorization": f"Bearer hutch_{number:043}"}
            codes.append((await (one, other)[number % 2].ask("GET", "/api/v1/services", given)).status)
        assert codes == [401] * 20 + [429] * 2
