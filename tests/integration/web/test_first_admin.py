"""The command line's part: refusing to listen, the first admin's link, accounts and tokens made without a server."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from click.testing import CliRunner

from guarded import BROWSER, PASSWORD, Client
from hutch.cli.main import cli
from hutch.commands.errors import CommandError

HUTCH = [sys.executable, "-c", "import sys; from hutch.cli import main; main(sys.argv[1:])"]


def call(folder: Path, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "HUTCH_ACTOR": "tester"}
    return subprocess.run(
        [*HUTCH, *words], cwd=folder, input=given, capture_output=True, text=True, timeout=60, check=False, env=env
    )


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


def inside(folder: Path, *words: str, given: str = "") -> Done:
    """The same in this process: starting one for each of many calls takes long."""
    done = CliRunner().invoke(cli, ["--config", str(folder / "hutch.yaml"), *words], input=given)
    code = done.exception.code if isinstance(done.exception, CommandError) else done.exit_code
    return Done(code, done.stdout, done.stderr + str(done.exception or ""))


def configured(folder: Path, more: str = "") -> None:
    (folder / "hutch.yaml").write_text(f"diagnose_every: 0s\n{more}services: {{shop: {{}}}}\n")


@contextmanager
def served(folder: Path, said: int) -> Iterator[list[str]]:
    """The first lines that a server says."""
    process = subprocess.Popen([*HUTCH, "serve", "--port", "0"], cwd=folder, stderr=subprocess.PIPE, text=True)
    late = threading.Timer(60, process.kill)
    late.start()
    try:
        assert process.stderr
        lines = [process.stderr.readline() for _ in range(said)]
        yield lines
    finally:
        late.cancel()
        process.terminate()
        process.communicate(timeout=40)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", *(pytest.param(other, marks=pytest.mark.slow) for other in ("::", "192.0.2.7"))]
)
def test_beyond_loopback_it_refuses_to_listen_and_says_how(tmp_path: Path, host: str) -> None:
    configured(tmp_path)
    done = call(tmp_path, "serve", "--port", "0", "--host", host)
    assert done.returncode == 2
    for words in (f"refuses to listen on {host}", "access: {url: https://", "hutch user add", "one-time link"):
        assert words in done.stderr
    assert call(tmp_path, "user", "add", "ada", "--password-stdin", given=PASSWORD).returncode == 0
    assert call(tmp_path, "serve", "--port", "0", "--host", host).returncode == 2  # an account alone is no https


def test_an_address_beyond_loopback_has_to_be_https(tmp_path: Path) -> None:
    configured(tmp_path, "access: {url: 'http://hutch.example.com'}\n")
    done = call(tmp_path, "serve", "--port", "0")
    assert done.returncode == 2 and "it has to be https" in done.stderr and ":2:" in done.stderr


@pytest.mark.timeout(120)
@pytest.mark.usefixtures("on_store")
async def test_the_link_makes_one_admin_once(tmp_path: Path) -> None:
    configured(tmp_path, "access: {required: true}\n")
    with served(tmp_path, 2) as lines:
        link = re.search(r"(http://127\.0\.0\.1:\d+)(/first/[\w-]{43})\n", lines[1])
        assert link and "once, within 60 min" in lines[1]
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
            client, place = Client(link[1], http), link[2]
            assert (await client.get("/")).place.startswith("/sign-in")
            assert (await client.get("/first/" + "x" * 43)).status == 410
            given = {"name": "ada", "password": PASSWORD}
            assert "not the same" in (await client.form(place, place, **given, again="other")).text
            assert "12 to 256" in (await client.form(place, place, name="ada", password="short", again="short")).text
            token = re.search(r'name="token" value="([^"]+)"', (await client.get(place)).text)
            assert token
            made = await client.form(place, place, **given, again=PASSWORD)
            assert (made.status, made.place) == (303, "/")
            assert (await client.get("/people")).status == 200
            again = await client.ask("POST", place, BROWSER, data={"token": token[1], **given, "again": PASSWORD})
            assert again.status == 410
    found = json.loads(call(tmp_path, "user", "list", "--json").stdout)
    assert [(a["name"], a["role"]) for a in found] == [("ada", "admin")]


@pytest.mark.usefixtures("on_store")
def test_accounts_and_tokens_by_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(tmp_path)
    monkeypatch.setenv("HUTCH_ACTOR", "tester")
    shown = []
    for words, given in (
        (("user", "add", "ada", "--role", "admin", "--password-stdin"), PASSWORD),
        (("user", "add", "bob"), ""),
        (("user", "add", "bob", "--password-stdin"), "short"),
        (("user", "add", "bob", "--role", "responder", "--password-stdin"), PASSWORD),
        (("user", "role", "bob", "commander", "--service", "shop"), ""),
        (("user", "role", "bob", "viewer", "--service", "nowhere"), ""),
        (("user", "disable", "ada"), ""),
        (("user", "reset", "bob", "--password-stdin"), "another good password"),
        (("token", "create", "hook", "--user", "bob", "--scope", "administer"), ""),
    ):
        done = inside(tmp_path, *words, given=given)
        shown.append((done.returncode, done.stderr.strip().splitlines()[-1:] if done.returncode else []))
        assert given not in done.stdout + done.stderr or not given
    codes = [code for code, _ in shown]
    assert codes == [0, 2, 2, 0, 0, 2, 1, 0, 2], shown
    made = inside(tmp_path, "token", "create", "hook", "--user", "bob", "--scope", "read")
    assert re.fullmatch(r"hutch_[0-9a-f]{8}_[\w-]{43}\n", made.stdout)
    listed = inside(tmp_path, "token", "list").stdout
    assert "hook" in listed and made.stdout.strip() not in listed
    assert inside(tmp_path, "token", "revoke", made.stdout.split("_")[1]).returncode == 0
    told = json.loads(inside(tmp_path, "audit", "--json").stdout)
    assert {e["actor"] for e in told} == {"tester"}
    assert [e["kind"] for e in told][::-1] == [
        "account.added", "account.added", "account.changed", "password.set", "token.made", "token.revoked",
    ]  # fmt: skip
    assert PASSWORD not in json.dumps(told) and inside(tmp_path, "verify").returncode == 0
